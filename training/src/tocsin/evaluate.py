# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""How well a bundle tells healthy recordings from strange ones, by recordings it was not trained on.

Every score comes from the device's own code: its features, its int8 network. A recording's score is the mean of
its windows' scores.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .bundle import Bundle
from .data import Clip, Dataset, Issues, ReadOptions, digest
from .data.extract import DIGEST_SIZE, in_threads, usable, window_too_long
from .errors import BundleError, DataError

# The share of false alarms up to which the partial AUC is taken; DCASE's task 2 uses the same.
PAUC_LIMIT = 0.1


@dataclass(frozen=True)
class Scored:
    """A recording and its anomaly score."""

    clip: Clip
    score: float


@dataclass(frozen=True)
class Row:
    """Figures for a group of recordings.

    Attributes
    ----------
    machine, section, domain
        The group; machine is ``"all"`` for all recordings together.
    auc
        Area under the ROC curve; None where normal or anomalous recordings are missing.
    pauc
        Area up to a false-alarm rate of 0.1, standardised (McClish, 1989) so that 0.5 is chance and 1 is best, as
        in DCASE's task 2; None as for `auc`.
    n_normal, n_anomaly
        Recordings.
    """

    machine: str
    section: str
    domain: str
    auc: float | None
    pauc: float | None
    n_normal: int
    n_anomaly: int


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
    """
    data = bundle.meta.get("data", {})
    if not isinstance(data, dict):
        raise BundleError("The bundle's training record has no readable 'data'. Train it again.")
    known = {key: data[key] for key in ReadOptions.__dataclass_fields__ if key in data and key != "machines"}
    if bundle.features.sensor == "audio":
        known.pop("sensor", None)  # so that sound files of vibration are noticed by their metadata
    known = {key: tuple(value) if isinstance(value, list) else value for key, value in known.items()}
    known |= {key: value for key, value in overrides.items() if value not in (None, ())}
    known["rate"] = bundle.features.sample_rate
    # The record has the range in full precision, so that rounding gives the very digits of training.
    recorded = np.float32(known.get("full_scale", 0) / 32768)
    if bundle.features.sensor == "vibration" and recorded != np.float32(bundle.features.scale):
        known["full_scale"] = bundle.features.scale * 32768
    return ReadOptions(**known)


def check_sensor(bundle: Bundle, dataset: Dataset) -> None:
    """Refuse recordings of another sensor than the bundle's."""
    if dataset.kind != bundle.features.sensor:
        raise DataError(
            f"The bundle is for {bundle.features.sensor}, and {dataset.root} holds {dataset.kind}. Give the other data."
        )


def trained_digests(bundle: Bundle) -> frozenset[bytes]:
    """Names of the recordings that `bundle` was trained on, by its record; see :func:`tocsin.data.digest`."""
    record = bundle.meta.get("clips", {})
    try:
        joined = base64.b64decode(record.get("trained", ""), validate=True)
    except (AttributeError, TypeError, binascii.Error) as error:
        raise BundleError("The bundle's record of the recordings it was trained on is damaged. Train again.") from error
    return frozenset(joined[i : i + DIGEST_SIZE] for i in range(0, len(joined), DIGEST_SIZE))


def candidates(dataset: Dataset) -> list[Clip]:
    """Recordings to test with: where a machine has test recordings by its layout, those alone."""
    split = {clip.machine for clip in dataset.clips if clip.split == "test"}
    return [clip for clip in dataset.clips if clip.split == "test" or clip.machine not in split]


def figures(scored: Sequence[Scored]) -> tuple[float | None, float | None, int, int]:
    """AUC, pAUC, and how many recordings are normal and anomalous."""
    from sklearn.metrics import roc_auc_score

    truth = np.array([item.clip.label == "anomaly" for item in scored], dtype=bool)
    scores = np.array([item.score for item in scored])
    strange = int(truth.sum())
    healthy = len(truth) - strange
    if not strange or not healthy:
        return None, None, healthy, strange
    auc = float(roc_auc_score(truth, scores))
    return auc, float(roc_auc_score(truth, scores, max_fpr=PAUC_LIMIT)), healthy, strange


def rows_of(scored: Sequence[Scored]) -> list[Row]:
    """One row for each machine, section and domain, in alphabetical order, then one for all."""
    groups: dict[tuple[str, str, str], list[Scored]] = defaultdict(list)
    for item in scored:
        groups[item.clip.group].append(item)
    chosen = [(group, groups[group]) for group in sorted(groups)]
    rows = []
    for (machine, section, domain), items in [*chosen, (("all", "", ""), scored)]:
        auc, pauc, healthy, strange = figures(items)
        rows.append(Row(machine, section, domain, auc, pauc, healthy, strange))
    return rows


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
    from .features import Extractor
    from .twin import Scorer, score_clip

    check_sensor(bundle, dataset)
    trained = trained_digests(bundle)
    clips = candidates(dataset)
    local = threading.local()

    def work(clip: Clip) -> tuple[Clip, tuple[bytes, Scored | None] | DataError]:
        if not hasattr(local, "scorer"):
            local.extractor, local.scorer = Extractor(bundle.features), Scorer(bundle)
        try:
            samples = dataset.read(clip, issues)
            name = digest(samples)
            if name in trained:
                return clip, (name, None)
            if len(samples) < bundle.features.window_span:
                return clip, window_too_long(len(samples), bundle.features)
            score = score_clip(bundle, samples, extractor=local.extractor, scorer=local.scorer)
        except DataError as error:
            return clip, error
        return clip, (name, Scored(clip, score))

    scored: list[Scored] = []
    left_out = 0
    for _, item in usable(in_threads(work, clips), total=len(clips), issues=issues, strict=strict):
        step()
        if item is None:
            left_out += 1
        else:
            scored.append(item)
    if not scored:
        raise DataError(
            f"The bundle was trained on all {left_out} recordings of {dataset.root}, so none is left to test with."
        )
    return Evaluation(rows_of(scored), scored, left_out)
