# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``--required`` for CI: a test that is left out there has shown nothing."""

from __future__ import annotations

pytest_plugins = ("required",)
