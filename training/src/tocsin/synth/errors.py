# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The exception of the synthesiser."""

from __future__ import annotations

from tocsin.errors import DataError


class SynthesisError(DataError):
    """A synthetic recording was asked for that cannot be made, or not be written there."""
