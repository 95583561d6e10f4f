# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Trainers: normalised feature vectors of healthy running in, a bundle's model out."""

from __future__ import annotations

KINDS = ("kmeans", "gmm", "mahalanobis", "neighbours", "autoencoder", "idnn", "conv", "embedding", "combined")
HEADED = ("autoencoder", "idnn", "conv", "embedding", "combined")
"""Kinds with a network, or perhaps one, whose output a head may score."""
SHARING = ("autoencoder", "idnn")
"""Kinds whose first layer the frames of a stack may share."""
HEADS = ("kmeans", "gmm", "mahalanobis", "neighbours")
MEMBERS = ("neighbours", "gmm")
"""Kinds that ``combined`` consists of where the user does not say."""

__all__ = ["HEADED", "HEADS", "KINDS", "MEMBERS", "SHARING"]
