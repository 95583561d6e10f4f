# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The rules of commit messages, as gitlint applies them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REASON = "\n\nThey joined the gap before them, so its index was too small.\n"


def complaints(message: str) -> set[str]:
    """Identifiers of the rules that a message breaks."""
    if shutil.which("gitlint") is None:
        pytest.skip("gitlint is not installed (training's extra dev)")
    done = subprocess.run(["gitlint"], cwd=ROOT, input=message, capture_output=True, text=True, check=False)
    found = set(re.findall(r"^\d+: (\w+) ", done.stderr, re.MULTILINE))
    assert bool(found) == (done.returncode != 0), done.stderr
    return found


@pytest.mark.parametrize(
    "subject",
    [
        "ring: count samples that a source lost",
        "app, link: end a replay with its host",
        "docs/how-to: say how to release",
        "source_health: re-read the defaults",
    ],
)
def test_a_good_message(subject: str) -> None:
    assert complaints(subject + REASON) == set()


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        ("ring: counted what a source lost" + REASON, "UT1"),
        ("ring: the newest samples are dropped" + REASON, "UT1"),
        ("ring: counting of samples" + REASON, "UT1"),
        ("ring: count what a source lost; name it" + REASON, "UT2"),
        ("count what a source lost" + REASON, "T7"),
        ("ring: count " + "x" * 61 + REASON, "T1"),
        ("ring: count what a source lost\n", "B6"),
        ("ring: count what a source lost\n\nIt did not.\n", "B5"),
        ("ring: count what a source lost" + REASON + "y " * 41 + "\n", "B1"),
    ],
)
def test_a_bad_message(message: str, rule: str) -> None:
    assert rule in complaints(message)


def test_a_subject_of_72_characters_is_short_enough() -> None:
    assert complaints("ring: count " + "x" * 60 + REASON) == set()
