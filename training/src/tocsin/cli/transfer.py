# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``tocsin transfer``: detectors of one machine on every other, and what re-baselining wins back."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import (
    READING,
    Numbers,
    Words,
    check_reading,
    data_option,
    given_options,
    outliers_option,
    progress,
    reading_options,
    show_table,
    table,
    tell_left_out,
    warn,
)

if TYPE_CHECKING:
    from ..evaluation.outcomes import Transfer


@click.command(epilog="Example: tocsin transfer --data cars --model gmm --minutes 1,2,5 --plot transfer.png")
@data_option
@click.option(
    "--model", "kinds", multiple=True, default=("kmeans", "gmm", "mahalanobis"), help="Kind of model; give it again."
)
@click.option(
    "--minutes", type=Numbers(), default="1,2,5,10", show_default=True, help="Healthy running to re-baseline with."
)
@click.option("--method", "methods", type=Words(), help="Ways to re-baseline; by default all that go with the model.")
@click.option("--false-alarms", default="1/day", show_default=True, help="Budget of every threshold.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="For splits and fits.")
@click.option("--holdout", type=click.FloatRange(0, 0.9), default=0.25, show_default=True, help="As in train.")
@click.option("--epochs", type=click.IntRange(1), default=60, show_default=True, help="Of networks.")
@reading_options
@outliers_option
@click.option("--rate", type=click.IntRange(1), help="Hz, as in train.")
@click.option("--full-scale", type=click.FloatRange(0, min_open=True), help="Range of the vibration sensor, g.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Heat map to write, a PNG.")
@click.option("--json", "json_wanted", is_flag=True, help="Print one object as JSON.")
def transfer(
    data: Path,
    kinds: tuple[str, ...],
    minutes: tuple[int, ...],
    methods: tuple[str, ...] | None,
    false_alarms: str,
    plot: Path | None,
    json_wanted: bool,
    strict: bool,
    **given: Any,
) -> None:
    """Train on each machine of a data set and test on every other.

    Then each detector is re-baselined with some minutes of the other machine's healthy recordings, in every way that
    goes with its model, and tested again on recordings that neither saw. The recommendation follows from that.
    """
    from ..alarm.threshold import parse_rate
    from ..data import Issues, ReadOptions, open_dataset
    from ..evaluation.transfer import check_methods
    from ..evaluation.transfer import transfer as work
    from ..extras import require
    from ..learn.kinds import KINDS
    from ..learn.models.uses import NETWORKS, packages_for
    from ..learn.options import TrainOptions

    for kind in kinds:
        if kind not in KINDS:
            raise click.BadParameter(f"there is no model {kind}; choose among {', '.join(KINDS)}", param_hint="--model")
    if set(kinds).isdisjoint(NETWORKS) and "epochs" in given_options():
        raise click.UsageError(f"--epochs are of networks, and {', '.join(kinds)} are none: leave it out.")
    require(*packages_for(kinds), *(["matplotlib"] if plot else []))
    check_methods(methods or ())
    budget = parse_rate(false_alarms)
    reading = {name: value for name in (*READING, "rate", "full_scale") if (value := given.pop(name)) is not None}
    dataset = open_dataset(data, ReadOptions(**reading))
    tell_left_out(dataset)
    check_reading(dataset.kind)
    issues = Issues()
    options = [TrainOptions(kind=kind, budget=budget, strict=strict, **given) for kind in kinds]
    result = work(dataset, options, minutes=minutes, methods=methods, issues=issues, progress=progress)
    warn([*issues.lines(), *result.left_out])
    if json_wanted:
        click.echo(json.dumps(_as_json(result), indent=2))
    else:
        _print(result)
    if plot is not None:
        from ..evaluation.plots import save_transfer

        save_transfer(plot, result)
        click.echo(f"wrote {plot}", err=True)


def _as_json(result: Transfer) -> dict[str, Any]:
    from ..evaluation.advice import recommend
    from ..evaluation.transfer import FIGURES

    kinds = list(dict.fromkeys(item.kind for item in result.outcomes))
    return {
        "machines": result.machines,
        "matrices": {
            kind: {
                name: [[None if math.isnan(v) else v for v in row] for row in result.matrix(kind, name).tolist()]
                for name in FIGURES
            }
            for kind in kinds
        },
        "outcomes": [asdict(item) for item in result.outcomes],
        "summaries": [asdict(item) for item in result.summaries],
        "recommendation": recommend(result),
    }


def _print(result: Transfer) -> None:
    from ..evaluation.advice import recommend

    for kind in dict.fromkeys(item.kind for item in result.outcomes):
        matrix = result.matrix(kind, "auc")
        false = result.matrix(kind, "false_alarms")
        made = table(
            f"{kind}: AUC (and healthy recordings with an alarm, %)",
            names=("trained on \\ tested on",),
            numbers=result.machines,
        )
        for name, row, shares in zip(result.machines, matrix, false, strict=True):
            cells = [f"{_number(auc)} ({_number(100 * share, 1)})" for auc, share in zip(row, shares, strict=True)]
            made.add_row(name, *cells)
        show_table(made)
    made = table(
        "Means over pairs of machines",
        names=("model", "re-baselined"),
        numbers=("minutes", "AUC", "false alarms, %", "anomalies found, %"),
    )
    words = {"none": "as it came", "own": "(its own, all data)", "anew": "(trained anew)"}
    kind = ""
    for item in result.summaries:
        if item.kind != kind:
            made.add_section()
        cells = [_number(item.auc), _percent(item.false_alarms), _percent(item.detected)]
        made.add_row(
            item.kind if item.kind != kind else "",
            words.get(item.method, item.method),
            f"{item.minutes:g}" if item.minutes else "",
            *cells,
        )
        kind = item.kind
    show_table(made)
    click.echo(recommend(result))


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return _number(None if value is None else 100 * value, 1)
