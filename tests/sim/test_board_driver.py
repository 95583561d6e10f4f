# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The scenarios' driver for a board, and the evidence from one, without a board.

QEMU's board stands in for it: its link at the port that is given, its console at a pseudo-terminal. What flashes and
resets is replaced by commands that note how they were called, the Power Profiler by one that knows what it measures.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import on_board
import power
from building import building
from emulation import BOARDS, ROOT, Emulator, build
from kinds import KINDS
from station import NotHere
from tocsin.device.link import Status

STANDIN = Path(__file__).with_name("standin")
SCENARIOS = ROOT / "tests" / "scenarios"
KIND = KINDS["vibration"]  # its detector need not be trained first
TOOL = """#!{python}
import json, os, pathlib, sys
name = pathlib.Path(sys.argv[0]).name
with open(os.environ["STANDIN_LOG"], "a") as log:
    log.write(json.dumps([name, *sys.argv[1:]]) + "\\n")
if os.environ.get("STANDIN_FAILS") == name:
    print("-- runners.pyocd: flashing", "no debugger was found", sep="\\n", file=sys.stderr)
    sys.exit(1)
"""


class Tools:
    """Stand-ins for `west` and `pyocd`, and what they and the Power Profiler were told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "bin"
        self.folder.mkdir()
        self.log = folder / "log"
        for name in ("west", "pyocd"):
            (self.folder / name).write_text(TOOL.format(python=sys.executable))
            (self.folder / name).chmod(0o755)

    @property
    def calls(self) -> list[list[Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    made = Tools(tmp_path)
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("STANDIN_LOG", str(made.log))
    return made


@pytest.fixture(scope="module")
def image() -> Path:
    with building():
        return build(BOARDS["qemu"])


@pytest.fixture
def console() -> Iterator[tuple[int, str]]:
    """A pseudo-terminal: the board's end, and where the desk's is."""
    ours, theirs = os.openpty()
    yield ours, os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


@pytest.fixture
def standin(image: Path, tmp_path: Path, console: tuple[int, str]) -> Iterator[Emulator]:
    """A board that has been switched on."""
    # By instructions: on a fast desk a frame would take less than a cycle.
    options = ("-icount", "shift=4,align=off,sleep=on")
    heard = partial(os.write, console[0])
    with Emulator(BOARDS["qemu"], image, tmp_path, heard=heard, options=options) as running:
        running.wait_for(r"bundle [0-9a-f]{8}: ")
        yield running


def scenarios(*options: str, image: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the evidence's scenario as a user does."""
    command = [sys.executable, "-m", "pytest", "-p", "standin_image", "-k", "vibration", "-o", "timeout=100"]
    return subprocess.run(
        [*command, "--target", "board", *options, "test_evidence.py"],
        cwd=SCENARIOS, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": str(STANDIN), "STANDIN_IMAGE": str(image)},
    )  # fmt: skip


