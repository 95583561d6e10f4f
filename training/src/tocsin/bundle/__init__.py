# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Bundles: the deployable detector in one file, the models that it holds, and what they cost."""

from __future__ import annotations

from .bundle import (
    AutoencoderModel,
    Bundle,
    CombinedModel,
    Decision,
    DutyCycle,
    GaussianMixtureModel,
    Head,
    Kind,
    KMeansModel,
    MahalanobisModel,
    Member,
    Model,
    NeighboursModel,
    NetworkModel,
    Normalisation,
    Use,
    is_quantised,
    network_of,
    read_bundle,
    write_bundle,
)

__all__ = [
    "AutoencoderModel",
    "Bundle",
    "CombinedModel",
    "Decision",
    "DutyCycle",
    "GaussianMixtureModel",
    "Head",
    "KMeansModel",
    "Kind",
    "MahalanobisModel",
    "Member",
    "Model",
    "NeighboursModel",
    "NetworkModel",
    "Normalisation",
    "Use",
    "is_quantised",
    "network_of",
    "read_bundle",
    "write_bundle",
]
