# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A plugin for pytest-xdist: tests that want the same image run in one process, which makes it once.

pytest-xdist's own groups are marks that it adds to a test's name; pytest-embedded takes them away again.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from emulation import BOARDS

# Parameters that choose an image, of any file.
IMAGES = {*BOARDS, "sound", "vibration"}


def group_of(nodeid: str) -> str:
    """The tests that must run in one process with this one: of its file, with the same image; of one application."""
    file, _, rest = nodeid.partition("::")
    found = re.search(r"\[(.+)\]$", rest)
    parameters = found[1].split("-") if found else []
    if file.endswith("test_zephyr_apps.py"):
        return f"{file}[{parameters[0] if parameters else ''}]"
    return f"{file}[{'-'.join(name for name in parameters if name in IMAGES)}]"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Schedule by :func:`group_of` where ``--dist=loadgroup`` asks for groups."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByImage(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return ByImage(config, log)
