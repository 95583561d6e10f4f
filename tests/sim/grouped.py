# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A plugin for pytest-xdist: tests that want the same image run in one process, which makes it once."""

from __future__ import annotations

import pytest

# Parameters by which the tests of a file want other images.
PARAMETERS = ("app", "board", "kind")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group by file and by image."""
    for item in items:
        chosen = getattr(item, "callspec", None)
        wanted = [str(chosen.params[key]) for key in PARAMETERS if key in chosen.params] if chosen is not None else []
        item.add_marker(pytest.mark.xdist_group("-".join([item.path.stem, *wanted])))
