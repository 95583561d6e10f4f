# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``tocsin inspect``: what a bundle holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..bundle import Bundle
    from ..features import FeatureConfig


def describe_features(features: FeatureConfig) -> str:
    """One line about what is computed."""
    rate = features.sample_rate
    names = {"audio": "mel bands", "vibration": "power bands"}
    parts = [f"{len(features.bands)} {names[features.sensor]}"] if features.bands else []
    if features.stats:
        parts.append(", ".join(features.stats))
    axes = f" of {features.channels} channels" if features.channels > 1 else ""
    return (
        f"{' and '.join(parts)}{axes} at {rate} Hz, frames of {features.frame_length} every {features.hop} samples;"
        f" {', '.join(features.pool)} over {features.window_frames} frames ({features.window_span / rate:.3g} s) every"
        f" {features.window_step / rate:.3g} s: {features.n_vector} values"
    )


def describe_model(bundle: Bundle) -> str:
    """One line about the model."""
    from ..bundle import AutoencoderModel, GaussianMixtureModel, KMeansModel, NeighboursModel

    model = bundle.model
    if isinstance(model, KMeansModel):
        return f"k-means, {len(model.centroids)} clusters, {model.centroids.nbytes} bytes"
    if isinstance(model, AutoencoderModel):
        hidden = bundle.meta.get("model", {}).get("hidden")
        widths = "-".join(map(str, [bundle.features.n_vector, *hidden, bundle.features.n_vector])) if hidden else ""
        return f"autoencoder {widths}, int8, {len(model.tflite)} bytes, arena {model.arena_size} bytes"
    if isinstance(model, GaussianMixtureModel):
        return (
            f"Gaussian mixture, {len(model.means)} components, {model.covariance},"
            f" {model.means.nbytes + model.whiten.nbytes + model.log_const.nbytes} bytes"
        )
    if isinstance(model, NeighboursModel):
        shared = "" if model.whiten is None else ", whitened by one covariance"
        return f"nearest of {len(model.references)} healthy vectors in units of their radii, int8{shared}"
    return f"Mahalanobis distance, {model.covariance} covariance, {model.mean.nbytes + model.whiten.nbytes} bytes"


def as_json(bundle: Bundle) -> dict[str, Any]:
    """All that a program may want to know, but for tables and weights."""
    from ..bundle import AutoencoderModel

    features, decision = bundle.features, bundle.decision
    names: tuple[str, ...] = (
        "sensor",
        "sample_rate",
        "channels",
        "scale",
        "frame_length",
        "hop",
        "stats",
        "remove_mean",
        "n_fft",
    )
    names += ("log_floor", "pool", "window_frames", "window_hop", "n_features", "n_vector", "window_span")
    record = {**bundle.meta, "clips": {"digest": bundle.meta.get("clips", {}).get("digest")}}
    return {
        "crc": f"{bundle.crc:08x}",
        "size": bundle.size,
        "kind": bundle.kind,
        "arena_size": bundle.model.arena_size if isinstance(bundle.model, AutoencoderModel) else 0,
        "features": {**{name: getattr(features, name) for name in names}, "n_bands": len(features.bands)},
        "decision": {
            "smooth": decision.smooth,
            "min_windows": decision.min_windows,
            "threshold_on": decision.threshold_on,
            "threshold_off": decision.threshold_off,
        },
        "duty": {"listen_ms": bundle.duty.listen_ms, "period_ms": bundle.duty.period_ms} if bundle.duty else None,
        "meta": record,
    }


@click.command(epilog="Example: tocsin inspect fan.tocsin")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON, the training record included.")
def inspect(bundle: Path, json_wanted: bool) -> None:
    """Show what a bundle holds: sensor, features, model, decision, and what it was trained on."""
    from ..bundle import read_bundle

    found = read_bundle(bundle)
    if json_wanted:
        click.echo(json.dumps(as_json(found), indent=2))
        return
    click.echo("\n".join(f"{name:<12} {text}" for name, text in _lines(bundle, found)))


def _lines(path: Path, bundle: Bundle) -> list[tuple[str, str]]:
    """What a person wants to know."""
    from ..threshold import format_hours

    features, decision, meta = bundle.features, bundle.decision, bundle.meta
    step = features.window_step / features.sample_rate
    lines = [
        ("bundle", f"{path}, {bundle.size} bytes, CRC {bundle.crc:08x}"),
        ("sensor", f"{features.sensor}, {features.sample_rate} Hz, {features.channels} channel(s)"),
        ("features", describe_features(features)),
        ("model", describe_model(bundle)),
        (
            "decision",
            f"mean of {decision.smooth} windows, {decision.min_windows} in a row, a window every {step:.3g} s;"
            f" on at {decision.threshold_on:.5g}, off below {decision.threshold_off:.5g}",
        ),
    ]
    if bundle.duty is not None:
        lines.append(("duty", f"listens {bundle.duty.listen_ms / 1000:g} s every {bundle.duty.period_ms / 1000:g} s"))
    if features.sensor == "vibration":
        lines[1] = ("sensor", f"{lines[1][1]}, full scale {features.scale * 32768:.4g} g")
    data, split, line = (meta.get(key, {}) for key in ("data", "split", "threshold"))
    if split and data:
        lines.append(
            (
                "trained on",
                f"{split.get('fit')} recordings of {data.get('name')}, threshold by {split.get('judged')},"
                f" seed {split.get('seed')}, tocsin {meta.get('tocsin')}",
            )
        )
    if line:
        lines.append(
            (
                "budget",
                f"{line.get('budget')} false alarms, by {format_hours(line.get('hours', 0))} of healthy recordings"
                f" ({line.get('extrapolation', 0):.3g} times beyond them)",
            )
        )
    return lines
