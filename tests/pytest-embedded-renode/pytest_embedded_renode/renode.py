# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A board in Renode: its monitor, its console, and a hard limit on how long all of it may take."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

# What the monitor prints before the reason of an error; its exit status says nothing.
_TROUBLE = re.compile(
    r"There was an error executing command|There were compilation errors|Error E\d+|No such command or device"
    r"|Could not tokenize|CPU abort|Fatal error"
)
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class NoRenode(Exception):
    """Renode is not installed; the message is one plain line."""


class RenodeError(Exception):
    """The monitor has told of an error, or has not answered in time."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class _Stream:
    """Text that grows while others wait for it."""

    def __init__(self, heard: Callable[[bytes], object]) -> None:
        self.text = ""
        self._heard = heard
        self._changed = threading.Condition()

    def add(self, data: bytes) -> None:
        with self._changed:
            self.text += _ESCAPES.sub("", data.decode(errors="replace"))
            self._changed.notify_all()
        self._heard(data)

    def wait_for(self, pattern: str, timeout: float, since: int = 0) -> re.Match[str]:
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                if found := re.compile(pattern).search(self.text, since):
                    return found
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(
                        f"{pattern!r} has not come in {timeout:.0f} s, but:\n{self.text[since:][-2000:]}"
                    )
                self._changed.wait(left)


class Renode:
    """A machine that a Renode script has set up; it does not run before :meth:`start`.

    Parameters
    ----------
    script
        The script; it opens server sockets for its UARTs at the ports ``$console`` and ``$link``.
    elf
        The image, ``$elf`` in the script.
    variables
        More of the script's variables.
    heard
        Called with all that the console prints.
    limit
        Seconds of the host after which Renode is killed, whatever it does.

    Raises
    ------
    NoRenode
        It is not installed.
    RenodeError
        The script has an error.
    """

    def __init__(
        self,
        script: Path,
        *,
        elf: Path,
        variables: Mapping[str, object] | None = None,
        heard: Callable[[bytes], object] = lambda _: None,
        limit: float = 600.0,
    ) -> None:
        program = shutil.which("renode")
        if program is None:
            raise NoRenode("Renode is not installed (renode.io, or its GitHub releases): no simulated board")
        self.link = f"tcp:127.0.0.1:{(link := _free_port())}"
        console = _free_port()
        self._monitor = _Stream(lambda _: None)
        self._console = _Stream(heard)
        self._commands = 0
        self._socket: socket.socket | None = None
        self._process = subprocess.Popen(
            [program, "--disable-gui", "--console", "--plain", "--hide-log"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
        )
        self._timer = threading.Timer(limit, self._kill)
        self._timer.daemon = True
        self._timer.start()
        threading.Thread(target=self._read, daemon=True).start()
        try:
            for name, value in {"elf": f"@{elf}", "console": console, "link": link, **(variables or {})}.items():
                self.command(f"${name}={value}")
            self.command(f"include @{script}", timeout=60)
            self._socket = socket.create_connection(("127.0.0.1", console), timeout=10)
            self._socket.settimeout(None)
            threading.Thread(target=self._listen, args=(self._socket,), daemon=True).start()
        except (OSError, RenodeError):
            self.stop()
            raise

    def __enter__(self) -> Renode:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def command(self, line: str, *, timeout: float = 20.0) -> str:
        """Give the monitor a command; what it prints.

        Raises
        ------
        RenodeError
            The monitor told of an error, or did not come back in `timeout` seconds of the host.
        """
        assert self._process.stdin is not None
        self._commands += 1
        mark = f"done-{self._commands}-{os.getpid()}"
        since = len(self._monitor.text)
        try:
            self._process.stdin.write(f'{line}\necho "{mark}"\n'.encode())
            # The monitor shows what is typed, so the mark comes twice; the second time without quotation marks.
            end = self._monitor.wait_for(rf'(?<!"){mark}(?!")', timeout, since)
        except (OSError, TimeoutError) as error:
            raise RenodeError(f"{line}: Renode has not answered: {error}") from error
        said = self._monitor.text[since : end.start()]
        if _TROUBLE.search(said):
            raise RenodeError(f"{line}: {said.strip()}")
        return said

    def start(self) -> None:
        """Let time run."""
        self.command("start")

    def pause(self) -> None:
        """Stop time."""
        self.command("pause")

    def reset(self) -> None:
        """Reset the board, as its button does; it runs again at once."""
        self.command("machine Reset")
        self.command("start")

    @property
    def console(self) -> str:
        """All that the console has shown."""
        return self._console.text

    def wait_for(self, pattern: str, timeout: float = 20.0, since: int = 0) -> re.Match[str]:
        """Wait until the console has shown `pattern` behind its character `since`; `timeout` in seconds of the host."""
        try:
            return self._console.wait_for(pattern, timeout, since)
        except TimeoutError as error:
            raise AssertionError(str(error)) from error

    def type(self, line: str) -> None:
        """Type a line into the console."""
        assert self._socket is not None
        self._socket.sendall((line + "\n").encode())

    def stop(self) -> None:
        """End Renode."""
        self._timer.cancel()
        if self._socket is not None:
            self._socket.close()
        self._kill()
        self._process.wait()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _read(self) -> None:
        assert self._process.stdout is not None
        while data := os.read(self._process.stdout.fileno(), 4096):
            self._monitor.add(data)

    def _listen(self, console: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := console.recv(4096):
                self._console.add(data)
