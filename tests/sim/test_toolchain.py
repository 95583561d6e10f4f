# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Which compiler and C library are chosen, whatever the environment says: cmake/toolchain.cmake as CMake runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# A compiler that answers as one with, or without, picolibc, and with a newlib that can, or cannot, be locked.
GCC = """#!/bin/sh
case "$*" in
*picolibc.specs) echo {c} ;;
*picolibcpp.specs) echo {cxx} ;;
*-fsyntax-only*) exit {unlocked} ;;
esac
"""


def chosen(tmp_path: Path, board: str, given: dict[str, str], *, path: str | None = None) -> dict[str, str] | str:
    """Variables after cmake/toolchain.cmake, or what it says where it refuses."""
    script = tmp_path / "choose.cmake"
    names = ("ZEPHYR_TOOLCHAIN_VARIANT", "GNUARMEMB_TOOLCHAIN_PATH", "TOOLCHAIN_HAS_PICOLIBC")
    lines = [f"set(BOARD {board})", f"include({ROOT}/cmake/toolchain.cmake)"]
    lines += [f'message("{name}=${{{name}}}")' for name in names]
    script.write_text("\n".join(lines))
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ZEPHYR", "GNUARMEMB"))}
    environment = {**kept, "HOME": str(tmp_path), **given} | ({"PATH": path} if path else {})
    cmake = shutil.which("cmake")
    assert cmake is not None
    done = subprocess.run(
        [cmake, "-P", str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return " ".join(done.stderr.split())
    return dict(line.split("=", 1) for line in done.stderr.splitlines() if "=" in line)


def compiler(root: Path, *, c: str = "/x/picolibc.specs", cxx: str = "/x/picolibcpp.specs", unlocked: int = 1) -> Path:
    """A folder with bin/arm-none-eabi-gcc."""
    file = root / "bin/arm-none-eabi-gcc"
    file.parent.mkdir(parents=True)
    file.write_text(GCC.format(c=c, cxx=cxx, unlocked=unlocked))
    file.chmod(0o755)
    return root


@pytest.mark.parametrize("variant", [None, "gnuarmemb"])
@pytest.mark.parametrize("named", [False, True])
def test_picolibc_is_taken_whoever_chose_the_compiler(tmp_path: Path, variant: str | None, named: bool) -> None:
    root = compiler(tmp_path / "arm")
    given = {} if variant is None else {"ZEPHYR_TOOLCHAIN_VARIANT": variant}
    given |= {"GNUARMEMB_TOOLCHAIN_PATH": str(root)} if named else {}
    found = chosen(tmp_path, "nrf52840dk", given, path=f"{root}/bin:{os.environ['PATH']}")
    assert isinstance(found, dict), found
    # What the environment says, Zephyr reads there itself.
    assert (found["ZEPHYR_TOOLCHAIN_VARIANT"] or variant) == "gnuarmemb"
    assert found["GNUARMEMB_TOOLCHAIN_PATH"] == str(root)
    assert found["TOOLCHAIN_HAS_PICOLIBC"] == "ON"


@pytest.mark.parametrize("missing", ["c", "cxx"])
def test_a_newlib_that_cannot_be_locked_is_refused_with_what_to_install(tmp_path: Path, missing: str) -> None:
    root = compiler(tmp_path / "arm", **{missing: "picolibc.specs"})
    told = chosen(
        tmp_path, "qemu_m4f", {"ZEPHYR_TOOLCHAIN_VARIANT": "gnuarmemb", "GNUARMEMB_TOOLCHAIN_PATH": str(root)}
    )
    assert "neither picolibc with its libstdc++ nor a newlib" in told
    assert "libstdc++-arm-none-eabi-picolibc" in told


def test_arms_own_newlib_does(tmp_path: Path) -> None:
    root = compiler(tmp_path / "arm", c="picolibc.specs", cxx="picolibcpp.specs", unlocked=0)
    found = chosen(
        tmp_path, "qemu_m4f", {"ZEPHYR_TOOLCHAIN_VARIANT": "gnuarmemb", "GNUARMEMB_TOOLCHAIN_PATH": str(root)}
    )
    assert isinstance(found, dict), found
    assert found["TOOLCHAIN_HAS_PICOLIBC"] == ""


def test_a_folder_without_a_compiler_is_named(tmp_path: Path) -> None:
    told = chosen(tmp_path, "qemu_m4f", {"ZEPHYR_TOOLCHAIN_VARIANT": "gnuarmemb", "GNUARMEMB_TOOLCHAIN_PATH": "/none"})
    assert "GNUARMEMB_TOOLCHAIN_PATH is /none, and there is no bin/arm-none-eabi-gcc in it" in told


def test_no_compiler_at_all_is_told(tmp_path: Path) -> None:
    told = chosen(tmp_path, "nrf52840dk", {"ZEPHYR_TOOLCHAIN_VARIANT": "gnuarmemb"}, path=str(tmp_path))
    assert "No cross compiler was found. Install the Zephyr SDK" in told


@pytest.mark.parametrize("variant", ["zephyr", "cross-compile", "llvm"])
def test_other_choices_are_the_users(tmp_path: Path, variant: str) -> None:
    found = chosen(tmp_path, "nrf52840dk", {"ZEPHYR_TOOLCHAIN_VARIANT": variant}, path=str(tmp_path))
    assert found == {"ZEPHYR_TOOLCHAIN_VARIANT": "", "GNUARMEMB_TOOLCHAIN_PATH": "", "TOOLCHAIN_HAS_PICOLIBC": ""}


@pytest.mark.parametrize("variant", [None, "gnuarmemb"])
def test_native_sim_needs_no_cross_compiler(tmp_path: Path, variant: str | None) -> None:
    given = {} if variant is None else {"ZEPHYR_TOOLCHAIN_VARIANT": variant}
    found = chosen(tmp_path, "native_sim/native/64", given, path=str(tmp_path))
    assert isinstance(found, dict), found
    assert found["ZEPHYR_TOOLCHAIN_VARIANT"] == ("" if variant else "host")
