# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A bundle in words: one line about what it computes, its model and its decision."""

from __future__ import annotations

from ..features import FeatureConfig
from ..tflite.flatbuffer import kept_size
from ..words import counted
from .bundle import Bundle
from .cost import frames_kept
from .models import (
    AutoencoderModel,
    CombinedModel,
    GaussianMixtureModel,
    KMeansModel,
    MahalanobisModel,
    Model,
    NeighboursModel,
    NetworkModel,
)
from .parts import Decision


def describe_features(features: FeatureConfig) -> str:
    """One line about what is computed."""
    rate = features.sample_rate
    counts = [band.count for band in features.bands]
    # A bundle holds weights, not how they came about; bands of equal width hold as many bins each, within one.
    name = "power band" if features.sensor == "vibration" else "mel band"
    if features.sensor == "audio" and counts and max(counts) - min(counts) <= 1:
        name = "linear band"
    parts = [counted(len(counts), name)] if counts else []
    if features.stats:
        parts.append(", ".join(features.stats))
    axes = f" of {features.channels} channels" if features.channels > 1 else ""
    pool = ", ".join(features.pool) + (" of powers" if features.power else "")
    return (
        f"{' and '.join(parts)}{axes} at {rate} Hz, frames of {features.frame_length} every {features.hop} samples;"
        f" {pool} over {counted(features.window_frames, 'frame')} ({features.window_span / rate:.3g} s) every"
        f" {features.window_step / rate:.3g} s: {counted(features.n_vector, 'value')}"
    )


def describe_decision(decision: Decision, step: float) -> str:
    """How scores of windows become an alarm; a window comes every `step` seconds."""
    mean = "each window by itself" if decision.smooth == 1 else f"mean of {decision.smooth} windows"
    row = "one is enough" if decision.min_windows == 1 else f"{decision.min_windows} in a row"
    return f"{mean}, {row}, a window every {step:.3g} s"


def describe_model(bundle: Bundle) -> str:
    """One line about the model."""
    return _describe(bundle.model, bundle)


def _describe(model: Model, bundle: Bundle | None) -> str:
    """One line about a bundle's model, or (None) about a part of one."""
    if isinstance(model, KMeansModel):
        return f"k-means, {counted(len(model.centroids), 'cluster')}, {model.centroids.nbytes} bytes"
    if isinstance(model, AutoencoderModel):
        hidden = bundle.meta.get("model", {}).get("hidden") if bundle else None
        widths = (
            "-".join(map(str, [bundle.features.n_vector, *hidden, bundle.features.n_vector]))
            if hidden and bundle
            else ""
        )
        return f"autoencoder {widths}, int8, {_network_sizes(model)}"
    if isinstance(model, GaussianMixtureModel):
        return (
            f"Gaussian mixture, {counted(len(model.means), 'component')}, {model.covariance},"
            f" {model.means.nbytes + model.whiten.nbytes + model.log_const.nbytes} bytes"
        )
    if isinstance(model, NeighboursModel):
        shared = "" if model.whiten is None else ", whitened by one covariance"
        return f"nearest of {counted(len(model.references), 'healthy vector')} in units of their radii, int8{shared}"
    if isinstance(model, MahalanobisModel):
        nearest = "" if len(model.means) == 1 else f" to the nearest of {len(model.means)} means"
        size = model.means.nbytes + model.whiten.nbytes
        return f"Mahalanobis distance{nearest}, {model.covariance} covariance, {size} bytes"
    if isinstance(model, NetworkModel):
        return _describe_network(model)
    assert isinstance(model, CombinedModel)
    how = "sum" if model.mode == "sum" else "greater"
    return f"{how} of two calibrated scores: " + "; ".join(_describe(member, bundle) for member in model.members)


def _network_sizes(model: AutoencoderModel | NetworkModel) -> str:
    """Bytes of a network and its arena, and what of that is kept from window to window."""
    kept = kept_size(model.tflite, model.slide)
    of_it = f", {kept} of them for {frames_kept(model)} frames of a window that the next one has, too" if kept else ""
    return f"{len(model.tflite)} bytes, arena {model.arena_size} bytes{of_it}"


def _describe_network(model: NetworkModel) -> str:
    """What a network is for, and what scores its output."""
    size = f"int8, {_network_sizes(model)}"
    if model.use == "embed":
        text = f"network to an embedding of {counted(model.outputs, 'value')}, {size}"
    elif model.use == "predict":
        text = (
            f"network that predicts values {model.first} to {model.first + model.outputs - 1} from the others, {size}"
        )
    else:
        text = f"network that reconstructs the vector, {size}"
    if model.head is None:
        return text
    folded = "" if model.fold == 1 else f", averaged over {model.fold} parts,"
    what = "embedding" if model.use == "embed" else "residual"
    return f"{text}; its {what}{folded} scored by {_describe(model.head, None)}"
