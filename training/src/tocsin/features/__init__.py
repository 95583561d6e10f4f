# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Features: what is computed of the samples, by default and by choice, and the firmware's code that computes it."""

from __future__ import annotations

from .config import (
    PASSBAND,
    POOLS,
    STATS,
    Band,
    Extractor,
    FeatureConfig,
    FeatureError,
    Pool,
    Sensor,
    Stat,
    as_samples,
)

__all__ = [
    "PASSBAND",
    "POOLS",
    "STATS",
    "Band",
    "Extractor",
    "FeatureConfig",
    "FeatureError",
    "Pool",
    "Sensor",
    "Stat",
    "as_samples",
]
