# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Check that the C sources include one another in one direction only; 0 where all do.

Two tables say what may be included: `MODULES` by the libraries of ``modules/`` and by Python's binding, `ROOMS` by the
folders of ``app/src``. No two files of a folder may lean on each other. A portable module includes no Zephyr header.

Example: python3 tools/check_includes.py
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENDINGS = {".c", ".h", ".cc", ".cpp", ".S"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"]', re.M)

# What each module may include of the others, by <tocsin/...>.
MODULES = {
    "ring": set(),
    "decide": set(),
    "score": set(),
    "dsp": {"ring"},
    "bundle": {"decide", "dsp", "score"},
    "tflm": {"score"},
    "source": {"ring"},
    "link": {"bundle", "ring"},
}
# Those that compile anywhere: C11 and nothing else.
PORTABLE = {"ring", "decide", "score", "dsp", "bundle"}
# The binding of the Python package stands above the portable modules, and judges recordings as a sensor is judged.
BINDING = PORTABLE | {"source"}

# What each folder of app/src may include of the others. "" is app/src itself: main.c and control.c, above all.
ROOMS = {
    "measure": set(),
    "messages": set(),
    "bundles": {"messages"},
    "sensor": {"measure", "messages"},
    "pipeline": {"measure", "messages", "sensor"},
    "host": {"bundles", "measure", "messages", "pipeline", "sensor"},
    "status": {"bundles", "host", "measure", "messages", "pipeline", "sensor"},
    "": {"bundles", "host", "measure", "messages", "pipeline", "sensor", "status"},
}
# Written by the build.
GENERATED = {"app_version.h"}


@dataclass(frozen=True)
class Include:
    """One line of a source: `by` includes `name`, in angle brackets or as a file of this repository."""

    by: Path
    name: str
    angled: bool


def includes(root: Path, file: Path) -> list[Include]:
    """All that a source includes, under whatever condition."""
    text = (root / file).read_text(encoding="utf-8")
    return [Include(file, name, bracket == "<") for bracket, name in INCLUDE.findall(text)]


def public_headers(root: Path) -> dict[str, str]:
    """Find the module that each ``<tocsin/...>`` belongs to."""
    found = root.glob("modules/*/include/tocsin/*.h")
    return {f"tocsin/{header.name}": header.parts[len(root.parts) + 1] for header in found}


def judge_module(include: Include, module: str, allowed: set[str], owners: dict[str, str]) -> str | None:
    """Say what is wrong with an include of a module, or of the binding; None where nothing is."""
    if include.angled and include.name.startswith("zephyr/") and module in PORTABLE | {"binding"}:
        return "a portable module includes no Zephyr header"
    if not include.angled or not include.name.startswith("tocsin/"):
        return None
    owner = owners.get(include.name)
    if owner is None:
        return "no module has this header"
    return None if owner == module or owner in allowed else f"{module} may not include {owner}"


def judge_room(include: Include, room: str, headers: set[str]) -> str | None:
    """Say what is wrong with an include of the application; None where nothing is."""
    if include.angled or include.name in GENERATED:
        return None
    if include.name not in headers:
        return "a header of app/src is included by its path from there"
    target = room_of(include.name)
    return None if target == room or target in ROOMS[room] else f"{room or 'app/src'} may not include {target or '.'}/"


def room_of(name: str) -> str:
    """Folder below app/src, "" for app/src itself."""
    return name.rpartition("/")[0]


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """One circle of arrows, its first element again at its end; empty where there is none."""
    done: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for target in sorted(arrows.get(node, ())):
            found = visit(target, [*path, node])
            if found:
                return found
        done.add(node)
        return []

    return next((found for node in sorted(arrows) if (found := visit(node, []))), [])


def unit_of(file: Path) -> Path:
    """What a file is part of: name.c, name.h and name_internal.h are one."""
    return file.with_name(file.stem.removesuffix("_internal"))


def units(root: Path, files: Iterable[Path]) -> dict[str, set[str]]:
    """Which unit includes which other, by a path from its own folder or from app/src."""
    known = {unit_of(file) for file in files}
    arrows: dict[str, set[str]] = {}
    for file in files:
        for include in includes(root, file):
            if include.angled:
                continue
            beside = file.parent / include.name
            target = unit_of(beside if (root / beside).is_file() else Path("app/src") / include.name)
            if target in known and target != unit_of(file):
                arrows.setdefault(str(unit_of(file)), set()).add(str(target))
    return arrows


def faults(root: Path, files: list[Path]) -> list[str]:
    """Every include that breaks a rule, and every circle, one a line."""
    owners = public_headers(root)
    app = Path("app/src")
    headers = {str(file.relative_to(app)) for file in files if file.is_relative_to(app) and file.suffix == ".h"}
    wrong: list[str] = []
    for table, name in ((MODULES, "MODULES"), (ROOMS, "ROOMS")):
        if found := circle(table):
            wrong.append(f"{name} allows a circle: {' → '.join(found)}")
    for file in files:
        if file.is_relative_to(app):
            folder, table = room_of(str(file.relative_to(app))), ROOMS
        elif file.parts[0] == "modules" and len(file.parts) > 2:
            folder, table = file.parts[1], MODULES
        else:
            folder, table = "binding", {"binding": BINDING}
        if file.parts[0] == "modules" and len(file.parts) == 2:
            table = {"binding": set()}  # shared by the portable modules: includes none of them
        if folder not in table:
            wrong.append(f"{file}: no table of tools/check_includes.py knows {folder}/")
            continue
        for include in includes(root, file):
            if table is ROOMS:
                fault = judge_room(include, folder, headers)
            else:
                fault = judge_module(include, folder, table[folder], owners)
            if fault is not None:
                wrong.append(f"{file}: {include.name}: {fault}")
    if found := circle(units(root, files)):
        wrong.append(f"files lean on each other: {' → '.join(found)}")
    return wrong


def sources(root: Path) -> list[Path]:
    """C sources below app/src, modules/ and the binding that git knows or would add."""
    folders = ["app/src", "modules", "training/src/tocsin/_core"]
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    listing = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split("\n")
    return [Path(name) for name in listing if Path(name).suffix in ENDINGS and (root / name).is_file()]


def main() -> int:
    """Check the repository."""
    argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0]).parse_args()
    files = sources(ROOT)
    wrong = faults(ROOT, files)
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(files)} C sources, {len(wrong)} wrong includes")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main())
