# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``tocsin eval``: AUC and pAUC of a bundle on recordings it was not trained on."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..words import counted
from .options import (
    READING,
    check_reading,
    data_option,
    progress,
    reading_options,
    show_table,
    table,
    tell_left_out,
    warn,
)

if TYPE_CHECKING:
    from ..bundle import Bundle
    from ..evaluation.evaluate import Row


@click.command("eval", epilog="Example: tocsin eval fan.tocsin --data data --plots plots")
@click.argument("bundle", type=click.Path(path_type=Path))
@data_option
@reading_options
@click.option("--json", "json_wanted", is_flag=True, help="Print a list of rows as JSON.")
@click.option("--plots", type=click.Path(file_okay=False, path_type=Path), help="Folder for roc.png and scores.png.")
def evaluate(bundle: Path, data: Path, json_wanted: bool, plots: Path | None, strict: bool, **given: Any) -> None:
    """Test a bundle on the recordings of a data set that it was not trained on.

    Scores come from the device's own code. AUC, its 95 % bootstrap interval and pAUC are given for each machine,
    section and domain, and for all recordings together. pAUC is the area up to a false positive rate of 0.1,
    standardised so that 0.5 is chance (McClish), as in DCASE's task 2.
    """
    from ..alarm.deafness import recorded_deafness
    from ..bundle import read_bundle
    from ..data import Issues, open_dataset
    from ..evaluation.evaluate import candidates, left_out_words, read_options, unused
    from ..evaluation.evaluate import evaluate as work
    from ..extras import require

    if plots is not None:
        require("matplotlib")
    detector = read_bundle(bundle)
    dataset = open_dataset(data, read_options(detector, {name: given[name] for name in READING}))
    tell_left_out(dataset, unused(dataset))
    check_reading(dataset.kind)
    issues = Issues()
    with progress("scoring", len(candidates(dataset))) as step:
        result = work(detector, dataset, issues=issues, strict=strict, step=lambda: step(""))
    warn([*issues.lines(), *filter(None, [recorded_deafness(detector)])])
    if result.left_out:
        click.echo(left_out_words(detector, result.left_out), err=True)
    if json_wanted:
        click.echo(json.dumps([asdict(row) for row in result.rows], indent=2))
    else:
        _table(result.rows)
        click.echo(_alarms(detector, result.rows[-1]))
    if plots is not None:
        from ..evaluation.plots import save_plots

        for path in save_plots(plots, result.scored, f"{bundle.name} on {data.resolve().name}"):
            click.echo(f"wrote {path}", err=True)


def _alarms(detector: Bundle, every: Row) -> str:
    """What the bundle's threshold makes of the recordings, for people."""
    shares = [
        f"{alarms} of {counted(number, what)}"
        for alarms, number, what in (
            (every.normal_alarms, every.n_normal, "normal recording"),
            (every.anomaly_alarms, every.n_anomaly, "anomalous recording"),
        )
        if number
    ]
    one = len(shares) == 1 and every.normal_alarms + every.anomaly_alarms == 1
    verb = "raises" if one else "raise"
    text = f"{' and '.join(shares)} {verb} an alarm at the threshold of {detector.decision.threshold_on:.5g}"
    missing = "anomalous" if not every.n_anomaly else "normal" if not every.n_normal else ""
    return text + (f"; without {missing} recordings there is no AUC" if missing else "")


def _table(rows: list[Row]) -> None:
    # Columns that say nothing take room from names.
    groups = [name for name in ("machine", "section", "domain") if any(getattr(row, name) for row in rows)]
    made = table(names=groups, numbers=("AUC", "95 %", "pAUC", "normal\nalarms", "anomaly\nalarms"))
    for row in rows:
        auc, pauc = ("-" if value is None else f"{value:.3f}" for value in (row.auc, row.pauc))
        interval = "-" if row.auc is None else f"{row.auc_low:.3f}–{row.auc_high:.3f}"
        if row.machine == "all":
            made.add_section()
        alarms = [
            f"{alarms} of {number}" if number else "-"
            for alarms, number in ((row.normal_alarms, row.n_normal), (row.anomaly_alarms, row.n_anomaly))
        ]
        made.add_row(*(getattr(row, name) for name in groups), auc, interval, pauc, *alarms)
    show_table(made)
