# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Find a Zephyr workspace without asking, in the order that Zephyr's own tools use.

1. ``ZEPHYR_BASE`` in the environment; 2. the west workspace around this repository; 3. CMake's package registry
(``west zephyr-export``); 4. one that ``--fetch`` made in ``build/workspace``.

Run as a command it prints the path, or one plain line on stderr and exit status 1. Standard library only: it runs
before there is an environment.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FETCHED = ROOT / "build" / "workspace"
UPSTREAM = "https://github.com/zephyrproject-rtos/zephyr"


def is_zephyr(base: Path) -> bool:
    """Tell whether `base` is a Zephyr tree."""
    return (base / "cmake" / "modules" / "zephyr_default.cmake").is_file()


def from_registry(package: str) -> list[Path]:
    """Paths that CMake's user package registry holds for `package` (its configuration folders)."""
    folder = Path.home() / ".cmake" / "packages" / package
    if not folder.is_dir():
        return []
    return [Path(entry.read_text().strip()) for entry in sorted(folder.iterdir()) if entry.is_file()]


def find() -> Path | None:
    """Find Zephyr's base folder.

    Returns
    -------
    Path or None
        the folder ``zephyr`` of the workspace, None where there is none
    """
    named = os.environ.get("ZEPHYR_BASE")
    if named:
        return Path(named) if is_zephyr(Path(named)) else None
    candidates = [above / "zephyr" for above in ROOT.parents if (above / ".west").is_dir()]
    # The registry names <base>/share/zephyr-package/cmake.
    candidates += [path.parents[2] for path in from_registry("Zephyr") if len(path.parents) > 2]
    candidates.append(FETCHED / "zephyr")
    return next((base for base in candidates if is_zephyr(base)), None)


def fetch() -> Path | None:
    """Fetch Zephyr and the modules that west.yml names into ``build/workspace`` with west.

    Returns
    -------
    Path or None
        Zephyr's base folder, None where upstream cannot be reached
    """
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        reach = subprocess.run(
            ["git", "ls-remote", "--exit-code", UPSTREAM, "refs/tags/v4.3.0"],
            timeout=20,
            env=environment,
            check=False,
            **quiet,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if reach.returncode != 0:
        return None
    print("tocsin: fetching Zephyr into build/workspace (some minutes, once)", flush=True)
    manifest = FETCHED / "tocsin"
    manifest.mkdir(parents=True, exist_ok=True)
    (manifest / "west.yml").write_text((ROOT / "west.yml").read_text())
    west = [sys.executable, "-m", "west"]
    if not (FETCHED / ".west").is_dir():
        subprocess.run([*west, "init", "-l", str(manifest)], check=True)
    subprocess.run([*west, "update", "--narrow", "--fetch-opt=--depth=1"], cwd=FETCHED, env=environment, check=True)
    return find()


def main() -> int:
    """Print what was found; 1 where nothing was."""
    parser = argparse.ArgumentParser(description="Find a Zephyr workspace; print its Zephyr folder.")
    parser.add_argument("--fetch", action="store_true", help="fetch one with west where none is found")
    parser.add_argument("--quiet", action="store_true", help="say nothing where none is found")
    parser.add_argument("--sdk", action="store_true", help="print the Zephyr SDK's folder instead")
    options = parser.parse_args()
    if options.sdk:
        named = os.environ.get("ZEPHYR_SDK_INSTALL_DIR")
        found = Path(named) if named else next(iter(from_registry("Zephyr-sdk")), None)
    else:
        found = find() or (fetch() if options.fetch else None)
    if found is None:
        if not options.quiet:
            print("no Zephyr workspace found (ZEPHYR_BASE, west, CMake's registry)", file=sys.stderr)
        return 1
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
