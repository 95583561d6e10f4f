# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``--required``: a plugin for machines that have everything, where a test that is left out has shown nothing."""

from __future__ import annotations

import pytest

# What is left out on every such machine, and why.
EXPECTED = ("takes minutes: give --long", "measured on a board alone", "shown in Renode alone")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--required``."""
    parser.addoption("--required", action="store_true", help="fail where something that a test needs is not there")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where nothing ran, or something was left out that should not have been; a worker tells nothing."""
    if not session.config.getoption("required") or hasattr(session.config, "workerinput"):
        return
    stats = session.config.pluginmanager.get_plugin("terminalreporter").stats
    absent = [report for report in stats.get("skipped", []) if not any(why in str(report.longrepr) for why in EXPECTED)]
    if absent or not stats.get("passed"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
