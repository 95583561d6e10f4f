# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""``tocsin inspect``: what a bundle holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..words import budget_words, counted

if TYPE_CHECKING:
    from ..bundle import AutoencoderModel, Bundle, Decision, Model, NetworkModel
    from ..features import FeatureConfig


def describe_features(features: FeatureConfig) -> str:
    """One line about what is computed."""
    rate = features.sample_rate
    counts = [band.count for band in features.bands]
    # A bundle holds weights, not how they came about; bands of equal width hold as many bins each, within one.
    name = "power band" if features.sensor == "vibration" else "mel band"
    if features.sensor == "audio" and counts and max(counts) - min(counts) <= 1:
        name = "linear band"
    parts = [counted(len(counts), name)] if counts else []
    if features.stats:
        parts.append(", ".join(features.stats))
    axes = f" of {features.channels} channels" if features.channels > 1 else ""
    pool = ", ".join(features.pool) + (" of powers" if features.power else "")
    return (
        f"{' and '.join(parts)}{axes} at {rate} Hz, frames of {features.frame_length} every {features.hop} samples;"
        f" {pool} over {counted(features.window_frames, 'frame')} ({features.window_span / rate:.3g} s) every"
        f" {features.window_step / rate:.3g} s: {counted(features.n_vector, 'value')}"
    )


def describe_decision(decision: Decision, step: float) -> str:
    """How scores of windows become an alarm; a window comes every `step` seconds."""
    mean = "each window by itself" if decision.smooth == 1 else f"mean of {decision.smooth} windows"
    row = "one is enough" if decision.min_windows == 1 else f"{decision.min_windows} in a row"
    return f"{mean}, {row}, a window every {step:.3g} s"


def describe_model(bundle: Bundle) -> str:
    """One line about the model."""
    return _describe(bundle.model, bundle)


def _describe(model: Model, bundle: Bundle | None) -> str:
    """One line about a bundle's model, or (None) about a part of one."""
    from ..bundle import (
        AutoencoderModel,
        CombinedModel,
        GaussianMixtureModel,
        KMeansModel,
        MahalanobisModel,
        NeighboursModel,
        NetworkModel,
    )

    if isinstance(model, KMeansModel):
        return f"k-means, {counted(len(model.centroids), 'cluster')}, {model.centroids.nbytes} bytes"
    if isinstance(model, AutoencoderModel):
        hidden = bundle.meta.get("model", {}).get("hidden") if bundle else None
        widths = (
            "-".join(map(str, [bundle.features.n_vector, *hidden, bundle.features.n_vector]))
            if hidden and bundle
            else ""
        )
        return f"autoencoder {widths}, int8, {_network_sizes(model)}"
    if isinstance(model, GaussianMixtureModel):
        return (
            f"Gaussian mixture, {counted(len(model.means), 'component')}, {model.covariance},"
            f" {model.means.nbytes + model.whiten.nbytes + model.log_const.nbytes} bytes"
        )
    if isinstance(model, NeighboursModel):
        shared = "" if model.whiten is None else ", whitened by one covariance"
        return f"nearest of {counted(len(model.references), 'healthy vector')} in units of their radii, int8{shared}"
    if isinstance(model, MahalanobisModel):
        nearest = "" if len(model.means) == 1 else f" to the nearest of {len(model.means)} means"
        size = model.means.nbytes + model.whiten.nbytes
        return f"Mahalanobis distance{nearest}, {model.covariance} covariance, {size} bytes"
    if isinstance(model, NetworkModel):
        return _describe_network(model)
    assert isinstance(model, CombinedModel)
    how = "sum" if model.mode == "sum" else "greater"
    return f"{how} of two calibrated scores: " + "; ".join(_describe(member, bundle) for member in model.members)


def _network_sizes(model: AutoencoderModel | NetworkModel) -> str:
    """Bytes of a network and its arena, and what of that is kept from window to window."""
    from ..bundle.cost import frames_kept
    from ..tflite.flatbuffer import kept_size

    kept = kept_size(model.tflite, model.slide)
    of_it = f", {kept} of them for {frames_kept(model)} frames of a window that the next one has, too" if kept else ""
    return f"{len(model.tflite)} bytes, arena {model.arena_size} bytes{of_it}"


