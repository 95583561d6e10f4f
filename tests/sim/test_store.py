# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Uploaded bundles in flash: they outlive a reset, and whenever the supply fails, a whole bundle runs next.

On native_sim, whose flash is a file that outlives the process; killing that is what pulls the plug.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import detectors
from building import building
from emulation import BOARDS, Emulator, build
from tocsin.device.link import Link, Refused

PARTITION, SLOT, PAGE = 0x100000, 0x80000, 4096  # app/boards/native_sim_native_64.overlay
MARK, MARK_SUMMED = 32, 16  # store_flash.c: what a slot ends with, and how much of it is written


@pytest.fixture(scope="module")
def image() -> Path:
    """The firmware."""
    with building():
        return build(BOARDS["native"])


@contextmanager
def switched_on(image: Path, flash: Path) -> Iterator[Link]:
    """The device, until the plug is pulled."""
    with Emulator(BOARDS["native"], image, flash.parent, flash=flash) as emulator:
        emulator.wait_for(r"bundle [0-9a-f]{8}: ")
        with emulator.open_link() as link:
            yield link


def what_runs(image: Path, flash: Path) -> int:
    """The checksum of the bundle that runs once it is switched on."""
    with switched_on(image, flash) as link:
        return link.hello().bundle_crc


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    """A flash memory that is not there yet."""
    return tmp_path / "flash.bin"


def test_what_was_uploaded_last_runs_after_a_reset(image: Path, flash: Path) -> None:
    embedded = what_runs(image, flash)
    bundles = [detectors.detector(name) for name in ("kmeans", "mahalanobis", "kmeans")]
    for bundle in bundles:
        with switched_on(image, flash) as link:
            link.upload(bundle.raw)
        assert what_runs(image, flash) == bundle.crc
        assert what_runs(image, flash) == bundle.crc, "and after another one"
    with switched_on(image, flash) as link:
        link.use_default()
    assert what_runs(image, flash) == embedded


def test_refused_bundle_leaves_what_was_kept(image: Path, flash: Path) -> None:
    kept = detectors.detector("kmeans")
    bad = bytearray(detectors.detector("mahalanobis").raw)
    bad[len(bad) // 2] ^= 4
    with switched_on(image, flash) as link:
        link.upload(kept.raw)
        with pytest.raises(Refused):
            link.upload(bytes(bad))
        with pytest.raises(Refused) as refused:
            link.upload(bytes(link.hello().slot_size + 1))
        assert refused.value.code == 4
    assert what_runs(image, flash) == kept.crc


class PlugPulled(Exception):
    """In the middle of an upload."""


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_supply_fails_during_an_upload(image: Path, flash: Path, share: float) -> None:
    kept, other = detectors.detector("kmeans"), detectors.detector("mahalanobis")

    def pull(sent: int) -> None:
        if sent >= share * len(other.raw):
            raise PlugPulled

    with switched_on(image, flash) as link:
        link.upload(kept.raw)
    with pytest.raises(PlugPulled), switched_on(image, flash) as link:
        link.upload(other.raw, progress=pull)
    assert what_runs(image, flash) == kept.crc


def test_supply_fails_while_the_mark_is_written(image: Path, flash: Path) -> None:
    """Whatever has been written of it: the new bundle runs once the mark is whole, the old one before."""
    old, new = detectors.detector("kmeans"), detectors.detector("mahalanobis")
    with switched_on(image, flash) as link:
        link.upload(old.raw)
        link.upload(new.raw)
    whole = flash.read_bytes()
    mark = PARTITION + 2 * SLOT - MARK
    for written in (0, 4, 7, 8, 12, 15, MARK_SUMMED):
        flash.write_bytes(whole[: mark + written] + b"\xff" * (MARK - written) + whole[mark + MARK :])
        assert what_runs(image, flash) == (new.crc if written == MARK_SUMMED else old.crc), written


def test_worn_flash_lets_the_embedded_bundle_run(image: Path, flash: Path) -> None:
    old, new = detectors.detector("kmeans"), detectors.detector("mahalanobis")
    embedded = what_runs(image, flash)
    with switched_on(image, flash) as link:
        link.upload(old.raw)
        link.upload(new.raw)
    worn = bytearray(flash.read_bytes())
    worn[PARTITION + SLOT + 100] ^= 1
    flash.write_bytes(worn)
    assert what_runs(image, flash) == embedded
