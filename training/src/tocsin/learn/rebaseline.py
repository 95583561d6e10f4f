# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A trained bundle, adapted to one installation by a few minutes of its healthy recordings.

The recordings that the bundle was trained on are not needed: what the model expects stands in the bundle, how its
scores were spread stands in the training record. Minutes are few, so everything that moves is held back towards what
it was (:data:`PRIOR_WINDOWS`), and the threshold is set by scores of windows that the adaptation did not see.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..alarm.deafness import HEARS, Deafness, require_hearing
from ..alarm.sensitivity import Alertness, measure
from ..alarm.threshold import Rate, Threshold, alarm_statistic, fit_threshold, judged_hours, parse_rate
from ..bundle import Bundle, Decision, read_bundle, write_bundle
from ..data import Clip, Dataset, Issues, digest
from ..data.bandwidth import check_reach
from ..data.extract import usable, window_too_long
from ..data.health import require_sensor
from ..errors import DataError
from ..features import Extractor
from ..words import are, counted
from .adapt import Adapted, adapt, choose
from .matching import check_sensor, trained_digests
from .outliers import find_outliers

Vectors = npt.NDArray[np.float32]

VECTORS_BYTES = 64 << 20
"""Of the recordings' windows that are used at a time, at most; hours of a network's stacked frames take gigabytes."""

FOLDS = 5
"""Parts of the recordings; each is scored by the detector that was adapted to the others."""


@dataclass(frozen=True)
class Piece:
    """Windows of one healthy recording of the new machine, in order.

    Attributes
    ----------
    name
        Of the recording.
    vectors
        float32, shape (windows, values), at least one window.
    seconds
        Length of what was used of the recording.
    digest
        Names its samples, see :func:`tocsin.data.digest`; the whole recording, also where only its beginning was used.
    machine
        As the data set calls it.
    """

    name: str
    vectors: Vectors
    seconds: float
    digest: bytes = b""
    machine: str = ""


@dataclass(frozen=True, kw_only=True)
class RebaselineOptions:
    """How to adapt.

    Attributes
    ----------
    method
        One of :data:`tocsin.learn.adapt.METHODS`, or ``"auto"``.
    budget
        False alarms allowed; None: as in training.
    data
        What the recordings are called in the record.
    force
        Keep a detector that raises no alarm on what none may miss, see :mod:`tocsin.alarm.deafness`.
    """

    method: str = "auto"
    budget: Rate | None = None
    data: str = ""
    force: bool = False


@dataclass(frozen=True)
class Rebaselined:
    """The adapted bundle, and what the user should hear about it.

    Attributes
    ----------
    raw
        Its bytes.
    bundle
        The same, parsed.
    method
        What was done.
    threshold
        Where the line is now, and how sure that is.
    alertness
        What it finds of strange versions of the recordings; None where there are none.
    before, after
        Scores of the new machine's healthy windows, shape (n,): by the bundle as it came, and by the adapted one;
        the latter each by an adaptation to other recordings.
    deafness
        What it raises no alarm on although no detector may miss it.
    """

    raw: bytes
    bundle: Bundle
    method: str
    threshold: Threshold
    alertness: Alertness | None
    before: npt.NDArray[np.float32]
    after: npt.NDArray[np.float32]
    deafness: Deafness = HEARS

    @property
    def warnings(self) -> list[str]:
        """What the user should know of the threshold."""
        told = (self.threshold.warning, self.alertness.warning if self.alertness else "", self.deafness.complaint)
        return [text for text in told if text]


def candidates(dataset: Dataset) -> list[Clip]:
    """Recordings that a bundle may be adapted to."""
    return [clip for clip in dataset.clips if clip.label == "normal" and clip.split != "test"]


def unused(dataset: Dataset) -> str:
    """Recordings that no bundle may be adapted to, in words; empty where there are none."""
    anomalies = sum(clip.label == "anomaly" for clip in dataset.clips)
    tests = len(dataset.clips) - len(candidates(dataset)) - anomalies
    parts = [counted(anomalies, "anomalous recording")] if anomalies else []
    parts += [f"{counted(tests, 'healthy recording')} for tests"] if tests else []
    return " and ".join(parts)


def _as_many_as_fit(bundle: Bundle, dataset: Dataset, clips: list[Clip], issues: Issues) -> list[Clip]:
    """All recordings, or every second, third and so on where the vectors of all would take too much memory."""
    features = bundle.features
    samples = 0.0
    for clip in clips:
        with suppress(DataError):  # told when it is read
            reader = dataset.reader(clip)
            scale = dataset.rate / reader.rate if dataset.kind == "audio" and reader.rate else 1.0
            samples += scale * (reader.samples if clip.count < 0 else clip.count)
    every = math.ceil(4 * features.n_vector * samples / features.window_step / VECTORS_BYTES)
    if every <= 1:
        return clips
    kept = clips[::every]
    for clip in kept:
        issues.note(clip.name, f"used of {len(clips)}, evenly spread: the windows of all would fill the memory")
    return kept


