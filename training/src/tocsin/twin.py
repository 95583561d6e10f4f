# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The twin: the device's pipeline on the desk, ring → features → score → decision, all of it the device's C.

:class:`Twin` streams, as a device does; :class:`Scorer` and :func:`score_clip` take whole arrays. Both give the
same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tocsin import _core
from tocsin.bundle import Bundle, network_of
from tocsin.errors import DataError, TocsinError
from tocsin.features import Extractor, as_samples
from tocsin.health import Change
from tocsin.tflite.interpreter import Int8Interpreter

__all__ = ["Event", "Gap", "Scorer", "Twin", "Window", "score_clip"]


@dataclass(frozen=True)
class Window:
    """A scored window: samples `begin` to `end` - 1; `smoothed` is NaN until the smoothing is full."""

    begin: int
    end: int
    score: float
    smoothed: float


@dataclass(frozen=True)
class Event:
    """An alarm begins or ends; `begin`, `end` (samples) and `peak` (smoothed score) as in ``tocsin/decide.h``."""

    kind: Literal["begin", "end"]
    begin: int
    end: int
    peak: float


@dataclass(frozen=True)
class Gap:
    """A hole in the samples: `count` are missing from `index` on."""

    index: int
    count: int


class Scorer:
    """Score feature vectors with a bundle's model, normalisation included.

    Not thread-safe: use one for each thread.

    Parameters
    ----------
    bundle : Bundle
        The detector.

    Raises
    ------
    ModelError
        Where the bundle's network cannot be run here.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._native = _core.Scorer(bundle.native)
        self._dim = bundle.native.dim
        self._network = _network(bundle)

    def score(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Anomaly scores, greater is stranger.

        Parameters
        ----------
        vectors : ndarray of float32, shape (n, dim)
            From :meth:`tocsin.features.Extractor.vectors`.

        Returns
        -------
        ndarray of float32, shape (n,)

        Raises
        ------
        DataError
            Where the type or shape is another one, or a vector holds NaN or infinity.
        """
        array = np.asarray(vectors)
        if array.dtype != np.float32 or array.ndim != 2 or array.shape[1] != self._dim:
            raise DataError(
                f"vectors are {array.dtype} of shape {array.shape}, expected float32 of shape (n, {self._dim}): "
                "extract them with the bundle's own features"
            )
        array = np.ascontiguousarray(array)
        try:
            if self._network is None:
                return self._native.score(array)
            x, inputs = self._native.begin(array)
            return self._native.end(x, self._network.run(inputs))
        except ValueError as error:
            raise DataError(f"{error}: leave such windows out") from error


