# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``tocsin train``: recordings of healthy running in, a bundle out."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..learn.kinds import HEADS, KINDS, MEMBERS
from ..words import budget_words, counted
from .options import (
    FRONT_END,
    READING,
    Numbers,
    Words,
    check_reading,
    data_option,
    force_option,
    front_end_options,
    given_options,
    outliers_option,
    progress,
    reading_options,
    tell_left_out,
    warn,
)

if TYPE_CHECKING:
    from ..bundle import DutyCycle
    from ..data import Dataset
    from ..features.frontend import FrontEnd
    from ..learn.train import Trained


@click.command(
    epilog="""
\b
Example:
  tocsin train --data data --model kmeans --false-alarms 1/day -o fan.tocsin
  tocsin train --data data --model autoencoder --frame-layer 64 -o fan.tocsin
  tocsin train --data data --model idnn --head mahalanobis -o fan.tocsin
  tocsin train --data data --model embedding --head kmeans -o fan.tocsin
  tocsin train --data data --model combined --members neighbours,gmm -o fan.tocsin
""",
)
@data_option
@click.option(
    "--model",
    "kind",
    type=click.Choice(KINDS),
    default="kmeans",
    show_default=True,
    help="Kind of model.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Bundle to write.")
@click.option(
    "--false-alarms", default="1/day", show_default=True, help="Budget: a number per hour, day, week, month or year."
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="For splits and fits.")
@click.option(
    "--holdout",
    type=click.FloatRange(0, 0.9),
    default=0.25,
    show_default=True,
    help="Share of the healthy recordings kept for testing, where the layout has no test recordings.",
)
@click.option(
    "--validation",
    type=click.FloatRange(0.05, 0.9),
    default=0.2,
    show_default=True,
    help="Share of the other healthy recordings that sets the threshold.",
)
@reading_options
@outliers_option
@force_option
@click.option("--rate", type=click.IntRange(1), help="Hz: resample sound to it (16000), or what vibration has.")
@click.option("--full-scale", type=click.FloatRange(0, min_open=True), help="Range of the vibration sensor, g.")
@click.option("--preset", type=click.Choice(["mlperf"]), help="MLPerf Tiny's autoencoder: 640-128x4-8-128x4-640.")
@front_end_options
@click.option("--clusters", "--components", "clusters", type=click.IntRange(1, 256), help="Of k-means or the mixture.")
@click.option("--references", type=click.IntRange(1, 4096), help="Healthy vectors that neighbours keep, at most.")
@click.option(
    "--shrinkage", type=click.FloatRange(0, 1), help="Of the covariance that neighbours share: 1 is diagonal."
)
@click.option("--covariance", type=click.Choice(["diagonal", "full"]), help="Of the mixture or Mahalanobis distance.")
@click.option("--hidden", type=Numbers(), help="Widths of a dense network's hidden layers, such as 64,8,64.")
@click.option(
    "--frame-layer", type=click.IntRange(1), help="Width of a first layer that frames share: autoencoder, idnn."
)
@click.option(
    "--stream/--no-stream", default=True, show_default=True, help="Run it for frames that the last window had not."
)
@click.option("--epochs", type=click.IntRange(1), default=60, show_default=True, help="Most passes over the data.")
@click.option("--batch", type=click.IntRange(2), default=512, show_default=True, help="Vectors a training step.")
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), default=1e-3, show_default=True)
@click.option("--qat", is_flag=True, help="Fine-tune networks with int8's rounding simulated.")
@click.option("--head", type=click.Choice(HEADS), help="What scores a network's residual or embedding.")
@click.option("--members", type=Words(), help="Of combined: two other kinds.  [default: neighbours,gmm]")
@click.option(
    "--combine", type=click.Choice(["sum", "max"]), default="sum", show_default=True, help="Of the members' scores."
)
@click.option("--smooth", type=click.IntRange(1, 1024), help="Windows averaged before the threshold.")
@click.option("--min-windows", type=click.IntRange(1), help="Windows in a row over the threshold before an alarm.")
@click.option("--listen", type=click.FloatRange(0, min_open=True), help="Duty cycle: seconds to listen at a time …")
@click.option("--every", type=click.FloatRange(0, min_open=True), help="… once in so many seconds, to save power.")
@click.option("--json", "json_wanted", is_flag=True, help="Print one object as JSON.")
def train(
    data: Path, output: Path, kind: str, false_alarms: str, preset: str | None, json_wanted: bool, **given: Any
) -> None:
    """Train a detector on the healthy recordings of a data set.

    Anomalies are never trained on. Where the layout has no test recordings, a part of the healthy ones is kept away
    for `tocsin eval`, and the bundle remembers which were used.
    """
    from ..alarm.threshold import parse_rate
    from ..data import ReadOptions, open_dataset
    from ..errors import BundleError
    from ..extras import require
    from ..learn.models.uses import check_used, packages_for
    from ..learn.options import TrainOptions
    from ..learn.train import train as work

    started = time.monotonic()
    budget = parse_rate(false_alarms)
    if not output.parent.is_dir():
        # Said before an hour of work, not after it.
        raise BundleError(f"There is no folder {output.parent} to write {output.name} to.")
    reading = {name: given.pop(name) for name in (*READING, "rate", "full_scale")}
    reading = {name: value for name, value in reading.items() if value is not None}
    hidden, front_end = _front_end(kind, preset, given)
    _check_members(kind, given)
    check_used(given_options(), kind=kind, members=given.get("members", MEMBERS), head=given["head"])
    require(*packages_for([kind, *given.get("members", ())]))
    duty = _duty(given.pop("listen"), given.pop("every"))
    dataset = open_dataset(data, ReadOptions(**reading))
    check_reading(dataset.kind)
    tell_left_out(dataset)
    options = TrainOptions(kind=kind, budget=budget, front_end=front_end, duty=duty, **{**given, "hidden": hidden})
    trained = work(dataset, output, options, progress=progress)
    warn(trained.issues.lines())
    seconds = time.monotonic() - started
    if json_wanted:
        click.echo(json.dumps(_as_json(trained, dataset, output, seconds), indent=2))
    else:
        click.echo("\n".join(_summary(trained, output, seconds)))
    warn(trained.warnings)


