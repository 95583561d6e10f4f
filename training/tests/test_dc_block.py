# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The sources' DC blocker, compiled for the desk, against SciPy's filter."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter, lfilter_zi

SOURCE = Path(__file__).resolve().parents[2] / "modules" / "source"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    path = tmp_path_factory.mktemp("dc_block") / "dc_block.so"
    include = f"-I{SOURCE / 'include'}"
    subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", include, "-o", str(path), str(SOURCE / "src" / "dc_block.c")], check=True
    )
    return ctypes.CDLL(str(path))


@pytest.mark.parametrize(("corner", "rate"), [(20.0, 16000), (5.0, 16000), (0.5, 400), (1.0, 8000)])
def test_is_scipys_one_pole_high_pass(library: ctypes.CDLL, corner: float, rate: int) -> None:
    rng = np.random.default_rng(1)
    drift = 4000 * np.sin(2 * np.pi * np.arange(2 * rate) / rate / 3)
    x = np.clip(rng.normal(6000 + drift, 3000), -32768, 32767).astype(np.int16)
    state = ctypes.create_string_buffer(64)
    y = x.copy()
    library.tocsin_dc_block_init(state, round(corner * 1000), rate, 1)
    library.tocsin_dc_block_run(state, y.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(y.size))

    b, a = [1.0, -1.0], [1.0, -(1.0 - 2 * np.pi * corner / rate)]
    exact, _ = lfilter(b, a, x.astype(np.float64), zi=lfilter_zi(b, a) * x[0])
    inside = np.abs(exact) < 32767
    # It is rounded to int16, to the nearest.
    assert np.max(np.abs(y - exact)[inside]) <= 0.501
    assert inside.mean() > 0.9
