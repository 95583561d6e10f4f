# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``tocsin verify``: a device against the twin, bit for bit."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from ..words import counted
from .options import port_option, progress, text_options, warn, without_companions

_EPILOG = """\b
Exit status: 0 all equal, 1 something differs, 2 an error, 130 interrupted: the device is on its sensor again.
Example: tocsin verify --port /dev/ttyACM1 fan.tocsin monday.wav"""


@click.command(epilog=_EPILOG)
@click.argument("bundle", type=click.Path())
@click.argument("files", nargs=-1, required=True)
@port_option
@click.option("--channel", type=click.IntRange(0), help="Channel of sound files, from 0; else as in training.")
@click.option("--unit", type=click.Choice(["g", "mg", "ug", "m/s2"]), help="Unit of vibration; else as in training.")
@text_options
@click.option("--json", "json_wanted", is_flag=True, help="Print one JSON object.")
@click.pass_context
def verify(
    ctx: click.Context, /, bundle: str, files: tuple[str, ...], port: str, json_wanted: bool, **given: Any
) -> None:
    """Replay recordings through a device and compare it with the twin.

    Feature bytes, scores and events must be equal. A device that runs another bundle is given this one until its next
    reset. FILES are recordings, as for `tocsin run`.
    """
    from ..bundle import read_bundle
    from ..device.link import Link
    from ..device.replay import open_recordings
    from ..device.verify import compare
    from ..evaluation.evaluate import read_options

    files = without_companions(files)
    detector = read_bundle(bundle)
    options = read_options(detector, given)
    recordings = [recording for file in files for recording in open_recordings(file, detector, options)]
    found = []
    with Link.open(port) as link, progress("comparing", len(recordings)) as step:
        if link.hello().bundle_crc != detector.crc:
            link.upload(detector.raw)
        for recording in recordings:
            found.append(compare(link, detector, recording))
            warn([f"{recording.name}: {note}" for note in recording.notes])
            step("")
        link.subscribe(0)
    equal = not any(item.differences for item in found)
    if json_wanted:
        totals = {name: sum(getattr(item, name) for item in found) for name in ("windows", "events", "gaps")}
        click.echo(json.dumps({"equal": equal, **totals, "recordings": [asdict(item) for item in found]}))
    else:
        for item in found:
            state = "; ".join(item.differences) or "equal"
            click.echo(f"{item.name}: {counted(item.windows, 'window')}, {counted(item.events, 'event')}: {state}")
    if not equal:
        ctx.exit(1)
