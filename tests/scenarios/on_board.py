# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A real nRF52840 DK: flashed through west and pyOCD, its link at a serial port."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from emulation import BuildFailed
from kinds import ROOT, Kind
from replayed import Replaying
from station import NotHere


def flash(folder: Path) -> None:
    """Flash a build folder.

    Raises
    ------
    NotHere
        There is no west or pyOCD.
    BuildFailed
        The board that was asked for could not be flashed: no reason to skip.
    """
    for tool in ("west", "pyocd"):
        if shutil.which(tool) is None:
            raise NotHere(f"{tool} is not installed: no board is flashed")
    command = ["west", "flash", "--no-rebuild", "--runner", "pyocd", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        raise BuildFailed(f"the board could not be flashed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")


class OnBoard(Replaying):
    """A board on the desk.

    Parameters
    ----------
    kind, image, heard
        As of :class:`on_renode.OnRenode`; the image has been flashed.
    link, console
        Serial ports: of the link, and of the debugger; without the latter, what needs the console is skipped.
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
        self._console = None
        if console is not None:
            import serial

            self._console = serial.Serial(console, 115200, timeout=0.2)
            threading.Thread(target=self._read, daemon=True).start()
        self.reset()

    def _read(self) -> None:
        assert self._console is not None
        while self._console.is_open:
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
        subprocess.run(["pyocd", "reset", "-t", "nrf52840"], check=True, capture_output=True, timeout=60)
        time.sleep(1)

    def stop(self) -> None:
        if self._console is not None:
            self._console.close()