class Twin:
    """The device's pipeline, fed sample by sample.

    Not thread-safe: use one for each thread. Results do not depend on how the samples are cut into pieces.

    Parameters
    ----------
    bundle : Bundle
        The detector.
    block : int, default 256
        Samples that the source delivers at a time.
    ring_capacity : int, optional
        Samples that the ring holds, a power of two; by default the least that holds two frames and two blocks.
    keep_vectors : bool, default False
        Collect the windows' feature vectors in :attr:`vectors`.

    Raises
    ------
    TocsinError
        Where the ring cannot hold a frame and a block.
    ModelError
        Where the bundle's network cannot be run here.
    """

    def __init__(
        self, bundle: Bundle, *, block: int = 256, ring_capacity: int | None = None, keep_vectors: bool = False
    ) -> None:
        self.bundle = bundle
        self._channels = bundle.features.channels
        self._keep = keep_vectors
        self._vectors: list[NDArray[np.float32]] = []
        self._sensor = self._rules()
        self._changes: list[Change] = []
        self._untold = 0  # samples missing since the last one; the ring tells of a gap with the sample after it
        network = _network(bundle)
        self._infer = None if network is None else _Infer(network)
        frame = bundle.features.frame_length
        capacity = _power_of_two(2 * (frame + block)) if ring_capacity is None else ring_capacity
        if block < 1 or capacity & (capacity - 1) or not frame + block <= capacity <= 2**24:
            raise TocsinError(
                f"a ring of {capacity} samples cannot serve frames of {frame} in blocks of {block}: "
                "its capacity is a power of two, at most 2^24, that holds a frame and a block"
            )
        self._native = _core.Pipeline(
            bundle.native,
            block=block,
            capacity=capacity,
            keep_vectors=keep_vectors,
            infer=self._infer,
        )

    @property
    def active(self) -> bool:
        """Whether an alarm is on."""
        return self._native.active

    @property
    def condition(self) -> str:
        """How the device would call its sensor: OK, STUCK or SATURATED. A score of a sick sensor says nothing."""
        return self._sensor.condition

    @property
    def sensor_changes(self) -> list[Change]:
        """When the sensor's condition changed, as the device tells it, so far."""
        return list(self._changes)

    @property
    def index(self) -> int:
        """Index of the next sample."""
        return self._native.index

    @property
    def unscored(self) -> int:
        """Windows whose vector is not finite; they count as the strangest, their score is that of float32's maximum."""
        return self._native.unscored

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The windows' feature vectors so far, shape (n, n_vector); empty unless `keep_vectors`."""
        if not self._vectors:
            return np.empty((0, self.bundle.features.n_vector), dtype=np.float32)
        return np.stack(self._vectors)

    def push(self, samples: NDArray[np.int16]) -> list[Window | Event | Gap]:
        """Take samples; give what comes of them, in order.

        Parameters
        ----------
        samples : ndarray of int16, shape (n,) or (n, channels)
            The next of the stream.

        Returns
        -------
        list of Window, Event and Gap
            An event follows the window in which it was decided, a gap comes before the windows after it.

        Raises
        ------
        DataError
            Where the samples are not int16 or have another number of channels; nothing is taken.
        ModelError
            Where the network failed. All samples are taken, the results of this call are lost.
        """
        frames = as_samples(samples, self._channels)
        if len(frames):
            self._untold = 0
        self._changes += [Change(*change) for change in self._sensor.push(self.index, frames)]  # type: ignore[arg-type]
        return self._results(self._native.push(frames))

    def skip(self, count: int) -> list[Window | Event | Gap]:
        """Say that the source lost `count` samples here; give what comes of it."""
        if count < 0:
            raise DataError(f"{count} samples cannot be missing: count from 0")
        self._untold += count
        return self._results(self._native.skip(count))

    def finish(self) -> list[Window | Event | Gap]:
        """End of the recording: give what is still to come, a gap at the very end among it.

        An alarm that is on stays on, see :attr:`active`: a recording's end is not the machine's recovery. To go
        on with another recording, :meth:`reset`. A loss after the last sample is not told, as on a device.
        """
        results = self.skip(0)
        if self._untold:
            results.append(Gap(self.index - self._untold, self._untold))
            self._untold = 0
        return results

    def reset(self) -> None:
        """Start again at sample 0, with nothing in the ring, no smoothing and no alarm."""
        self._native.reset()
        self._vectors.clear()
        self._sensor = self._rules()
        self._changes.clear()
        self._untold = 0

    def _rules(self) -> _core.Health:
        return _core.Health(channels=self._channels, sample_rate=self.bundle.features.sample_rate)

    def _results(self, found: list[tuple[object, ...]]) -> list[Window | Event | Gap]:
        results: list[Window | Event | Gap] = []
        for kind, *rest in found:
            if kind == "window":
                *fields, vector = rest
                results.append(Window(*fields))  # type: ignore[arg-type]
                if self._keep:
                    self._vectors.append(vector)  # type: ignore[arg-type]
            elif kind == "gap":
                results.append(Gap(*rest))  # type: ignore[arg-type]
            else:
                results.append(Event(kind, *rest))  # type: ignore[arg-type]
        return results


class _Infer:
    """The network as the C code calls it: bytes in, bytes out."""

    def __init__(self, network: Int8Interpreter) -> None:
        self._network = network

    def __call__(self, inputs: bytes) -> bytes:
        return self._network.run(np.frombuffer(inputs, dtype=np.int8)[np.newaxis]).tobytes()


def score_clip(
    bundle: Bundle,
    samples: NDArray[np.int16],
    *,
    extractor: Extractor | None = None,
    scorer: Scorer | None = None,
) -> float:
    """Score of a whole recording: the mean of its windows' scores.

    Parameters
    ----------
    bundle : Bundle
        The detector.
    samples : ndarray of int16, shape (n,) or (n, channels)
        The recording.
    extractor : Extractor, optional
        To use again for many recordings.
    scorer : Scorer, optional
        To use again for many recordings.

    Returns
    -------
    float

    Raises
    ------
    DataError
        Where the recording is shorter than a window, or not what the bundle's features take.
    """
    vectors, _ = (extractor or Extractor(bundle.features)).vectors(samples)
    if not len(vectors):
        raise DataError(
            f"the recording has {len(samples)} samples, a window spans {bundle.features.window_span}: "
            "record longer, or train with a shorter window"
        )
    return float((scorer or Scorer(bundle)).score(vectors).mean(dtype=np.float64))


def _network(bundle: Bundle) -> Int8Interpreter | None:
    network = network_of(bundle.model)
    return None if network is None else Int8Interpreter(network.tflite, network.arena_size)


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()
