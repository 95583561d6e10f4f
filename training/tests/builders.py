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
    Decision,
    GaussianMixtureModel,
    KMeansModel,
    MahalanobisModel,
    NeighboursModel,
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
)

NETWORK = Path(__file__).resolve().parents[2] / "tests" / "vectors" / "autoencoder.tflite"

LOGMEL = FeatureConfig.logmel(
    sample_rate=8000, n_fft=256, hop=128, n_mels=8, fmin=100.0, pool=("stack",), window_frames=4, window_hop=1
)
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


def parts_of(kind: str, features: FeatureConfig | None = None, decision: Decision | None = None) -> dict[str, Any]:
    """Arguments of write_bundle for a small detector."""
    rng = np.random.default_rng(7)
    config = features or (LOGMEL if kind == "autoencoder" else STATS)
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
