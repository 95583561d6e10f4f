# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Scenarios written once, run against QEMU, Renode or a board: ``--target``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import on_board
import on_qemu
import on_renode
from emulation import BuildFailed, CannotBuild
from evidence import Evidence
from kinds import KINDS, OUT, Kind
from power import NoProfiler, Profiler
from station import NotHere, Station

TARGETS = ("qemu", "renode", "board")

pytest_plugins = ("grouped", "required")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What a board needs besides ``--target`` and ``--port``, which are pytest-embedded's own."""
    group = parser.getgroup("scenarios")
    group.addoption("--console-port", help="board: the debugger's serial port, /dev/ttyACM0")
    group.addoption("--evidence", type=Path, help="board: write what was measured to this JSON file")
    group.addoption("--evidence-seconds", type=float, default=30.0, help="board: measure for so long (default: 30)")
    group.addoption("--ppk", metavar="PORT", help="board: serial port of a Power Profiler Kit II in the supply")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """What a target cannot do is skipped in one plain line, and what is wrong with a board fails in one."""
    outcome: Any = yield
    error = outcome.excinfo[1] if outcome.excinfo is not None else None
    if isinstance(error, NotHere):
        outcome.force_exception(pytest.skip.Exception(str(error)))
    elif isinstance(error, on_board.BoardError | NoProfiler):
        outcome.force_exception(pytest.fail.Exception(str(error), pytrace=False))


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> str:
    """``qemu`` (the default), ``renode`` or ``board``."""
    name: str = request.config.getoption("target") or "qemu"
    if name not in TARGETS:
        pytest.fail(f"--target {name}: one of {', '.join(TARGETS)}", pytrace=False)
    if name == "board" and request.config.getoption("port") is None:
        pytest.skip("no board: give --port, the serial port of its link")
    return name


@pytest.fixture(scope="session", params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    """Sound and vibration in turn."""
    return KINDS[request.param]


@pytest.fixture(scope="session")
def profiler(request: pytest.FixtureRequest, target: str) -> Profiler | None:
    """The Power Profiler in the board's supply, where there is one: the board has no power before."""
    port = request.config.getoption("--ppk")
    if target != "board" or port is None:
        return None
    try:
        return Profiler(port)
    except NoProfiler as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def image(target: str, kind: Kind, profiler: Profiler | None) -> Path:
    """The image with the kind's sensor and detector; on a board it is flashed."""
    try:
        if target == "qemu":
            return on_qemu.image(kind)
        built = on_renode.image(kind)
        if target == "board":
            on_board.flash(OUT / f"nrf52840dk-{kind.suffix}")
    except (CannotBuild, NotHere) as error:
        pytest.skip(str(error))
    except (BuildFailed, on_board.BoardError) as error:
        pytest.fail(str(error), pytrace=False)
    return built


@pytest.fixture
def station(
    request: pytest.FixtureRequest, target: str, kind: Kind, image: Path, tmp_path: Path, msg_queue: Any
) -> Iterator[Station]:
    """A device that has just been switched on; pytest-embedded's ``dut`` hears its console."""
    heard: Callable[[bytes], object] = msg_queue.put
    option = request.config.getoption
    try:
        if target == "qemu":
            made: Station = on_qemu.OnQemu(kind, image, tmp_path, heard)
        elif target == "renode":
            made = on_renode.OnRenode(kind, image, tmp_path, heard)
        else:
            made = on_board.OnBoard(kind, image, option("port"), option("--console-port"), heard)
    except NotHere as error:
        pytest.skip(str(error))
    except on_board.BoardError as error:
        pytest.fail(str(error), pytrace=False)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def evidence(request: pytest.FixtureRequest, target: str) -> Iterator[Evidence]:
    """What a board shows and no simulator can; written at the end where ``--evidence`` says."""
    path = request.config.getoption("--evidence")
    if target != "board" or path is None:
        pytest.skip("measured on a board alone: --target board --port PORT --evidence FILE")
    gathered = Evidence()
    yield gathered
    gathered.write(path)
