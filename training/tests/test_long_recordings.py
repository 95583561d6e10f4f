# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Memory does not grow with a recording's length: two hours go through every command in 400 MiB.

Networks are no part of it: importing TensorFlow alone takes more.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 16000
HOURS = 2
BOUND_MIB = 400

# A process of its own between this one and the command: what a process is made from counts in its peak, too.
_MEASURE = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
sys.exit(status)
"""


def peak(*words: object) -> int:
    """Peak of resident memory of a command, MiB; as `ru_maxrss` of Linux has it, imports included."""
    command = [sys.executable, "-c", "from tocsin.cli import main; main()", *map(str, words)]
    done = subprocess.run([sys.executable, "-c", _MEASURE, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of one recording: noise and a hum whose pitch is another each minute."""
    root = tmp_path_factory.mktemp("long")
    (root / "fan/normal").mkdir(parents=True)
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 800, 61 * RATE)
    t = np.arange(60 * RATE) / RATE
    with soundfile.SoundFile(root / "fan/normal/long.wav", "w", RATE, 1, "PCM_16") as file:
        for minute in range(60 * HOURS):
            begin = int(rng.integers(0, RATE))
            hum = 500 * np.sin(2 * np.pi * (100 + minute % 7) * t)
            file.write((noise[begin : begin + len(t)] + hum).astype(np.int16))
    return root


@pytest.fixture(scope="module")
def trained(long: Path) -> tuple[Path, int]:
    # Little to train on and much to judge: both sides are of one length in the end.
    words = ("--model", "kmeans", "--clusters", 4, "--holdout", 0.6, "-o", long / "fan.tocsin")
    return long / "fan.tocsin", peak("train", "--data", long / "fan", *words)


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux alone")
def test_memory_does_not_grow_with_length(long: Path, trained: tuple[Path, int], tmp_path: Path) -> None:
    bundle, train = trained
    data = ("--data", long / "fan")
    peaks = {
        "train": train,
        "data info": peak("data", "info", long / "fan"),
        "eval": peak("eval", bundle, *data),
        "run": peak("run", bundle, long / "fan/normal/long.wav"),
        "rebaseline": peak("rebaseline", bundle, *data, "-o", tmp_path / "new.tocsin"),
        "report": peak("report", bundle, *data, "-o", tmp_path / "report.html"),
    }
    print(peaks)
    assert {name: mib for name, mib in peaks.items() if mib > BOUND_MIB} == {}