def _describe_network(model: NetworkModel) -> str:
    """What a network is for, and what scores its output."""
    size = f"int8, {_network_sizes(model)}"
    if model.use == "embed":
        text = f"network to an embedding of {counted(model.outputs, 'value')}, {size}"
    elif model.use == "predict":
        text = (
            f"network that predicts values {model.first} to {model.first + model.outputs - 1} from the others, {size}"
        )
    else:
        text = f"network that reconstructs the vector, {size}"
    if model.head is None:
        return text
    folded = "" if model.fold == 1 else f", averaged over {model.fold} parts,"
    what = "embedding" if model.use == "embed" else "residual"
    return f"{text}; its {what}{folded} scored by {_describe(model.head, None)}"


def as_json(bundle: Bundle) -> dict[str, Any]:
    """All that a program may want to know, but for tables and weights."""
    from ..bundle import network_of
    from ..tflite.flatbuffer import kept_size

    features, decision = bundle.features, bundle.decision
    network = network_of(bundle.model)
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
        "arena_size": 0 if network is None else network.arena_size,
        "slide": 0 if network is None else network.slide,
        "kept_size": 0 if network is None else kept_size(network.tflite, network.slide),
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
    features, decision = bundle.features, bundle.decision
    step = features.window_step / features.sample_rate
    scale = f", full scale {features.scale * 32768:.4g} g" if features.sensor == "vibration" else ""
    lines = [
        ("bundle", f"{path}, {bundle.size} bytes, CRC {bundle.crc:08x}"),
        ("sensor", f"{features.sensor}, {features.sample_rate} Hz, {counted(features.channels, 'channel')}{scale}"),
        ("features", describe_features(features)),
        ("model", describe_model(bundle)),
        (
            "decision",
            f"{describe_decision(decision, step)};"
            f" on at {decision.threshold_on:.5g}, off below {decision.threshold_off:.5g}",
        ),
    ]
    if bundle.duty is not None:
        lines.append(("duty", f"listens {bundle.duty.listen_ms / 1000:g} s every {bundle.duty.period_ms / 1000:g} s"))
    return lines + _record(bundle)


def _record(bundle: Bundle) -> list[tuple[str, str]]:
    """What the training record says: recordings, adaptations, budget, and whether the detector hears."""
    from ..alarm.deafness import recorded_deafness
    from ..alarm.sensitivity import recorded_alertness
    from ..alarm.threshold import format_hours, format_number

    meta, lines = bundle.meta, []
    data, split, line = (meta.get(key, {}) for key in ("data", "split", "threshold"))
    adapted = meta.get("rebaselined", [])
    if split and data:
        # An adaptation sets the threshold anew.
        judged = "" if adapted else f", threshold by {split.get('judged')}"
        used = f"{counted(split.get('fit', 0), 'recording')} of {data.get('name')}{judged}"
        lines.append(("trained on", f"{used}, seed {split.get('seed')}, tocsin {meta.get('tocsin')}"))
    for step in adapted:
        used = f"{counted(step.get('recordings', 0), 'recording')} of {step.get('data')}"
        how = f"{format_hours(step.get('seconds', 0) / 3600)}: method {step.get('method')}, from CRC {step.get('from')}"
        lines.append(("adapted to", f"{', '.join(map(str, step.get('machines', [])))} by {used}, {how}"))
    if line:
        heard = f"{format_hours(line.get('hours', 0))} of healthy recordings"
        beyond = f"{format_number(line.get('extrapolation', 0))} times beyond them"
        lines.append(("budget", f"{budget_words(str(line.get('budget')))}, by {heard} ({beyond})"))
    if alertness := recorded_alertness(bundle):
        lines.append(("alertness", alertness.describe()))
    if deaf := recorded_deafness(bundle):
        lines.append(("deaf", deaf))
    return lines
