# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Files for contributors that must agree with others of the repository."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def version() -> str:
    """The version as the file VERSION states it."""
    said = dict(re.findall(r"^(\w+) = (\S*)$", (ROOT / "VERSION").read_text(), re.MULTILINE))
    return f"{said['VERSION_MAJOR']}.{said['VERSION_MINOR']}.{said['PATCHLEVEL']}"


def headings() -> list[str]:
    """The versions of the changelog, newest first."""
    return re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_the_changelog_has_the_version() -> None:
    first, *released = headings()
    assert first == "Unreleased"
    assert re.fullmatch(re.escape(version()) + r" - \d{4}-\d\d-\d\d", released[0]), "VERSION and CHANGELOG.md disagree"


def test_the_changelog_is_in_order() -> None:
    numbers = [tuple(int(n) for n in heading.split(" - ")[0].split(".")) for heading in headings()[1:]]
    days = [heading.split(" - ")[1] for heading in headings()[1:]]
    assert numbers == sorted(numbers, reverse=True)
    assert days == sorted(days, reverse=True)


def test_the_package_has_the_version() -> None:
    said = subprocess.run(["tocsin", "--version"], capture_output=True, text=True, check=True).stdout
    assert said.strip().endswith(version())


def owned() -> list[str]:
    """The paths of CODEOWNERS."""
    lines = (ROOT / ".github" / "CODEOWNERS").read_text().splitlines()
    return [line.split()[0] for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("path", owned())
def test_what_has_an_owner_exists(path: str) -> None:
    assert path == "*" or (ROOT / path.strip("/")).exists()


def test_the_container_has_what_setup_installs() -> None:
    wanted = set(re.findall(r"^\s*need ([\w+.-]+) ", (ROOT / "tools" / "setup.sh").read_text(), re.MULTILINE))
    dockerfile = (ROOT / ".devcontainer" / "Dockerfile").read_text()
    assert "gcc-arm-none-eabi" in wanted
    assert wanted <= set(re.findall(r"[\w+.-]+", dockerfile)), "setup would install these in the container"
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert container["build"]["dockerfile"] == "Dockerfile"


def test_hooks_of_both_kinds_are_installed() -> None:
    config = (ROOT / ".pre-commit-config.yaml").read_text()
    assert "default_install_hook_types: [pre-commit, commit-msg]" in config
    assert re.search(r"id: gitlint\n(?: +.+\n)*? +stages: \[commit-msg\]", config)


def mapped() -> list[str]:
    """The files and folders that the architecture's page names from the root."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`((?:modules|app|samples|training|boards|tools|tests|docs|dts)/[\w./-]*)`", page))
    for folder, table in re.findall(r"^### [^\n]*: `([\w/]+)`\n(.*?)(?=^#)", page, re.MULTILINE | re.DOTALL):
        for row in re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE):
            named |= {f"{folder}/{name}" for name in re.findall(r"`([^`]+)`", row)}
    return sorted(named)


@pytest.mark.parametrize("path", mapped())
def test_the_map_names_what_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("folder", ["app/src", "training/src/tocsin"])
def test_every_room_is_on_the_map(folder: str) -> None:
    there = {f"{folder}/{p.name}/" for p in (ROOT / folder).iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert there <= set(mapped())
