# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Make another host of this one: a folder on PYTHONPATH whose sitecustomize hides what that host lacks.

``TOCSIN_TEST_WITHOUT`` names packages that nobody can import, as if they were not installed. With
``TOCSIN_TEST_NO_POSIX`` set, Tocsin alone can neither import POSIX's modules nor use POSIX's functions, as on Windows;
the standard library, which knows on which system it is, still can.
"""

import builtins
import os
import sys

for name in filter(None, os.environ.get("TOCSIN_TEST_WITHOUT", "").split(",")):
    sys.modules[name] = None  # type: ignore[assignment]

POSIX = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}

if os.environ.get("TOCSIN_TEST_NO_POSIX"):
    original = builtins.__import__

    def without(name, globals=None, *rest):  # type: ignore[no-untyped-def]
        """Import, unless Tocsin wants what Windows lacks."""
        if name in POSIX and str((globals or {}).get("__name__")).partition(".")[0] == "tocsin":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return original(name, globals, *rest)

    builtins.__import__ = without
    for gone in ("fork", "getuid", "geteuid", "killpg", "sched_getaffinity", "setsid"):
        delattr(os, gone)
