# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``tocsin battery``: how long a battery lasts."""

from __future__ import annotations

import json

import click

SECONDS = click.FloatRange(0, min_open=True)
MILLIAMPERES = click.FloatRange(0)
DAYS_A_YEAR = 365.25
# What to compare with where no duty cycle is asked for: listening always, and 10 s out of these many seconds.
COMPARED = ((10.0, 10.0), (10.0, 60.0), (10.0, 600.0), (10.0, 3600.0))


@click.command(epilog="Example: tocsin battery --active 0.36 --capacity 2600 --listen 10 --every 60")
@click.option(
    "--active", type=click.FloatRange(0, 1), required=True, help="CPU load while listening, as `tocsin status` tells."
)
@click.option("--capacity", type=SECONDS, default=2600.0, show_default=True, help="Of the battery, mAh.")
@click.option(
    "--usable", type=click.FloatRange(0.1, 1), default=0.8, show_default=True, help="Share that can be drawn."
)
@click.option(
    "--self-discharge",
    type=click.FloatRange(0, 100, max_open=True),
    default=1.0,
    show_default=True,
    help="% a year: about 1 for lithium primary cells, 3 alkaline, 20 to 30 lithium-ion.",
)
@click.option("--listen", type=SECONDS, help="Duty cycle: seconds of listening …")
@click.option("--every", type=SECONDS, help="… out of so many.")
@click.option("--active-current", type=MILLIAMPERES, default=3.3, show_default=True, help="mA while computing.")
@click.option("--idle-current", type=MILLIAMPERES, default=0.6, show_default=True, help="mA while waiting for samples.")
@click.option("--sensor-current", type=MILLIAMPERES, default=0.65, show_default=True, help="mA of the sensor.")
@click.option("--sleep-current", type=MILLIAMPERES, default=0.003, show_default=True, help="mA between listening.")
@click.option("--json", "json_wanted", is_flag=True, help="Print a list of objects.")
def battery(
    active: float,
    capacity: float,
    usable: float,
    self_discharge: float,
    listen: float | None,
    every: float | None,
    active_current: float,
    idle_current: float,
    sensor_current: float,
    sleep_current: float,
    json_wanted: bool,
) -> None:
    """Estimate how long a battery lasts.

    The currents are a data sheet's: where to start, until you have measured your own board.
    """
    from ..device.battery import Currents, battery_days, mean_current

    if (listen is None) != (every is None) or (listen is not None and every is not None and listen > every):
        raise click.UsageError("--listen and --every go together, and --listen is the smaller: --listen 10 --every 60.")
    currents = Currents(active=active_current, idle=idle_current, sensor=sensor_current, asleep=sleep_current)
    cycles = COMPARED if listen is None or every is None else ((listen, every),)
    rows = []
    for seconds, period in cycles:
        current = mean_current(active, seconds / period, currents)
        days = battery_days(capacity, current, usable=usable, self_discharge=self_discharge / 100)
        rows.append(
            {"listen_s": seconds, "every_s": period, "mean_ma": current, "days": days, "years": days / DAYS_A_YEAR}
        )
    if json_wanted:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        cycle = "always" if row["listen_s"] == row["every_s"] else f"{row['listen_s']:g} s every {row['every_s']:g} s"
        click.echo(f"{cycle:<20} {row['mean_ma']:8.3f} mA   {_duration(row['days'])}")
    click.echo(
        f"by {100 * usable:g} % of {capacity:g} mAh (--usable) and a self-discharge of {self_discharge:g} % a year"
        " (--self-discharge)"
    )


def _duration(days: float) -> str:
    """Days, or years where there are several."""
    from ..device.battery import SHELF_YEARS

    years = days / DAYS_A_YEAR
    if years < 2:
        return f"{days:8.1f} days" if days < 10 else f"{days:8.0f} days"
    text = f"{years:8.1f} years"
    return f"{text}: more than batteries last on a shelf" if years > SHELF_YEARS else text
