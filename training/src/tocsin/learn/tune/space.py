# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What is tried: front ends, kinds of models and their sizes, and which of them a device cannot hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ...bundle import Bundle
from ...bundle.cost import Cost, feature_ram, frame_instructions, measure_cost
from ...features import FeatureConfig
from ...features.frontend import FrontEnd
from ..models import autoencoder, embedding
from ..options import TrainOptions
from ..train import FRAME_BY_FRAME, is_stacked, kinds_of

if TYPE_CHECKING:
    from optuna.trial import Trial

MEMBERS = ("neighbours,gmm", "neighbours,mahalanobis", "neighbours,autoencoder", "kmeans,gmm")
"""Combinations that are tried."""


@dataclass(frozen=True)
class Budget:
    """What the device has for a detector; None: as much as it takes.

    Attributes
    ----------
    flash
        Bytes of the bundle.
    ram
        Bytes of working memory, see :class:`tocsin.bundle.cost.Cost`.
    instructions
        A second of samples.
    """

    flash: int | None = None
    ram: int | None = None
    instructions: float | None = None

    def excess(self, cost: Cost) -> str:
        """What of `cost` is too much, in words; empty where it fits."""
        for name, need, limit in (
            ("bytes of flash", cost.flash, self.flash),
            ("bytes of RAM", cost.ram, self.ram),
            ("instructions a second", cost.instructions, self.instructions),
        ):
            if limit is not None and need > limit:
                return f"{need:,.0f} {name}"
        return ""


