# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What is listened to: a machine's sound by a microphone, its vibration by an accelerometer."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from make_default import Machine
from tocsin.bundle import Bundle, read_bundle
from tocsin.synth import render
from tocsin.synth.wav import to_pcm16

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "scenarios"
TOCSIN = Path(sys.executable).with_name("tocsin")
UNHEARD = 900  # the first clip that training has not heard
Samples = NDArray[np.int16]


class Kind(ABC):
    """A machine, a sensor at it, and a detector that knows the machine healthy."""

    name: str
    suffix: str  # FILE_SUFFIX of the nRF52840 DK's image
    faults: tuple[str, ...]

    @abstractmethod
    def bundle_file(self) -> Path:
        """The detector."""

    @abstractmethod
    def machine(self, fault: str | None, seconds: int) -> Samples:
        """A recording, shape (frames,) or (frames, 3); the same whenever it is asked for."""

    @property
    def bundle(self) -> Bundle:
        """The detector, read."""
        return read_bundle(self.bundle_file().read_bytes())


class Sound(Kind):
    """The synthetic fan, and a detector trained on it as in the tutorial, once."""

    name, suffix = "sound", "mic"
    faults = ("imbalance", "bearing_outer", "clogging")

    def bundle_file(self) -> Path:
        bundle = OUT / "fan-1-hour.tocsin"
        if not bundle.exists():
            data = str(OUT / "data")
            for words in (
                ["synth", data, "--machine", "fan", "--normal", "100", "--abnormal", "0", "--force"],
                # What four minutes of healthy running can bear: docs/explanation/thresholds.md.
                ["train", "--data", data, "--model", "kmeans", "--false-alarms", "1/hour", "-o", str(bundle)],
            ):
                subprocess.run([TOCSIN, *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        return bundle

    @cache  # noqa: B019 (there is one of each kind)
    def machine(self, fault: str | None, seconds: int) -> Samples:
        signal = render("fan", fault=fault, seconds=float(seconds), clip=UNHEARD)
        samples: Samples = to_pcm16(signal, full_scale=1.0)[0]
        return samples


class Vibration(Kind):
    """The firmware's own synthetic machine, felt in three axes, and the detector that comes with the images."""

    name, suffix = "vibration", "accel"
    faults = ("bearing",)

    def bundle_file(self) -> Path:
        return ROOT / "app" / "bundles" / "vibration.tocsin"

    @cache  # noqa: B019
    def machine(self, fault: str | None, seconds: int) -> Samples:
        features = self.bundle.features
        with tempfile.TemporaryDirectory() as folder:
            machine = Machine(Path(folder), features.sample_rate, features.channels)
            return machine.run(seconds, fault=fault is not None)


KINDS: dict[str, Kind] = {kind.name: kind for kind in (Sound(), Vibration())}


def promised_delay(bundle: Bundle) -> int:
    """Samples from a fault's first one to the alarm's, at most, where every window shows the fault.

    The first window that is all of the fault ends a hop of windows after a window's length at the latest; the mean
    needs as many as it is of, and then there must be enough in a row (docs/reference/bundle.md, decision).
    """
    features, decision = bundle.features, bundle.decision
    length = features.hop * (features.window_frames - 1) + features.frame_length
    return length + features.hop * features.window_hop * (1 + decision.smooth - 1 + decision.min_windows - 1)
