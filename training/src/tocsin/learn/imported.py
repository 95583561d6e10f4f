# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A bundle of a network that was trained elsewhere: its threshold, and its head where it needs one, from data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..alarm.threshold import parse_rate
from ..bundle import AutoencoderModel, NetworkModel, Normalisation, Use
from ..bundle.cost import measure_cost
from ..data import Dataset
from ..errors import ModelError, reason
from ..features import FeatureConfig
from ..features.frontend import FrontEnd
from ..tflite.check import check_network
from ..tflite.interpreter import measure_arena, model_io
from .models import exact, heads
from .models.fit import Fitted, Material, Progress, _neighbours, _some, count_of, int8_features
from .models.network import Array
from .options import TrainOptions
from .train import Given, Trained, silent, train
from .train import Progress as TrainProgress

# Share of the values beyond the ends of the network's int8 input from which the normalisation is in doubt: with ours,
# two in ten thousand are.
CLAMPED_MAX = 0.02
_BANDS_MAX = 128


@dataclass(frozen=True)
class Imported:
    """A network that the firmware can run.

    Attributes
    ----------
    name
        Of the file.
    tflite
        The flatbuffer.
    inputs, outputs
        Values at its ends.
    arena_size
        Bytes of tensor arena, measured.
    needs
        Kconfig options that the firmware needs besides its defaults.
    """

    name: str
    tflite: bytes
    inputs: int
    outputs: int
    arena_size: int
    needs: tuple[str, ...]


def read_network(model: Path | bytes) -> Imported:
    """Read and check a network.

    Raises
    ------
    ModelError
        The file cannot be read, or a device cannot run the network.
    """
    name = "the model" if isinstance(model, bytes) else model.name
    try:
        tflite = model if isinstance(model, bytes) else model.read_bytes()
    except OSError as error:
        raise ModelError(f"{model!s}: cannot be read: {reason(error)}") from error
    try:
        needs = check_network(tflite)
        # In a process of its own: TensorFlow Lite Micro ends the process where a network misleads it.
        arena = measure_arena(tflite)
        io = model_io(tflite)
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from error
    return Imported(name, tflite, io.inputs, io.outputs, arena, tuple(needs))


def check_fit(network: Imported, features: FeatureConfig) -> None:
    """Refuse a network whose input is not as long as a vector of `features`.

    Raises
    ------
    ModelError
        It is not; the message names options that would fit.
    """
    if network.inputs == features.n_vector:
        return
    fitting = list(_fitting(network.inputs, features))
    advice = f"Give {', or '.join(fitting)}." if fitting else "No features have as many: retrain it with another input."
    raise ModelError(
        f"{network.name} takes {network.inputs} values, a vector of these features has {features.n_vector}"
        f" ({', '.join(features.pool)} over {features.window_frames} frames of {features.n_features} values). {advice}"
    )


