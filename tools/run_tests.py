# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Run everything that can be tested on this machine, and say plainly what was left out and why.

Each step is a command of its own; all run, even after one failed. The exit status is 0 only where none failed.
With ``--all`` they include every board's image and the tests that take minutes each.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import workspace

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
C_FOLDERS = ("modules", "app", "samples", "tests", "tools", "training/src")
C_ENDINGS = {".c", ".h", ".cc", ".cpp"}
# Many times what the slowest step takes on two cores: one that hangs must fail, not hold up all that comes after it.
STEP_SECONDS = 2400
# Two at a time, for most tests keep one core busy; a file, or a group (tests/sim/grouped.py), stays in one process.
PYTEST = [sys.executable, "-m", "pytest", "-q", "--numprocesses=2"]


@dataclass
class Report:
    """What passed, what failed, and what was left out with the reason; with ``everything``, also what takes long."""

    everything: bool = False
    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def run(self, name: str, *commands: list[str]) -> None:
        """Run the commands of one step in the repository's root until one fails."""
        print(f"\n── {name}", flush=True)
        start = time.monotonic()
        ok = all(succeeds(command, start + STEP_SECONDS) for command in commands)
        print(f"── {name}: {'passed' if ok else 'FAILED'} in {time.monotonic() - start:.0f} s", flush=True)
        (self.passed if ok else self.failed).append(name)


