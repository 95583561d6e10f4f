# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Trainers: normalised feature vectors of healthy running in, a bundle's model out."""

from __future__ import annotations

KINDS = ("kmeans", "gmm", "mahalanobis", "neighbours", "autoencoder")

__all__ = ["KINDS"]
