# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A real nRF52840 DK: flashed through west and pyOCD, its link at a serial port."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from kinds import ROOT, Kind
from replayed import Replaying
from station import NotHere
from tocsin.device.link import Link, LinkError


class BoardError(Exception):
    """The board that was asked for does not do as it should, no reason to skip; the message is one plain line."""


def flash(folder: Path) -> None:
    """Flash a build folder.

    Raises
    ------
    NotHere
        There is no west or pyOCD.
    BoardError
        It could not be flashed.
    """
    for tool in ("west", "pyocd"):
        if shutil.which(tool) is None:
            raise NotHere(f"{tool} is not installed: no board is flashed")
    _run("flashed", ["west", "flash", "--no-rebuild", "--runner", "pyocd", "-d", str(folder)], timeout=300)


def _run(what: str, command: list[str], timeout: float) -> None:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise BoardError(f"the board could not be {what}: {command[0]} has not ended in {timeout:.0f} s") from error
    if done.returncode != 0:
        last = [*(done.stderr or done.stdout).strip().splitlines(), f"{command[0]} ended with {done.returncode}"][-2:]
        raise BoardError(f"the board could not be {what}: {last[0]}; `pyocd list` shows the debuggers that are there")


class OnBoard(Replaying):
    """A board on the desk.

    Parameters
    ----------
    kind, image, heard
        As of :class:`on_renode.OnRenode`; the image has been flashed.
    link, console
        Serial ports: of the link, and of the debugger; without the latter, what needs the console is skipped.

    Raises
    ------
    BoardError
        The debugger's port cannot be opened, or the board cannot be reset.
    """

    def __init__(
        self, kind: Kind, image: Path, link: str, console: str | None, heard: Callable[[bytes], object]
    ) -> None:
        self.bundle = kind.bundle
        self.image = image
        self._link = link
        self._text = ""
        self._changed = threading.Condition()
        self._heard = heard
        self._stopped = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._console = None
        if console is not None:
            import serial

            try:
                self._console = serial.Serial(console, 115200, timeout=0.2)
            except OSError as error:  # pyserial's errors are some, too
                raise BoardError(f"--console-port {console}: {error}; `tocsin devices` lists the ports") from error
            self._reader.start()
        self.reset()

    def _read(self) -> None:
        assert self._console is not None
        with contextlib.suppress(OSError):  # it was pulled out
            while not self._stopped.is_set():
                if data := self._console.read(4096):
                    with self._changed:
                        self._text += data.decode(errors="replace")
                        self._changed.notify_all()
                    self._heard(data)

    def link_address(self) -> str:
        return self._link

    def wait_for(self, pattern: str, timeout: float = 30.0, since: int = 0) -> re.Match[str]:
        if self._console is None:
            raise NotHere("no --console-port: the board's console is not heard")
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                if found := re.compile(pattern).search(self._text, since):
                    return found
                left = deadline - time.monotonic()
                assert left > 0, f"the console has not shown {pattern!r} but:\n{self._text[since:][-2000:]}"
                self._changed.wait(left)

    def shown(self) -> int:
        return len(self._text)

    def type(self, line: str) -> None:
        if self._console is None:
            raise NotHere("no --console-port: nothing can be typed")
        self._console.write((line + "\n").encode())

    def reset(self) -> None:
        _run("reset", ["pyocd", "reset", "-t", "nrf52840"], timeout=60)
        time.sleep(1)

    def open_link(self) -> Link:
        try:
            return super().open_link()
        except LinkError as error:
            raise BoardError(f"--port {self._link}: {error}; `tocsin devices` lists the ports") from error

    def stop(self) -> None:
        self._stopped.set()
        if self._console is not None:
            self._reader.join()
            self._console.close()
