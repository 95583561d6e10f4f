# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""An image with CMSIS-DSP's FFT: close to the twin, and known not to be equal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import detectors
from building import building
from emulation import BOARDS, ROOT, Emulator, configure_and_build
from tocsin.device.verify import by_twin

# Both transforms are float32 with an error of about 1.2e-7 of the frame's strongest line (modules/dsp/README.md). A
# band 40 dB below it, lower than any in these recordings, is then off by 8.7 * 1.2e-7 * 10^(40/20) = 1e-4 dB at most.
TOLERANCE_DB = 1e-4


@pytest.fixture(scope="module")
def cmsis_image() -> Path:
    folder = ROOT / "build" / "sim" / "qemu_cmsis"
    with building():
        configure_and_build(folder, "qemu_m4f", "-DEXTRA_CONF_FILE=cmsis_fft.conf")
    options = (folder / "zephyr" / ".config").read_text().splitlines()
    if "CONFIG_ZEPHYR_CMSIS_DSP_MODULE=y" not in options:
        pytest.skip("the Zephyr workspace has no module cmsis-dsp")
    assert "CONFIG_TOCSIN_DSP_FFT_CMSIS=y" in options
    return folder / BOARDS["qemu"].image


def test_features_are_close_to_the_twins(cmsis_image: Path, tmp_path: Path) -> None:
    bundle = detectors.detector("kmeans")
    with Emulator(BOARDS["qemu"], cmsis_image, tmp_path) as emulator, emulator.open_link() as link:
        link.upload(bundle.raw)
        for title, samples in detectors.audio()[-6:]:
            report = link.replay(samples, sample_rate=bundle.features.sample_rate, vectors=True)
            _, vectors = by_twin(bundle, samples)
            worst = float(np.abs(report.vectors - vectors).max())
            print(f"{title}: {worst:.2g} dB off at most")
            assert 0 < worst <= TOLERANCE_DB, title