@dataclass(frozen=True)
class Recordings:
    """What candidates must fit.

    Attributes
    ----------
    sensor
        ``"audio"`` or ``"vibration"``.
    rate
        Samples a second, Hz.
    samples
        Length of a usual recording; no window that is tried is longer.
    fitted
        Least number of recordings that a candidate is fitted to; no candidate has more clusters than windows of these,
        and none more components than half of that.
    """

    sensor: str
    rate: int
    samples: int
    fitted: int = 1 << 20

    @property
    def windows(self) -> int:
        """Least number of windows that a candidate is fitted to: one a recording, or one in so many seconds."""
        seconds = 8 if self.sensor == "audio" else 1
        return max(2, self.fitted * max(1, self.samples // (seconds * self.rate)))

    def frames(self, n_fft: int, hop: int) -> int:
        """Most frames of a window that a recording holds, at least 1."""
        return max(1, (self.samples - n_fft) // hop + 1)


def suggest(trial: Trial, kinds: Sequence[str], fits: Recordings, base: TrainOptions) -> TrainOptions:
    """Options for a trial: `base` with what is searched replaced; features that `base` gives are kept."""
    sensor = fits.sensor
    given = {name: value for name, value in vars(base.front_end).items() if value is not None}
    kind = trial.suggest_categorical("kind", list(kinds))
    chosen: dict[str, Any] = {"kind": kind}
    if kind == "combined":
        chosen["members"] = tuple(trial.suggest_categorical("members", list(MEMBERS)).split(","))
        chosen["combine"] = trial.suggest_categorical("combine", ["sum", "max"])
    own = set(chosen.get("members", (kind,)))
    # An autoencoder has frames in a row, or powers averaged over a window.
    average = given.get("average")
    powers = average == "power"
    if kind == "autoencoder" and sensor == "audio" and average is None:
        powers = trial.suggest_categorical("averaged", [False, True])
    stacked = not powers and is_stacked(replace(base, **chosen)) and (sensor == "audio" or kind in FRAME_BY_FRAME)
    front = _vibration(trial, stacked) if sensor == "vibration" else _audio(trial, stacked, kind, powers, given, fits)
    front = replace(front, **given)
    if own & {"kmeans", "gmm"}:
        most = fits.windows // 2 if "gmm" in own else fits.windows
        chosen["clusters"] = min(trial.suggest_int("clusters", 1, 64, log=True), most)
    if kind == "gmm":
        chosen["covariance"] = trial.suggest_categorical("gmm_covariance", ["diagonal", "full"])
    if kind == "mahalanobis":
        chosen["covariance"] = trial.suggest_categorical("covariance", ["full", "diagonal"])
    if "neighbours" in own:
        chosen["references"] = trial.suggest_int("references", 32, 1024, log=True)
        chosen["shrinkage"] = trial.suggest_categorical("shrinkage", [0.0, 0.1, 0.3, 0.5, 1.0])
    if own & {"autoencoder", "idnn"}:
        wide = trial.suggest_categorical("wide", [32, 64, 128, 192])
        neck = trial.suggest_int("neck", 2, 32, log=True)
        deep = trial.suggest_int("deep", 1, 3)
        side = (wide,) * deep
        chosen["hidden"] = (*side, neck, *side)
    if kind in ("autoencoder", "idnn", "conv"):
        # "none" is the mean square of the residual.
        head = trial.suggest_categorical("head", ["none", "mahalanobis", "kmeans"])
        chosen["head"] = None if head == "none" else head
    if kind == "embedding":
        chosen["hidden"] = (trial.suggest_categorical("embedding_wide", [32, 64, 128]), 64)
        chosen["head"] = trial.suggest_categorical("embedding_head", ["neighbours", "mahalanobis", "kmeans"])
    return replace(base, front_end=front, **chosen)


def _audio(trial: Trial, stacked: bool, kind: str, powers: bool, given: dict[str, Any], fits: Recordings) -> FrontEnd:
    # A middle frame and its neighbours are three, which overlap by half: twice the FFT.
    lengths = [n for n in (512, 1024, 2048, 4096) if 2 * n <= fits.samples] or [512]
    # Others follow from these two.
    n_fft = given.get("n_fft") or trial.suggest_categorical("n_fft", lengths)
    hop = given.get("hop") or n_fft // trial.suggest_categorical("overlap", [1, 2])
    bands = trial.suggest_categorical("bands", [24, 32, 48, 64, 96, 128])
    if stacked:
        # A network that predicts the middle frame needs an odd number of them.
        odd = kind == "idnn"
        frames = trial.suggest_categorical("odd_stack", [3, 5, 7]) if odd else trial.suggest_int("stack", 1, 8)
        if fits.frames(n_fft, hop) < 3 and "hop" not in given:
            hop = n_fft // 2
        most = fits.frames(n_fft, hop)
        frames = min(frames, most - (odd and most % 2 == 0))
        return FrontEnd(n_fft=n_fft, hop=hop, bands=bands, window_frames=frames, window_hop=max(1, frames // 2))
    spacing: Any = trial.suggest_categorical("audio_spacing", ["mel", "linear"])
    average: Any = "power" if powers else trial.suggest_categorical("average", ["decibel", "power"])
    pool: tuple[Any, ...] = ("mean",)
    if average == "decibel" and kind in ("kmeans", "gmm", "mahalanobis"):
        pool = tuple(trial.suggest_categorical("pool", ["mean", "mean,std", "max", "mean,max"]).split(","))
    front = FrontEnd(n_fft=n_fft, hop=hop, bands=bands, spacing=spacing, average=average, pool=pool)
    if "window_frames" in given:
        return front
    # A window is a multiple of its moves; about 0.5 to 8 s.
    seconds = [s for s in (0.5, 1.0, 2.0, 4.0, 8.0) if s * fits.rate <= fits.samples] or [fits.samples / fits.rate]
    length = trial.suggest_categorical("window_s", seconds) * fits.rate / hop
    most = fits.frames(n_fft, hop)
    step = given.get("window_hop") or max(1, round(length / trial.suggest_categorical("moves", [2, 4])))
    step = min(step, most) if "window_hop" not in given else step
    return replace(front, window_frames=step * max(1, min(round(length / step), most // step)), window_hop=step)


def _vibration(trial: Trial, stacked: bool) -> FrontEnd:
    bands = trial.suggest_categorical("bands", [4, 8, 16, 24, 32, 48])
    spacing: Any = trial.suggest_categorical("spacing", ["log", "linear"])
    if stacked:
        return FrontEnd(bands=bands, spacing=spacing)
    pool: tuple[Any, ...] = tuple(trial.suggest_categorical("pool", ["mean", "mean,std", "max", "mean,max"]).split(","))
    return FrontEnd(bands=bands, spacing=spacing, pool=pool)


def least_cost(features: FeatureConfig, options: TrainOptions) -> Cost:
    """What a detector takes at least, before it is trained: tables, the parameters of kinds that are known, features.

    The true cost is that of the bundle, see :func:`tocsin.bundle.cost.measure_cost`.
    """
    dim = features.n_vector
    window, sine, layout, weights = features.tables()
    flash = window.nbytes + sine.nbytes + layout.nbytes + weights.nbytes + 8 * dim
    instructions = features.sample_rate * frame_instructions(features) / features.hop
    # The parameters of heads are left out.
    for kind in kinds_of(options):
        parameters, products = _least_size(kind, features, options)
        flash += parameters
        instructions += products * features.sample_rate / features.window_step
    return Cost(flash, 0, feature_ram(features), instructions)


def _least_size(kind: str, features: FeatureConfig, options: TrainOptions) -> tuple[int, int]:
    """Bytes of a kind's parameters at least, and products a window of a network."""
    dim = features.n_vector
    triangle = dim * (dim + 1) // 2
    if kind in ("kmeans", "gmm", "mahalanobis"):
        full = (options.covariance or ("full" if kind == "mahalanobis" else "diagonal")) == "full"
        each = dim if kind == "kmeans" else dim + (triangle if full else dim)
        return 4 * each * (1 if kind == "mahalanobis" else options.clusters or 1), 0
    if kind == "neighbours":
        return 4 * triangle, 0
    if kind in ("autoencoder", "idnn", "embedding"):
        hidden = options.hidden or (embedding.HIDDEN if kind == "embedding" else autoencoder.default_hidden(dim))
        outputs = dim // features.window_frames if kind == "idnn" else 1 if kind == "embedding" else dim
        inputs = dim - outputs if kind == "idnn" else dim
        products = sum(a * b for a, b in pairwise((inputs, *hidden, outputs)))
        return products, products
    # Of the convolutional network, its decoder's last layer alone.
    return autoencoder.DECODER * dim, autoencoder.DECODER * dim


def true_cost(bundles: Sequence[Bundle]) -> Cost:
    """Cost of a candidate by the bundles of its folds: the greatest of each."""
    costs = [measure_cost(bundle) for bundle in bundles]
    return Cost(
        max(c.flash for c in costs), max(c.arena for c in costs), max(c.ram for c in costs),
        max(c.instructions for c in costs),
    )  # fmt: skip
