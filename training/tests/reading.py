# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What tests of formats share: a reader of the only recording, and whether it gives what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tocsin.data.readers import Reader, Source, array_names, count_recordings, open_reader

SAMPLES = 3000
RATE = 12000.0


def only(path: Path, columns: tuple[str, ...] | None = None) -> Reader:
    """Reader of a file with one recording."""
    (name,) = array_names(path)
    assert count_recordings(path, name) == 1
    return open_reader(Source(path, name, 0, columns))


def same(reader: Reader, wanted: np.ndarray, **tolerance: float) -> None:
    """Assert that a reader gives `wanted`, in one go and in pieces."""
    np.testing.assert_allclose(reader.read_all(), wanted, **{"rtol": 0, "atol": 0, **tolerance})
    assert reader.samples == len(wanted)
    at = reader.stretches[0].begin
    np.testing.assert_allclose(reader.read(at + 7, 13), wanted[7:20], **{"rtol": 0, "atol": 0, **tolerance})
