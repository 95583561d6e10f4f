# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What a test does where there is no image for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from emulation import BuildFailed, CannotBuild


@contextmanager
def building() -> Iterator[None]:
    """Build within: where a tool or the workspace is missing the test is skipped, a build that goes wrong fails it.

    Both in one plain line.
    """
    try:
        yield
    except CannotBuild as error:
        pytest.skip(str(error))
    except BuildFailed as error:
        pytest.fail(str(error), pytrace=False)
