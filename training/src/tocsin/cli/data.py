# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``tocsin data``: what a data set holds, and public ones to download."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..words import counted
from .options import Words, check_reading, progress, reading_options, show_table, table

if TYPE_CHECKING:
    from ..data.download import Plan
    from ..data.info import Info


@click.group(epilog="Example: tocsin data info recordings")
def data() -> None:
    """Look into a data set, or download a public one."""


@data.command(epilog="Example: tocsin data info recordings --json")
@click.argument("folder", type=click.Path(path_type=Path))
@reading_options
@click.option("--rate", type=click.IntRange(1), help="Hz, of vibration that does not say it.")
@click.option("--full-scale", type=click.FloatRange(0, min_open=True), help="Range of vibration in sound files, g.")
@click.option("--json", "json_wanted", is_flag=True, help="Print one JSON object.")
def info(folder: Path, json_wanted: bool, strict: bool, **given: Any) -> None:
    """Say what the recordings in FOLDER (or a file of arrays) are, and what is wrong with them.

    Exit status 1 where recordings of the training stand in the test too, so that figures of `tocsin eval` would be
    too good; with --strict also for any other finding. 2 where nothing can be read.
    """
    from ..data import ReadOptions, open_dataset
    from ..data.info import survey_dataset

    options = {name: value for name, value in given.items() if value is not None}
    dataset = open_dataset(folder, ReadOptions(**options))
    check_reading(dataset.kind)
    with progress("reading", len(dataset.clips)) as step:
        found = survey_dataset(dataset, step=lambda: step(""))
    if json_wanted:
        click.echo(json.dumps(found.as_json(), indent=2))
    else:
        _print(found)
    if any(finding.leak for finding in found.findings) or (strict and found.findings):
        raise click.exceptions.Exit(1)


def _print(found: Info) -> None:
    names = [name for name in ("machine", "section", "domain", "split") if any(getattr(g, name) for g in found.groups)]
    made = table(names=names, numbers=("normal", "anomaly", "seconds"))
    for group in found.groups:
        cells = (getattr(group, name) or "-" for name in names)
        made.add_row(*cells, str(group.normal), str(group.anomaly), f"{group.seconds:.0f}")
    show_table(made)
    cut = f" in {counted(found.clips, 'clip')}" if found.clips != found.recordings else ""
    click.echo(f"{counted(found.recordings, 'recording')} of {found.kind}{cut}, {found.seconds / 3600:.2f} h")
    for title, counts in (("Hz", found.rates), ("channels", found.channels), ("seconds", found.lengths)):
        click.echo(f"  {title}: " + ", ".join(f"{key} ({count})" for key, count in counts.items()))
    for name, values in found.attributes.items():
        click.echo(f"  attribute {name}: " + ", ".join(f"{value} ({count})" for value, count in values.items()))
    for finding in found.findings:
        click.echo(f"{'LEAK' if finding.leak else 'note'}: {finding.text} {finding.advice}")
    for tables in found.tables:
        click.echo(f"  {tables.text()}")
    for note in found.notes:
        click.echo(f"note: {note}")
    for item in found.left_out:
        if not item.recordings:
            click.echo(f"left out: {item}")
    if not found.findings:
        click.echo("Nothing odd was found.")


@data.command("list", epilog="Example: tocsin data list")
@click.option("--json", "json_wanted", is_flag=True, help="Print a list of objects as JSON.")
def list_sets(json_wanted: bool) -> None:
    """List the public data sets that `tocsin data get` knows."""
    from ..data.registry import SETS

    if json_wanted:
        rows = [{"name": name, "title": s.title, "records": list(s.records)} for name, s in SETS.items()]
        click.echo(json.dumps(rows, indent=2))
        return
    for name, known in SETS.items():
        click.echo(f"{name:16} {known.title}; zenodo.org records {', '.join(map(str, known.records))}")


@data.command(epilog="Example: tocsin data get dcase2023 --files 'dev_ToyCar*' -o toycar")
@click.argument("name")
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Folder; else NAME.")
@click.option("--files", type=Words(), help="Only files so called, such as '*fan*,*pump*'.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--keep", is_flag=True, help="Keep the archives after unpacking.")
def get(name: str, output: Path | None, files: tuple[str, ...] | None, yes: bool, keep: bool) -> None:
    """Download a public data set and unpack it.

    Says licence and size first, and asks. An interrupted download goes on where it stopped when the command is given
    again; every file is checked against the checksum that its record states.
    """
    from ..data.download import fetch, plan

    folder = output or Path(name)
    wanted = plan(name, files or (), folder)
    _announce(wanted, folder)
    if not yes:
        click.confirm("Download?", abort=True, err=True)
    with progress("downloading", len(wanted.files)) as step:
        for text in fetch(wanted, folder, keep=keep, step=step):
            click.echo(text, err=True)
    click.echo(f"{folder} is ready. Look into it with: tocsin data info {folder}")


def _announce(wanted: Plan, folder: Path) -> None:
    click.echo(f"{wanted.title}")
    for source, licence in wanted.licences.items():
        click.echo(f"  {source}: licence {licence}")
    for file in wanted.files:
        checked = f"{file.algorithm} {file.checksum}" if file.checksum else "UNCHECKED: its record states no checksum"
        click.echo(f"  {file.name}  {file.size / 1e6:,.1f} MB  {checked}")
    click.echo(f"{wanted.size / 1e9:,.2f} GB to {folder}, about {wanted.needed / 1e9:,.2f} GB while it is unpacked")
