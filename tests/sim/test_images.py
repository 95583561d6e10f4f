# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The image for the board: it builds as the README says, and leaves the memory that the README promises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

import detectors
import workspace
from building import building
from emulation import ROOT, BuildFailed, configure_and_build

FLASH_MOST = 400 * 1024
RAM_MOST = 48 * 1024


def regions(output: str) -> dict[str, int]:
    """Bytes used of each memory region, from the linker's table; the last table counts."""
    return {
        name: round(float(used) * {"B": 1, "KB": 1024, "MB": 1 << 20}[unit])
        for name, used, unit in re.findall(r"^\s*(FLASH|RAM):\s+([\d.]+) (B|KB|MB)", output, re.M)
    }


def west_build(folder: Path, *options: str) -> str:
    """``west build -b nrf52840dk`` from the root, as typed, but for the folder; what it printed."""
    base = workspace.find()
    if base is None:
        pytest.skip("no Zephyr workspace found (ZEPHYR_BASE, west, CMake's registry)")
    command = [sys.executable, "-m", "west", "build", "-b", "nrf52840dk", "-p", "always", "-d", str(folder), *options]
    result = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "ZEPHYR_BASE": str(base)}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, (result.stdout + result.stderr)[-4000:]
    return result.stdout + result.stderr


def test_mlperf_autoencoder_is_small(tmp_path: Path, record_property) -> None:
    bundle = tmp_path / "mlperf.tocsin"
    bundle.write_bytes(detectors.autoencoder().raw)
    folder = ROOT / "build" / "sim" / "nrf52840dk"
    used = regions(west_build(folder, "--", f"-DTOCSIN_BUNDLE={bundle}"))
    print(f"nrf52840dk with the MLPerf Tiny autoencoder: {used['FLASH']} bytes of flash, {used['RAM']} of RAM")
    record_property("flash", used["FLASH"])
    record_property("ram", used["RAM"])
    assert bundle.read_bytes() in (folder / "zephyr" / "zephyr.bin").read_bytes()
    assert used["FLASH"] > bundle.stat().st_size
    assert used["FLASH"] <= FLASH_MOST
    assert used["RAM"] <= RAM_MOST


@pytest.fixture
def symbols() -> set[str]:
    """Names of the symbols of the image for the board."""
    elf = ROOT / "build" / "sim" / "nrf52840dk" / "zephyr" / "zephyr.elf"
    if not elf.exists():
        pytest.skip("the image was not built")
    with elf.open("rb") as file:
        found = {symbol.name for symbol in ELFFile(file).get_section_by_name(".symtab").iter_symbols()}
    assert "main" in found
    return found


def test_nothing_can_allocate_after_start(symbols: set[str]) -> None:
    """Promise 4: there is no allocator in the image that could be called."""
    assert not symbols & {"malloc", "calloc", "realloc", "k_malloc", "k_heap_alloc", "_Znwj", "_Znaj", "_sbrk"}


def test_nothing_needs_thread_local_storage(symbols: set[str]) -> None:
    """Debian's picolibc keeps errno there, and Zephyr sets none up for that toolchain: a write would land near 0."""
    assert not symbols & {"errno", "__aeabi_read_tp"}


def test_without_networks_the_image_is_smaller(tmp_path: Path) -> None:
    used = regions(west_build(tmp_path / "build", "--", "-DCONFIG_TOCSIN_TFLM=n"))
    # The default bundle is classical; TensorFlow Lite Micro and its interpreter are gone.
    assert 64 * 1024 < used["FLASH"] < 110 * 1024
    assert used["RAM"] < RAM_MOST


def test_a_bundle_that_is_not_there_stops_the_build(tmp_path: Path) -> None:
    with building(), pytest.raises(BuildFailed, match=r"nowhere\.tocsin"):
        configure_and_build(tmp_path, "qemu_m4f", "-DTOCSIN_BUNDLE=nowhere.tocsin")
