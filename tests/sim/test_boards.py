# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The boards that people own build with their microphone and their accelerometer, and the images fit.

One board is always built; ``--all-boards`` builds them all, some minutes each.
"""

from __future__ import annotations

import pytest

import boards
from building import building
from emulation import ROOT

ALWAYS = ("xiao_ble", "mic")
SOURCES = {"mic": "CONFIG_TOCSIN_SOURCE_DMIC", "accel": "CONFIG_TOCSIN_SOURCE_ACCEL"}


@pytest.mark.parametrize("target", boards.TARGETS, ids=lambda target: f"{target.name}-{target.sensor}")
def test_board_builds_and_fits(target: boards.Target, request: pytest.FixtureRequest, record_property) -> None:
    if (target.name, target.sensor) != ALWAYS and not request.config.getoption("--all-boards"):
        pytest.skip("only with --all-boards")
    with building():
        sizes = boards.build(target)
    record_property("flash", sizes.flash)
    record_property("ram", sizes.ram)
    print(f"{target.board}, {target.part}: {sizes.flash} bytes of flash, {sizes.ram} of RAM")
    bundle = ROOT / "app" / "bundles" / sizes.bundle
    assert ("vibration" in sizes.bundle) == (target.sensor == "accel")
    assert bundle.read_bytes() in (target.folder / "zephyr" / "zephyr.bin").read_bytes()
    configuration = (target.folder / "zephyr" / ".config").read_text()
    assert f"{SOURCES[target.sensor]}=y" in configuration
    assert "CONFIG_TOCSIN_SOURCE_REPLAY=y" in configuration
    assert sizes.flash_size >= sizes.flash > sizes.bundle_size
    # Half of the RAM is for larger detectors.
    assert 0 < sizes.ram <= sizes.ram_size // 2
