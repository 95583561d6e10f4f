# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Search for the best detector that fits a device: `space` (what is tried), `judge` (by what), `study` (the search)."""

from __future__ import annotations

from .space import Budget
from .study import Finished, TuneOptions, tune

__all__ = ["Budget", "Finished", "TuneOptions", "tune"]
