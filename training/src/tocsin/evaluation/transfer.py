# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""How far a detector of one machine serves another, and what a few minutes of the other one's healthy running win back.

Each machine's detector is trained on its own recordings and tested on every machine. The recordings that a machine is
tested with are the same for all detectors; those that a detector is re-baselined with are others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..alarm.deafness import deaf_to
from ..alarm.operating_point import find_alarms
from ..bundle import Bundle
from ..data import Clip, Dataset, Extracted, Issues, extract, split_clips
from ..errors import DataError, ModelError
from ..features import FeatureConfig
from ..learn.adapt import METHODS, methods_for
from ..learn.options import TrainOptions
from ..learn.rebaseline import Piece, RebaselineOptions, rebaseline
from ..learn.train import Progress, silent, train
from ..twin import Scorer
from ..words import counted
from .evaluate import Scored, figures
from .outcomes import ANEW, NONE, OWN, Outcome, Summary, Transfer


@dataclass(frozen=True)
class _Machine:
    """One machine's recordings: to learn from, and to test with."""

    name: str
    dataset: Dataset
    learn: list[Clip]
    test: list[Clip]


def machines_of(dataset: Dataset, options: TrainOptions) -> list[_Machine]:
    """The data set by machine, and by section where a machine has several.

    Raises
    ------
    DataError
        There is one machine only, or one has too few recordings.
    """
    sections: dict[str, set[str]] = {}
    for clip in dataset.clips:
        sections.setdefault(clip.machine, set()).add(clip.section)
    groups: dict[str, list[Clip]] = {}
    for clip in dataset.clips:
        several = len(sections[clip.machine]) > 1
        groups.setdefault(f"{clip.machine}/{clip.section}" if several else clip.machine, []).append(clip)
    if len(groups) < 2:
        raise DataError(
            f"There is one machine in {dataset.root}, {next(iter(groups))}. Give --data a folder with several, each in"
            " a folder of its own."
        )
    found = []
    for name in sorted(groups):
        clips = groups[name]
        try:
            split = split_clips(clips, seed=options.seed, holdout=options.holdout, validation=options.validation)
        except DataError as error:
            raise DataError(f"{name}: {error}") from error
        learn = sorted(split.fit + split.validation, key=lambda clip: clip.name)
        test = split.test + [clip for clip in clips if clip.label == "anomaly"]
        found.append(_Machine(name, replace(dataset, clips=tuple(clips)), learn, test))
    return found


def beginning(items: Sequence[Extracted], minutes: float) -> list[Piece]:
    """Windows of the first `minutes` of the recordings, in order; the last recording is cut."""
    left = 60 * minutes
    pieces = []
    for item in items:
        if left <= 0:
            break
        share = min(1.0, left / item.seconds)
        count = int(share * len(item.vectors) + 1e-9)
        if count:
            pieces.append(
                Piece(item.clip.name, item.vectors[:count], share * item.seconds, item.digest, item.clip.machine)
            )
        left -= item.seconds
    return pieces


def _outcome(bundle: Bundle, test: Sequence[Extracted], **names: Any) -> Outcome:
    scorer = Scorer(bundle)
    scores = [scorer.score(item.vectors) for item in test]
    scored = [Scored(i.clip, float(s.mean(dtype=np.float64))) for i, s in zip(test, scores, strict=True)]
    shares: dict[str, float | None] = {}
    for label in ("normal", "anomaly"):
        told = [
            bool(find_alarms(s, bundle.decision)) for i, s in zip(test, scores, strict=True) if i.clip.label == label
        ]
        shares[label] = float(np.mean(told)) if told else None
    return Outcome(
        **names,
        auc=figures(scored)[0],
        false_alarms=shares["normal"],
        detected=shares["anomaly"],
        n_normal=sum(item.clip.label == "normal" for item in test),
        n_anomaly=sum(item.clip.label == "anomaly" for item in test),
        hours=sum(item.seconds for item in test if item.clip.label == "normal") / 3600,
        deaf=bool(deaf_to(bundle)),
    )


class _Features:
    """Feature vectors of the machines' recordings, extracted once for each configuration."""

    def __init__(self, machines: Sequence[_Machine], issues: Issues) -> None:
        self._machines = machines
        self._issues = issues
        self._kept: dict[tuple[str, FeatureConfig], tuple[list[Extracted], list[Extracted]]] = {}

    def of(self, machine: _Machine, config: FeatureConfig) -> tuple[list[Extracted], list[Extracted]]:
        """To learn from, and to test with."""
        key = (machine.name, config)
        if key not in self._kept:
            learn, test = (
                list(extract(machine.dataset, clips, config, issues=self._issues)) if clips else []
                for clips in (machine.learn, machine.test)
            )
            self._kept[key] = learn, test
        return self._kept[key]


