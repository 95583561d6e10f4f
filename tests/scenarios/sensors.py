# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What the firmware's sources make of what a sensor gives, computed on the desk by the sources' own C.

None of it is the twin's: the twin begins where these end.
"""

from __future__ import annotations

import ctypes
import subprocess
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "modules" / "source"
# Defaults of dts/bindings/tocsin,source-dmic.yaml and tocsin,source-accel.yaml.
MICROPHONE_SETTLE, ACCEL_SETTLE = 0.1, 0.05
# Zephyr's ADXL345 driver at ±8 g: m/s² a digit, with the point after bit 31 - 7.
ADXL345_FACTOR, ADXL345_BITS = 2570754, 31 - 7
ADXL345_DIGITS = 64  # a g

_SCALE = """
#include <stddef.h>
#include <tocsin/source_accel_scale.h>
void many(float g, const int64_t *from, int16_t *to, size_t count)
{
	struct tocsin_accel_scale scale;

	tocsin_accel_scale_init(&scale, g);
	for (size_t i = 0; i < count; i++) {
		to[i] = tocsin_accel_scale_digit(&scale, from[i]);
	}
}
"""


class Sources:
    """The sources' C, compiled into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _library(self) -> ctypes.CDLL:
        (self._folder / "scale.c").write_text(_SCALE)
        library = self._folder / "sources.so"
        files = [self._folder / "scale.c", SOURCE / "src" / "accel_scale.c"]
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", f"-I{SOURCE / 'include'}", "-o", library, *files], check=True)
        return ctypes.CDLL(str(library))

    def microphone(self, samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
        """The stream that comes of a PDM microphone's samples from its first one on, shape (n,)."""
        return samples[round(MICROPHONE_SETTLE * rate) :]

    def accelerometer(self, registers: NDArray[np.int16], scale_g: float) -> NDArray[np.int16]:
        """The samples that come of an ADXL345's registers, shape (n, 3); what is thrown away at the start is not."""
        micro = (registers.astype(np.int64) * ADXL345_FACTOR * 1000000 + (1 << (ADXL345_BITS - 1))) >> ADXL345_BITS
        micro = np.ascontiguousarray(micro)
        out = np.empty(registers.shape, np.int16)
        self._library.many(
            ctypes.c_float(scale_g),
            micro.ctypes.data_as(ctypes.c_void_p),
            out.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_size_t(out.size),
        )
        return out


COUNTS = 1000


def counting(count: int) -> NDArray[np.int16]:
    """Registers of an ADXL345 of which each sample says its number: x is that modulo COUNTS, less the half."""
    x = np.arange(count) % COUNTS - COUNTS // 2
    return np.stack([x, -x, x // 2], axis=1).astype(np.int16)


def counted(samples: NDArray[np.int16], scale_g: float) -> NDArray[np.int64]:
    """The numbers, modulo COUNTS, that the samples in a bundle's digits say."""
    return np.rint(samples[:, 0] * scale_g * ADXL345_DIGITS).astype(np.int64) + COUNTS // 2


def registers(samples: NDArray[np.int16], scale_g: float) -> NDArray[np.int16]:
    """What an ADXL345 at ±8 g would show where a bundle's samples are felt: 10 bits."""
    return np.clip(np.rint(samples * scale_g * ADXL345_DIGITS), -512, 511).astype(np.int16)
