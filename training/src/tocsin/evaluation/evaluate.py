# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""How well a bundle tells healthy recordings from strange ones, by recordings it was not trained on.

Every score comes from the device's own code: its features, its int8 network. A recording's score is the mean of
its windows' scores.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ..bundle import Bundle
from ..data import Clip, Dataset, Issues, ReadOptions, digest
from ..data.bandwidth import check_reach
from ..data.extract import in_threads, usable, window_too_long
from ..data.health import require_sensor
from ..errors import BundleError, DataError
from ..learn.matching import check_sensor, trained_digests
from ..learn.roc import area
from ..words import counted, verb

# The share of false alarms up to which the partial AUC is taken; DCASE's task 2 uses the same.
PAUC_LIMIT = 0.1
# Bootstrap draws of the AUC, and how many are made in one go: memory grows with the recordings times these.
DRAWS = 2000
DRAWS_AT_ONCE = 200

Judged = TypeVar("Judged")


@dataclass(frozen=True)
class Scored:
    """A recording, its anomaly score, and whether it raises an alarm at the bundle's threshold."""

    clip: Clip
    score: float
    alarm: bool = False


@dataclass(frozen=True)
class Row:
    """Figures for a group of recordings.

    Attributes
    ----------
    machine, section, domain
        The group; machine is ``"all"`` for all recordings together.
    auc
        Area under the ROC curve; None where normal or anomalous recordings are missing.
    auc_low, auc_high
        Its interval at 95 %, see :func:`auc_interval`; None as for `auc`.
    pauc
        Area up to a false-alarm rate of 0.1, standardised (McClish, 1989) so that 0.5 is chance and 1 is best, as
        in DCASE's task 2; None as for `auc`.
    n_normal, n_anomaly
        Recordings.
    normal_alarms, anomaly_alarms
        Those of them that raise an alarm at the bundle's threshold.
    """

    machine: str
    section: str
    domain: str
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    pauc: float | None
    n_normal: int
    n_anomaly: int
    normal_alarms: int = 0
    anomaly_alarms: int = 0


@dataclass(frozen=True)
class Evaluation:
    """The result.

    Attributes
    ----------
    rows
        One for each machine, section and domain, then one for all.
    scored
        Every recording that was scored.
    left_out
        Recordings that the bundle was trained on.
    """

    rows: list[Row]
    scored: list[Scored]
    left_out: int


def read_options(bundle: Bundle, overrides: dict[str, Any]) -> ReadOptions:
    """How recordings must be read for `bundle`: as in training, but for what is not None in `overrides`.

    The rate and the range are the bundle's own, whatever its record says.

    Raises
    ------
    BundleError
        The record is damaged.
    DataError
        Recordings would be cut into other clips than in training, so that those trained on were not known again.
    """
    data = bundle.meta.get("data", {})
    if not isinstance(data, dict):
        raise BundleError("The bundle's training record has no readable 'data'. Train it again.")
    known = {key: data[key] for key in ReadOptions.__dataclass_fields__ if key in data and key != "machines"}
    if bundle.features.sensor == "audio":
        known.pop("sensor", None)  # so that sound files of vibration are noticed by their metadata
    known = {key: tuple(value) if isinstance(value, list) else value for key, value in known.items()}
    asked, cut = overrides.get("clip_seconds"), known.get("clip_seconds")
    if asked is not None and asked != cut:
        raise DataError(
            f"The bundle was trained on recordings cut {f'into clips of {cut:g} s' if cut else 'by default'},"
            f" and knows them again only if they are cut alike: leave out --clip-seconds {asked:g}, or train again."
        )
    # Files that say their own unit are believed, unless the user says another here and now.
    known["unit_else"] = known.pop("unit", None) or "g"
    known |= {key: value for key, value in overrides.items() if value not in (None, ())}
    known["rate"] = bundle.features.sample_rate
    # The record has the range in full precision, so that rounding gives the very digits of training.
    recorded = np.float32(known.get("full_scale", 0) / 32768)
    if bundle.features.sensor == "vibration" and recorded != np.float32(bundle.features.scale):
        known["full_scale"] = bundle.features.scale * 32768
    return ReadOptions(**known)


def candidates(dataset: Dataset) -> list[Clip]:
    """Recordings to test with: where a machine has test recordings by its layout, those alone."""
    split = {clip.machine for clip in dataset.clips if clip.split == "test"}
    return [clip for clip in dataset.clips if clip.split == "test" or clip.machine not in split]


def unused(dataset: Dataset) -> str:
    """Recordings that are not to test with by what the layout says, in words; empty where there are none."""
    rest = len(dataset.clips) - len(candidates(dataset))
    return f"{counted(rest, 'recording')} for training, as there are others for tests" if rest else ""


def figures(scored: Sequence[Scored]) -> tuple[float | None, float | None, int, int]:
    """AUC, pAUC, and how many recordings are normal and anomalous."""
    truth, scores = labels_and_scores(scored)
    strange = int(truth.sum())
    healthy = len(truth) - strange
    if not strange or not healthy:
        return None, None, healthy, strange
    return area(truth, scores), area(truth, scores, max_fpr=PAUC_LIMIT), healthy, strange


