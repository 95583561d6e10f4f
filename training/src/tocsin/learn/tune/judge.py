# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""How good a candidate is, by healthy recordings alone: cross-validation against what stands in for anomalies.

Either *pseudo-anomalies*: the recordings are dealt into folds, each machine by itself. The candidate is trained on all
folds but one; scored are the recordings of that one and strange versions of the same (:mod:`tocsin.alarm.pseudo`),
every kind at faint strengths. Its figure is the AUC, averaged over the kinds.

Or *conditions*, where recordings carry some (a load, a speed, a specimen): each fold leaves a third of every machine's
conditions out of training, and a third of the recordings of the others. The candidate is trained on the rest; its
figure is the AUC of the conditions that it has never heard against the recordings of those that it has.

Recordings for testing are never read, and neither are anomalies.
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ...alarm.pseudo import FAINT, KINDS, MIX, pseudo_anomaly
from ...bundle import Bundle
from ...data import Clip, Dataset, Issues, extract, split_clips
from ...data.cache import Cache
from ...data.extract import CachedDataset
from ...data.health import require_sensor
from ...errors import DataError
from ...words import are
from ..options import TrainOptions
from ..roc import area
from ..train import train, usual_shape
from .space import Recordings

FOLDS = 3
Against = Literal["pseudo", "conditions"]
"""What stands in for anomalies."""
# More recordings than this teach the search nothing that is worth their time.
CLIPS_MAX = 900


@dataclass(frozen=True)
class Pseudo:
    """How a strange recording is made."""

    base: Clip
    kind: str
    strength: float
    other: Clip | None
    seed: int


@dataclass(frozen=True)
class PseudoDataset(CachedDataset):
    """A data set that caches samples and feature vectors, and makes pseudo-anomalies when they are read."""

    samples: Cache = field(default_factory=Cache, compare=False)
    strange: dict[str, Pseudo] = field(default_factory=dict, compare=False)

    def read(self, clip: Clip, issues: Issues | None = None) -> npt.NDArray[np.int16]:
        """Samples of a recording, or of a pseudo-anomaly."""
        found = self.samples.get(clip.name)
        if found is None:
            how = self.strange.get(clip.name)
            found = super().read(clip, issues) if how is None else self._make(how, issues or Issues())
            self.samples.put(clip.name, found, found.nbytes)
        return np.asarray(found, np.int16)

    def _make(self, how: Pseudo, issues: Issues) -> npt.NDArray[np.int16]:
        other = None if how.other is None else self.read(how.other, issues)
        rng = np.random.default_rng(how.seed)
        base = self.read(how.base, issues)
        # What is made of a dead recording is no anomaly of a machine.
        require_sensor(how.base, base, self.rate, issues)
        return pseudo_anomaly(base, self.rate, rng, how.kind, strength=how.strength, other=other)


@dataclass(frozen=True)
class Fold:
    """Recordings to train on, healthy ones to be told from strange ones, and the strange ones by kind."""

    fit: tuple[Clip, ...]
    healthy: tuple[Clip, ...]
    strange: dict[str, tuple[Clip, ...]]


@dataclass(frozen=True)
class Judge:
    """Folds of healthy recordings, and what is strange to each; see :func:`make_judge`.

    Attributes
    ----------
    dataset
        Of healthy recordings and their strange versions.
    clips
        All healthy recordings.
    folds
        Of the cross-validation.
    against
        What stands in for anomalies: conditions or pseudo.
    """

    dataset: PseudoDataset
    clips: tuple[Clip, ...]
    folds: tuple[Fold, ...]
    against: Against

    @property
    def criterion(self) -> str:
        """What a candidate's figure is, in words."""
        against = {"conditions": "conditions left out of training", "pseudo": "pseudo-anomalies"}[self.against]
        return f"AUC against {against}, cross-validated on normal recordings"

    @cached_property
    def recordings(self) -> Recordings:
        """What candidates must fit: sensor, rate, the length that most recordings have, and how many a fold gives."""
        fewest = min(len(fold.fit) for fold in self.folds)
        # Of these, training keeps a part for the threshold.
        fitted = int(fewest * (1 - TrainOptions.validation))
        return Recordings(self.dataset.kind, self.dataset.rate, usual_shape(self.dataset, self.clips)[0], fitted)

    def fold(self, number: int, options: TrainOptions) -> tuple[float, Bundle]:
        """Train on what a fold gives and judge by the rest of it: AUC averaged over the kinds, and the bundle.

        Raises
        ------
        DataError, ModelError
            The candidate cannot be trained.
        """
        from ...twin import Scorer

        fold = self.folds[number]
        clips = [replace(clip, split="train") for clip in fold.fit]
        clips += [replace(clip, split="test") for clip in fold.healthy]
        # A fold's threshold is of no interest.
        bundle = train(
            replace(self.dataset, clips=tuple(clips)), None, replace(options, strange=0, hearing=False)
        ).bundle
        scorer = Scorer(bundle)

        def scores(wanted: Sequence[Clip]) -> list[float]:
            items = extract(self.dataset, wanted, bundle.features, issues=Issues())
            return [float(np.mean(scorer.score(item.vectors))) for item in items]

        healthy = scores(fold.healthy)
        return float(np.mean([auc(healthy, scores(strange)) for strange in fold.strange.values()])), bundle


