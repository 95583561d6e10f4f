# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The fixtures; see README.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_embedded_renode.build import ZephyrBuild
from pytest_embedded_renode.renode import NoRenode, Renode


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--zephyr-build`` and ``--renode-script``."""
    group = parser.getgroup("zephyr and renode")
    group.addoption("--zephyr-build", type=Path, default=Path("build"), help="Zephyr's build folder (default: build)")
    group.addoption("--renode-script", type=Path, help="Renode script that sets up the board")


@pytest.fixture
def zephyr_build(request: pytest.FixtureRequest) -> ZephyrBuild:
    """The build folder of ``--zephyr-build``."""
    return ZephyrBuild(request.config.getoption("--zephyr-build"))


@pytest.fixture
def renode(request: pytest.FixtureRequest, zephyr_build: ZephyrBuild, msg_queue: Any) -> Iterator[Renode]:
    """A board in Renode that has just been switched on; pytest-embedded's ``dut`` hears its console."""
    script = request.config.getoption("--renode-script")
    if script is None:
        pytest.fail("give --renode-script, the script that sets up the board", pytrace=False)
    try:
        board = Renode(script.resolve(), elf=zephyr_build.image.resolve(), heard=msg_queue.put)
    except NoRenode as error:
        pytest.skip(str(error))
    with board:
        board.start()
        yield board
