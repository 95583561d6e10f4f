# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The page: what was measured, in sentences, pictures and players, rendered into one HTML file."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import __version__
from ...alarm.deafness import recorded_deafness
from ...alarm.sensitivity import recorded_alertness
from ...alarm.tail import BEYOND
from ...alarm.threshold import format_hours, format_number
from ...bundle import Bundle, Decision, is_quantised
from ...bundle.bundle import _replace_file
from ...bundle.cost import TOLERANCE, measure_cost
from ...bundle.describe import describe_features, describe_model
from ...data import Dataset, Issues
from ...errors import DataError
from ...words import are, budget_words, counted
from ..contributions import ByFrequency, by_frequency, partial
from ..evaluate import Scored, left_out_words
from . import pictures
from .measures import Measured, Recorded, chosen_points, delay, measure, operating_points
from .pictures import Picture


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """How much goes into the page, which bounds its size.

    Attributes
    ----------
    title
        Of the page.
    bundle
        The detector's file, as commands on the page name it.
    examples
        Recordings of each sort (missed, false alarms, clearest, most usual) to show, 0 to 10.
    audio_seconds
        Length of a player's sound at most, s; 0: no players.
    """

    title: str
    bundle: str = "BUNDLE"
    examples: int = 3
    audio_seconds: float = 10.0


@dataclass(frozen=True)
class Example:
    """One recording to look at and to listen to."""

    name: str
    words: str
    picture: Picture
    sound: str | None


@dataclass(frozen=True)
class Group:
    """Recordings of one sort."""

    title: str
    words: str
    examples: list[Example]


def write_report(
    bundle: Bundle,
    dataset: Dataset,
    path: Path,
    options: ReportOptions,
    *,
    issues: Issues,
    strict: bool = False,
    step: Callable[[], None] = lambda: None,
) -> Measured:
    """Measure and write the page to `path`, whole or not at all.

    Raises
    ------
    DataError
        The recordings cannot be used.
    BundleError
        The file cannot be written.
    """
    measured = measure(bundle, dataset, issues=issues, strict=strict, step=step)
    _replace_file(path, make_page(bundle, dataset, measured, options, issues).encode())
    return measured


