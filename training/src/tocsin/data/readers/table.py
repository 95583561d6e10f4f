# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of numbers in text files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..reader import Reader

if TYPE_CHECKING:
    from . import Source


def open_reader(source: Source) -> Reader:
    """Read a table."""
    from ..text import TextOptions, open_table

    return open_table(
        source.path,
        TextOptions(
            columns=source.columns,
            delimiter=source.delimiter,
            decimal=source.decimal,
            time_column=source.time_column,
            time_unit=source.time_unit,
        ),
    )
