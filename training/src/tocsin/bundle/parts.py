# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What a bundle holds beside its features and its model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.bundle.models import floats
from tocsin.errors import ModelError


@dataclass(eq=False)
class Normalisation:
    """Normalisation of a vector: ``x = (v - mean) * inv_std``; both float32, shape (dim,)."""

    mean: NDArray[np.float32]
    inv_std: NDArray[np.float32]

    def __post_init__(self) -> None:
        self.mean = floats("mean", self.mean, 1)
        self.inv_std = floats("inv_std", self.inv_std, 1)
        if self.mean.shape != self.inv_std.shape:
            raise ModelError(f"mean has {self.mean.size} values and inv_std {self.inv_std.size}: they must match")


@dataclass
class Decision:
    """Where to draw the line; fields and ranges in ``modules/decide/include/tocsin/decide.h``."""

    smooth: int
    min_windows: int
    threshold_on: float
    threshold_off: float


@dataclass(frozen=True)
class DutyCycle:
    """Listen `listen_ms` out of every `period_ms` milliseconds, and save power in between."""

    listen_ms: int
    period_ms: int
