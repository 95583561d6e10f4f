# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A plugin for the scenarios' pytest: the board's image is not built but given, by STANDIN_IMAGE."""

from __future__ import annotations

import os
from pathlib import Path

import on_renode


def pytest_configure() -> None:
    """Before the fixtures ask for an image."""
    on_renode.image = lambda kind: Path(os.environ["STANDIN_IMAGE"])