def read_pieces(
    bundle: Bundle,
    dataset: Dataset,
    *,
    minutes: float | None,
    issues: Issues,
    strict: bool = False,
    keep_outliers: bool = False,
    step: Callable[[], None] = lambda: None,
) -> list[Piece]:
    """Healthy recordings in the order of their names, until `minutes` are together (None: all); the last is cut there.

    Recordings that the layout keeps for testing are left out, and so are those that `bundle` knows already, those whose
    sensor did not work and, unless `keep_outliers`, the few that are like no other. `step` is called after each
    recording.

    Raises
    ------
    DataError
        The recordings are of another sensor, or none can be used.
    """
    check_sensor(bundle, dataset)
    known = trained_digests(bundle)
    extractor = Extractor(bundle.features)
    rate = bundle.features.sample_rate
    left = None if minutes is None else round(60 * minutes * rate)
    pieces: list[Piece] = []
    trained = 0
    clips = candidates(dataset)
    if left is None:
        clips = _as_many_as_fit(bundle, dataset, clips, issues)

    def work() -> Any:
        nonlocal left, trained
        for number, clip in enumerate(clips):
            if left is not None and left < bundle.features.window_span:
                return
            if number:
                step()
            try:
                check_reach(dataset, clip, bundle.features)
                samples = dataset.read(clip, issues)
                name = digest(samples)
                if name in known:
                    issues.note(clip.name, "left out: the bundle was trained on the same samples")
                    trained += 1
                    continue
                samples = samples[:left]
                require_sensor(clip, samples, rate, issues)
                vectors, _ = extractor.vectors(samples)
            except DataError as error:
                yield clip, error
                continue
            if not len(vectors):
                yield clip, window_too_long(len(samples), bundle.features)
                continue
            if left is not None:
                left -= len(samples)
            # A recording that was used in part is not new any more either.
            yield clip, Piece(clip.name, vectors, len(samples) / rate, name, clip.machine)

    pieces = list(usable(work(), total=len(clips), issues=issues, strict=strict))
    if not pieces:
        seen = f"{counted(trained, 'recording')} that the bundle was trained on" if trained else ""
        out = ", and ".join(filter(None, (seen, unused(dataset))))
        raise DataError(
            f"No healthy recording is left to adapt to{f' beside {out}' if out else ''}. Give new ones of this machine,"
            " in a folder 'normal' or named by --normal."
        )
    return pieces if keep_outliers else _without_outliers(pieces, issues)


def _without_outliers(pieces: list[Piece], issues: Issues) -> list[Piece]:
    """The pieces but for the few that are like no other, which are named in `issues`."""
    found = find_outliers(pieces, [piece.name for piece in pieces])
    found.tell([piece.name for piece in pieces], issues)
    return [piece for number, piece in enumerate(pieces) if number not in found.left_out]


def _cut(piece: Piece, parts: int, overlap: int) -> list[Piece]:
    """A recording as `parts` pieces that share no sample: `overlap` windows are lost at each cut."""
    found = []
    for rows in np.array_split(np.arange(len(piece.vectors)), parts):
        kept = rows[: max(0, len(rows) - overlap)]
        if len(kept):
            found.append(replace(piece, vectors=piece.vectors[kept], seconds=piece.seconds / parts))
    return found


