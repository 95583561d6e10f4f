# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What commands print for people: whole names, plain numbers, a disk's fault by its name, nothing of the libraries."""

from __future__ import annotations

import errno
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from recordings import hum, mimii, write
from tocsin.alarm.threshold import Threshold, format_hours, format_number
from tocsin.cli import cli
from tocsin.cli.options import progress
from tocsin.errors import reason

LONG_NAME = "conveyor_in_hall_3_next_to_the_gate_of_the_second_loading_bay_north_side"


def call(*words: object) -> Result:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("words")
    mimii(root / "data")
    (root / "data/fan").rename(root / "data" / LONG_NAME)
    bundle = root / "x.tocsin"
    result = call("train", "--data", root / "data", "--clusters", 2, "-o", bundle)
    assert result.exit_code == 0, result.output
    return root / "data", bundle


@pytest.mark.parametrize("words", [("data", "info", "DATA"), ("eval", "BUNDLE", "--data", "DATA")])
def test_names_are_whole_on_a_pipe_and_on_80_columns(trained: tuple[Path, Path], words: tuple[str, ...]) -> None:
    known = {"DATA": str(trained[0]), "BUNDLE": str(trained[1])}
    arguments = [known.get(word, word) for word in words]
    assert LONG_NAME in call(*arguments).stdout
    # On a terminal, the name is folded within its column: no letter is lost.
    reader, writer = pty.openpty()
    command = [sys.executable, "-c", "from tocsin.cli import main; main()", *arguments]
    environment = {**os.environ, "COLUMNS": "80", "TERM": "dumb"}
    process = subprocess.Popen(command, stdout=writer, stderr=subprocess.DEVNULL, env=environment)
    os.close(writer)
    shown = b""
    try:
        while piece := os.read(reader, 4096):
            shown += piece
    except OSError:  # the other end was closed
        pass
    os.close(reader)
    assert process.wait() == 0
    lines = [line for line in shown.decode().splitlines() if "│" in line]
    assert max(map(len, shown.decode().splitlines()[:6])) <= 80
    assert LONG_NAME in "".join(line.replace("┃", "│").split("│")[1].strip() for line in lines)
    assert "…" not in shown.decode()


@pytest.mark.parametrize(
    ("number", "text"),
    [(1920.0, "1,920"), (0.0417, "0.0417"), (3.14159, "3.14"), (1e-7, "less than 0.001"), (0.0, "0"), (99.96, "100")],
)
def test_numbers_as_people_write_them(number: float, text: str) -> None:
    assert format_number(number) == text


def test_warning_of_a_threshold_reads_well() -> None:
    tail = {"method": "exponential", "shape": 0.0, "scale": 1.0, "base": 0.0, "clusters": 9}
    found = Threshold(
        on=2.0, off=1.0, heard=1.5, on_low=1.0, on_high=3.0, hours=0.0125, per_hour=1 / 24, expected_per_hour=0.04,
        expected_low=0.0, expected_high=1e4, extrapolation=1920.0, supported_per_hour=240.0, **tail,
    )  # fmt: skip
    assert "1,920 times beyond" in found.warning
    assert "up to 240,000 false alarms a day" in found.warning
    assert "only show that there are fewer than 240 false alarms an hour" in found.warning
    assert "e+" not in found.warning
    assert "no more than fewer" not in found.warning
    assert format_hours(1e4) == "417 days"


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "read-only"), (errno.EACCES, "permission"), (errno.EIO, "")],
)
def test_what_the_system_refuses_is_named(number: int, words: str) -> None:
    assert (words or os.strerror(number)) in reason(OSError(number, os.strerror(number)))


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "disk is read-only")])
@pytest.mark.parametrize("command", ["train", "rebaseline", "report"])
def test_a_disk_that_takes_nothing_is_named(
    trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, number: int, words: str
) -> None:
    data, bundle = trained
    for i in range(6):
        write(tmp_path / f"new/normal/{i}.wav", hum(50 + i, seconds=4))

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    output = tmp_path / "out"
    arguments = {
        "train": ("train", "--data", data, "--clusters", 2, "-o", output),
        "rebaseline": ("rebaseline", bundle, "--data", tmp_path / "new", "-o", output),
        "report": ("report", bundle, "--data", data, "-o", output),
    }[command]
    result = call(*arguments)
    assert (result.exit_code, words in result.stderr) == (2, True), result.output
    assert not output.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_output_that_cannot_be_written_is_an_error(trained: tuple[Path, Path]) -> None:
    command = [sys.executable, "-c", "from tocsin.cli import main; main()", "inspect", str(trained[1])]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr


def test_warnings_of_libraries_stay_with_the_developers(tmp_path: Path) -> None:
    # As many clusters as there are different vectors, and more: scikit-learn warns of it.
    for i in range(8):
        write(tmp_path / f"data/normal/{i}.wav", hum(i % 2, seconds=2.1))
    command = [sys.executable, "-c", "from tocsin.cli import main; main()", "train", "--data", str(tmp_path / "data")]
    command += ["--model", "kmeans", "--clusters", "16", "-o", str(tmp_path / "x.tocsin")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Warning" not in done.stderr
    assert "sklearn" not in done.stderr
    asked = subprocess.run([command[0], "-W", "default", *command[1:]], capture_output=True, text=True, check=False)
    assert "ConvergenceWarning" in asked.stderr


def test_progress_on_a_pipe_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tocsin.cli.options._SECONDS_BETWEEN_LINES", 0.0)
    with progress("scoring", 2) as step:
        step("")
        step("b.wav")
    assert capsys.readouterr().err.splitlines() == ["scoring: 1 of 2", "scoring: 2 of 2 b.wav"]
