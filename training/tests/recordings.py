# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Small data sets for tests: hums of a machine, and hums with a whistle, which are its anomalies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE = 16000


def hum(
    seed: int, *, seconds: float = 3.0, whistle: bool = False, rate: int = RATE, pitch: float = 120.0
) -> np.ndarray:
    """Noise and a hum of `pitch` Hz as float64 within ±1; a whistle of 2.5 kHz on top where asked."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * rate)) / rate
    x = 0.05 * rng.normal(size=t.size) + 0.2 * np.sin(2 * np.pi * pitch * t + rng.uniform(0, 6))
    if whistle:
        x += 0.05 * np.sin(2 * np.pi * 2500 * t)
    return x


def write(path: Path, x: np.ndarray, *, rate: int = RATE, subtype: str = "PCM_16") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, x, rate, subtype=subtype)
    return path


def mimii(root: Path, *, normal: int = 12, abnormal: int = 4, seconds: float = 3.0) -> Path:
    """`root` with fan/id_00/{normal,abnormal}."""
    for i in range(normal):
        write(root / f"fan/id_00/normal/{i:08d}.wav", hum(i, seconds=seconds))
    for i in range(abnormal):
        write(root / f"fan/id_00/abnormal/{i:08d}.wav", hum(1000 + i, seconds=seconds, whistle=True))
    return root


def shakes(path: Path, *, clips: int = 24, rate: int = 200) -> Path:
    """An .npz as of the ceiling fan: int32 in millionths of g, [clips, rate, 3]."""
    rng = np.random.default_rng(3)
    t = np.arange(rate) / rate

    def array(turn: float, loud: float) -> np.ndarray:
        phase = rng.uniform(0, 6, (clips, 1, 3))
        x = loud * np.sin(2 * np.pi * turn * t[None, :, None] + phase) + 0.01 * rng.normal(size=(clips, rate, 3))
        return np.rint((x + np.array([0, 0, 1])) * 1e6).astype(np.int32)

    np.savez(
        path,
        fan_0_low_0_weight=array(8, 0.05),
        fan_0_low_1_weight=array(8, 0.15),
        fan_0_high_0_weight=array(20, 0.05),
        fan_0_high_1_weight=array(20, 0.15),
        fan_0_off_0_weight=array(8, 0),
        fan_0_low_0_weight_moving=array(3, 0.2),
    )
    return path