@pytest.mark.parametrize("measured", [False, True], ids=["without a profiler", "with a profiler"])
def test_evidence(measured: bool, standin: Emulator, image: Path, tools: Tools, tmp_path: Path) -> None:
    report_file = tmp_path / "report.json"
    options = ["--port", standin.link_address(), "--evidence", str(report_file), "--evidence-seconds", "2"]
    done = scenarios(*options, *(["--ppk", "/dev/kit"] if measured else []), image=image)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout

    flashing = ["west", "flash", "--no-rebuild", "--runner", "pyocd", "-d"]
    folder = str(ROOT / "build" / "scenarios" / "nrf52840dk-accel")
    told = [call for call in tools.calls if call[0] != "ppk"]
    assert told == [[*flashing, folder], ["pyocd", "reset", "-t", "nrf52840"]]
    kit = [["ppk", "ampere meter"], ["ppk", "voltage", 3000], ["ppk", "power", "ON"]]
    # The board has no power before, so nothing could be flashed.
    assert tools.calls[: len(kit)] == kit if measured else tools.calls == told
    assert tools.calls[-2:] == [["ppk", "start"], ["ppk", "stop"]] if measured else True

    report = json.loads(report_file.read_text())
    assert set(report) == {"date", "runs"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", report["date"])
    [run] = report["runs"]
    assert run.pop("board") == "qemu_m4f/an386"
    assert run.pop("kind") == "vibration"
    assert run.pop("image") == image.name
    assert run.pop("image_sha256") == hashlib.sha256(image.read_bytes()).hexdigest()
    assert run.pop("bundle_sha256") == hashlib.sha256(KIND.bundle_file().read_bytes()).hexdigest()
    assert run.pop("clock_us") == 0.04  # 25 MHz, the emulated board's
    with standin.open_link() as link:
        assert_times(run.pop("latency_us"), run.pop("stages_us"), link.status())
    current = run.pop("current_ma")
    assert run == {}, "fields that docs/how-to/hardware.md does not name"
    if measured:
        assert current["samples"] >= 200_000
        assert (current["mean"], current["max"]) == (pytest.approx(12 + 0.001 * (98 - 12)), 98)
    else:
        assert current is None


def assert_times(latency: dict[str, float], stages: dict[str, dict[str, float]], now: Status) -> None:
    """They are those of the device, which has gone on since; it tells whole microseconds of its own, too."""
    assert set(stages) == {"features", "score", "decide"}
    for name, stage in {**stages, "latency": latency}.items():
        assert set(stage) == {"runs", "min", "mean", "max"}, name
        assert stage["runs"] > 0, name
        assert 0 < stage["min"] <= stage["mean"] <= stage["max"], name
        assert stage["mean"] == pytest.approx(now.times[name][2], rel=0.5, abs=1), name
    assert latency["min"] > stages["score"]["min"] + stages["decide"]["min"]


def test_without_a_port(tools: Tools) -> None:
    done = scenarios()
    assert done.returncode == 0
    assert "no board: give --port, the serial port of its link" in done.stdout
    assert tools.calls == []


def test_at_a_wrong_port(tools: Tools, image: Path, tmp_path: Path) -> None:
    report_file = tmp_path / "report.json"
    done = scenarios("--port", "/dev/nowhere", "--evidence", str(report_file), image=image)
    assert done.returncode == 1
    [line] = [line for line in done.stdout.splitlines() if line.startswith("--port /dev/nowhere: ")]
    assert line.endswith("; `tocsin devices` lists the ports")
    assert "Traceback" not in done.stdout
    assert json.loads(report_file.read_text())["runs"] == []


def test_flashing(tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN_FAILS", "west")
    with pytest.raises(on_board.BoardError) as failed:
        on_board.flash(tmp_path)
    assert str(failed.value) == (
        "the board could not be flashed: no debugger was found; `pyocd list` shows the debuggers that are there"
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotHere, match="west is not installed: no board is flashed"):
        on_board.flash(tmp_path)


def test_driver(standin: Emulator, console: tuple[int, str], image: Path, tools: Tools, monkeypatch) -> None:
    heard: list[bytes] = []
    address = standin.link_address()
    board = on_board.OnBoard(KIND, image, address, console[1], heard.append)
    assert tools.calls == [["pyocd", "reset", "-t", "nrf52840"]]
    since = board.shown()
    os.write(console[0], b"tocsin:~$ streams: 7\r\n")
    assert board.wait_for(r"streams: (\d)", since=since)[1] == "7"
    assert b"streams: 7" in b"".join(heard)
    board.type("tocsin status")
    typed = b""
    while b"tocsin status\n" not in typed:  # before it, what the terminal has echoed
        typed += os.read(console[0], 100)
    with board.open_link() as link:
        assert link.status().counters["streams"] == 1
    board.stop()
    with pytest.raises(on_board.BoardError, match=r"--console-port /dev/nowhere: .*`tocsin devices`"):
        on_board.OnBoard(KIND, image, address, "/dev/nowhere", heard.append)
    monkeypatch.setenv("STANDIN_FAILS", "pyocd")
    with pytest.raises(on_board.BoardError, match="could not be reset: no debugger was found; `pyocd list`"):
        on_board.OnBoard(KIND, image, address, None, heard.append)


def test_without_a_console(standin: Emulator, image: Path, tools: Tools) -> None:
    board = on_board.OnBoard(KIND, image, standin.link_address(), None, lambda _: None)
    for wants in (lambda: board.wait_for("windows"), lambda: board.type("tocsin status")):
        with pytest.raises(NotHere, match="no --console-port"):
            wants()
    board.stop()


@pytest.mark.parametrize(
    ("port", "message"),
    [
        ("/dev/nowhere", r"--ppk /dev/nowhere: .*could not open port.*; `tocsin devices` lists the serial ports"),
        ("/dev/other", "--ppk /dev/other: no Power Profiler Kit II answers; it has two ports, try the other"),
    ],
)
def test_profiler_that_is_not_there(port: str, message: str, tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(STANDIN))
    with pytest.raises(power.NoProfiler, match=message):
        power.Profiler(port)


def test_profiler_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ppk2_api", None)
    monkeypatch.setitem(sys.modules, "ppk2_api.ppk2_api", None)
    with pytest.raises(power.NoProfiler, match="--ppk needs the package ppk2-api: pip install ppk2-api"):
        power.Profiler("/dev/kit")


def test_profiler_that_is_slow(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(STANDIN))
    monkeypatch.setattr(power, "PATIENCE", (1.0, 0.1))
    with pytest.raises(power.NoProfiler, match="gave 0 samples, not 50000"):
        power.Profiler("/dev/slow").measure(0.5)
