# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``tocsin tune``: the best detector that fits a device."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..learn.kinds import KINDS
from .options import (
    FRONT_END,
    READING,
    Type,
    Words,
    check_reading,
    data_option,
    force_option,
    front_end_options,
    outliers_option,
    reading_options,
    reporting,
    show_table,
    table,
    tell_left_out,
    warn,
)

if TYPE_CHECKING:
    from ..learn.tune import Finished
    from ..learn.tune.study import Tuned

# kB is taken as KiB: memories come in powers of two.
_BYTES = {"": 1, "b": 1, **{k + b: 1024**n for n, k in ((1, "k"), (2, "m")) for b in ("", "b", "ib")}}
_COUNTS = {"": 1, "k": 1000, "m": 1_000_000, "g": 1_000_000_000}
_TIMES = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Amount(Type):
    """A number with a unit, such as 200k, 64 KiB, 20M or 1h."""

    name = "amount"

    def __init__(self, units: dict[str, int], example: str) -> None:
        self.units, self.example = units, example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read."""
        if isinstance(value, int | float):
            return float(value)
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", str(value))
        if not found or found[2].lower() not in self.units or float(found[1]) <= 0:
            self.fail(f"{value!r} is not an amount such as {self.example}", param, ctx)
        return float(found[1]) * self.units[found[2].lower()]


@click.command(
    epilog="Example: tocsin tune --data data --flash 200k --ram 64k --cycles-per-second 20M --time 1h -o best.tocsin",
)
@data_option
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Bundle to write.")
@click.option("--flash", type=Amount(_BYTES, "200k"), help="Most bytes of the bundle: 200k, 200 KiB (k: 1024).")
@click.option("--ram", type=Amount(_BYTES, "64k"), help="Most bytes of working memory, the tensor arena included.")
@click.option(
    "--cycles-per-second", "cycles", type=Amount(_COUNTS, "20M"), help="Most instructions for a second of samples."
)
@click.option("--time", "seconds", type=Amount(_TIMES, "1h"), default="1h", show_default=True, help="Time to search.")
@click.option("--trials", type=click.IntRange(1), help="Stop at this number of trials, those of earlier runs included.")
@click.option("--jobs", type=click.IntRange(1), help="Processes; by default one for each processor.")
@click.option("--models", type=Words(), help=f"Kinds to try, of {','.join(KINDS)}; all by default.")
@click.option(
    "--against",
    type=click.Choice(["pseudo", "conditions"]),
    default="pseudo",
    show_default=True,
    help="What stands in for anomalies: recordings made strange, or conditions (loads, speeds) left out of training.",
)
@click.option("--study", type=click.Path(dir_okay=False, path_type=Path), help="Journal of the search [OUTPUT.study].")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Write the Pareto front as a picture.")
@click.option("--false-alarms", default="1/day", show_default=True, help="Budget, as for tocsin train.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="For everything.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@reading_options
@outliers_option
@force_option
@click.option("--rate", type=click.IntRange(1), help="Hz: resample sound to it (16000), or what vibration has.")
@click.option("--full-scale", type=click.FloatRange(0, min_open=True), help="Range of the vibration sensor, g.")
@front_end_options
def tune(data: Path, output: Path, study: Path | None, plot: Path | None, as_json: bool, **given: Any) -> None:
    """Search for the detector that finds most within a device's flash, RAM and time.

    Candidates are compared by healthy recordings alone: each is trained on a part of them, and must tell the others
    from strange versions of the same, or from conditions that it has not heard.
    Recordings for testing are not read. A search that was stopped or killed goes on when it is started again with the
    same options. Features that are given (--average power, say) are kept and not searched.
    """
    from ..alarm.threshold import parse_rate
    from ..data import ReadOptions, open_dataset
    from ..errors import BundleError, ModelError
    from ..extras import require
    from ..features.frontend import FrontEnd
    from ..learn.models.uses import packages_for
    from ..learn.options import TrainOptions
    from ..learn.tune import Budget, TuneOptions
    from ..learn.tune import tune as work

    kinds = given.pop("models") or KINDS
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise ModelError(f"There is no model {unknown[0]}. Choose from {', '.join(KINDS)}.")
    require("optuna", *packages_for(kinds), *(["matplotlib"] if plot else []))
    for path in (output, study or output, plot or output):
        if not path.parent.is_dir():
            raise BundleError(f"There is no folder {path.parent} to write {path.name} to.")
    reading = {name: given[name] for name in (*READING, "rate", "full_scale") if given[name] is not None}
    dataset = open_dataset(data, ReadOptions(**reading))
    tell_left_out(dataset)
    check_reading(dataset.kind)
    flash, ram = (None if given[name] is None else int(given[name]) for name in ("flash", "ram"))
    options = TuneOptions(
        base=TrainOptions(
            kind=kinds[0],
            budget=parse_rate(given["false_alarms"]),
            seed=given["seed"],
            strict=given["strict"],
            keep_outliers=given["keep_outliers"],
            force=given["force"],
            front_end=FrontEnd(**{name: given[name] for name in FRONT_END}),
        ),
        budget=Budget(flash, ram, given["cycles"]),
        kinds=tuple(kinds),
        seconds=given["seconds"],
        trials=given["trials"],
        jobs=given["jobs"] or os.cpu_count() or 1,
        against=given["against"],
        study=study or output.with_name(output.name + ".study"),
    )
    with reporting("searching") as told:
        found = work(dataset, output, options, told=told)
    if plot is not None:
        draw(found, plot)
    if as_json:
        click.echo(json.dumps(_json(found), indent=2))
    else:
        show(found, output)
    assert found.best is not None
    warn(found.best.issues.lines())
    warn(found.best.warnings)


def describe(item: Finished) -> str:
    """A candidate in a few words: its kind, and what differs from the defaults."""
    options, front = item.options, item.options.front_end
    words = [options.kind]
    if item.default:
        return f"{options.kind}, defaults"
    if options.clusters and options.kind in ("kmeans", "gmm"):
        words.append(str(options.clusters))
    if options.covariance and options.kind != "kmeans":
        words.append(options.covariance)
    if options.hidden and options.kind == "autoencoder":
        words.append("-".join(map(str, options.hidden)))
    known = {"n_fft": "fft", "hop": "hop", "bands": "bands", "window_frames": "frames"}
    words += [f"{text} {getattr(front, name)}" for name, text in known.items() if getattr(front, name)]
    if front.pool:
        words.append("+".join(front.pool))
    if front.spacing == "linear":
        words.append("linear bands")
    if front.average == "power":
        words.append("power average")
    if options.kind == "neighbours":
        chosen = {"references": options.references, "shrinkage": options.shrinkage}
        words += [f"{name} {value:g}" for name, value in chosen.items() if value is not None]
    return ", ".join(words)


def _json(found: Tuned) -> dict[str, Any]:
    def entry(item: Finished) -> dict[str, Any]:
        return {
            "trial": item.number,
            "auc": item.auc,
            "model": item.options.kind,
            "default": item.default,
            "description": describe(item),
            **asdict(item.cost),
        }

    assert found.best is not None
    return {
        "criterion": found.criterion,
        "trials": found.counts,
        "failures": found.failures,
        "deaf": found.deaf,
        "best": {
            **found.best.bundle.meta["tune"],
            "bytes": found.best.bundle.size,
            "crc": f"{found.best.bundle.crc:08x}",
        },
        "front": [entry(item) for item in found.front],
        "finished": [entry(item) for item in found.finished],
    }


def show(found: Tuned, output: Path) -> None:
    """Print the Pareto front and the defaults."""
    assert found.best is not None
    bundle = found.best.bundle
    written = bundle.meta["tune"]["trial"]
    made = table(
        "Best for what they cost, and the defaults", numbers=("trial", "AUC", "flash", "arena", "RAM", "instr./s")
    )
    made.add_column("candidate", overflow="fold")
    made.caption = found.criterion
    winner = next(item for item in found.finished if item.number == written)
    rest = [item for item in found.finished if (item.default or item is winner) and item not in found.front]
    for item in [*found.front, *rest]:
        cost = item.cost
        won = item.number == written
        made.add_row(
            f"{'* ' if won else ''}{item.number}", f"{item.auc:.4f}", f"{cost.flash:,}", f"{cost.arena:,}",
            f"{cost.ram:,}", f"{cost.instructions / 1e6:.3g} M", describe(item),
            style="bold" if won else "dim" if item not in found.front else None,
        )  # fmt: skip
    show_table(made)
    counts = found.counts
    click.echo(
        f"trials    {counts['finished']} finished, {counts['halved']} dropped by successive halving,"
        f" {counts['over_budget']} over budget, {counts['repeated']} drawn twice, {counts['failed']} failed,"
        f" {counts['cut_short']} cut short"
    )
    for reason, count in list(found.failures.items())[:5]:
        click.echo(f"failed    {count}: {reason}")
    if found.deaf:
        numbers = ", ".join(map(str, found.deaf[:5])) + (" …" if len(found.deaf) > 5 else "")
        click.echo(
            f"deaf      {len(found.deaf)} better: trained on all recordings they raise no alarm on full-scale noise or"
            f" a square wave (trials {numbers})"
        )
    click.echo(
        f"best      * trial {written}: {describe(winner)}; AUC {winner.auc:.4f}\n"
        f"bundle    {output}, {bundle.size} bytes trained on all recordings (above: on a part), CRC {bundle.crc:08x}"
    )


def draw(found: Tuned, path: Path) -> None:
    """Picture of all candidates: AUC over instructions, flash as size, the front and the defaults marked."""
    import matplotlib

    from ..errors import DataError, reason

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import EngFormatter

    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.5), layout="constrained", sharey=True)
    for plot, name, label in ((axes[0], "flash", "bundle, bytes"), (axes[1], "instructions", "instructions a second")):
        for kind in sorted({item.options.kind for item in found.finished}):
            items = [item for item in found.finished if item.options.kind == kind]
            plot.scatter([getattr(i.cost, name) for i in items], [i.auc for i in items], s=18, label=kind, alpha=0.7)
        for marked, marker, title in (
            (found.front, "o", "front"),
            ([i for i in found.finished if i.default], "s", "default"),
        ):
            plot.scatter(
                [getattr(i.cost, name) for i in marked], [i.auc for i in marked], s=70, marker=marker,
                facecolors="none", edgecolors="black" if marker == "o" else "0.5", label=title,
            )  # fmt: skip
        plot.set(xlabel=label, xscale="log")
        for axis in (plot.xaxis.set_major_formatter, plot.xaxis.set_minor_formatter):
            axis(EngFormatter(sep=""))
        plot.tick_params(axis="x", which="both", labelsize=7, rotation=45)
        plot.grid(alpha=0.3)
    axes[0].set_ylabel(found.criterion.split(",")[0])
    figure.legend(*axes[1].get_legend_handles_labels(), loc="outside right upper", fontsize=8)
    try:
        figure.savefig(path, dpi=120, metadata={"Software": None} if path.suffix.lower() == ".png" else None)
    except OSError as error:
        raise DataError(f"The picture cannot be written to {path}: {reason(error)}.") from error
    except ValueError as error:  # an ending that Matplotlib has no format for
        raise DataError(f"The picture cannot be written to {path} ({error}).") from error
    finally:
        pyplot.close(figure)
