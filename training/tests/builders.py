# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Small detectors for tests, one of each kind, and samples for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tocsin.bundle import (
    AutoencoderModel,
    Bundle,
    CombinedModel,
    Decision,
    GaussianMixtureModel,
    KMeansModel,
    MahalanobisModel,
    NeighboursModel,
    NetworkModel,
    Normalisation,
    read_bundle,
    write_bundle,
)
from tocsin.features import FeatureConfig

KINDS = (
    "kmeans",
    "gmm_diagonal",
    "gmm_full",
    "mahalanobis_diagonal",
    "mahalanobis_full",
    "neighbours_diagonal",
    "neighbours_full",
    "autoencoder",
    "network_reconstruct",
    "network_predict",
    "network_embed",
    "combined_sum",
    "combined_max",
)

NETWORK = Path(__file__).resolve().parents[2] / "tests" / "vectors" / "autoencoder.tflite"

LOGMEL = FeatureConfig.logmel(
    sample_rate=8000, n_fft=256, hop=128, n_mels=8, fmin=100.0, pool=("stack",), window_frames=4, window_hop=1
)
# Twice as many values: half of them are predicted from the other half.
LONGER = FeatureConfig.logmel(
    sample_rate=8000, n_fft=256, hop=128, n_mels=8, fmin=100.0, pool=("stack",), window_frames=8, window_hop=1
)
FEATURES = {
    "autoencoder": LOGMEL,
    "network_reconstruct": LOGMEL,
    "network_predict": LONGER,
    "network_embed": LOGMEL,
    "combined_max": LOGMEL,
}
STATS = FeatureConfig.vibration(
    sample_rate=800,
    scale_g=1 / 2048,
    frame_length=32,
    hop=20,
    n_fft=0,
    n_bands=0,
    fmin=0.0,
    fmax=400.0,
    pool=("mean", "std", "max"),
    window_frames=4,
    window_hop=2,
)


def spread(rng: np.random.Generator, k: int, dim: int) -> np.ndarray:
    """Positive definite matrices that are far from diagonal, shape (k, dim, dim)."""
    root = rng.normal(size=(k, dim, 2 * dim))
    return root @ root.transpose(0, 2, 1) / dim


def model_of(kind: str, dim: int, rng: np.random.Generator, k: int = 3) -> Any:
    """A model with random parameters."""
    if kind == "kmeans":
        return KMeansModel(rng.normal(size=(k, dim)))
    if kind == "autoencoder":
        return AutoencoderModel.from_tflite(NETWORK.read_bytes(), arena_size=4096)
    if kind.startswith("network"):
        return network_of(kind.removeprefix("network_"), dim, rng)
    if kind == "combined_sum":
        members = (model_of("neighbours_full", dim, rng), model_of("gmm_diagonal", dim, rng))
        return CombinedModel(members, (0.5, -3.0), (2.0, 0.25), "sum")
    if kind == "combined_max":
        members = (model_of("neighbours_full", dim, rng), network_of("reconstruct", dim, rng))
        return CombinedModel(members, (0.5, 2.0), (0.25, 1.5), "max")
    name, covariance = kind.split("_")
    if name == "neighbours":
        whiten = rng.normal(size=dim * (dim + 1) // 2) if covariance == "full" else None
        return NeighboursModel.from_references(rng.normal(size=(k, dim)), rng.uniform(0.5, 2.0, k), whiten)
    matrices = spread(rng, k, dim)
    if covariance == "diagonal":
        matrices = np.diagonal(matrices, axis1=1, axis2=2)
    if name == "mahalanobis":
        return MahalanobisModel.from_moments(rng.normal(size=dim), matrices[0], covariance)
    weights = rng.dirichlet(np.ones(k))
    return GaussianMixtureModel.from_moments(weights, rng.normal(size=(k, dim)), matrices, covariance)


def network_of(use: str, dim: int, rng: np.random.Generator) -> NetworkModel:
    """A network with a head, or one that predicts; all of them run the same 32 values to 32."""
    network = NETWORK.read_bytes()
    if use == "predict":
        return NetworkModel.from_tflite(network, use="predict", dim=dim, first=dim // 4, arena_size=4096)
    if use == "embed":
        return NetworkModel.from_tflite(
            network, use="embed", dim=dim, fold=2, head=KMeansModel(rng.normal(size=(3, 16))), arena_size=4096
        )
    head = MahalanobisModel.from_moments(rng.normal(size=(2, 8)), spread(rng, 2, 8))
    return NetworkModel.from_tflite(network, use="reconstruct", dim=dim, fold=4, head=head, arena_size=4096)


def parts_of(kind: str, features: FeatureConfig | None = None, decision: Decision | None = None) -> dict[str, Any]:
    """Arguments of write_bundle for a small detector."""
    rng = np.random.default_rng(7)
    config = features or FEATURES.get(kind, STATS)
    dim = config.n_vector
    return {
        "features": config,
        "normalisation": Normalisation(rng.normal(size=dim), rng.uniform(0.5, 2.0, dim)),
        "model": model_of(kind, dim, rng),
        "decision": decision or Decision(3, 2, 5.0, 4.0),
        "meta": {"name": kind},
    }


def bundle_of(kind: str, features: FeatureConfig | None = None, decision: Decision | None = None) -> Bundle:
    """A small detector."""
    return read_bundle(write_bundle(None, **parts_of(kind, features, decision)))


def noise(config: FeatureConfig, n: int, seed: int = 0, amplitude: float = 3000.0) -> np.ndarray:
    """Samples, shape (n, channels), with an offset."""
    rng = np.random.default_rng(seed)
    samples = rng.normal(200.0, amplitude, (n, config.channels))
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