def _fitting(inputs: int, features: FeatureConfig) -> Iterator[str]:
    """Options with which a vector has so many values, the likeliest first."""
    each = features.channels  # bands and statistics are computed for each
    extra = len(features.stats)

    def bands(values: int) -> int | None:
        count, rest = divmod(values, each)
        return count - extra if not rest and 1 <= count - extra <= _BANDS_MAX else None

    if not inputs % features.n_features:
        frames = inputs // features.n_features
        if frames == 1:
            yield "--pool mean"
        elif frames <= 1024:
            yield f"--pool stack --window-frames {frames}"
    for frames in (features.window_frames, 5, 4, 8, 10, 16, 32, 2):
        if not inputs % frames and (found := bands(inputs // frames)) and found >= 8 and found != len(features.bands):
            yield f"--pool stack --window-frames {frames} --mels {found}"
            break
    if (found := bands(inputs)) is not None and found != len(features.bands):
        yield f"--pool mean --mels {found}"


@dataclass(frozen=True)
class _Fit:
    """Takes the place of fitting: the network as it is, and a head where one is wanted."""

    network: Imported
    use: str
    chosen: Normalisation | str

    def __call__(self, material: Material, options: TrainOptions, progress: Progress) -> Fitted:
        """Check the network by the recordings, and fit its head."""
        network, embeds = self.network, self.use == "embed"
        use: Use = "embed" if embeds else "reconstruct"
        self._check_range(material.x)
        details: dict[str, Any] = {
            "imported": network.name,
            "digest": hashlib.blake2b(network.tflite, digest_size=12).hexdigest(),
            "use": use,
        }

        def seen(x: Array) -> Array:
            return int8_features(network.tflite, x, use, 0, network.outputs)

        if not embeds:
            details["reconstruction"] = _errors(material.x, seen)
        if options.head is None:
            model = AutoencoderModel.from_tflite(network.tflite, arena_size=network.arena_size)
            return Fitted(model, details, lambda x: (seen(x).astype(np.float64) ** 2).mean(axis=1))

        parts = 1 if embeds else material.frames
        rows = _some(len(material.x), options.seed)
        e = exact.folded(seen(material.x[rows]), parts).astype(np.float64)
        with progress("fitting", 1) as step:
            head = heads.fit_head(
                options.head, e, [material.conditions[i] for i in rows], [material.groups[i] for i in rows],
                clusters=count_of(options, material.sensor), neighbours=_neighbours(options), seed=options.seed,
            )  # fmt: skip
            step("")
        headed = NetworkModel.from_tflite(
            network.tflite, use=use, dim=material.x.shape[1], fold=parts, head=heads.device_head(head),
            arena_size=network.arena_size,
        )  # fmt: skip
        score = exact.score_of(head)
        return Fitted(headed, {"head": options.head, **details}, lambda x: score(exact.folded(seen(x), parts)))

    def _check_range(self, x: Array) -> None:
        low, high = model_io(self.network.tflite).range
        share = float(((x < low) | (x > high)).mean())
        if share > CLAMPED_MAX:
            other = "none" if self.chosen == "data" else "data"
            raise ModelError(
                f"{100 * share:.0f} % of the values lie beyond the network's input, {low:.3g} to {high:.3g}; the"
                f" vectors lie from {x.min():.3g} to {x.max():.3g}. Was it trained with other features or another"
                f" normalisation? Try --normalisation {other}, or give its own means and deviations as a file."
            )


def _errors(x: Array, seen: Callable[[Array], Array]) -> dict[str, float]:
    """Mean squared error of a reconstruction, and how far the vectors themselves vary, of some of them."""
    some = x[_some(len(x), 0)[:1000]]
    return {"error": float((seen(some) ** 2).mean()), "variance": float(some.var(axis=0).mean())}


def _warnings(network: Imported, trained: Trained) -> Iterator[str]:
    """What the user should know of the network."""
    if network.needs:
        yield f"The firmware needs {', '.join(network.needs)} besides its defaults."
    found = trained.bundle.meta["model"].get("reconstruction")
    if found and found["error"] > found["variance"] + 1e-6:
        yield (
            f"{network.name} does not give again what it takes: its error is {found['error']:.3g}, the vectors"
            f" themselves vary by {found['variance']:.3g}. Check the features, their order (frame by frame) and"
            " --normalisation. Was it trained on this machine? For an embedding give --use embed."
        )


def import_network(
    model: Path | bytes,
    dataset: Dataset,
    *,
    features: FeatureConfig | FrontEnd | None = None,
    normalisation: Normalisation | str = "data",
    use: str | None = None,
    head: str | None = None,
    false_alarms: str = "1/day",
    output: Path | None = None,
    seed: int = 0,
    flash: int | None = None,
    ram: int | None = None,
    progress: TrainProgress = silent,
    **options: Any,
) -> Trained:
    """Make a bundle of a network; see :func:`tocsin.import_model`.

    `flash` and `ram` are the most bytes that the bundle and its working memory may take.
    """
    network = read_network(model)
    use = use or ("reconstruct" if network.inputs == network.outputs else "embed")
    if use not in ("reconstruct", "embed"):
        raise ModelError(f"There is no use {use!r} of a network. Choose reconstruct or embed.")
    if use == "reconstruct" and network.inputs != network.outputs:
        raise ModelError(
            f"{network.name} takes {network.inputs} values and gives {network.outputs}: it reconstructs nothing. Give"
            " --use embed."
        )
    if use == "embed":
        head = head or "neighbours"
    given = Given(
        features=features if isinstance(features, FeatureConfig) else None,
        fit=_Fit(network, use, normalisation),
        check=lambda found: check_fit(network, found),
        normalisation=_normalisation(normalisation, network.inputs),
    )
    chosen = TrainOptions(
        kind="embedding" if use == "embed" else "autoencoder",
        budget=parse_rate(false_alarms),
        front_end=_stacked(features if isinstance(features, FrontEnd) else FrontEnd()),
        head=head,
        seed=seed,
        **options,
    )
    trained = train(dataset, None, chosen, progress=progress, given=given)
    _check_cost(trained, flash, ram)
    trained = replace(trained, reach=(*trained.reach, *_warnings(network, trained)))
    if output is not None:
        from ..bundle.bundle import _replace_file

        _replace_file(output, trained.raw)
    return trained


def _stacked(choice: FrontEnd) -> FrontEnd:
    """Five frames in a row where the user does not say: what most such networks take."""
    if choice.pool is not None or choice.average == "power":
        return choice
    return replace(choice, pool=("stack",), window_frames=choice.window_frames or 5)


def _normalisation(chosen: Normalisation | str, dim: int) -> Normalisation | None:
    if isinstance(chosen, Normalisation):
        if chosen.mean.size != dim:
            raise ModelError(f"The normalisation has {chosen.mean.size} values, the network takes {dim}.")
        return chosen
    if chosen == "none":
        return Normalisation(np.zeros(dim, np.float32), np.ones(dim, np.float32))
    if chosen != "data":
        raise ModelError(f"There is no normalisation {chosen!r}. Choose data or none, or give means and deviations.")
    return None


def _check_cost(trained: Trained, flash: int | None, ram: int | None) -> None:
    cost = measure_cost(trained.bundle)
    for name, has, limit in (("flash", cost.flash, flash), ("RAM", cost.ram, ram)):
        if limit is not None and has > limit:
            raise ModelError(
                f"The bundle takes {has:,} bytes of {name}, {limit:,} are allowed. Take a smaller network."
            )
