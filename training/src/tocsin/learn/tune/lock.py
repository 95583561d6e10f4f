# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A file's lock, which the system takes back from a process that was killed."""

from __future__ import annotations

import sys
import time
from typing import IO, Any

__all__ = ["lock"]

if sys.platform == "win32":
    import msvcrt

    # Windows keeps others from the bytes that are locked: this one lies behind any content.
    _BEHIND = 2**31 - 2
    _PAUSE_S = 0.02

    def lock(file: IO[Any], *, wait: bool) -> bool:
        """Lock an open file until it is closed; False where another has it and `wait` is not wanted."""
        while True:
            try:
                file.seek(_BEHIND)
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
                return True
            except OSError:
                if not wait:
                    return False
                time.sleep(_PAUSE_S)

else:
    import fcntl

    def lock(file: IO[Any], *, wait: bool) -> bool:
        """Lock an open file until it is closed; False where another has it and `wait` is not wanted."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