def labels_and_scores(scored: Sequence[Scored]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """Which recordings are anomalous, and their scores, both of shape (n,)."""
    truth = np.array([item.clip.label == "anomaly" for item in scored], dtype=bool)
    return truth, np.array([item.score for item in scored], dtype=np.float64)


def auc_interval(scored: Sequence[Scored], *, seed: int = 0) -> tuple[float, float] | None:
    """Interval at 95 % of the AUC, by the bootstrap; None where normal or anomalous recordings are missing.

    Normal and anomalous recordings are drawn anew, each as many as there are (Efron and Tibshirani, *An Introduction to
    the Bootstrap*, 1993, section 13.3). It knows which recordings were made by chance, not what was never recorded.
    """
    truth, scores = labels_and_scores(scored)
    if truth.all() or not truth.any():
        return None
    values, place = np.unique(scores, return_inverse=True)
    rng = np.random.default_rng(seed)

    def draw(rows: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
        """How many recordings of a draw have each value, shape (draws, values)."""
        shares = np.bincount(rows, minlength=len(values)) / len(rows)
        return rng.multinomial(len(rows), shares, size=DRAWS_AT_ONCE)

    areas = []
    for _ in range(DRAWS // DRAWS_AT_ONCE):
        healthy, strange = draw(place[~truth]), draw(place[truth])
        # An anomaly counts for the healthy recordings below it, and for half of those that score the same.
        # Counts are exact in float64, so a perfect order gives 1 and not almost 1.
        areas.append(((healthy.cumsum(axis=1) - healthy / 2) * strange).sum(axis=1))
    pairs = np.count_nonzero(truth) * np.count_nonzero(~truth)
    low, high = np.quantile(np.concatenate(areas) / pairs, (0.025, 0.975))
    return float(low), float(high)


def rows_of(scored: Sequence[Scored]) -> list[Row]:
    """One row for each machine, section and domain, in alphabetical order, then one for all."""
    groups: dict[tuple[str, str, str], list[Scored]] = defaultdict(list)
    for item in scored:
        groups[item.clip.group].append(item)
    chosen = [(group, groups[group]) for group in sorted(groups)]
    rows = []
    for (machine, section, domain), items in [*chosen, (("all", "", ""), scored)]:
        auc, pauc, healthy, strange = figures(items)
        low, high = auc_interval(items) or (None, None)
        alarms = Counter(item.clip.label for item in items if item.alarm)
        rows.append(
            Row(
                *(machine, section, domain, auc, low, high, pauc, healthy, strange),
                normal_alarms=alarms["normal"],
                anomaly_alarms=alarms["anomaly"],
            )
        )
    return rows


def judge_recordings(
    bundle: Bundle,
    dataset: Dataset,
    prepare: Callable[[], Callable[[Clip, npt.NDArray[np.int16]], Judged]],
    *,
    issues: Issues,
    strict: bool,
    step: Callable[[], None],
) -> tuple[list[Judged], int]:
    """Judge the test recordings of `dataset` that `bundle` was not trained on, on every core, in their order.

    Parameters
    ----------
    bundle, dataset, issues, strict, step
        As for :func:`evaluate`.
    prepare
        Called once a thread; gives what judges a recording by its samples.

    Returns
    -------
    what was judged, and how many recordings were left out because the bundle was trained on them

    Raises
    ------
    DataError
        The recordings are of another sensor, cannot be used, or the bundle was trained on all of them.
    """
    check_sensor(bundle, dataset)
    trained = trained_digests(bundle)
    clips = candidates(dataset)
    local = threading.local()

    def work(clip: Clip) -> tuple[Clip, tuple[Judged | None] | DataError]:
        if not hasattr(local, "judge"):
            local.judge = prepare()
        try:
            check_reach(dataset, clip, bundle.features)
            samples = dataset.read(clip, issues)
            if digest(samples) in trained:
                return clip, (None,)
            if len(samples) < bundle.features.window_span:
                return clip, window_too_long(len(samples), bundle.features)
            require_sensor(clip, samples, bundle.features.sample_rate, issues)
            return clip, (local.judge(clip, samples),)
        except DataError as error:
            return clip, error

    judged: list[Judged] = []
    left_out = 0
    for (item,) in usable(in_threads(work, clips), total=len(clips), issues=issues, strict=strict):
        step()
        if item is None:
            left_out += 1
        else:
            judged.append(item)
    if not judged:
        raise DataError(
            f"No recording of {dataset.root} is left to test with. {left_out_words(bundle, left_out)} Give others."
        )
    return judged, left_out


def left_out_words(bundle: Bundle, left_out: int) -> str:
    """A sentence about recordings that were left out because their samples were trained on; some may be copies."""
    used = len(trained_digests(bundle))
    text = f"{counted(left_out, 'recording')} left out: the bundle was trained on or adapted to"
    if left_out <= used:
        return f"{text} {verb(left_out, 'it', 'them')}."
    copies = left_out - used
    return f"{text} {used} with the same samples, so at least {copies} {verb(copies, 'is a copy', 'are copies')}."


def evaluate(
    bundle: Bundle,
    dataset: Dataset,
    *,
    issues: Issues,
    strict: bool = False,
    step: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Score the test recordings of `dataset` with `bundle`.

    Parameters
    ----------
    bundle
        The detector.
    dataset
        Opened with :func:`read_options`.
    issues
        Receives what is odd about the recordings.
    strict
        Stop at the first recording that cannot be used.
    step
        Called after each recording.

    Raises
    ------
    DataError
        The recordings are of another sensor, cannot be used, or the bundle was trained on all of them.
    """
    from ..alarm.operating_point import find_alarms
    from ..features import Extractor
    from ..twin import Scorer

    def prepare() -> Callable[[Clip, npt.NDArray[np.int16]], Scored]:
        extractor, scorer = Extractor(bundle.features), Scorer(bundle)

        def judge(clip: Clip, samples: npt.NDArray[np.int16]) -> Scored:
            scores = scorer.score(extractor.vectors(samples)[0])
            return Scored(clip, float(scores.mean(dtype=np.float64)), bool(find_alarms(scores, bundle.decision)))

        return judge

    scored, left_out = judge_recordings(bundle, dataset, prepare, issues=issues, strict=strict, step=step)
    return Evaluation(rows_of(scored), scored, left_out)
