# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Try an installed Tocsin, whatever it was installed from: ``python wheel_smoke.py``.

Needs no more than the core's dependencies, so that it shows what the core can do without the extras. It makes a k-means
detector and recordings by itself, in a temporary folder that is also the current one: nothing comes from a clone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

import tocsin
from tocsin.bundle import Decision, KMeansModel, Normalisation, write_bundle
from tocsin.features import Extractor, FeatureConfig

RATE = 8000
FEATURES = FeatureConfig.logmel(
    sample_rate=RATE, n_fft=256, hop=128, n_mels=8, fmin=100.0, pool=("stack",), window_frames=4, window_hop=1
)


def recording(*, seed: int, hiss: float) -> np.ndarray:
    """Two seconds of a hum under noise, int16 of shape (n, 1)."""
    rng = np.random.default_rng(seed)
    time = np.arange(2 * RATE) / RATE
    sound = 0.2 * np.sin(2 * np.pi * 200 * time) + hiss * rng.standard_normal(len(time))
    return np.round(32767 * np.clip(sound, -1, 1)).astype(np.int16)[:, None]


def make_data(root: Path) -> None:
    """Three healthy and three anomalous recordings in MIMII's layout."""
    for label, hiss in (("normal", 0.01), ("abnormal", 0.1)):
        folder = root / "fan" / "id_00" / label
        folder.mkdir(parents=True)
        for number in range(3):
            soundfile.write(folder / f"{number:08d}.wav", recording(seed=number, hiss=hiss), RATE, subtype="PCM_16")


def make_bundle(path: Path) -> None:
    """A k-means detector of one cluster: the mean of a healthy recording that is not tested."""
    vectors, _ = Extractor(FEATURES).vectors(recording(seed=99, hiss=0.01))
    mean, spread = vectors.mean(axis=0), vectors.std(axis=0) + 1e-3
    model = KMeansModel(np.zeros((1, FEATURES.n_vector), np.float32))
    decision = Decision(smooth=3, min_windows=2, threshold_on=100.0, threshold_off=90.0)
    normalisation = Normalisation(mean, 1 / spread)
    write_bundle(path, features=FEATURES, normalisation=normalisation, model=model, decision=decision, meta={})


def call(*words: str, status: int = 0) -> str:
    """Run a command of the installed package in an interpreter of its own; its standard output."""
    command = [sys.executable, "-c", "from tocsin.cli import main; main()", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != status:
        sys.exit(f"tocsin {' '.join(words)}: status {done.returncode}, wanted {status}\n{done.stdout}{done.stderr}")
    return done.stdout if status == 0 else done.stderr


def main() -> None:
    """Run the commands of the core."""
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        make_data(Path("data"))
        make_bundle(Path("fan.tocsin"))
        assert tocsin.__version__ in call("--version")
        assert json.loads(call("inspect", "--json", "fan.tocsin"))
        call("data", "info", "data")
        call("run", "fan.tocsin", "data/fan/id_00/normal/00000000.wav")
        rows = json.loads(call("eval", "fan.tocsin", "--data", "data", "--json"))
        assert rows[-1]["auc"] == 1.0, rows
        call("devices", "--no-probe")
        call("battery", "--active", "0.1")
        call("synth", "made", "--normal", "2", "--abnormal", "1", "--seconds", "1")
        call(
            "rebaseline",
            "fan.tocsin",
            "--data",
            "data",
            "--method",
            "threshold",
            "--false-alarms",
            "1/day",
            "-o",
            "new.tocsin",
        )
        for command in ("record", "monitor", "verify"):
            call(command, "--help")
        os.chdir("/")
    print(f"tocsin {tocsin.__version__} from {Path(tocsin.__file__).parent}: the core works")


if __name__ == "__main__":
    main()