def succeeds(command: list[str], deadline: float) -> bool:
    """Run a command in the repository's root; False where it fails, or has not ended by `deadline`."""
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as process:
        try:
            return process.wait(timeout=max(1.0, deadline - time.monotonic())) == 0
        except subprocess.TimeoutExpired:
            print(f"not done after {STEP_SECONDS} s, stopped: {shlex.join(command)}", flush=True)
            return False
        finally:
            # Whatever it started (emulators, workers) ends with it, also when this script is interrupted.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def tracked(folders: tuple[str, ...], endings: set[str]) -> list[str]:
    """List the repository's own files below `folders` with one of `endings`; all of them where that is empty."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    return [
        name for name in listing if name and (not endings or Path(name).suffix in endings) and (ROOT / name).is_file()
    ]


def lint(report: Report) -> None:
    """Formatting and static checks."""
    report.run("ruff", ["ruff", "check"], ["ruff", "format", "--check"])
    report.run("mypy", ["mypy", "--config-file", "training/pyproject.toml", "training/src/tocsin"])
    if shutil.which("lint-imports") is None:
        report.left_out.append("arrows between rooms: import-linter is not installed (training's extra dev)")
    else:
        report.run("arrows between rooms", ["lint-imports", "training/pyproject.toml", "--no-cache", "--no-logo"])
    report.run("arrows between C rooms", [sys.executable, "tools/check_includes.py"])
    report.run("clang-format", ["clang-format", "--dry-run", "--Werror", *tracked(C_FOLDERS, C_ENDINGS)])
    report.run("links", [sys.executable, "tools/check_links.py"])
    if shutil.which("codespell") is None:
        report.left_out.append("spelling: codespell is not installed (training's extra dev)")
    else:
        report.run("codespell", ["codespell", *tracked((".",), set())])
    if shutil.which("check-jsonschema") is None:
        report.left_out.append("schemas of .github: check-jsonschema is not installed (training's extra dev)")
        return
    # The schemas come with the package.
    forms = [name for name in tracked((".github/ISSUE_TEMPLATE",), {".yml"}) if not name.endswith("config.yml")]
    schema = ["check-jsonschema", "--builtin-schema"]
    report.run(
        "schemas of .github",
        [*schema, "vendor.github-workflows", *tracked((".github/workflows",), {".yml"})],
        [*schema, "vendor.github-issue-forms", *forms],
        [*schema, "vendor.github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"],
    )


def portable_c(report: Report) -> None:
    """The portable modules alone, under AddressSanitizer and UndefinedBehaviorSanitizer."""
    folder = str(BUILD / "c")
    report.run(
        "portable C under ASan/UBSan",
        ["cmake", "-G", "Ninja", "-S", "tests/c", "-B", folder, "-DTOCSIN_SANITIZE=ON"],
        ["cmake", "--build", folder],
        ["ctest", "--test-dir", folder, "--output-on-failure"],
    )


def fuzz(report: Report) -> None:
    """The parsers and the ring under libFuzzer, shortly."""
    if not libfuzzer():
        report.left_out.append("fuzzing: no clang with libFuzzer (Debian: clang, libclang-rt-14-dev)")
        return
    folder = str(BUILD / "fuzz")
    report.run(
        "fuzzing, a short run",
        ["cmake", "-G", "Ninja", "-S", "tools/fuzz", "-B", folder, "-DCMAKE_C_COMPILER=clang"],
        ["cmake", "--build", folder],
        ["ctest", "--test-dir", folder, "--output-on-failure"],
    )


def libfuzzer() -> bool:
    """Tell whether clang can link a fuzzer."""
    if shutil.which("clang") is None:
        return False
    BUILD.mkdir(exist_ok=True)
    source = "#include <stddef.h>\nint LLVMFuzzerTestOneInput(const char *d, size_t n) { return 0 * (int)n * !d; }"
    probe = ["clang", "-fsanitize=fuzzer,address", "-x", "c", "-", "-o", str(BUILD / "fuzz-probe")]
    return subprocess.run(probe, input=source, text=True, capture_output=True, check=False).returncode == 0


def python(report: Report) -> None:
    """The Python package, its oracles and the command line."""
    report.run("Python package", [*PYTEST, "--dist=loadfile", "training/tests"])


def repository(report: Report) -> None:
    """Links, rules of commits, files for contributors that must agree with others, and a wheel as people install it."""
    report.run("repository", [sys.executable, "-m", "pytest", "-q", "tests/repository"])


def firmware(report: Report) -> None:
    """Images for every board, and the emulated runs against the twin."""
    base = workspace.find()
    if base is None:
        report.left_out.append(
            "firmware builds and emulation: no Zephyr workspace found (see README, 'With a Zephyr workspace')"
        )
        return
    if shutil.which("qemu-system-arm") is None:
        report.left_out.append("firmware builds and emulation: qemu-system-arm is not installed")
        return
    print(f"\nZephyr workspace: {base}")
    everything = ["--long", "--all-boards"] if report.everything else []
    report.run("firmware in emulation", [*PYTEST, "--dist=loadgroup", "-rs", "tests/sim", *everything])


def scenarios(report: Report) -> None:
    """What a node promises: on the emulated Cortex-M4F, and on the simulated nRF52840 where Renode is installed."""
    if workspace.find() is None or shutil.which("qemu-system-arm") is None:
        report.left_out.append("scenarios: no Zephyr workspace or no qemu-system-arm, see firmware")
        return
    pytest = [*PYTEST, "--dist=loadgroup", "-rs", "tests/scenarios", "--target"]
    report.run("scenarios in QEMU", [*pytest, "qemu"])
    if shutil.which("renode") is None:
        report.left_out.append("scenarios in Renode: renode is not on the PATH (docs/how-to/simulation.md)")
        return
    report.run("scenarios in Renode", [*pytest, "renode"])


STEPS: dict[str, Callable[[Report], None]] = {
    "lint": lint,
    "c": portable_c,
    "fuzz": fuzz,
    "python": python,
    "repository": repository,
    "firmware": firmware,
    "scenarios": scenarios,
}


def main() -> int:
    """Run the steps named on the command line, or every step; 0 where none failed."""
    everything = "--all" in sys.argv[1:]
    chosen = [name for name in sys.argv[1:] if name != "--all"] or list(STEPS)
    unknown = [name for name in chosen if name not in STEPS]
    if unknown:
        print(f"unknown step {unknown[0]}: one of {', '.join(STEPS)}", file=sys.stderr)
        return 2
    report = Report(everything)
    for name in chosen:
        STEPS[name](report)
    print()
    for name in report.failed:
        print(f"failed: {name}")
    for reason in report.left_out:
        print(f"left out: {reason}")
    print(f"{len(report.passed)} passed, {len(report.failed)} failed, {len(report.left_out)} skipped")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
