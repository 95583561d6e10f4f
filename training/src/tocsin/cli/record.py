# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``tocsin record``: raw samples of a device into the folders that ``tocsin train`` reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..words import counted
from .options import console, port_option

if TYPE_CHECKING:
    from ..device.record import Options, Outcome

_EPILOG = """\b
Exit status: 0 done, 1 done but samples are missing (each gap is told), 2 an error, 130 interrupted;
what was recorded until then is written in any case.
Example: tocsin record --port /dev/ttyACM0 --seconds 600 --label normal --machine pump -o data"""


@click.command(epilog=_EPILOG)
@port_option
@click.option("--seconds", type=click.FloatRange(0, min_open=True), required=True, help="How long to record.")
@click.option(
    "--label",
    type=click.Choice(["normal", "abnormal"]),
    default="normal",
    show_default=True,
    help="What it sounds like.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder of the data set.")
@click.option("--machine", default="machine", show_default=True, help="Name of the machine: a folder.")
@click.option("--id", "identity", default="00", show_default=True, help="Which one of its kind: digits.")
@click.option(
    "--clip-seconds", type=click.FloatRange(0.1, 3600), default=10.0, show_default=True, help="Length of a clip."
)
@click.option(
    "--wait",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    help="Seconds to wait for a device that is gone or replays a recording.",
)
@click.option("--json", "json_wanted", is_flag=True, help="Print one JSON object.")
@click.pass_context
def record(ctx: click.Context, /, port: str, json_wanted: bool, output: Path, **given: Any) -> None:
    """Record what a device's sensor hears, while its detector goes on.

    Clips are WAV files in OUTPUT/MACHINE/id_ID/LABEL, numbered on from what is there, each with a JSON that says which
    device, when and where in the stream. A sample is in a clip or in a gap that is told, never wrong. When the cable is
    pulled the recording goes on once it is back.
    """
    from ..device.link import Link
    from ..device.record import Options, Recorder

    options = Options(root=output, **given)
    with _progress(options) as (progress, tell):
        recorder = Recorder(lambda: Link.open(port, timeout=3.0), options, progress=progress, tell=tell)
        try:
            recorder.run()
        finally:
            # Before the first stream began there is nothing to tell but the error.
            if recorder.outcome.segments:
                _summary(recorder.outcome, json_wanted)
    if recorder.outcome.missing:
        ctx.exit(1)


def _summary(outcome: Outcome, json_wanted: bool) -> None:
    if json_wanted:
        click.echo(json.dumps(vars(outcome) | {"clips": [str(clip) for clip in outcome.clips]}))
        return
    for gap in outcome.gaps:
        where = f"{counted(gap['count'], 'sample')} missing from sample {gap['index']}"
        click.echo(f"gap: {where} of segment {gap['segment']}: {', '.join(gap['reasons'])}")
    parts = [f"{outcome.seconds:.6g} s in {counted(len(outcome.clips), 'clip')}"]
    parts.append(f"{counted(outcome.missing, 'sample')} missing")
    if outcome.segments > 1:
        parts.append(f"{outcome.segments} streams")
    if outcome.windows is not None:
        parts.append(f"the detector scored {counted(outcome.windows, 'window')} meanwhile")
    click.echo("; ".join(parts))


@contextmanager
def _progress(options: Options) -> Iterator[tuple[Callable[[Outcome], None], Callable[[str], None]]]:
    """Progress bar on a terminal; what there is to tell goes to standard error in any case."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    screen = console()
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("recording", total=options.seconds)

        def progress(outcome: Outcome) -> None:
            missing = f", {counted(outcome.missing, 'sample')} missing" if outcome.missing else ""
            bar.update(task, completed=outcome.seconds, description=f"recording{missing}")

        def tell(line: str) -> None:
            screen.print(f"note: {line}", markup=False)

        yield progress, tell