def auc(healthy: Sequence[float], strange: Sequence[float]) -> float:
    """Area under the ROC curve."""
    truth = np.r_[np.zeros(len(healthy)), np.ones(len(strange))]
    return area(truth, np.r_[healthy, strange])


def make_judge(dataset: Dataset, options: TrainOptions, *, folds: int = FOLDS, against: Against = "pseudo") -> Judge:
    """Deal the healthy recordings that training may use into folds, and say what stands in for anomalies in each.

    Raises
    ------
    DataError
        There are too few recordings, or conditions.
    """
    split = split_clips(dataset.clips, seed=options.seed, holdout=options.holdout, validation=options.validation)
    usable = sorted(split.fit + split.validation, key=lambda clip: clip.name)
    if len(usable) < 4 * folds:
        raise DataError(
            f"{are(len(usable), 'healthy recording')} too few to compare detectors by: give at least {4 * folds}."
        )
    rng = np.random.default_rng(options.seed)
    order = [usable[i] for i in rng.permutation(len(usable))][:CLIPS_MAX]
    # By group, so that every fold has its share of each machine, section and domain.
    order.sort(key=lambda clip: clip.group)
    settled = dataset.settle(order)
    known = {item.name: getattr(settled, item.name) for item in fields(Dataset)}
    cached = PseudoDataset(**known | {"clips": tuple(order)})
    if against == "pseudo":
        return Judge(cached, tuple(order), _by_pseudo(cached, folds, options.seed, rng), against)
    left_out = _by_conditions(order, folds, rng)
    if not left_out:
        raise DataError(
            f"To compare detectors by conditions, every machine must have at least two, each in {2 * folds} or more"
            " recordings, as their names or a table say, and one file a recording (tocsin data info shows what is"
            " read). Leave out --against conditions."
        )
    return Judge(cached, tuple(order), left_out, against)


def _by_conditions(clips: Sequence[Clip], folds: int, rng: np.random.Generator) -> tuple[Fold, ...]:
    """Folds that leave conditions out; none where some machine has fewer than two that are often enough.

    None either where files hold one recording (microphones, SNRs): what sets them apart is no condition of the machine.
    """
    if any(count > 1 for count in Counter(map(_recording, clips)).values()):
        return ()
    conditions = {key: own for key, own in sorted(_conditions(clips).items()) if len(own) >= 2 * folds}
    machines: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for key in conditions:
        machines[key[:-1]].append(key)
    if {clip.group for clip in clips} != set(machines) or any(len(keys) < 2 for keys in machines.values()):
        return ()
    # Dealt on from machine to machine: with two conditions each, the third fold gets its share, too.
    dealt = [key for keys in machines.values() for key in (keys[i] for i in rng.permutation(len(keys)))]
    if len(dealt) < folds:
        return ()
    made = []
    for number in range(folds):
        out = set(dealt[number::folds])
        # A third of each condition that is heard.
        healthy = [clip for key in dealt if key not in out for clip in conditions[key][number::folds]]
        strange = [clip for key in dealt if key in out for clip in conditions[key]]
        names = {clip.name for clip in (*healthy, *strange)}
        fit = tuple(clip for clip in clips if clip.name not in names)
        made.append(Fold(fit, tuple(healthy), {"conditions": tuple(strange)}))
    return tuple(made)


def _by_pseudo(dataset: PseudoDataset, folds: int, seed: int, rng: np.random.Generator) -> tuple[Fold, ...]:
    """Folds of recordings, each with a strange version of everyone; `dataset` learns how these are made."""
    # Files that hold one recording stay together.
    numbers = {name: i for i, name in enumerate(dict.fromkeys(map(_recording, dataset.clips)))}
    dealt = [tuple(c for c in dataset.clips if numbers[_recording(c)] % folds == i) for i in range(folds)]
    groups = _conditions(dataset.clips)
    made = []
    for number, own in enumerate(dealt):
        strange: dict[str, list[Clip]] = defaultdict(list)
        for i, clip in enumerate(own):
            kind = KINDS[i % len(KINDS)]
            strength = FAINT[(i // len(KINDS)) % len(FAINT)]
            other = _other(clip, groups, rng) if kind == MIX else None
            name = f"{clip.name}#{kind}-{strength:g}"
            dataset.strange[name] = Pseudo(clip, kind, strength, other, zlib.crc32(f"{seed} {name}".encode()))
            strange[kind].append(replace(clip, name=name, label="anomaly"))
        fit = tuple(clip for i, fold in enumerate(dealt) if i != number for clip in fold)
        made.append(Fold(fit, own, {kind: tuple(clips) for kind, clips in strange.items()}))
    return tuple(made)


def _recording(clip: Clip) -> str:
    """What files of one recording have in common."""
    return clip.recording or clip.name


def _conditions(clips: Sequence[Clip]) -> dict[tuple[Any, ...], list[Clip]]:
    """Recordings by machine, section, domain and attributes."""
    groups: dict[tuple[Any, ...], list[Clip]] = defaultdict(list)
    for clip in clips:
        key = (*clip.group, clip.attributes)
        groups[key].append(clip)
    return groups


def _other(clip: Clip, groups: dict[tuple[Any, ...], list[Clip]], rng: np.random.Generator) -> Clip:
    """A recording of another machine, speed or load where there is one, else another recording."""
    own = (*clip.group, clip.attributes)
    rest = [key for key in groups if key != own] or [own]
    members = groups[rest[int(rng.integers(len(rest)))]]
    return members[int(rng.integers(len(members)))]
