# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The Zephyr test applications of tests/zephyr, run on emulated boards."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading

import pytest

from building import building
from emulation import BOARDS, ROOT, configure_and_build

APPS = ROOT / "tests" / "zephyr"


def cases() -> list[tuple[str, str]]:
    """Each suite on each platform that its testcase.yaml allows, as Twister runs them."""
    names = {board.zephyr: name for name, board in BOARDS.items()}
    found = []
    for described in sorted(APPS.glob("*/testcase.yaml")):
        allowed = re.search(r"platform_allow:\n((?: +- .+\n)+)", described.read_text())
        assert allowed is not None, described
        found += [(described.parent.name, names[platform]) for platform in re.findall(r"- (.+)", allowed[1])]
    return found


@pytest.mark.parametrize(("app", "name"), cases())
def test_suite_passes(app: str, name: str) -> None:
    board = BOARDS[name]
    if shutil.which(board.tool) is None:
        pytest.skip(f"{board.tool} is not installed")
    folder = ROOT / "build" / "sim" / "zephyr" / f"{app}-{name}"
    with building():
        configure_and_build(folder, board.zephyr, source=APPS / app)
    output = run(name, str(folder / board.image))
    totals = re.findall(r"pass = (\d+), fail = (\d+), skip = (\d+)", output)
    assert "PROJECT EXECUTION SUCCESSFUL" in output, output[-6000:]
    assert totals, output[-6000:]
    for passed, failed, skipped in totals:
        assert int(passed) > 0
        assert (failed, skipped) == ("0", "0")


def run(name: str, image: str) -> str:
    """Run an image until its test framework has said how it went; give what it printed."""
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
            if "PROJECT EXECUTION" in line:
                break
        late.cancel()
        process.kill()
    return output
