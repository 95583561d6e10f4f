# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""One self-contained page about a detector, for the people who look after the machine."""

from __future__ import annotations

from .measures import Measured, Recorded, measure
from .page import ReportOptions, make_page, write_report

__all__ = ["Measured", "Recorded", "ReportOptions", "make_page", "measure", "write_report"]
