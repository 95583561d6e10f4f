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
    from ..bundle import Bundle


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
    from ..bundle.describe import describe_decision, describe_features, describe_model

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
