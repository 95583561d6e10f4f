# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``tocsin monitor``: a device's scores, alarms and spectrum in the terminal."""

from __future__ import annotations

import json
import math
import sys
import time
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from ..words import counted
from .options import port_option

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..device.monitor import Thing

_EPILOG = """\b
Ends with ^C. Exit status: 0 ended by --seconds, 2 an error, 130 interrupted.
Example: tocsin monitor --port /dev/ttyACM0"""

# What the device hears.
_SOURCES = {
    "idle": "none, nothing is heard",
    "live": "its own sensor",
    "replay": "a desk's recording, its own sensor is off",
}

_BARS = " ▁▂▃▄▅▆▇█"


@click.command(epilog=_EPILOG)
@port_option
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="End after so many.")
@click.option("--no-spectrum", is_flag=True, help="Do not have the samples sent: for a slow link.")
@click.option("--json", "json_wanted", is_flag=True, help="Print a JSON object a line.")
def monitor(port: str, seconds: float | None, no_spectrum: bool, json_wanted: bool) -> None:
    """Watch a device: live scores, alarms, gaps, the sensor's state and the spectrum of what it hears.

    The detector goes on undisturbed. When the device is gone, it is looked for until it is back.
    """
    from ..device.link import Link
    from ..device.monitor import Monitor

    watched = Monitor(lambda: Link.open(port, timeout=3.0), spectrum=not no_spectrum)
    things = _until(watched.things(), seconds)
    if json_wanted or not sys.stdout.isatty():
        for thing in things:
            if thing:
                click.echo(json.dumps(thing) if json_wanted else _line(thing))
                sys.stdout.flush()
    else:
        _show(things)


def _until(things: Iterator[Thing], seconds: float | None) -> Iterator[Thing]:
    end = math.inf if seconds is None else time.monotonic() + seconds
    for thing in things:
        yield thing
        if time.monotonic() >= end:
            return


def _show(things: Iterator[Thing]) -> None:
    from rich.live import Live

    screen = Screen()
    with Live(screen.render(), refresh_per_second=8, screen=False) as live:
        for thing in things:
            screen.take(thing)
            live.update(screen.render())


def _line(thing: Thing) -> str:
    """One thing in words."""
    kind = thing["kind"]
    at = f"{thing.get('end_s', 0):10.2f} s  "
    if kind == "window":
        return (
            at
            + f"score {_number(thing['score'])}, smoothed {_number(thing['smoothed'])}"
            + ("  ALARM" if thing["alarm"] else "")
            + ("  sensor fault" if thing["sensor_fault"] else "")
        )
    if kind == "event":
        return at + ("ALARM begins" if thing["event"] == "begin" else "alarm ends") + f", peak {_number(thing['peak'])}"
    if kind == "gap":
        return f"gap: {counted(thing['count'], 'sample')} missing from sample {thing['index']}"
    if kind == "sensor":
        return f"sensor {thing['condition']} {'begins' if thing['begins'] else 'is over'} at sample {thing['index']}"
    if kind == "spectrum":
        return f"spectrum up to sample {thing['index']}: " + " | ".join(bar(channel) for channel in thing["db"])
    if kind == "device":
        return (
            f"{thing['board']}, firmware {thing['firmware']}, bundle {thing['bundle_crc']} ({thing['model']}),"
            f" {thing['sensor']}, {thing['sample_rate']} Hz x {thing['channels']};"
            f" source: {_SOURCES.get(thing['state'], thing['state'])}"
        )
    if kind == "source":
        return f"source: {_SOURCES.get(thing['source'], thing['source'])}"
    if kind == "replay":
        return f"replay over after {counted(thing['frames'], 'frame')}: {thing['ended'] or 'it is through'}"
    return f"link: {thing['state']} ({thing['reason']})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.5g}"


def bar(values: list[float], *, low: float | None = None, high: float | None = None) -> str:
    """Bars of one line, the lowest to the highest of the values or the range given."""
    low = min(values) if low is None else low
    high = max(values) if high is None else high
    span = max(high - low, 1e-9)
    steps = len(_BARS) - 1
    return "".join(_BARS[max(0, min(steps, round((value - low) / span * steps)))] for value in values)


class Screen:
    """What stands in the terminal."""

    def __init__(self) -> None:
        self.device = "looking for the device"
        self.source = ""
        self.scores: deque[float] = deque(maxlen=60)
        self.window: Thing | None = None
        self.spectrum: Thing | None = None
        self.sensor = "OK"
        self.windows = 0
        self.gaps = 0
        self.lost = 0
        self.lines: deque[str] = deque(maxlen=8)

    def take(self, thing: Thing) -> None:
        """Take note of a thing."""
        kind: Any = thing.get("kind")
        if kind == "window":
            self.window = thing
            self.windows += 1
            if thing["score"] is not None:
                self.scores.append(thing["score"])
        elif kind == "spectrum":
            self.spectrum = thing
        elif kind == "device":
            self.device = _line(thing)
            self.source = ""
        elif kind is not None:
            self.lines.append(_line(thing))
        if kind == "source":
            self.source = _line(thing)
        if kind == "gap":
            self.gaps += 1
            self.lost += thing["count"]
        elif kind == "sensor":
            self.sensor = thing["condition"] if thing["begins"] else "OK"

    def render(self) -> RenderableType:
        """Draw."""
        from rich.console import Group
        from rich.panel import Panel
        from rich.text import Text

        parts: list[Text] = [Text(self.device)]
        if self.source:
            parts.append(Text(self.source))
        if self.window is not None:
            alarm = bool(self.window["alarm"])
            parts.append(Text(_line(self.window), style="bold red" if alarm else "green"))
            parts.append(Text(bar(list(self.scores)) if self.scores else ""))
        sick = self.sensor != "OK"
        counts = (
            f"sensor {self.sensor}; {counted(self.windows, 'window')}, {counted(self.gaps, 'gap')},"
            f" {counted(self.lost, 'sample')} missing"
        )
        parts.append(Text(counts, style="bold red" if sick else ""))
        if self.spectrum is not None:
            hz = self.spectrum["hz"]
            for channel, values in enumerate(self.spectrum["db"]):
                parts.append(Text(f"{channel}: {bar(values)}  {min(values):.0f} to {max(values):.0f} dB"))
            parts.append(Text(f"   {hz[0]:g} to {hz[-1]:g} Hz", style="dim"))
        parts += [Text(line, style="bold red" if "ALARM" in line else "") for line in self.lines]
        return Panel(Group(*parts), title="tocsin monitor", subtitle="^C ends")
