# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Make the bundles of this folder: detectors of the synthetic source, trained on the source's own samples.

The machine's C is compiled for the desk, run healthy to train, again to set the threshold, and then with its fault,
which must be found. One bundle is for sound; the others are for vibration, at rates that accelerometers have.
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from tocsin.bundle import Decision, KMeansModel, Normalisation, read_bundle, write_bundle
from tocsin.features import Extractor, FeatureConfig
from tocsin.twin import Event, Scorer, Twin

HERE = Path(__file__).resolve().parent
MACHINE = HERE.parents[1] / "modules" / "source" / "src"
# The defaults of dts/bindings/tocsin,source-synthetic.yaml.
MILLIHERTZ, AMPLITUDE, NOISE = 29500, 4000, 600


class Machine:
    """The synthetic source; goes on from call to call."""

    def __init__(self, folder: Path, rate: int, channels: int) -> None:
        library = folder / "machine.so"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(MACHINE / "machine.c")], check=True)
        self._c = ctypes.CDLL(str(library))
        self._rate, self._channels = rate, channels
        self._state = ctypes.create_string_buffer(256)
        self._c.tocsin_machine_init(self._state, rate, MILLIHERTZ, AMPLITUDE, NOISE)

    def run(self, seconds: int, *, fault: bool = False) -> NDArray[np.int16]:
        """Samples of the next `seconds`, (frames,) or (frames, channels)."""
        samples = np.empty((seconds * self._rate, self._channels), dtype=np.int16)
        sample = (ctypes.c_int16 * self._channels)()
        frame, state, reference = (self._c.tocsin_machine_frame, self._state, ctypes.byref(sample))
        for index in range(len(samples)):
            frame(state, fault, self._channels, reference)
            samples[index] = sample
        return samples[:, 0] if self._channels == 1 else samples


@dataclass(frozen=True)
class Recipe:
    """A bundle: its features, and for how many seconds the machine runs to train and to set the threshold."""

    name: str
    features: FeatureConfig
    seconds: int


def vibration(name: str, rate: int) -> Recipe:
    """Three axes of ±8 g, as all the accelerometers of docs/how-to/boards.md have them."""
    features = FeatureConfig.vibration(
        sample_rate=rate,
        scale_g=8 / 32768,
        frame_length=256,
        hop=128,
        n_fft=256,
        n_bands=16,
        fmin=5,
        fmax=rate / 2,
        stats=("rms", "crest", "kurtosis"),
        pool=("mean", "std"),
        window_frames=8,
        window_hop=4,
    )
    return Recipe(name, features, 900)


RECIPES = (
    Recipe(
        "default.tocsin",
        FeatureConfig.logmel(
            sample_rate=16000, n_mels=32, n_fft=1024, hop=512, pool=("mean", "std"), window_frames=16, window_hop=8
        ),
        120,
    ),
    vibration("vibration.tocsin", 400),
    vibration("vibration_416.tocsin", 416),
)


def make(recipe: Recipe) -> None:
    """Train, set the threshold, try the fault, write the file."""
    features = recipe.features
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder), features.sample_rate, features.channels)
        train, held, failing = (machine.run(recipe.seconds), machine.run(recipe.seconds), machine.run(20, fault=True))
    vectors = Extractor(features).vectors(train)[0].astype(np.float64)
    # Steady as it is, some bands hardly vary; a tenth of a dB is the least that counts as a change.
    normalisation = Normalisation(vectors.mean(axis=0), 1 / np.maximum(vectors.std(axis=0), 0.1))
    x = (vectors - normalisation.mean) * normalisation.inv_std
    model = KMeansModel(KMeans(4, n_init=4, random_state=0).fit(x).cluster_centers_)

    def pack(on: float, off: float, path: Path | None = None) -> bytes:
        return write_bundle(
            path,
            features=features,
            normalisation=normalisation,
            model=model,
            decision=Decision(smooth=4, min_windows=4, threshold_on=on, threshold_off=off),
            meta={"description": "the synthetic machine of dts/bindings/tocsin,source-synthetic.yaml"},
        )

    scores = Scorer(read_bundle(pack(1.0, 1.0))).score(Extractor(features).vectors(held)[0])
    on = 1.5 * float(scores.max())
    raw = pack(on, 0.9 * on, HERE / recipe.name)
    twin = Twin(read_bundle(raw))
    if any(isinstance(result, Event) for result in twin.push(held)):
        raise SystemExit(f"{recipe.name}: the detector raises an alarm on the healthy machine")
    events = [result for result in twin.push(failing) if isinstance(result, Event)]
    if not events:
        raise SystemExit(f"{recipe.name}: the detector does not find the fault")
    delay = (events[0].begin - len(held)) / features.sample_rate
    print(f"{recipe.name}: {len(raw)} bytes, threshold {on:.2f}, fault {events[0].peak:.2f}, found after {delay:.1f} s")


def main() -> None:
    """Make every bundle."""
    for recipe in RECIPES:
        make(recipe)


if __name__ == "__main__":
    main()
