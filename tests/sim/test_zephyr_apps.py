# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The Zephyr test applications of tests/zephyr and the samples, run on emulated boards."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from building import building
from emulation import BOARDS, ROOT, configure_and_build

APPS = ROOT / "tests" / "zephyr"
SAMPLES = ROOT / "samples"


def cases(folder: Path, description: str) -> list[tuple[str, str]]:
    """Each application of a folder on each platform that its description allows, as Twister runs them."""
    names = {board.zephyr: name for name, board in BOARDS.items()}
    found = []
    for described in sorted(folder.glob(f"*/{description}")):
        allowed = re.search(r"platform_allow:\n((?: +- .+\n)+)", described.read_text())
        assert allowed is not None, described
        found += [(described.parent.name, names[platform]) for platform in re.findall(r"- (.+)", allowed[1])]
    return found


@pytest.mark.parametrize(("app", "name"), cases(APPS, "testcase.yaml"))
def test_suite_passes(app: str, name: str) -> None:
    output = run(name, str(image_of(APPS / app, name)), "PROJECT EXECUTION")
    totals = re.findall(r"pass = (\d+), fail = (\d+), skip = (\d+)", output)
    assert "PROJECT EXECUTION SUCCESSFUL" in output, output[-6000:]
    assert totals, output[-6000:]
    for passed, failed, skipped in totals:
        assert int(passed) > 0
        assert (failed, skipped) == ("0", "0")


@pytest.mark.parametrize(("app", "name"), cases(SAMPLES, "sample.yaml"))
def test_sample_prints_what_it_says(app: str, name: str) -> None:
    """Each line that sample.yaml expects, in that order."""
    described = (SAMPLES / app / "sample.yaml").read_text()
    assert "type: multi_line" in described
    assert "ordered: true" in described
    expected = re.findall(r"^        - '(.+)'$", described, re.MULTILINE)
    assert expected[-1] == "done"
    lines = iter(run(name, str(image_of(SAMPLES / app, name)), "done").splitlines())
    # The iterator goes on behind the line that was found.
    missing = [wanted for wanted in expected if not any(re.search(wanted, line) for line in lines)]
    assert missing == []


def image_of(source: Path, name: str) -> Path:
    """Build an application for a board, or leave the test out where that cannot be done."""
    board = BOARDS[name]
    if shutil.which(board.tool) is None:
        pytest.skip(f"{board.tool} is not installed")
    folder = ROOT / "build" / "sim" / source.parent.name / f"{source.name}-{name}"
    with building():
        configure_and_build(folder, board.zephyr, source=source)
    return folder / board.image


def run(name: str, image: str, end: str) -> str:
    """Run an image until a line has `end`; give what it printed."""
    command = {
        "native": [image, "--no-rt"],
        "qemu": [
            "qemu-system-arm", "-machine", "mps2-an386", "-cpu", "cortex-m4", "-display", "none", "-monitor", "none",
            "-icount", "shift=auto,sleep=off", "-serial", "stdio", "-kernel", image,
        ],
    }[name]  # fmt: skip
    output = ""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        late = threading.Timer(120, process.kill)
        late.start()
        for line in process.stdout:
            output += line
            if end in line:
                break
        late.cancel()
        process.kill()
    return output
