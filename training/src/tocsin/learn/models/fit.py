# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Fit a model of any kind: its device's form, and its scores before quantisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...bundle import AutoencoderModel, CombinedModel, Member, Model, NetworkModel, Use
from ...errors import ModelError
from ..kinds import HEADED, KINDS, SHARING
from . import autoencoder, clusters, embedding, exact, heads, neighbours
from .network import Array, FloatNetwork, to_int8
from .training import Schedule

if TYPE_CHECKING:
    from ..options import TrainOptions

Progress = Callable[[str, int], AbstractContextManager[Callable[[str], None]]]

# Residuals or embeddings that a head is fitted to: the int8 network makes them one by one.
HEAD_VECTORS = 6000


@dataclass(frozen=True)
class Material:
    """What models are fitted to.

    Attributes
    ----------
    x, held
        Normalised vectors, shape (n, dim), to fit and to judge by.
    conditions, held_conditions
        Under what each was recorded.
    groups
        Domain, or machine, of each vector of `x`.
    frames
        That a vector stacks; 1 where it is pooled.
    slide
        Frames by which windows slide, where a device is to keep what a layer that they share made of the others; else
        0.
    sensor
        ``"audio"`` or ``"vibration"``.
    """

    x: Array
    held: Array
    conditions: Sequence[str]
    held_conditions: Sequence[str]
    groups: Sequence[str]
    frames: int
    slide: int
    sensor: str


@dataclass(frozen=True)
class Fitted:
    """A model for the device, what the record says of it, and the score that it rounds.

    Attributes
    ----------
    model
        For a bundle.
    details
        For the training record.
    exact
        Scores of normalised vectors before quantisation.
    rounded
        Whether quantisation makes a difference: kinds in float32 have none worth telling.
    """

    model: Model
    details: dict[str, Any]
    exact: exact.Score
    rounded: bool = False


def fit_model(material: Material, options: TrainOptions, progress: Progress) -> Fitted:
    """Fit the model of the kind asked for.

    Raises
    ------
    ModelError
        There is no such kind, or the vectors do not do for it.
    """
    if options.kind not in KINDS:
        raise ModelError(f"There is no model {options.kind}. Choose one of {', '.join(KINDS)}.")
    if options.head is not None and options.kind not in HEADED:
        raise ModelError(f"{options.kind} has no head: leave out --head, or choose one of {', '.join(HEADED)}.")
    if options.kind == "combined":
        return _combined(material, options, progress)
    if options.kind in HEADED:
        return _network(material, options, progress)
    with progress("fitting", 1) as step:
        fitted = _classical(material, options)
        step("")
    return fitted


def count_of(options: TrainOptions, sensor: str) -> int:
    """Clusters, by the options or the sensor."""
    return options.clusters or (8 if sensor == "vibration" else 16)


def _neighbours(options: TrainOptions) -> neighbours.NeighboursOptions:
    return neighbours.NeighboursOptions(
        references=options.references or neighbours.REFERENCES,
        shrinkage=neighbours.SHRINKAGE if options.shrinkage is None else options.shrinkage,
        seed=options.seed,
    )


def _classical(material: Material, options: TrainOptions) -> Fitted:
    wide = material.x.astype(np.float64)
    count = count_of(options, material.sensor)
    if options.kind == "kmeans":
        kmeans = clusters.fit_kmeans(wide, clusters=count, seed=options.seed)
        return Fitted(kmeans, {"clusters": len(kmeans.centroids)}, exact.score_of(kmeans))
    if options.kind == "gmm":
        shape = options.covariance or "diagonal"
        mixture = clusters.fit_gmm(wide, components=count, covariance=shape, seed=options.seed)
        return Fitted(mixture, {"components": count, "covariance": shape}, exact.score_of(mixture))
    if options.kind == "mahalanobis":
        shape = options.covariance or "full"
        gaussian = clusters.fit_mahalanobis(wide, covariance=shape)
        return Fitted(gaussian, {"covariance": shape}, exact.score_of(gaussian))
    chosen = _neighbours(options)
    references = neighbours.fit_references(wide, material.conditions, chosen)
    details = {"references": len(references.kept), "shrinkage": chosen.shrinkage}
    return Fitted(references.quantised(), details, exact.score_of(references), rounded=True)


