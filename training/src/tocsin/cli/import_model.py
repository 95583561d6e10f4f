# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``tocsin import``: somebody's int8 network in, a bundle out."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..learn.kinds import HEADS
from .options import (
    FRONT_END,
    READING,
    check_reading,
    data_option,
    force_option,
    front_end_options,
    outliers_option,
    progress,
    reading_options,
    tell_left_out,
    warn,
)
from .tune import _BYTES, Amount

if TYPE_CHECKING:
    from ..bundle import Normalisation
    from ..features import FeatureConfig
    from ..features.frontend import FrontEnd


@click.command(
    "import",
    epilog="""
\b
Example:
  tocsin import model.tflite --features mlperf --normalisation none --data data -o fan.tocsin
  tocsin import model.tflite --mels 32 --window-frames 8 --normalisation scaler.npz --data data -o fan.tocsin
  tocsin import embedding.tflite --features fan.tocsin --use embed --head kmeans --data data -o new.tocsin
""",
)
@click.argument("model", type=click.Path(dir_okay=False, path_type=Path))
@data_option
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Bundle to write.")
@click.option("--features", help="What the network takes: mlperf, or a bundle whose features to use; else see below.")
@click.option(
    "--normalisation",
    default="data",
    show_default=True,
    help="data: fitted to the recordings; none; or an .npz with the training's own: mean, std.",
)
@click.option(
    "--use",
    type=click.Choice(["reconstruct", "embed"]),
    help="What the output is; else reconstruct where it is as long as the input.",
)
@click.option("--head", type=click.Choice(HEADS), help="What scores the residual or embedding, fitted to the data.")
@click.option("--clusters", "--components", "clusters", type=click.IntRange(1, 256), help="Of a kmeans or gmm head.")
@click.option("--references", type=click.IntRange(1, 4096), help="Healthy vectors that a neighbours head keeps.")
@click.option("--shrinkage", type=click.FloatRange(0, 1), help="Of a neighbours head's covariance: 1 is diagonal.")
@click.option("--flash", type=Amount(_BYTES, "200k"), help="Most bytes of the bundle; a greater one is refused.")
@click.option("--ram", type=Amount(_BYTES, "64k"), help="Most bytes of working memory, the tensor arena included.")
@click.option(
    "--false-alarms", default="1/day", show_default=True, help="Budget: a number per hour, day, week, month or year."
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="For splits and fits.")
@click.option(
    "--holdout", type=click.FloatRange(0, 0.9), default=0.25, show_default=True, help="Healthy share kept for testing."
)
@click.option(
    "--validation", type=click.FloatRange(0.05, 0.9), default=0.2, show_default=True, help="Share for the threshold."
)
@click.option("--smooth", type=click.IntRange(1, 1024), help="Windows averaged before the threshold.")
@click.option("--min-windows", type=click.IntRange(1), help="Windows in a row over the threshold before an alarm.")
@reading_options
@outliers_option
@force_option
@click.option("--rate", type=click.IntRange(1), help="Hz: resample sound to it (16000), or what vibration has.")
@click.option("--full-scale", type=click.FloatRange(0, min_open=True), help="Range of the vibration sensor, g.")
@front_end_options
@click.option("--json", "json_wanted", is_flag=True, help="Print one object as JSON.")
def import_model(
    model: Path,
    data: Path,
    output: Path,
    features: str | None,
    normalisation: str,
    json_wanted: bool,
    **given: Any,
) -> None:
    """Make a detector of MODEL, an int8 TensorFlow Lite network that you trained elsewhere.

    It is an autoencoder, or a network whose embedding a classical model scores. It is checked as our own are:
    operators, int8, shapes, input length, tensor arena. The threshold comes from the healthy recordings.
    """
    from ..data import ReadOptions, open_dataset
    from ..errors import BundleError
    from ..learn.imported import import_network
    from .train import _as_json, _summary

    started = time.monotonic()
    if not output.parent.is_dir():
        raise BundleError(f"There is no folder {output.parent} to write {output.name} to.")
    reading = {name: given.pop(name) for name in (*READING, "rate", "full_scale")}
    reading = {name: value for name, value in reading.items() if value is not None}
    chosen = _features(features, {name: given.pop(name) for name in FRONT_END})
    scaling = _normalisation(normalisation)
    limits: dict[str, Any] = {name: int(given.pop(name)) for name in ("flash", "ram") if given[name] is not None}
    dataset = open_dataset(data, ReadOptions(**reading))
    check_reading(dataset.kind)
    tell_left_out(dataset)
    trained = import_network(
        model, dataset, features=chosen, normalisation=scaling, output=output, progress=progress, **{**given, **limits}
    )
    warn(trained.issues.lines())
    seconds = time.monotonic() - started
    if json_wanted:
        click.echo(json.dumps(_as_json(trained, dataset, output, seconds), indent=2))
    else:
        click.echo("\n".join(_summary(trained, output, seconds)))
    warn(trained.warnings)


def _features(name: str | None, options: dict[str, Any]) -> FeatureConfig | FrontEnd:
    """Features by --features, or by the options."""
    from dataclasses import replace

    from ..bundle import read_bundle
    from ..features.frontend import MLPERF, FrontEnd

    chosen = {key: value for key, value in options.items() if value is not None}
    if name is None:
        return FrontEnd(**chosen)
    if name == "mlperf":
        return replace(MLPERF, **chosen)
    if chosen:
        raise click.UsageError(f"--features {name} says all about them: leave out the other options of features.")
    return read_bundle(name).features


def _normalisation(text: str) -> Normalisation | str:
    """What the network was trained with: a word, or a file of NumPy with ``mean`` and ``std``."""
    import zipfile

    import numpy as np

    from ..bundle import Normalisation
    from ..errors import DataError, reason

    if text in ("data", "none"):
        return text
    try:
        with np.load(text, allow_pickle=False) as file:
            mean, std = (np.asarray(file[name], np.float64).ravel() for name in ("mean", "std"))
    except OSError as error:
        raise DataError(f"{text}: cannot be read: {reason(error)}") from error
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{text} is no normalisation: save it with numpy.savez({text!r}, mean=…, std=…), or give data or none."
        ) from error
    if mean.shape != std.shape or not (np.isfinite(std).all() and (std > 0).all()):
        raise DataError(f"{text}: mean and std must have one length, and every std must be above zero.")
    return Normalisation(mean.astype(np.float32), (1 / std).astype(np.float32))