def _check_members(kind: str, given: dict[str, Any]) -> None:
    """Members go with the kind that has them, and are two; takes them out of `given` where there are none."""
    members = given["members"]
    if members is None:
        del given["members"]
        return
    if kind != "combined":
        raise click.UsageError("--members are of --model combined: add that, or leave them out.")
    if len(members) != 2 or len(set(members)) != 2 or not set(members) < set(KINDS) - {"combined"}:
        raise click.UsageError(
            f"--members are two different ones of {', '.join(KINDS[:-1])}: --members neighbours,gmm."
        )


def _duty(listen: float | None, every: float | None) -> DutyCycle | None:
    """When to listen, by --listen and --every."""
    from ..bundle import DutyCycle

    if listen is None and every is None:
        return None
    if listen is None or every is None or listen >= every:
        raise click.UsageError("--listen and --every go together, and --listen is the smaller: --listen 10 --every 60.")
    return DutyCycle(round(1000 * listen), round(1000 * every))


def _front_end(kind: str, preset: str | None, given: dict[str, Any]) -> tuple[tuple[int, ...] | None, FrontEnd]:
    """Hidden widths and features by the preset, and by the options, which win; takes the latter out of `given`."""
    from ..features.frontend import MLPERF, FrontEnd

    chosen = {name: value for name in FRONT_END if (value := given.pop(name)) is not None}
    hidden = given.pop("hidden")
    if preset is None:
        return hidden, FrontEnd(**chosen)
    if kind != "autoencoder":
        raise click.UsageError("--preset mlperf is an autoencoder: add --model autoencoder.")
    base = {name: getattr(MLPERF, name) for name in FRONT_END}
    return hidden or (128, 128, 128, 128, 8, 128, 128, 128, 128), FrontEnd(**{**base, **chosen})


def _as_json(trained: Trained, dataset: Dataset, output: Path, seconds: float) -> dict[str, Any]:
    """The same for programs: the bundle as `tocsin inspect` has it, and what was odd."""
    from .inspect import as_json

    return {
        "output": str(output),
        "seconds": round(seconds, 3),
        **as_json(trained.bundle),
        "left_out": [asdict(item) for item in dataset.left_out],
        "notes": [*dataset.notes, *trained.issues.lines()],
        "warnings": trained.warnings,
    }


def _summary(trained: Trained, output: Path, seconds: float) -> list[str]:
    """What was done, for people."""
    from ..alarm.threshold import format_hours, format_number
    from ..bundle.describe import describe_decision, describe_features, describe_model

    meta, bundle, line = trained.bundle.meta, trained.bundle, trained.threshold
    split, judged = meta["split"], meta["validation"]
    step = bundle.features.window_step / bundle.features.sample_rate
    quantiles = ", ".join(f"{100 * float(q):g} % {value:.4g}" for q, value in judged["quantiles"].items())
    used = "fitted to" if meta["model"].get("imported") else "trained on"
    lines = [
        f"recordings   {split['fit']} {used}, {split['judged']} for the threshold,"
        f" {counted(split['held_out'], 'healthy one')} kept for eval, {split['skipped']} skipped",
        f"features     {describe_features(bundle.features)}",
        f"model        {describe_model(bundle)}",
        f"scores       of {counted(judged['windows'], 'held-out healthy window')}: {quantiles}",
    ]
    if "score_float" in judged:
        text = f"mean healthy score {judged['score_float']:.4g} in float, {judged['score_int8']:.4g} in int8"
        if "auc_float" in judged:
            text += (
                f"; AUC {judged['auc_float']:.4f} in float, {judged['auc_int8']:.4f} in int8, of"
                f" {counted(judged['n_anomaly'], 'anomalous recording')} against those of the threshold: no test of the"
                " detector, tocsin eval makes one"
            )
        lines.append(f"int8         {text}")
    decision = bundle.decision
    lines += [
        f"threshold    {line.on:.5g} on, {line.off:.5g} off, for {budget_words(meta['threshold']['budget'])};"
        f" {line.method} tail of {counted(line.clusters, 'peak')} in {format_hours(line.hours)}",
        f"  at 95 %    the budget's level lies from {line.on_low:.5g} to {line.on_high:.5g}; at the threshold"
        f" {format_number(24 * line.expected_low, 2)} to {format_number(24 * line.expected_high, 2)} false alarms a"
        " day",
        *([f"alertness    {trained.alertness.describe()}"] if trained.alertness else []),
        f"decision     {describe_decision(decision, step)}",
        f"bundle       {output}, {bundle.size} bytes, CRC {bundle.crc:08x}, in {seconds:.1f} s",
    ]
    return lines