def _network(material: Material, options: TrainOptions, progress: Progress) -> Fitted:
    """Train a network, quantise it, and fit its head where it has one."""
    schedule = Schedule(
        epochs=options.epochs,
        batch=options.batch,
        learning_rate=options.learning_rate,
        seed=options.seed,
        qat=options.qat,
    )
    x, held, dim = material.x, material.held, material.x.shape[1]
    kind, hidden = options.kind, options.hidden or _default_hidden(options.kind, dim)
    width = options.frame_layer if kind in SHARING else None
    head = options.head or ("neighbours" if kind == "embedding" else None)
    with progress("training", options.epochs) as step:

        def told(_: int, loss: float) -> None:
            step(f"validation {'loss' if kind == 'embedding' else 'error'} {loss:.4f}")

        network: autoencoder.Reconstruction | FloatNetwork
        if kind == "embedding":
            network = embedding.fit_embedding(
                x, material.conditions, held, material.held_conditions, hidden, schedule, progress=told
            )
        elif kind == "idnn":
            network = autoencoder.fit_interpolation(
                x, held, material.frames, hidden, schedule, frame_layer=width, progress=told
            )
        elif kind == "conv":
            network = autoencoder.fit_convolutional(x, held, material.frames, schedule, progress=told)
        else:
            shared = autoencoder.FrameLayer(material.frames, width) if width else None
            network = autoencoder.fit_autoencoder(x, held, hidden, schedule, shared=shared, progress=told)
    plain = network.network if isinstance(network, autoencoder.Reconstruction) else network
    first, outputs = (network.first, network.outputs) if isinstance(network, autoencoder.Reconstruction) else (0, dim)
    given, _ = autoencoder.parts(x, first, outputs)
    tflite = to_int8(plain, given, seed=options.seed)
    details: dict[str, Any] = {"epochs": plain.epochs, "input_limit": plain.limit, "qat": options.qat}
    details |= {} if kind == "conv" else {"hidden": list(hidden)}
    details |= {"frame_layer": width} if width else {}
    slide = material.slide if width else 0
    use: Use = "embed" if kind == "embedding" else "reconstruct" if outputs == dim else "predict"
    if head is None:
        assert isinstance(network, autoencoder.Reconstruction)
        if kind == "autoencoder" and not options.member:
            return Fitted(
                AutoencoderModel.from_tflite(tflite, slide=slide), details, _wide(network.score), rounded=True
            )
        whole = NetworkModel.from_tflite(tflite, use=use, dim=dim, first=first, slide=slide)
        return Fitted(whole, details, _wide(network.score), rounded=True)

    parts = material.frames if use == "reconstruct" else 1
    rows = _some(len(x), options.seed)
    conditions, groups = ([names[i] for i in rows] for names in (material.conditions, material.groups))

    def fitted_to(e: Array) -> heads.Fit:
        return heads.fit_head(
            head, exact.folded(e, parts).astype(np.float64), conditions, groups,
            clusters=count_of(options, material.sensor), neighbours=_neighbours(options), seed=options.seed,
        )  # fmt: skip

    # The device's head is fitted to what the int8 network gives: its rounding is part of what is usual.
    seen = fitted_to(int8_features(tflite, x[rows], use, first, outputs))
    ideal = fitted_to(exact.features_of(network)(x[rows]))
    model = NetworkModel.from_tflite(
        tflite, use=use, dim=dim, first=first, fold=parts, head=heads.device_head(seen), slide=slide
    )  # fmt: skip
    score = exact.Headed(network, parts, ideal).score
    return Fitted(model, {"head": head, **details}, score, rounded=True)


def _default_hidden(kind: str, dim: int) -> tuple[int, ...]:
    return embedding.HIDDEN if kind == "embedding" else autoencoder.default_hidden(dim)


def _wide(score: Callable[[Array], Array]) -> exact.Score:
    return lambda x: score(x).astype(np.float64)


def _some(count: int, seed: int) -> list[int]:
    chosen = np.random.default_rng(seed).choice(count, min(count, HEAD_VECTORS), replace=False)
    return sorted(int(i) for i in chosen)


def int8_features(tflite: bytes, x: Array, use: Use, first: int, outputs: int) -> Array:
    """What a head is given of normalised vectors, shape (n, dim), by the int8 network: residuals or embeddings."""
    from ...tflite.interpreter import Int8Interpreter

    runner = Int8Interpreter(tflite)
    io = runner.io
    x = np.clip(x, *io.range)
    given, target = autoencoder.parts(x, first, outputs) if use == "predict" else (x, x)
    digits = np.clip(np.rint(given / io.in_scale) + io.in_zero, -128, 127).astype(np.int8)
    y = (runner.run(digits).astype(np.float32) - io.out_zero) * np.float32(io.out_scale)
    return y if use == "embed" else np.asarray(target - y, np.float32)


def _combined(material: Material, options: TrainOptions, progress: Progress) -> Fitted:
    """Fit two kinds, and calibrate each by its scores of held-out healthy vectors: their median and their spread."""
    if len(options.members) != 2 or options.members[0] == options.members[1] or "combined" in options.members:
        raise ModelError("combined takes two different models: give --members neighbours,gmm, for example.")
    parts = []
    for kind in options.members:
        own = None
        if kind in HEADED:
            # A bundle holds one model of a kind: an embedding beside neighbours takes another head.
            own = options.head or ("mahalanobis" if kind == "embedding" and "neighbours" in options.members else None)
        parts.append(fit_model(material, replace(options, kind=kind, head=own, member=True), progress))
    offsets, weights = zip(*(calibration(part.exact(material.held)) for part in parts), strict=True)
    members: tuple[Member, Member] = tuple(part.model for part in parts)  # type: ignore[assignment]
    model = CombinedModel(members, offsets, weights, options.combine)

    def score(x: Array) -> exact.Wide:
        both = [w * (part.exact(x) - c) for part, c, w in zip(parts, offsets, weights, strict=True)]
        return np.asarray(np.sum(both, axis=0) if options.combine == "sum" else np.max(both, axis=0))

    details = {
        "members": [{"kind": kind, **part.details} for kind, part in zip(options.members, parts, strict=True)],
        "combine": options.combine,
        "offsets": list(offsets),
        "weights": list(weights),
    }
    return Fitted(model, details, score, rounded=any(part.rounded for part in parts))


def calibration(scores: exact.Wide) -> tuple[float, float]:
    """Median of healthy scores, and one over their spread: half the distance between the 16th and 84th percentile.

    Raises
    ------
    ModelError
        The scores do not vary.
    """
    low, middle, high = np.quantile(scores, (0.16, 0.5, 0.84))
    if not high > low:
        raise ModelError("Scores of the held-out healthy recordings do not vary. Give more recordings.")
    return float(middle), float(2 / (high - low))
