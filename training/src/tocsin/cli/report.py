# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``tocsin report``: one page about a detector, for the people who look after the machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..words import counted
from .options import READING, check_reading, data_option, progress, reading_options, tell_left_out, warn


@click.command(epilog="Example: tocsin report fan.tocsin --data data -o report.html")
@click.argument("bundle", type=click.Path(path_type=Path))
@data_option
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Page to write.")
@click.option("--title", help="Of the page; else the names of bundle and data.")
@click.option(
    "--examples", type=click.IntRange(0, 10), default=3, show_default=True, help="Recordings to show of each sort."
)
@click.option(
    "--audio-seconds", type=click.FloatRange(0, 60), default=10.0, show_default=True, help="Sound of a player at most."
)
@reading_options
@click.option("--json", "json_wanted", is_flag=True, help="Print the figures as one JSON object.")
def report(
    bundle: Path,
    data: Path,
    output: Path,
    title: str | None,
    examples: int,
    audio_seconds: float,
    strict: bool,
    json_wanted: bool,
    **given: Any,
) -> None:
    """Write one self-contained HTML page about a detector.

    What it was trained on; how well it tells anomalies, by machine; scores, threshold and false alarms; recordings that
    it missed and false alarms, to look at and to listen to; where in frequency the anomaly lies; what it costs on the
    device. The page needs no network and no script, and can be printed. Only recordings that the bundle was not trained
    on are used.
    """
    from ..alarm.deafness import recorded_deafness
    from ..bundle import read_bundle
    from ..data import Issues, open_dataset
    from ..evaluation.evaluate import candidates, read_options, unused
    from ..evaluation.report import ReportOptions, write_report
    from ..evaluation.report.page import check_output
    from ..extras import require

    require("matplotlib")
    detector = read_bundle(bundle)
    check_output(output)
    dataset = open_dataset(data, read_options(detector, {name: given[name] for name in READING}))
    tell_left_out(dataset, unused(dataset))
    check_reading(dataset.kind)
    issues = Issues()
    options = ReportOptions(
        title=title or f"{bundle.name} on {data.resolve().name}",
        bundle=str(bundle),
        examples=examples,
        audio_seconds=audio_seconds,
    )
    with progress("scoring", len(candidates(dataset))) as step:
        measured = write_report(detector, dataset, output, options, issues=issues, strict=strict, step=lambda: step(""))
    warn([*issues.lines(), *filter(None, [recorded_deafness(detector)])])
    size = output.stat().st_size
    if json_wanted:
        on = detector.decision.threshold_on
        told = [item for item in measured.recorded if item.alarm(on)]
        click.echo(
            json.dumps(
                {
                    "output": str(output),
                    "size": size,
                    "rows": [asdict(row) for row in measured.rows],
                    "threshold_on": on,
                    "false_alarms": sum(item.clip.label == "normal" for item in told),
                    "detected": sum(item.clip.label == "anomaly" for item in told),
                    "left_out": measured.left_out,
                },
                indent=2,
            )
        )
    else:
        click.echo(f"wrote {output}, {size / 1e6:.2f} MB: {counted(len(measured.recorded), 'recording')}")
