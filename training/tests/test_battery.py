# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Battery life: the arithmetic against numbers worked out by hand, and what is refused."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tocsin.cli import cli
from tocsin.device.battery import Currents, battery_days, mean_current
from tocsin.errors import TocsinError

ROUND = Currents(active=4.0, idle=1.0, sensor=0.5, asleep=0.1)


@pytest.mark.parametrize(
    ("active", "listen", "expected"),
    [
        (0.0, 1.0, 1.5),  # sensor and idle
        (1.0, 1.0, 4.5),  # sensor and active
        (0.25, 1.0, 2.25),  # 0.5 + 0.25 * 4 + 0.75 * 1
        (0.25, 0.5, 1.175),  # half of it, and half of 0.1
        (0.25, 0.0, 0.1),
    ],
)
def test_mean_current(active: float, listen: float, expected: float) -> None:
    assert mean_current(active, listen, ROUND) == pytest.approx(expected)


def test_days() -> None:
    # 2400 mAh, of which 80 % can be drawn, at 1 mA: 1920 hours.
    assert battery_days(2400, 1.0, self_discharge=0) == pytest.approx(80)
    assert battery_days(2400, 1.0, usable=1.0, self_discharge=0) == pytest.approx(100)


def test_self_discharge_against_a_simulation() -> None:
    # Half of the charge a year, and a current that would take two years alone.
    left, hours, current = 0.8 * 2400.0, 0, 0.8 * 2400.0 / (2 * 8766)
    while left > 0:
        left -= current + left * (1 - 0.5 ** (1 / 8766))
        hours += 1
    assert battery_days(2400, current, self_discharge=0.5) == pytest.approx(hours / 24, rel=1e-3)
    assert battery_days(2400, current, self_discharge=0.5) < 0.7 * battery_days(2400, current, self_discharge=0)


def test_years_are_told_as_years() -> None:
    words = ["battery", "--active", "0.1", "--capacity", "2600", "--listen", "10"]
    shown = CliRunner().invoke(cli, [*words, "--every", "3600"]).stdout
    assert " years: more than batteries last" in shown
    shown = CliRunner().invoke(cli, [*words, "--every", "600", "--self-discharge", "25"]).stdout
    assert " years" in shown
    assert "shelf" not in shown
    assert " days" in CliRunner().invoke(cli, [*words, "--every", "10"]).stdout


@pytest.mark.parametrize("shares", [(-0.1, 1.0), (1.1, 1.0), (0.5, 2.0), (float("nan"), 1.0)])
def test_shares_beyond_one_are_refused(shares: tuple[float, float]) -> None:
    with pytest.raises(TocsinError, match="0 to 1"):
        mean_current(*shares, ROUND)


def test_impossible_batteries_are_refused() -> None:
    for capacity, current in ((0, 1.0), (100, 0.0)):
        with pytest.raises(TocsinError):
            battery_days(capacity, current)
    with pytest.raises(TocsinError, match="self-discharge"):
        battery_days(100, 1.0, self_discharge=1.0)
    with pytest.raises(TocsinError, match="idle"):
        Currents(idle=-1)


def test_command() -> None:
    words = ["battery", "--active", "0.25", "--capacity", "2400", "--listen", "10", "--every", "20", "--json"]
    words += [
        "--active-current",
        "4",
        "--idle-current",
        "1",
        "--sensor-current",
        "0.5",
        "--sleep-current",
        "0.1",
        "--self-discharge",
        "0",
    ]
    (row,) = json.loads(CliRunner().invoke(cli, words).stdout)
    assert row["mean_ma"] == pytest.approx(1.175)
    assert row["days"] == pytest.approx(2400 * 0.8 / 1.175 / 24)
    result = CliRunner().invoke(cli, ["battery", "--active", "0.25"])
    assert result.exit_code == 0
    assert "always" in result.stdout
    assert "10 s every 3600 s" in result.stdout
    # What was taken for granted is said.
    assert result.stdout.endswith(
        "by 80 % of 2600 mAh (--usable) and a self-discharge of 1 % a year (--self-discharge)\n"
    )
    assert CliRunner().invoke(cli, ["battery", "--active", "0.25", "--listen", "10"]).exit_code == 2