def transfer(
    dataset: Dataset,
    options: Sequence[TrainOptions],
    *,
    minutes: Sequence[float],
    methods: Sequence[str] | None = None,
    issues: Issues,
    progress: Progress = silent,
) -> Transfer:
    """Train on each machine, test on every one, and re-baseline for each of `minutes`.

    Parameters
    ----------
    dataset
        Several machines.
    options
        One for each model.
    minutes
        Healthy running of the other machine to re-baseline with, > 0.
    methods
        Ways to re-baseline; None: all that go with the model.
    issues
        Receives what is odd about the recordings.

    Raises
    ------
    DataError, ModelError
        As :func:`tocsin.learn.train.train`; or there is one machine only.
    """
    every = machines_of(dataset, options[0])
    settled = dataset.settle([clip for machine in every for clip in machine.learn])
    every = [replace(m, dataset=replace(settled, clips=m.dataset.clips)) for m in every]
    features = _Features(every, issues)
    outcomes: list[Outcome] = []
    short: set[float] = set()
    for option in options:
        bundles: dict[str, Bundle] = {}
        with progress(f"training {option.kind}", len(every)) as step:
            for machine in every:
                own = train(machine.dataset, None, replace(option, strange=0, force=True))
                bundles[machine.name] = own.bundle
                for name, reason in own.issues.skipped:
                    issues.skip(name, reason)
                step(machine.name)
        with progress(f"testing {option.kind}", len(every) ** 2) as step:
            for trained, bundle in bundles.items():
                for machine in every:
                    outcomes += _pair(option, trained, bundle, machine, features, minutes, methods, short)
                    step(f"{trained} on {machine.name}")
    told = [
        f"{counted(m, 'minute')}: not every machine has as many healthy recordings to learn from" for m in sorted(short)
    ]
    return Transfer([m.name for m in every], outcomes, _summaries(outcomes), told, options[0].budget.per_hour)


def _pair(
    option: TrainOptions,
    trained: str,
    bundle: Bundle,
    machine: _Machine,
    features: _Features,
    minutes: Sequence[float],
    methods: Sequence[str] | None,
    short: set[float],
) -> list[Outcome]:
    """One detector on one machine: as it came and, where the machine is another one, in every way re-baselined."""
    learn, test = features.of(machine, bundle.features)
    names = {"kind": option.kind, "trained": trained, "tested": machine.name}
    found = [_outcome(bundle, test, **names, method=NONE, minutes=0.0)]
    if trained == machine.name:
        return found
    for length in minutes:
        # A recording more or less of rounding is no reason to leave a length out.
        if sum(item.seconds for item in learn) < 60 * length - 1:
            short.add(length)
            continue
        pieces = beginning(learn, length)
        for method in methods_for(bundle):
            if methods is not None and method not in methods:
                continue
            new = rebaseline(bundle, pieces, RebaselineOptions(method=method, budget=option.budget, force=True))
            found.append(_outcome(new.bundle, test, **names, method=method, minutes=length))
        if methods is None or ANEW in methods:
            found += _anew(option, machine, {piece.name for piece in pieces}, test, {**names, "minutes": length})
    return found


def _anew(
    option: TrainOptions, machine: _Machine, used: set[str], test: Sequence[Extracted], names: dict[str, Any]
) -> list[Outcome]:
    """A detector that knows nothing but the recordings `used`; none where they are too few to train on."""
    clips = tuple(clip for clip in machine.dataset.clips if clip.name in used)
    try:
        chosen = replace(option, holdout=0.0, strange=0, force=True)
        new = train(replace(machine.dataset, clips=clips), None, chosen).bundle
    except (DataError, ModelError):
        return []
    return [_outcome(new, test, **names, method=ANEW)]


def _summaries(outcomes: Sequence[Outcome]) -> list[Summary]:
    groups: dict[tuple[str, str, float], list[Outcome]] = {}
    for item in outcomes:
        method = OWN if item.trained == item.tested else item.method
        groups.setdefault((item.kind, method, item.minutes), []).append(item)
    return [
        Summary(
            *key,
            len(items),
            _mean(items, "auc"),
            _mean(items, "false_alarms"),
            _mean(items, "detected"),
            n_normal=sum(item.n_normal for item in items),
            n_anomaly=sum(item.n_anomaly for item in items),
            hours=sum(item.hours for item in items),
            deaf=sum(item.deaf for item in items),
        )
        for key, items in groups.items()
    ]


FIGURES = ("auc", "false_alarms", "detected")


def _mean(items: Sequence[Outcome], name: str) -> float | None:
    values = [value for item in items if (value := getattr(item, name)) is not None]
    return float(np.mean(values)) if values else None


def check_methods(methods: Sequence[str]) -> None:
    """Refuse unknown names early.

    Raises
    ------
    ModelError
        One is no way to re-baseline.
    """
    for name in methods:
        if name not in (*METHODS, ANEW):
            raise ModelError(f"There is no method {name}. Choose among {', '.join((*METHODS, ANEW))}.")