def folds_of(pieces: Sequence[Piece], bundle: Bundle) -> list[list[Piece]]:
    """The pieces in about :data:`FOLDS` runs of neighbours, so that what is judged is not next to what was seen.

    Raises
    ------
    DataError
        There is too little to keep any of it apart.
    """
    features = bundle.features
    if len(pieces) < FOLDS:
        # Where window_span is k steps and a bit, window i and i + k still share samples.
        overlap = -(-features.window_span // features.window_step) - 1
        pieces = [part for piece in pieces for part in _cut(piece, FOLDS, overlap)]
    ends = np.cumsum([0, *(len(piece.vectors) for piece in pieces)])[1:]
    total = int(ends[-1]) if len(ends) else 0
    place = np.minimum((FOLDS * (ends - 0.5 * np.diff(ends, prepend=0)) / max(1, total)).astype(int), FOLDS - 1)
    folds = [[piece for piece, at in zip(pieces, place, strict=True) if at == k] for k in range(FOLDS)]
    folds = [fold for fold in folds if fold]
    if len(folds) < 2:
        raise DataError(
            f"{are(total, 'separate window')} too few to adapt to and to set a threshold by. Record some minutes of"
            " healthy running."
        )
    return folds


def _assemble(bundle: Bundle, adapted: Adapted, decision: Decision, meta: dict[str, Any]) -> bytes:
    return write_bundle(
        None,
        features=bundle.features,
        normalisation=adapted.normalisation,
        model=adapted.model,
        decision=decision,
        meta=meta,
        duty=bundle.duty if meta else None,
    )


def out_of_fold(bundle: Bundle, pieces: Sequence[Piece], method: str) -> list[npt.NDArray[np.float32]]:
    """Scores of each piece (or part of it) by the bundle adapted, by `method`, to the other folds."""
    from ..twin import Scorer

    folds = folds_of(pieces, bundle)
    scores = []
    for k, fold in enumerate(folds):
        if method == "threshold":
            scorer = Scorer(bundle)
        else:
            seen = np.concatenate([piece.vectors for j, other in enumerate(folds) if j != k for piece in other])
            scorer = Scorer(read_bundle(_assemble(bundle, adapt(bundle, seen, method), bundle.decision, {})))
        scores += [scorer.score(piece.vectors) for piece in fold]
    return scores


def rebaseline(
    bundle: Bundle, pieces: Sequence[Piece], options: RebaselineOptions, *, strange: Sequence[Vectors] = ()
) -> Rebaselined:
    """Adapt `bundle` to a machine by its healthy recordings.

    Parameters
    ----------
    pieces
        The recordings.
    strange
        Windows of strange versions of them, to try the threshold on, see
        :func:`tocsin.alarm.sensitivity.strange_vectors`.

    Raises
    ------
    DataError, ModelError
        There are too few windows, the method does not go with the bundle's model, or what comes of it cannot raise an
        alarm.
    """
    from ..twin import Scorer

    vectors = np.concatenate([piece.vectors for piece in pieces])
    method = choose(bundle) if options.method == "auto" else options.method
    adapted = adapt(bundle, vectors, method)
    scores = out_of_fold(bundle, pieces, method)
    budget = options.budget or _budget(bundle)
    decision = bundle.decision
    if max(map(len, scores)) < decision.smooth:
        raise DataError(
            f"No recording has the {decision.smooth} windows that the bundle's decision averages over, at least not in"
            " one piece. Record longer ones."
        )
    series = [alarm_statistic(s, decision.smooth, decision.min_windows) for s in scores]
    step = bundle.features.window_step / bundle.features.sample_rate
    hours = judged_hours(series, step)

    def threshold_of(per_hour: float) -> Threshold:
        return fit_threshold(series, hours=hours, per_hour=per_hour)

    threshold = threshold_of(budget.per_hour)
    decision = replace(decision, threshold_on=threshold.on, threshold_off=threshold.off)
    meta = _record(bundle, pieces, options, method, adapted, threshold, budget, np.concatenate(scores))
    probe = read_bundle(_assemble(bundle, adapted, decision, {}))
    deafness = require_hearing(probe, budget, threshold_of, force=options.force)
    if deafness.to:
        meta["deaf_to"] = list(deafness.to)
    alertness = None
    if strange:
        scorer = Scorer(probe)
        alertness = measure(map(scorer.score, strange), decision, threshold.heard)
        meta["alertness"] = asdict(alertness)
    raw = _assemble(bundle, adapted, decision, meta)
    before = Scorer(bundle).score(vectors)
    return Rebaselined(raw, read_bundle(raw), method, threshold, alertness, before, np.concatenate(scores), deafness)


def _budget(bundle: Bundle) -> Rate:
    """The budget that the bundle was made for."""
    text = bundle.meta.get("threshold", {}).get("budget")
    if not isinstance(text, str):
        raise DataError("The bundle's record has no budget of false alarms. Give one with --false-alarms, as 1/day.")
    return parse_rate(text)


def _record(
    bundle: Bundle,
    pieces: Sequence[Piece],
    options: RebaselineOptions,
    method: str,
    adapted: Adapted,
    threshold: Threshold,
    budget: Rate,
    scores: npt.NDArray[np.float32],
) -> dict[str, Any]:
    """The training record, with what was adapted added; its keys are in docs/reference/training-record.md."""
    new = {piece.digest for piece in pieces}
    every = sorted(trained_digests(bundle) | new)
    step = {
        "from": f"{bundle.crc:08x}",
        "method": method,
        **adapted.details,
        "data": options.data,
        "machines": sorted({piece.machine for piece in pieces}),
        "recordings": len({piece.name for piece in pieces}),
        "seconds": sum(piece.seconds for piece in pieces),
        "clips": base64.b64encode(b"".join(sorted(new))).decode(),
    }
    return {
        **{key: value for key, value in bundle.meta.items() if key not in ("alertness", "deaf_to")},
        "clips": {"digest": "blake2b-24", "trained": base64.b64encode(b"".join(every)).decode()},
        "validation": {
            "windows": len(scores),
            "quantiles": {q: float(np.quantile(scores, float(q))) for q in ("0.5", "0.9", "0.99", "1.0")},
        },
        "threshold": {"budget": budget.text, **asdict(threshold)},
        "rebaselined": [*bundle.meta.get("rebaselined", []), step],
    }
