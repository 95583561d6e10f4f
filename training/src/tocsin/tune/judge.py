# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""How good a candidate is, by healthy recordings alone: cross-validation against pseudo-anomalies.

The healthy recordings that training may use are dealt into folds, whole recordings, each machine by itself. A candidate
is trained on all folds but one; scored are the recordings of that one and strange versions of the same
(:mod:`tocsin.pseudo`), every kind at faint strengths. Its figure is the AUC, averaged over the kinds and folds.
Recordings for testing are never read, and neither are anomalies.
"""

from __future__ import annotations

import threading
import zlib
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..bundle import Bundle
from ..data import Clip, Dataset, Issues, extract, split_clips
from ..data.extract import Extracted
from ..errors import DataError
from ..pseudo import FAINT, KINDS, MIX, pseudo_anomaly
from ..train import TrainOptions, train

if TYPE_CHECKING:
    from ..features import FeatureConfig

FOLDS = 3
# More recordings than this teach the search nothing that is worth their time.
CLIPS_MAX = 900
CACHE_BYTES = 400_000_000


class Store:
    """Arrays by key, the least recently used dropped where they are too many bytes; for threads."""

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self.limit = limit
        self.bytes = 0
        self._items: OrderedDict[Any, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any) -> Any:
        """What was put under a key, or None."""
        with self._lock:
            if key not in self._items:
                return None
            self._items.move_to_end(key)
            return self._items[key][0]

    def put(self, key: Any, value: Any, size: int) -> None:
        """Keep something of `size` bytes, unless it is there or is larger than everything may be."""
        with self._lock:
            if key in self._items or size > self.limit:
                return
            self._items[key] = (value, size)
            self.bytes += size
            while self.bytes > self.limit:
                _, (_, dropped) = self._items.popitem(last=False)
                self.bytes -= dropped


@dataclass(frozen=True)
class Pseudo:
    """How a strange recording is made."""

    base: Clip
    kind: str
    strength: float
    other: Clip | None
    seed: int


@dataclass(frozen=True)
class Cached(Dataset):
    """A data set that keeps samples and features, and makes pseudo-anomalies when they are read."""

    samples: Store = field(default_factory=Store, compare=False)
    features: Store = field(default_factory=Store, compare=False)
    strange: dict[str, Pseudo] = field(default_factory=dict, compare=False)

    def read(self, clip: Clip, issues: Issues) -> npt.NDArray[np.int16]:
        """Samples of a recording, or of a pseudo-anomaly."""
        found = self.samples.get(clip.name)
        if found is None:
            how = self.strange.get(clip.name)
            found = super().read(clip, issues) if how is None else self._make(how, issues)
            self.samples.put(clip.name, found, found.nbytes)
        return np.asarray(found, np.int16)

    def _make(self, how: Pseudo, issues: Issues) -> npt.NDArray[np.int16]:
        other = None if how.other is None else self.read(how.other, issues)
        rng = np.random.default_rng(how.seed)
        base = self.read(how.base, issues)
        return pseudo_anomaly(base, self.rate, rng, how.kind, strength=how.strength, other=other)

    def recall(self, clip: Clip, config: FeatureConfig) -> Extracted | None:
        """Features that were kept."""
        found: Extracted | None = self.features.get((clip.name, config))
        # The same recording may be for training in one fold and for testing in the next.
        return None if found is None else replace(found, clip=clip)

    def keep(self, config: FeatureConfig, item: Extracted) -> None:
        """Keep features."""
        self.features.put((item.clip.name, config), item, item.vectors.nbytes)


@dataclass(frozen=True)
class Judge:
    """Folds of healthy recordings, and a strange version of each; see :func:`make_judge`."""

    dataset: Cached
    folds: tuple[tuple[Clip, ...], ...]
    pseudo: dict[str, Clip]

    @property
    def clips(self) -> list[Clip]:
        """All recordings."""
        return [clip for fold in self.folds for clip in fold]

    def fold(self, number: int, options: TrainOptions) -> tuple[float, Bundle]:
        """Train without one fold and judge by it: AUC averaged over the kinds, and the bundle.

        Raises
        ------
        DataError, ModelError
            The candidate cannot be trained.
        """
        from ..twin import Scorer

        clips = [
            replace(clip, split="test" if i == number else "train")
            for i, fold in enumerate(self.folds)
            for clip in fold
        ]
        # A fold's threshold is of no interest.
        bundle = train(replace(self.dataset, clips=tuple(clips)), None, replace(options, strange=0)).bundle
        scorer = Scorer(bundle)

        def scores(wanted: Sequence[Clip]) -> dict[str, float]:
            items = extract(self.dataset, wanted, bundle.features, issues=Issues())
            return {item.clip.name: float(np.mean(scorer.score(item.vectors))) for item in items}

        healthy = list(scores(self.folds[number]).values())
        strange = scores([self.pseudo[clip.name] for clip in self.folds[number]])
        by_kind: dict[str, list[float]] = defaultdict(list)
        for name, score in strange.items():
            by_kind[self.dataset.strange[name].kind].append(score)
        return float(np.mean([auc(healthy, values) for values in by_kind.values()])), bundle


def auc(healthy: Sequence[float], strange: Sequence[float]) -> float:
    """Area under the ROC curve."""
    from sklearn.metrics import roc_auc_score

    truth = np.r_[np.zeros(len(healthy)), np.ones(len(strange))]
    return float(roc_auc_score(truth, np.r_[healthy, strange]))


def make_judge(dataset: Dataset, options: TrainOptions, *, folds: int = FOLDS) -> Judge:
    """Deal the healthy recordings that training may use into folds, and say how each is made strange.

    Raises
    ------
    DataError
        There are too few recordings.
    """
    split = split_clips(dataset.clips, seed=options.seed, holdout=options.holdout, validation=options.validation)
    usable = sorted(split.fit + split.validation, key=lambda clip: clip.name)
    if len(usable) < 4 * folds:
        raise DataError(
            f"{len(usable)} healthy recordings are too few to compare detectors by: give at least {4 * folds}."
        )
    rng = np.random.default_rng(options.seed)
    order = [usable[i] for i in rng.permutation(len(usable))][:CLIPS_MAX]
    # By group, so that every fold has its share of each machine, section and domain.
    order.sort(key=lambda clip: clip.group)
    dealt = tuple(tuple(order[i::folds]) for i in range(folds))
    settled = dataset.settle(order)
    strange: dict[str, Pseudo] = {}
    pseudo: dict[str, Clip] = {}
    groups = _conditions(order)
    for fold in dealt:
        for i, clip in enumerate(fold):
            kind = KINDS[i % len(KINDS)]
            strength = FAINT[(i // len(KINDS)) % len(FAINT)]
            other = _other(clip, groups, rng) if kind == MIX else None
            name = f"{clip.name}#{kind}-{strength:g}"
            strange[name] = Pseudo(clip, kind, strength, other, zlib.crc32(f"{options.seed} {name}".encode()))
            pseudo[clip.name] = replace(clip, name=name, label="anomaly")
    known = {item.name: getattr(settled, item.name) for item in fields(Dataset)}
    return Judge(Cached(**known | {"clips": tuple(order)}, strange=strange), dealt, pseudo)


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
