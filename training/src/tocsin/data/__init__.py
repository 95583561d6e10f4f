# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings: which there are, what they are called, and how they become int16 samples."""

from __future__ import annotations

from .clip import Clip, Issues, parse_attributes
from .dataset import Dataset, open_dataset, opened
from .extract import Extracted, digest, extract
from .options import ReadOptions
from .split import Split, split_clips

__all__ = [
    "Clip",
    "Dataset",
    "Extracted",
    "Issues",
    "ReadOptions",
    "Split",
    "digest",
    "extract",
    "open_dataset",
    "opened",
    "parse_attributes",
    "split_clips",
]
