# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``tocsin rebaseline``: a bundle, adapted to one installation by a few minutes of its healthy running."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..words import budget_words, counted
from .options import (
    READING,
    check_reading,
    data_option,
    force_option,
    outliers_option,
    progress,
    reading_options,
    tell_left_out,
    warn,
)

if TYPE_CHECKING:
    from ..bundle import Bundle
    from ..learn.rebaseline import Rebaselined

_METHODS = ("auto", "threshold", "mean", "normalisation", "centroids", "decoder")
_EPILOG = """\b
Methods:
  threshold      the threshold alone
  mean           the mean of the normalisation
  normalisation  mean and spread of the normalisation (auto)
  centroids      the means of k-means, mixture or Mahalanobis distance
  decoder        the last layer of an autoencoder
Example: tocsin rebaseline fan.tocsin --data recordings --minutes 2 -o hall3.tocsin"""


@click.command(epilog=_EPILOG)
@click.argument("bundle", type=click.Path(path_type=Path))
@data_option
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Bundle to write.")
@click.option("--method", type=click.Choice(_METHODS), default="auto", show_default=True, help="What to adapt.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Use the first so many alone; else all.")
@click.option("--false-alarms", help="Budget, as 1/day; else the bundle's own.")
@reading_options
@outliers_option
@force_option
@click.option("--json", "json_wanted", is_flag=True, help="Print one object as JSON.")
def rebaseline(
    bundle: Path,
    data: Path,
    output: Path,
    method: str,
    minutes: float | None,
    false_alarms: str | None,
    strict: bool,
    keep_outliers: bool,
    force: bool,
    json_wanted: bool,
    **given: Any,
) -> None:
    """Adapt a bundle to one machine by a few minutes of its healthy recordings.

    The recordings that the bundle was trained on are not needed. DATA are healthy recordings of the new installation,
    in any layout that `tocsin train` reads; anomalies and test recordings among them are not used. For arrays of an
    .npz say which with --normal. The new bundle remembers what was done, so that `tocsin eval` leaves the recordings
    out.
    """
    from ..alarm.sensitivity import strange_vectors
    from ..alarm.threshold import parse_rate
    from ..bundle import read_bundle
    from ..bundle.bundle import _replace_file
    from ..data import Issues, open_dataset
    from ..errors import BundleError
    from ..evaluation.evaluate import read_options
    from ..learn.rebaseline import RebaselineOptions, candidates, read_pieces, unused
    from ..learn.rebaseline import rebaseline as work

    detector = read_bundle(bundle)
    if not output.parent.is_dir():
        raise BundleError(f"There is no folder {output.parent} to write {output.name} to.")
    issues = Issues()
    dataset = open_dataset(data, read_options(detector, {name: given[name] for name in READING}))
    tell_left_out(dataset, unused(dataset))
    check_reading(dataset.kind)
    with progress("reading", len(candidates(dataset))) as step:
        pieces = read_pieces(
            detector,
            dataset,
            minutes=minutes,
            issues=issues,
            strict=strict,
            keep_outliers=keep_outliers,
            step=lambda: step(""),
        )
    warn(issues.lines())
    options = RebaselineOptions(
        method=method, budget=parse_rate(false_alarms) if false_alarms else None, data=data.resolve().name, force=force
    )
    with progress("adapting", 1) as step:
        names = {piece.name for piece in pieces}
        strange = strange_vectors(dataset, [clip for clip in dataset.clips if clip.name in names], detector.features)
        result = work(detector, pieces, options, strange=strange)
        step("")
    _replace_file(output, result.raw)
    if json_wanted:
        click.echo(json.dumps(_as_json(detector, result), indent=2))
    else:
        click.echo("\n".join(_lines(detector, result, output)))
    warn(result.warnings)


def _as_json(old: Bundle, result: Rebaselined) -> dict[str, Any]:
    step = {key: value for key, value in result.bundle.meta["rebaselined"][-1].items() if key != "clips"}
    return {
        **step,
        "crc": f"{result.bundle.crc:08x}",
        "size": result.bundle.size,
        "before": {**_shares(result.before), "threshold_on": old.decision.threshold_on},
        "after": {**_shares(result.after), "threshold_on": result.threshold.on},
        "threshold": result.bundle.meta["threshold"],
        "alertness": result.bundle.meta.get("alertness"),
    }


def _shares(scores: Any) -> dict[str, float]:
    import numpy as np

    return {name: float(np.quantile(scores, share)) for name, share in (("median", 0.5), ("greatest", 1.0))}


def _lines(old: Bundle, result: Rebaselined, output: Path) -> list[str]:
    from ..alarm.threshold import format_hours

    step, line = result.bundle.meta["rebaselined"][-1], result.threshold
    before, after = _shares(result.before), _shares(result.after)
    return [
        f"from         CRC {step['from']}, {old.kind}",
        f"recordings   {counted(step['recordings'], 'healthy one')} of {', '.join(step['machines'])},"
        f" {format_hours(step['seconds'] / 3600)}",
        f"method       {result.method}",
        f"scores       before: median {before['median']:.4g}, greatest {before['greatest']:.4g}, threshold"
        f" {old.decision.threshold_on:.5g}; after, on windows it did not see: median {after['median']:.4g}, greatest"
        f" {after['greatest']:.4g}",
        f"threshold    {line.on:.5g} on, {line.off:.5g} off, for"
        f" {budget_words(result.bundle.meta['threshold']['budget'])}; {line.method} tail of"
        f" {counted(line.clusters, 'peak')} in {format_hours(line.hours)}",
        *([f"alertness    {result.alertness.describe()}"] if result.alertness else []),
        f"bundle       {output}, {result.bundle.size} bytes, CRC {result.bundle.crc:08x}",
    ]
