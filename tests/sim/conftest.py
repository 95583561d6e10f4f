# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures: images, emulated boards and the detectors that run on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from building import building
from emulation import BOARDS, Board, Emulator, build
from tocsin.device.link import Link

pytest_plugins = ("grouped", "required")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--long``: what takes minutes, too; ``--all-boards``: every image."""
    parser.addoption("--all-boards", action="store_true", help="build the images of all boards, some minutes each")
    parser.addoption("--long", action="store_true", help="run the tests that take minutes, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked `long`, and say so."""
    if not config.getoption("--long"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="takes minutes: give --long"))


@pytest.fixture(scope="session", params=sorted(BOARDS, reverse=True))
def board(request: pytest.FixtureRequest) -> Board:
    """Every emulated board in turn."""
    return BOARDS[request.param]


@pytest.fixture(scope="session")
def image(board: Board) -> Path:
    """The firmware image of the board."""
    with building():
        return build(board)


@pytest.fixture
def emulator(board: Board, image: Path, tmp_path: Path, msg_queue) -> Iterator[Emulator]:
    """A board that has just been switched on; pytest-embedded's ``dut`` hears its console."""
    with Emulator(board, image, tmp_path, heard=msg_queue.put) as running:
        yield running


@pytest.fixture
def link(emulator: Emulator) -> Iterator[Link]:
    """The link to it, once it runs the detector that is embedded in it."""
    emulator.wait_for(r"bundle [0-9a-f]{8}: ")
    with emulator.open_link() as connection:
        connection.hello()
        yield connection
