# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Work over many recordings in threads, in order, holding few of them at a time."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from .bandwidth import check_reach
from .cache import Cache
from .clip import Clip, Issues
from .dataset import Dataset
from .health import SensorFaultError, require_sensor

if TYPE_CHECKING:
    from ..features import FeatureConfig

T = TypeVar("T")
R = TypeVar("R")

# 24 bits name a recording well enough: a stranger is taken for one of n with n/2^24.
DIGEST_SIZE = 3


@dataclass(frozen=True)
class Extracted:
    """Feature vectors of one recording.

    Attributes
    ----------
    clip
        The recording.
    vectors
        float32, shape (windows, values).
    digest
        Names the samples; see :func:`digest`.
    seconds
        Length of the recording.
    """

    clip: Clip
    vectors: npt.NDArray[np.float32]
    digest: bytes
    seconds: float


@dataclass(frozen=True)
class Kept:
    """As :class:`Extracted`, with the vectors in a :class:`Spool`; `windows` says how many."""

    clip: Clip
    digest: bytes
    seconds: float
    windows: int
    spool: Spool
    start: int

    @property
    def vectors(self) -> npt.NDArray[np.float32]:
        """float32, shape (windows, values); read anew each time."""
        return self.spool.read(self.start, self.windows)


class Spool:
    """Feature vectors of many recordings: in memory while they are few, else in a temporary file.

    For one thread at a time.
    """

    LIMIT = 64 << 20  # bytes

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=self.LIMIT, prefix="tocsin-")  # noqa: SIM115
        self._rows = 0
        self._width = 0

    def keep(self, item: Extracted) -> Kept:
        """Put a recording's vectors away; all have the same number of values."""
        vectors = np.ascontiguousarray(item.vectors, np.float32)
        self._width = vectors.shape[1]
        self._file.seek(0, os.SEEK_END)
        self._file.write(vectors.tobytes())
        start, self._rows = self._rows, self._rows + len(vectors)
        return Kept(item.clip, item.digest, item.seconds, len(vectors), self, start)

    def read(self, start: int, count: int) -> npt.NDArray[np.float32]:
        """Rows from `start`, shape (count, values)."""
        self._file.seek(4 * self._width * start)
        found = np.frombuffer(self._file.read(4 * self._width * count), np.float32)
        return found.reshape(count, self._width)


def digest(samples: npt.NDArray[np.int16]) -> bytes:
    """Name of a recording by its samples: 3 bytes of BLAKE2b over them as little-endian int16."""
    data = np.ascontiguousarray(samples, dtype="<i2").tobytes()
    return hashlib.blake2b(data, digest_size=DIGEST_SIZE).digest()


def digests(dataset: Dataset, clips: Sequence[Clip]) -> list[bytes]:
    """Names of recordings, see :func:`digest`; those that cannot be read are missing."""

    def work(clip: Clip) -> bytes | None:
        try:
            return digest(dataset.read(clip, Issues()))
        except DataError:
            return None

    return [found for found in in_threads(work, clips) if found is not None]


def processors() -> int:
    """Processors that this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def in_threads(work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """`work` on each of `items`, in order, by as many threads as there are processors.

    No more than twice as many results wait as there are threads, so memory stays bounded.
    """
    threads = processors()
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[R]] = deque()
        left = iter(items)
        try:
            for item in left:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def usable(
    results: Iterable[tuple[Clip, R | DataError]],
    *,
    total: int,
    issues: Issues,
    strict: bool,
) -> Iterator[R]:
    """Pass on the results, leave out the errors, and give up where they are too many.

    Raises
    ------
    DataError
        `strict` and a recording cannot be used, or more than half of `total` cannot.
    """
    bad = 0
    for clip, result in results:
        if not isinstance(result, DataError):
            yield result
            continue
        if strict:
            raise DataError(f"{clip.name}: {result}") from result
        issues.skip(clip.name, str(result))
        bad += 1
        # Told as soon as it is certain: no need to read a large set to its end.
        if 2 * bad > total:
            advice = result.advice if isinstance(result, SensorFaultError) else "Repair or remove them."
            raise DataError(
                f"{bad} of {total} recordings cannot be used, the last being {clip.name}: {result}. {advice}"
            )


def window_too_long(samples: int, config: FeatureConfig) -> DataError:
    """The error for a recording that is shorter than one window."""
    rate = config.sample_rate
    return DataError(f"{samples / rate:.3g} s is shorter than a window of {config.window_span / rate:.3g} s")


@dataclass(frozen=True)
class CachedDataset(Dataset):
    """A data set whose feature vectors :func:`extract` computes once, as long as the cache holds them."""

    vectors: Cache = field(default_factory=Cache, compare=False)

    def cached_vectors(self, clip: Clip, config: FeatureConfig) -> Extracted | None:
        """Give the vectors that were cached of a recording, or None."""
        found: Extracted | None = self.vectors.get((clip.name, config))
        # The same recording may be for training once and for testing the next time.
        return None if found is None else replace(found, clip=clip)

    def cache_vectors(self, config: FeatureConfig, item: Extracted) -> None:
        """Cache the vectors of a recording."""
        self.vectors.put((item.clip.name, config), item, item.vectors.nbytes)


def extract(
    dataset: Dataset,
    clips: Sequence[Clip],
    config: FeatureConfig,
    *,
    issues: Issues,
    strict: bool = False,
) -> Iterator[Extracted]:
    """Feature vectors of `clips`, computed by the C code in several threads.

    Recordings that cannot be used, or whose sensor did not work, are named in `issues` and left out. Of a
    :class:`CachedDataset`, vectors that it has cached are not computed again.

    Raises
    ------
    DataError
        `strict` and a recording cannot be used, or more than half cannot.
    """
    from ..features import Extractor

    local = threading.local()
    cached = dataset if isinstance(dataset, CachedDataset) else None

    def work(clip: Clip) -> tuple[Clip, Extracted | DataError]:
        known = cached.cached_vectors(clip, config) if cached is not None else None
        if known is not None:
            return clip, known
        if not hasattr(local, "extractor"):
            local.extractor = Extractor(config)
        try:
            check_reach(dataset, clip, config)
            samples = dataset.read(clip, issues)
            channels = 1 if samples.ndim == 1 else samples.shape[1]
            if channels != config.channels:
                return clip, DataError(f"has {channels} channels instead of {config.channels}")
            require_sensor(clip, samples, config.sample_rate, issues)
            vectors, _ = local.extractor.vectors(samples)
        except DataError as error:
            return clip, error
        if len(vectors) == 0:
            return clip, window_too_long(len(samples), config)
        seconds = len(samples) / config.sample_rate
        item = Extracted(clip, vectors, digest(samples), seconds)
        if cached is not None:
            cached.cache_vectors(config, item)
        return clip, item

    yield from usable(in_threads(work, clips), total=len(clips), issues=issues, strict=strict)
