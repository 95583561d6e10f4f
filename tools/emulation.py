# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Boards that run on the desk: build the application for them once, into build/sim/, and switch them on.

The console is text to wait for and a shell to type into; the link is :class:`tocsin.device.link.Link`.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

sys.path.insert(0, str(Path(__file__).parent))
import workspace
from tocsin.device.link import Link

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Board:
    """An emulated board: its short name, Zephyr's name, its image below the build folder, the tool it runs with."""

    name: str
    zephyr: str
    image: str
    tool: str


BOARDS = {
    "qemu": Board("qemu", "qemu_m4f", "zephyr/zephyr.elf", "qemu-system-arm"),
    "native": Board("native", "native_sim/native/64", "zephyr/zephyr.exe", "gcc"),
}


class CannotBuild(Exception):
    """Something that building needs is not on this machine; the message is one plain line."""


class BuildFailed(Exception):
    """The build went wrong; the message holds the end of its output."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a build folder's lock: tests that run side by side may want the same image."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def shared_objects() -> dict[str, str]:
    """The environment in which ccache finds an object that another build folder has compiled already.

    Most of Zephyr is the same in every image. Paths count from the build folder, so that they do not tell the folders
    apart. What the user has set stays.
    """
    return {"CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1", **os.environ}


def configure_and_build(folder: Path, board: str, *options: str, source: Path = ROOT) -> str:
    """Build an application, by default the firmware, for a board into `folder`; give what the build printed.

    Raises
    ------
    CannotBuild
        There is no Zephyr workspace, or a tool is missing.
    BuildFailed
        The build went wrong.
    """
    if workspace.find() is None:
        raise CannotBuild("no Zephyr workspace found (ZEPHYR_BASE, west, CMake's registry)")
    for tool in ("cmake", "ninja"):
        if shutil.which(tool) is None:
            raise CannotBuild(f"{tool} is not installed")
    commands = [["cmake", "--build", str(folder)]]
    output = ""
    with alone(folder):
        if not (folder / "build.ninja").exists() or options:
            commands.insert(0, ["cmake", "-GNinja", "-S", str(source), "-B", str(folder), f"-DBOARD={board}", *options])
        for command in commands:
            result = subprocess.run(
                command, cwd=ROOT, env=shared_objects(), capture_output=True, text=True, check=False
            )
            output += result.stdout + result.stderr
            if result.returncode != 0:
                raise BuildFailed(f"{' '.join(command)} failed:\n{output[-4000:]}")
    return output


def build_variant(name: str, *options: str) -> Path:
    """Build an image of its own for QEMU, with CMake options that stay the same from call to call.

    Raises
    ------
    CannotBuild, BuildFailed
        See :func:`configure_and_build`.
    """
    board = BOARDS["qemu"]
    if shutil.which(board.tool) is None:
        raise CannotBuild(f"{board.tool} is not installed")
    folder = ROOT / "build" / "sim" / name
    configure_and_build(folder, board.zephyr, *options)
    return folder / board.image


def build(board: Board) -> Path:
    """Build the application for an emulated board, or take the image that TOCSIN_SIM_<NAME> names.

    Raises
    ------
    CannotBuild, BuildFailed
        See :func:`configure_and_build`.
    """
    if shutil.which(board.tool) is None:
        raise CannotBuild(f"{board.tool} is not installed")
    image = os.environ.get(f"TOCSIN_SIM_{board.name.upper()}")
    if image:
        return Path(image)
    folder = ROOT / "build" / "sim" / board.name
    configure_and_build(folder, board.zephyr)
    return folder / board.image


class Emulator:
    """A board that has just been switched on.

    Parameters
    ----------
    board
        One of :data:`BOARDS`.
    image
        From :func:`build`.
    folder
        For the link's socket; its path must be short.
    heard
        Called with all that the console prints.
    icount
        QEMU alone: time is counted in instructions, 2**icount ns each, and idle time passes at once. So 4 is a
        processor of 62.5 MIPS, 7 one of 7.8 MIPS, and what happens does not depend on how busy the desk is.
    flash
        native_sim alone: the file that holds its flash memory, and so outlives it; by default a new one each time.
    options
        More options of QEMU, or of native_sim's image.
    """

    def __init__(
        self,
        board: Board,
        image: Path,
        folder: Path,
        *,
        heard: Callable[[bytes], object] = lambda _: None,
        icount: int | None = None,
        flash: Path | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self._heard = heard
        self._text = ""
        self._changed = threading.Condition()
        self._socket = folder / "link.sock"
        self._board = board
        # The link is a "mux" with one end and no escape character: it hands over 32 bytes at a time, where a plain
        # socket costs two thread switches of QEMU for each byte that the UART takes.
        command = {
            "qemu": [
                "qemu-system-arm", "-machine", "mps2-an386", "-cpu", "cortex-m4", "-display", "none", "-monitor",
                "none", "-serial", "stdio", "-echr", "0x100", "-chardev",
                f"socket,id=link,path={self._socket},server=on,wait=off,mux=on", "-serial", "chardev:link",
                "-kernel", str(image),
            ],
            "native": [str(image), "-uart_stdinout", "--flash_in_ram" if flash is None else f"--flash={flash}"],
        }[board.name]  # fmt: skip
        if icount is not None:
            if board.name != "qemu":
                raise ValueError(f"{board.name} does not count instructions")
            command += ["-icount", f"shift={icount},align=off,sleep=off"]
        self._process = subprocess.Popen(
            [*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        )
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while data := os.read(self._process.stdout.fileno(), 4096):
            with self._changed:
                self._text += data.decode(errors="replace")
                self._changed.notify_all()
            self._heard(data)

    @property
    def shown(self) -> int:
        """How many characters the console has shown."""
        return len(self._text)

    def wait_for(self, pattern: str, timeout: float = 20.0, since: int = 0) -> re.Match[str]:
        """Wait until the console has shown `pattern` behind its character `since`."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                if found := re.compile(pattern).search(self._text, since):
                    return found
                if not self._changed.wait(deadline - time.monotonic()) and time.monotonic() > deadline:
                    raise AssertionError(f"the console has not shown {pattern!r} but:\n{self._text[-2000:]}")

    def type(self, line: str) -> None:
        """Type a line into the shell."""
        assert self._process.stdin is not None
        for byte in (line + "\n").encode():
            self._process.stdin.write(bytes((byte,)))
            time.sleep(0.002)  # an emulated UART holds one byte

    def link_address(self) -> str:
        """Where the link is, as :meth:`tocsin.device.link.Link.open` takes it, once the board listens there."""
        if self._board.name == "native":
            return self.wait_for(r"uart_1 connected to pseudotty: (\S+)")[1]
        # What is sent before the UART is switched on is lost.
        self.wait_for(r"Booting Zephyr")
        return f"unix:{self._socket}"

    def open_link(self) -> Link:
        """Connect to the link."""
        return Link.open(self.link_address(), timeout=30)

    def stop(self) -> None:
        """Switch off."""
        self._process.kill()
        self._process.wait()
