# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What people install: a source distribution and a wheel of it, in an environment that has nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command outside the repository; its output."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run([str(word) for word in words], cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder outside the repository, where the package index answers."""
    place = tmp_path_factory.mktemp("wheel")
    command = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", place / "index", "nanobind")
    if run(*command, cwd=place).returncode:
        (pytest.fail if request.config.getoption("--required") else pytest.skip)("no package index can be reached")
    return place


@pytest.fixture(scope="module")
def sdist(place: Path) -> Path:
    done = run(sys.executable, "-m", "build", "--sdist", "--outdir", place / "dist", ROOT / "training", cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = (place / "dist").glob("tocsin-*.tar.gz")
    return found


@pytest.fixture(scope="module")
def wheel(place: Path, sdist: Path) -> Path:
    done = run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", place / "wheels", sdist, cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = (place / "wheels").glob("tocsin-*.whl")
    return found


def names(archive: Path) -> set[str]:
    """Files in a source distribution, without its top folder."""
    with tarfile.open(archive) as tar:
        return {member.name.partition("/")[2] for member in tar.getmembers()}


def test_the_source_distribution_has_the_portable_modules(sdist: Path) -> None:
    held = names(sdist)
    assert {"LICENSE", "modules/portable.cmake", "modules/exact_float.h", "modules/source/Kconfig.health"} <= held
    for module in ("ring", "dsp", "score", "decide", "bundle", "link", "source"):
        assert f"modules/{module}/CMakeLists.txt" in held
    assert not [name for name in held if name.startswith(("modules/tflm/", "build/", "modules/modules"))]


def test_the_wheel_has_the_licence_and_what_the_report_needs(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    assert any(name.endswith("/LICENSE") for name in held)
    assert {"tocsin/py.typed", "tocsin/_core.pyi", "tocsin/evaluation/report/page.html"} <= held
    assert not [name for name in held if name.endswith((".c", ".cpp", ".h", ".hpp"))]


def test_the_wheel_works_by_itself(wheel: Path, place: Path) -> None:
    env = place / "venv"
    venv.create(env, with_pip=True)
    python = env / "bin" / "python"
    done = run(python, "-m", "pip", "install", "--quiet", wheel, cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    installed = run(python, "-m", "pip", "list", "--format=freeze", cwd=place).stdout.lower()
    for package in ("tensorflow", "scikit-learn", "optuna", "matplotlib"):
        assert f"{package}==" not in installed
    done = run(python, ROOT / "training" / "tests" / "wheel_smoke.py", cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"from {env}" in done.stdout
    detector = place / "new.tocsin"
    done = run(env / "bin" / "tocsin", "train", "--data", place, "-o", detector, cwd=place)
    assert done.returncode == 2
    assert done.stderr == 'error: scikit-learn is needed for this and not installed: pip install "tocsin[train]"\n'
