# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``tocsin run``: recordings through a detector, as a device would hear them."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from ..words import counted
from .options import now_and_then, text_options, warn, without_companions

if TYPE_CHECKING:
    from ..device.replay import Summary
    from ..health import Change
    from ..twin import Event, Gap, Window

_EPILOG = """\b
Exit status: 0 no alarm, 1 at least one alarm, 2 an error of any kind,
3 no alarm and a sensor that did not work, so that nothing is known, 130 interrupted.
Example: tocsin run fan.tocsin monday.wav tuesday.wav"""


@click.command(epilog=_EPILOG)
@click.argument("bundle", type=click.Path())
@click.argument("files", nargs=-1, required=True)
@click.option("--windows", is_flag=True, help="Print every window too.")
@click.option("--channel", type=click.IntRange(0), help="Channel of sound files, from 0; else as in training.")
@click.option("--unit", type=click.Choice(["g", "mg", "ug", "m/s2"]), help="Unit of vibration; else as in training.")
@text_options
@click.option("--json", "json_wanted", is_flag=True, help="Print a JSON object a line.")
@click.pass_context
def run(
    ctx: click.Context, /, bundle: str, files: tuple[str, ...], windows: bool, json_wanted: bool, **given: Any
) -> None:
    """Stream recordings through a detector and print its alarms, and faults of the sensor.

    FILES are recordings of any format that is understood (docs/reference/data.md); each (and each array of an
    .npz, or one by file.npz:array) starts afresh.
    """
    from ..alarm.deafness import recorded_deafness
    from ..bundle import read_bundle
    from ..device.replay import Summary, open_recordings, replay
    from ..evaluation.evaluate import read_options
    from ..twin import Window

    files = without_companions(files)
    detector = read_bundle(bundle)
    warn(list(filter(None, [recorded_deafness(detector)])))
    rate = detector.features.sample_rate
    options = read_options(detector, given)
    alarms, sick = 0, False
    for file in files:
        for recording in open_recordings(file, detector, options):
            told = now_and_then(recording.name)
            for item in replay(detector, recording):
                if isinstance(item, Window):
                    told(f"{item.end / rate:.0f} of {recording.seconds:.0f} s")
                if isinstance(item, Summary):
                    alarms += item.alarms
                    sick = sick or bool(item.sensor)
                    warn([f"{recording.name}: {note}" for note in recording.notes])
                if windows or not isinstance(item, Window):
                    click.echo(_as_json(item, recording.name, rate) if json_wanted else _as_text(item, rate))
    if alarms or sick:
        ctx.exit(1 if alarms else 3)


def _as_json(item: Window | Event | Gap | Change | Summary, name: str, rate: int) -> str:
    """One object; NaN becomes null, begin and end are samples, and seconds stand beside them."""
    from ..health import Change

    fields: dict[str, Any] = {
        key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in asdict(item).items()
    }
    fields.pop("name", None)
    kind = "sensor" if isinstance(item, Change) else type(item).__name__.lower()
    if kind == "event":
        fields["event"] = fields.pop("kind")
    if isinstance(item, Change):
        fields["index_s"] = item.index / rate
    if "begin" in fields:
        fields |= {"begin_s": fields["begin"] / rate, "end_s": fields["end"] / rate}
    return json.dumps({"kind": kind, "file": name, **fields})


def _seconds(seconds: float) -> str:
    """A length for people: ``8.25 s``, ``21,600 s``."""
    return f"{seconds:,.0f} s" if seconds >= 1000 else f"{seconds:.4g} s"


def _as_text(item: Window | Event | Gap | Change | Summary, rate: int) -> str:
    from ..device.replay import Summary
    from ..health import Change
    from ..twin import Event, Gap

    if isinstance(item, Summary):
        state = counted(item.alarms, "alarm") if item.alarms else "no alarm"
        if item.active:
            state += ", still on at the end"
        if item.sensor:
            state = f"sensor {' and '.join(item.sensor)}, whose scores say nothing of the machine; {state}"
        smoothed = "too short for a smoothed score" if item.peak is None else f"greatest smoothed score {item.peak:.5g}"
        rows = f" of {item.recordings} recordings" if item.recordings > 1 else ""
        return (
            f"{item.name}: {state}; {smoothed}, threshold {item.threshold:.5g}"
            f" ({counted(item.windows, 'window')} in {_seconds(item.seconds)}{rows})"
        )
    if isinstance(item, Change):
        words = f"sensor {item.condition}" if item.begins else f"sensor no longer {item.condition}"
        return f"{item.index / rate:10.3f} s  {words}"
    if isinstance(item, Gap):
        return f"{item.index / rate:10.3f} s  gap, {counted(item.count, 'sample')} missing"
    if isinstance(item, Event):
        words = "ALARM begins" if item.kind == "begin" else "alarm ends"
        return (
            f"{item.end / rate:10.3f} s  {words}: over the threshold from {item.begin / rate:.3f} s,"
            f" greatest smoothed score {item.peak:.5g}"
        )
    smoothed = "" if math.isnan(item.smoothed) else f"  smoothed {item.smoothed:.5g}"
    return f"{item.begin / rate:10.3f} s  to {item.end / rate:.3f} s  score {item.score:.5g}{smoothed}"
