# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What the synthetic source gives, computed on the desk by the source's own C."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SOURCE = Path(__file__).resolve().parents[2] / "modules" / "source" / "src"
# The defaults of dts/bindings/tocsin,source-synthetic.yaml.
MILLIHERTZ, AMPLITUDE, NOISE = 29500, 4000, 600

_MANY = """
#include "machine.h"
void many(uint32_t rate, uint32_t millihertz, int32_t amplitude, int32_t noise, int16_t *samples, size_t count)
{
	struct tocsin_machine machine;

	tocsin_machine_init(&machine, rate, millihertz, amplitude, noise);
	for (size_t i = 0; i < count; i++) {
		tocsin_machine_frame(&machine, false, 1, &samples[i]);
	}
}
"""


def samples_of_the_machine(folder: Path, rate: int, count: int) -> NDArray[np.int16]:
    """Compute the first `count` samples, healthy, one channel; compiles into `folder`."""
    (folder / "many.c").write_text("#include <stddef.h>\n" + _MANY)
    library = folder / "machine.so"
    subprocess.run(
        ["cc", "-O2", "-shared", "-fPIC", f"-I{SOURCE}", "-o", library, folder / "many.c", SOURCE / "machine.c"],
        check=True,
    )
    samples = np.empty(count, np.int16)
    ctypes.CDLL(str(library)).many(
        rate, MILLIHERTZ, AMPLITUDE, NOISE, samples.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(count)
    )
    return samples