def make_page(bundle: Bundle, dataset: Dataset, measured: Measured, options: ReportOptions, issues: Issues) -> str:
    """The page as HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # Names of files, machines and data sets come from outside: all that is not markup of the template is escaped.
    environment = Environment(
        loader=PackageLoader("tocsin.evaluation", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["rate"] = _rate
    return environment.get_template("page.html").render(_context(bundle, dataset, measured, options, issues))


def _context(
    bundle: Bundle, dataset: Dataset, measured: Measured, options: ReportOptions, issues: Issues
) -> dict[str, Any]:
    on = bundle.decision.threshold_on
    able = [item for item in measured.recorded if item.peak is not None]
    machines = _machines(measured.recorded)
    hidden = max(0, len(machines) - pictures.MACHINES_MAX)
    curves: dict[str, list[Scored]] = {
        name: [Scored(i.clip, i.score) for i in items] for name, items in machines.items()
    }
    if len(curves) > 1:
        curves["all"] = measured.scored
    groups = _examples(bundle, dataset, able, options)
    budget = bundle.meta.get("threshold", {}).get("per_hour")
    per_day = 24 * budget if isinstance(budget, int | float) else None
    of_healthy, of_strange = _parts(bundle, measured.recorded)
    return {
        "title": options.title,
        "players": any(example.sound for group in groups for example in group.examples),
        "version": __version__,
        "crc": f"{bundle.crc:08x}",
        "summary": _summary(bundle, measured),
        "trained": _trained(bundle),
        "rebaselined": _rebaselined(bundle),
        "tested": _tested(bundle, dataset, measured, issues),
        "rows": measured.rows,
        "roc": pictures.roc(curves),
        "histograms": [
            pictures.histogram(name, items, on)
            for name, items in list(machines.items())[: pictures.MACHINES_MAX]
            if any(item.peak is not None for item in items)
        ],
        "hidden_machines": hidden,
        "threshold": _threshold(bundle),
        "operating": pictures.operating(operating_points(bundle, measured), on, per_day),
        "table": chosen_points(bundle, measured),
        "commands": _commands(options.bundle, per_day),
        "groups": groups,
        "where": _where(bundle, of_healthy, of_strange),
        "frequency": pictures.frequency(of_healthy, of_strange),
        "costs": _costs(bundle),
        "quantised": _quantised(bundle),
        "missing": _missing(bundle, measured, able),
    }


def _machines(recorded: Sequence[Recorded]) -> dict[str, list[Recorded]]:
    """Recordings by machine, and by section where it has one."""
    found: dict[str, list[Recorded]] = {}
    for item in sorted(recorded, key=lambda item: item.clip.group):
        name = " ".join(part for part in item.clip.group[:2] if part)
        found.setdefault(name, []).append(item)
    return found


def _statistic(decision: Decision) -> str:
    """What is held against the threshold, with its verb."""
    if decision.smooth == decision.min_windows == 1:
        return "the score of a window is"
    what = "the score" if decision.smooth == 1 else f"the mean score of {decision.smooth} windows"
    return f"{what} is" + (f", for {decision.min_windows} windows in a row," if decision.min_windows > 1 else "")


def _rate(per_day: float) -> str:
    """False alarms a day to two digits; what is rarer than one in three years is not worth its digits."""
    if per_day < 0.001:
        return "less than 0.001"
    return f"{per_day:.2g}" if per_day < 100 else f"{per_day:,.0f}"


def _by_label(recorded: Sequence[Recorded]) -> tuple[list[Recorded], list[Recorded]]:
    """Healthy recordings, and anomalies."""
    return [i for i in recorded if i.clip.label == "normal"], [i for i in recorded if i.clip.label == "anomaly"]


def _summary(bundle: Bundle, measured: Measured) -> list[str]:
    """What a reader in a hurry should take away."""
    healthy, strange = _by_label(measured.recorded)
    on = bundle.decision.threshold_on
    machines = list(_machines(measured.recorded))
    some = ", ".join(machines[:5]) + (f" and {len(machines) - 5} more" if len(machines) > 5 else "")
    heard = "sound" if bundle.features.sensor == "audio" else "vibration"
    lines = [f"A detector of the kind {bundle.kind} for the {heard} of {some}."]
    if deaf := recorded_deafness(bundle):
        lines.append(f"{deaf[0].upper()}{deaf[1:]}.")
    if strange:
        found = sum(item.alarm(on) for item in strange)
        lines.append(f"It raises an alarm on {found} of {counted(len(strange), 'anomalous recording')}.")
    if healthy:
        false = sum(item.alarm(on) for item in healthy)
        lines.append(f"It raises a false alarm on {false} of {counted(len(healthy), 'healthy recording')}.")
    every = measured.rows[-1]
    if every.auc is not None:
        lines.append(
            f"Without any threshold: of one anomalous and one healthy recording, it scores the anomalous one higher"
            f" {100 * every.auc:.1f} times in 100 (AUC {every.auc:.3f}, at 95 % {every.auc_low:.3f} to"
            f" {every.auc_high:.3f}; 0.5 is guessing, 1 is perfect)."
        )
    half = delay(bundle, measured.recorded)
    if half is not None:
        lines.append(f"Where it raises an alarm on an anomaly, half of them come within {half:.3g} s.")
    return lines


def _trained(bundle: Bundle) -> list[tuple[str, str]]:
    data, split = bundle.meta.get("data", {}), bundle.meta.get("split", {})
    features = bundle.features
    unit = f", up to ±{features.scale * 32768:.3g} g" if features.sensor == "vibration" else ""
    lines = [
        ("sensor", f"{features.sensor}, {counted(features.channels, 'channel')}, {features.sample_rate} Hz{unit}"),
        ("what it looks at", describe_features(features)),
        ("model", describe_model(bundle)),
    ]
    if split and data:
        lines.insert(
            0,
            (
                "trained on",
                f"{counted(split.get('fit', 0), 'healthy recording')} of {data.get('name')}; {split.get('judged')} more"
                " set the threshold. No anomaly was trained on.",
            ),
        )
    else:
        lines.insert(0, ("trained on", "The bundle has no record of it."))
    return lines


def _rebaselined(bundle: Bundle) -> list[str]:
    """What was adapted since, in order."""
    return [
        f"Adapted to {', '.join(map(str, step.get('machines', [])))} ({step.get('data')}) by"
        f" {counted(step.get('recordings', 0), 'healthy recording')}, {format_hours(step.get('seconds', 0) / 3600)}:"
        f" method {step.get('method')}, from the bundle {step.get('from')}."
        for step in bundle.meta.get("rebaselined", [])
    ]


def _tested(bundle: Bundle, dataset: Dataset, measured: Measured, issues: Issues) -> list[str]:
    healthy, strange = _by_label(measured.recorded)
    hours = sum(item.seconds for item in measured.recorded) / 3600
    lines = [
        f"Tested on {counted(len(healthy), 'healthy recording')} and {counted(len(strange), 'anomalous recording')} of"
        f" {dataset.root.resolve().name}, {format_hours(hours)} in all; none of them was trained on."
    ]
    if measured.left_out:
        lines.append(left_out_words(bundle, measured.left_out))
    return lines + [f"Note: {line}." for line in issues.lines()]


def _threshold(bundle: Bundle) -> list[str]:
    decision, line = bundle.decision, bundle.meta.get("threshold", {})
    step = bundle.features.window_step / bundle.features.sample_rate
    lines = [
        f"An alarm begins when {_statistic(decision)} at or over {decision.threshold_on:.5g} (a window every"
        f" {step:.3g} s), and ends below {decision.threshold_off:.5g}."
    ]
    if "budget" not in line:
        return [*lines, "The bundle has no record of the budget of false alarms."]
    lines.append(
        f"The threshold is set for a budget of {budget_words(line['budget'])}, by {format_hours(line['hours'])} of"
        " healthy recordings."
    )
    if line.get("extrapolation", 0) > 1:
        lines.append(
            f"The time between two such alarms is {format_number(line['extrapolation'])} times longer, so the figure is"
            f" an extrapolation: by themselves, the recordings only show fewer than"
            f" {format_number(24 * line['supported_per_hour'])} false alarms a day (95 %). More healthy recordings make"
            f" it surer."
        )
    if "expected_per_hour" in line:
        often, low, high = (_rate(24 * line[key]) for key in ("expected_per_hour", "expected_low", "expected_high"))
        # So far beyond the recordings, the best fit alone is no estimate: it may contradict the budget.
        best = "" if line.get("extrapolation", 0) > BEYOND else f"{often}, at 95 % "
        lines.append(f"By those recordings, false alarms a day to be expected: {best}from {low} to {high}.")
    if tried := recorded_alertness(bundle):
        lines.append(
            f"Tried on {tried.strange} plainly strange versions of healthy recordings, it raises an alarm on"
            f" {tried.found}; at {tried.heard:.4g}, which healthy running reached about once, on {tried.found_heard}."
        )
    return lines


def _commands(bundle: str, per_day: float | None) -> list[tuple[str, str]]:
    """How to move the threshold to another row of the table, and the commands for it; `per_day` is its budget now."""
    path = Path(bundle)
    word, every = ("hour", "an hour") if per_day is None or per_day < 24 else ("day", "a day")
    new = shlex.quote(str(path.with_name(f"{path.stem}-{word}.tocsin")))
    budget = f"--false-alarms 1/{word}"
    return [
        (
            f"To move the threshold to the budget of another row, 1 {every} for example, give healthy recordings of"
            " this machine that the detector was not trained on:",
            f"tocsin rebaseline {shlex.quote(bundle)} --data HEALTHY --method threshold {budget} -o {new}",
        ),
        (
            "Or train again for that budget, with the other options as they were:",
            f"tocsin train --data DATA {budget} -o {new}",
        ),
    ]


def _examples(bundle: Bundle, dataset: Dataset, able: list[Recorded], options: ReportOptions) -> list[Group]:
    on = bundle.decision.threshold_on
    healthy, strange = _by_label(able)

    def key(item: Recorded) -> float:
        return item.peak or 0.0

    missed = sorted((i for i in strange if not i.alarm(on)), key=key)
    false = sorted((i for i in healthy if i.alarm(on)), key=key, reverse=True)
    found = sorted((i for i in strange if i.alarm(on)), key=key, reverse=True)
    quiet = sorted((i for i in healthy if not i.alarm(on)), key=key)
    middle = len(quiet) // 2
    sorts = [
        (
            "Missed anomalies",
            f"{counted(len(missed), 'anomalous recording')} of {len(strange)} raised no"
            f" alarm{_order(missed, 'lowest')}.",
            missed,
        ),
        (
            "False alarms",
            f"{counted(len(false), 'healthy recording')} of {len(healthy)} raised an alarm{_order(false, 'highest')}.",
            false,
        ),
        (
            "Found anomalies",
            f"{counted(len(found), 'anomalous recording')} of {len(strange)} raised an"
            f" alarm{_order(found, 'highest')}.",
            found,
        ),
        (
            "Healthy, to compare with",
            "A healthy recording in the middle of the scores"
            + (", and those nearest to a false alarm." if options.examples > 1 else "."),
            [*quiet[middle : middle + 1], *quiet[middle + 1 :][::-1]],
        ),
    ]
    # Of a sort of which there are no recordings at all, there is nothing to say.
    empty = {"Missed anomalies", "Found anomalies"} if not strange else set()
    empty |= {"False alarms", "Healthy, to compare with"} if not healthy else set()
    return [
        Group(title, words, [_example(bundle, dataset, item, options) for item in items[: options.examples]])
        for title, words, items in sorts
        if title not in empty
    ]


def _order(items: Sequence[Recorded], which: str) -> str:
    """In which order the recordings come, where there are several."""
    return f"; the {which} scores first" if len(items) > 1 else ""


def _example(bundle: Bundle, dataset: Dataset, item: Recorded, options: ReportOptions) -> Example:
    samples = dataset.read(item.clip, Issues())
    picture = pictures.example(bundle, samples, item.clip.name)
    heard = None
    if options.audio_seconds > 0:
        vibration = bundle.features.sensor == "vibration"
        heard = pictures.sound(samples, bundle.features.sample_rate, vibration=vibration, seconds=options.audio_seconds)
    machine = " ".join(part for part in item.clip.group if part)
    words = (
        f"{machine}: the greatest smoothed score is {item.peak:.4g}, the threshold {bundle.decision.threshold_on:.4g}."
    )
    if item.clip.attributes:
        words += f" Recorded with {item.clip.attributes}."
    return Example(item.clip.name, words, picture, heard)


def _parts(bundle: Bundle, recorded: Sequence[Recorded]) -> tuple[ByFrequency | None, ByFrequency | None]:
    """Mean parts of the scores of healthy and of anomalous recordings; None where there are none, or all are 0."""
    by_label = [
        [item.parts for item in recorded if item.clip.label == label and item.parts is not None]
        for label in ("normal", "anomaly")
    ]
    means = [np.mean(parts, axis=0) if parts else None for parts in by_label]
    if not any(mean is not None and np.any(mean) for mean in means):
        return None, None
    healthy, strange = (None if mean is None else by_frequency(bundle.features, mean) for mean in means)
    return healthy, strange


def _where(bundle: Bundle, healthy: ByFrequency | None, strange: ByFrequency | None) -> list[str]:
    if healthy is None and strange is None:
        lines = [f"For a model of the kind {bundle.kind} a score cannot be divided among frequencies."]
        if partial(bundle):
            lines.append("No value lies beyond the range of its network's input, which would have one.")
        return lines
    if partial(bundle):
        return [
            pictures.peak_words(healthy, strange),
            "A part is the square of how far that value lies beyond the range of the network's input, in units of"
            " healthy variation, summed over a window's frames. The rest of the score belongs to no single frequency.",
        ]
    meaning = {
        "kmeans": "the squared distance to the nearest centroid",
        "gmm": "the squared Mahalanobis distance to the most probable component",
        "mahalanobis": "the squared Mahalanobis distance",
        "neighbours": "the squared distance to the nearest healthy recording, in units of its radius",
        "autoencoder": "the squared error of the autoencoder's output, and of what lies beyond the range of its input",
        "network": "the squared error of the network's output, or of its head's distance, and of what lies beyond the"
        " range of its input",
    }
    return [
        pictures.peak_words(healthy, strange),
        f"A part is that value's share of {meaning.get(bundle.kind, 'the score')}, in units of healthy variation,"
        " summed over a window's frames.",
    ]


def _costs(bundle: Bundle) -> list[tuple[str, str]]:
    rate = bundle.features.sample_rate / bundle.features.window_step
    lines = [("flash", f"The bundle takes {bundle.size} bytes of flash.")]
    cost = measure_cost(bundle)
    arena = f", {cost.arena} of them the network's tensor arena" if cost.arena else ""
    lines.append(("RAM", f"The detector works in {cost.ram} bytes of RAM{arena}, with the firmware's default options."))
    lines.append(
        (
            "work",
            f"It takes about {cost.instructions / 1e6:.3g} million instructions for a second of samples, and scores a"
            f" window {rate:.3g} times a second. The figure is by a model that agrees with an emulated Cortex-M4F to"
            f" {100 * TOLERANCE:.0f} %; a processor takes more cycles than instructions.",
        )
    )
    return lines


def _quantised(bundle: Bundle) -> list[str]:
    if not is_quantised(bundle.model):
        return ["The model computes in float32 on the device as on the desk: nothing is lost to int8."]
    judged = bundle.meta.get("validation", {})
    if "score_float" not in judged:
        return ["The bundle's record does not compare the int8 model with the float one."]
    lines = [
        f"The mean score of healthy recordings is {judged['score_float']:.4g} by the float model and"
        f" {judged['score_int8']:.4g} by the int8 model that the device runs."
    ]
    if "auc_float" in judged:
        lines.append(
            f"Of {counted(judged['n_anomaly'], 'anomalous recording')} against the healthy ones that set the threshold,"
            f" the AUC is {judged['auc_float']:.4f} in float and {judged['auc_int8']:.4f} in int8. It compares the two"
            " models alone, and is no test: that stands above."
        )
    return lines


def _missing(bundle: Bundle, measured: Measured, able: Sequence[Recorded]) -> list[str]:
    """What the page cannot show, and why."""
    healthy, strange = _by_label(measured.recorded)
    lines = []
    if not strange:
        lines.append(
            "There are no anomalous recordings: how many faults it finds, the ROC and the delay cannot be shown."
        )
    elif len(strange) < 20:
        lines.append(f"{are(len(strange), 'anomalous recording')} few: shares and AUC are rough.")
    if not healthy:
        lines.append("There are no healthy test recordings: false alarms and the ROC cannot be shown.")
    if len(able) < len(measured.recorded):
        short = len(measured.recorded) - len(able)
        lines.append(
            f"{are(short, 'recording')} too short for an alarm"
            f" ({bundle.decision.smooth + bundle.decision.min_windows - 1} windows are needed) and left out of all that"
            " concerns alarms."
        )
    if bundle.features.sensor == "vibration" and bundle.features.sample_rate < pictures.AUDIBLE_RATE:
        lines.append(
            f"At {bundle.features.sample_rate} samples a second the vibration lies below what a loudspeaker plays:"
            " there are no players."
        )
    if not bundle.meta:
        lines.append("The bundle has no training record.")
    return lines


def check_output(path: Path) -> None:
    """Refuse an impossible output before the work.

    Raises
    ------
    DataError
        Its folder does not exist.
    """
    if not path.parent.is_dir():
        raise DataError(f"There is no folder {path.parent} to write {path.name} to.")
