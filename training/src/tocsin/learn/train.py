# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""From recordings of healthy running to a bundle."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import __version__
from ..alarm.deafness import HEARS, Deafness, require_hearing
from ..alarm.sensitivity import Alertness, measure, strange_vectors
from ..alarm.threshold import Threshold, alarm_statistic, fit_threshold, judged_hours
from ..bundle import Bundle, Decision, DutyCycle, Normalisation, read_bundle, write_bundle
from ..data import Clip, Dataset, Extracted, Issues, Split, extract, split_clips
from ..data.bandwidth import bandwidth_notes, empty_above, lowest_rate
from ..data.extract import Kept, Spool, digests
from ..errors import DataError, ModelError
from ..extras import require
from ..features import PASSBAND, FeatureConfig
from ..features.frontend import audio_features, vibration_features
from ..words import verb
from .kinds import SHARING
from .models.exact import Score
from .models.fit import Fitted, Material, fit_model
from .models.fit import Progress as FitProgress
from .models.uses import packages_for
from .options import TrainOptions
from .outliers import find_outliers
from .roc import area

Vectors = npt.NDArray[np.float32]
Progress = Callable[[str, int], AbstractContextManager[Callable[[str], None]]]
"""Called with a title and a number of steps, gives a context; its value is called with a remark after each step."""

# An alarm should come within seconds, so smoothing and persistence together stay below about three.
SMOOTH_SECONDS = 2.0
PERSIST_SECONDS = 1.0
# More vectors than this teach a network of this size nothing new, and would need gigabytes.
VECTORS_MAX = 100_000
ANOMALIES_MAX = 200
# Kinds that need frames as they are: what they learn is how one follows from the others.
FRAME_BY_FRAME = ("idnn", "conv")


@dataclass(frozen=True)
class Trained:
    """A bundle, and what the user should hear about it.

    Attributes
    ----------
    raw
        The bundle's bytes.
    bundle
        The same, parsed.
    threshold
        Where the line is, and how sure that is.
    alertness
        What it finds of strange versions of healthy recordings; None where that was not asked for.
    split
        Which recordings were used for what.
    issues
        What was odd about them.
    exact
        Scores of normalised vectors before quantisation, in float.
    reach
        What the user should know of the frequencies that it hears.
    deafness
        What it raises no alarm on although no detector may miss it.
    """

    raw: bytes
    bundle: Bundle
    threshold: Threshold
    alertness: Alertness | None
    split: Split
    issues: Issues
    exact: Score
    reach: tuple[str, ...] = ()
    deafness: Deafness = HEARS

    @property
    def warnings(self) -> list[str]:
        """What the user should know of the threshold and of what the detector hears."""
        told = (
            self.threshold.warning,
            self.alertness.warning if self.alertness else "",
            self.deafness.complaint,
            *self.reach,
        )
        return [text for text in told if text]


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the user brings instead of having it chosen or fitted here.

    Attributes
    ----------
    features
        None: chosen by the options and the recordings.
    normalisation
        None: fitted to the recordings.
    fit
        Gives the model. Its vectors are normalised.
    check
        Called with the features before any recording is read for them; raises where the model does not fit.
    """

    features: FeatureConfig | None = None
    normalisation: Normalisation | None = None
    fit: Callable[[Material, TrainOptions, FitProgress], Fitted] = fit_model
    check: Callable[[FeatureConfig], None] = lambda features: None


def silent(title: str, steps: int) -> AbstractContextManager[Callable[[str], None]]:
    """Progress that nobody sees."""
    del title, steps
    return nullcontext(lambda _: None)


def kinds_of(options: TrainOptions) -> set[str]:
    """The kind asked for, or those of its members."""
    return set(options.members) if options.kind == "combined" else {options.kind}


def is_stacked(options: TrainOptions) -> bool:
    """Whether the model's vectors are frames in a row where the user does not say, rather than averages of them."""
    kinds = kinds_of(options)
    # Powers have no place in a stack.
    pooled = options.front_end.average == "power"
    return not kinds.isdisjoint(FRAME_BY_FRAME) or (kinds == {"autoencoder"} and not pooled)


def choose_features(dataset: Dataset, clips: Sequence[Clip], options: TrainOptions, *, stacked: bool) -> FeatureConfig:
    """Features for a settled data set, by its first usable recordings.

    Raises
    ------
    DataError
        None of the recordings can be read.
    """
    if dataset.kind == "audio":
        near = options.kind == "neighbours"
        length = usual_shape(dataset, clips)[0] if options.front_end.window_frames is None else None
        return audio_features(
            options.front_end,
            sample_rate=dataset.rate,
            stacked=stacked,
            near=near,
            clip_samples=length,
            recorded=lowest_rate(dataset, dataset.clips).rate,
        )
    stacked = stacked and not kinds_of(options).isdisjoint(FRAME_BY_FRAME)
    length, channels = usual_shape(dataset, clips)
    full_scale = dataset.options.full_scale
    assert full_scale is not None
    return vibration_features(
        options.front_end,
        sample_rate=dataset.rate,
        channels=channels,
        scale_g=full_scale / 32768,
        clip_samples=length,
        stacked=stacked,
    )


def read_for(dataset: Dataset, features: FeatureConfig) -> Dataset:
    """The same recordings as samples that `features` take: their rate, and of vibration their range.

    Raises
    ------
    DataError
        The recordings are of another sensor, or of vibration at another rate.
    """
    if dataset.kind != features.sensor:
        raise DataError(f"The features are of {features.sensor}, the recordings {dataset.kind}. Give the other data.")
    if dataset.kind == "audio":
        return replace(dataset, options=replace(dataset.options, rate=features.sample_rate))
    if dataset.rate != features.sample_rate:
        raise DataError(
            f"The features are of {features.sample_rate} Hz, the recordings of {dataset.rate} Hz. Give recordings at"
            " that rate, or other features."
        )
    return replace(dataset, options=replace(dataset.options, full_scale=features.scale * 32768))


def usual_shape(dataset: Dataset, clips: Sequence[Clip]) -> tuple[int, int]:
    """Samples that three in four of the first 20 usable recordings have, so that few are too short, and channels.

    Raises
    ------
    DataError
        None of the recordings can be read.
    """
    shapes: list[tuple[int, ...]] = []
    for clip in clips:
        try:
            shapes.append(dataset.read(clip, Issues()).shape)
        except DataError as error:
            problem = f"{clip.name}: {error}"
        if len(shapes) == 20:
            break
    if not shapes:
        raise DataError(f"No recording can be read, the last being {problem}.")
    length = np.quantile([shape[0] for shape in shapes], 0.25, method="lower")
    return int(length), 1 if len(shapes[0]) == 1 else shapes[0][1]


def check_frame_layer(features: FeatureConfig, options: TrainOptions) -> None:
    """Refuse a layer that frames are to share where the network has no such layer, or the vectors no frames.

    Raises
    ------
    ModelError
        The kind, or the features, have to be others.
    """
    if options.frame_layer is None:
        return
    if kinds_of(options).isdisjoint(SHARING):
        raise ModelError(f"{options.kind} has no --frame-layer: leave it out, or choose {' or '.join(SHARING)}.")
    if features.pool != ("stack",) or features.window_frames < 2:
        raise ModelError(
            "Frames share a layer where windows stack them: give --pool stack and --window-frames 5, or leave out"
            " --frame-layer."
        )


def fit_normalisation(vectors: Vectors, frames: int = 1) -> Normalisation:
    """Mean and inverse standard deviation of each value, computed in float64; `vectors` has shape (n, dim).

    A value that hardly varies while healthy gets a floor of a thousandth of its mean: noise of the last digit must
    not look like a change of the machine. A vector's `frames` parts are normalised alike.
    """
    values = vectors.reshape(len(vectors) * frames, -1)
    mean = values.mean(axis=0, dtype=np.float64)
    std = values.std(axis=0, dtype=np.float64)
    floor = np.maximum(1e-3 * np.abs(mean), 1e-6)
    inv_std = 1 / np.maximum(std, floor)
    return Normalisation(np.tile(mean.astype(np.float32), frames), np.tile(inv_std.astype(np.float32), frames))


def normalise(vectors: Vectors, normalisation: Normalisation) -> Vectors:
    """Normalised vectors for fitting; the device does this itself when it scores."""
    return (vectors - normalisation.mean) * normalisation.inv_std


def _watched(items: Iterable[Extracted], step: Callable[[str], None]) -> Iterator[Extracted]:
    for item in items:
        step("")
        yield item


def choose_decision(features: FeatureConfig, windows: int, options: TrainOptions) -> tuple[int, int]:
    """Windows to smooth over, and windows in a row before an alarm.

    About two seconds and one second; less where recordings of `windows` windows could not show how such a
    statistic behaves.
    """
    step = features.window_step / features.sample_rate
    most = max(1, windows // 2)
    smooth = options.smooth or int(np.clip(round(SMOOTH_SECONDS / step), 1, min(most, 1024)))
    left = max(1, windows - smooth)
    return smooth, options.min_windows or int(np.clip(round(PERSIST_SECONDS / step), 1, left))


def check_duty(duty: DutyCycle, features: FeatureConfig, smooth: int, min_windows: int) -> None:
    """Refuse a duty cycle under which the detector could never raise an alarm.

    Raises
    ------
    DataError
        It pauses before the decision has heard enough in one piece.
    """
    span = features.window_span + (smooth + min_windows - 2) * features.window_step
    needed = -(-1000 * span // features.sample_rate)
    if duty.listen_ms < needed:
        raise DataError(
            f"Listening {duty.listen_ms / 1000:g} s at a time is too short: an alarm takes {needed / 1000:g} s in one"
            " piece. Listen longer, or lower --smooth or --min-windows."
        )


def _thin(items: Sequence[Kept], seed: int) -> tuple[Vectors, list[Clip]]:
    """All vectors of the recordings, or a random share of them where they are too many, and each one's recording."""
    total = sum(item.windows for item in items)
    if total <= VECTORS_MAX:
        chosen = np.arange(total)
    else:
        chosen = np.sort(np.random.default_rng(seed).choice(total, VECTORS_MAX, replace=False))
    ends = np.searchsorted(chosen, np.cumsum([item.windows for item in items]))
    parts, clips, first, start = [], [], 0, 0
    for item, end in zip(items, ends, strict=True):
        parts.append(item.vectors[chosen[start:end] - first])
        clips += [item.clip] * (int(end) - start)
        first, start = first + item.windows, int(end)
    return np.concatenate(parts), clips


def _condition(clip: Clip) -> str:
    """Under what a recording was made, as far as its name says: machine, section, domain, attributes, array."""
    return "/".join((*clip.group, clip.attributes, clip.array))


def _groups(clips: Sequence[Clip]) -> list[str]:
    """What the selective Mahalanobis distance selects from: domains where there are several, else machines."""
    by_domain = len({clip.domain for clip in clips}) > 1
    return [clip.domain if by_domain else clip.machine for clip in clips]


def train(
    dataset: Dataset,
    out: Path | None,
    options: TrainOptions,
    *,
    progress: Progress = silent,
    given: Given | None = None,
) -> Trained:
    """Train a detector on the normal recordings of `dataset` and write its bundle to `out` (None: nowhere).

    Parts that are `given` are neither chosen nor fitted.

    Raises
    ------
    DataError, ModelError, BundleError
        What was given cannot be trained on, the detector cannot raise an alarm, or the bundle cannot be written.
    """
    from ..twin import Scorer

    if given is None:
        members = options.members if options.kind == "combined" else ()
        require(*packages_for([options.kind, *members]))
    given = given or Given()
    issues = Issues()
    if given.features is not None:
        dataset = read_for(dataset, given.features)
    split = split_clips(dataset.clips, seed=options.seed, holdout=options.holdout, validation=options.validation)
    dataset = dataset.settle(split.fit + split.validation)
    features = given.features or choose_features(dataset, split.fit, options, stacked=is_stacked(options))
    check_frame_layer(features, options)
    given.check(features)

    # In one go: bad recordings are too many by their share of all, not by how the split happened to deal them.
    clips = split.fit + split.validation
    with progress("features", len(clips)) as step:
        spool = Spool()
        items = extract(dataset, clips, features, issues=issues, strict=options.strict)
        found = [spool.keep(item) for item in _watched(items, step)]
    found, outliers = (found, []) if options.keep_outliers else _part_outliers(found, issues)
    judges = set(split.validation)
    fit = [item for item in found if item.clip not in judges]
    held = [item for item in found if item.clip in judges]
    if not fit or not held:
        raise DataError("Too few usable recordings are left to train on and to set a threshold.")
    smooth, min_windows = choose_decision(features, int(np.median([item.windows for item in held])), options)
    if options.duty is not None:
        check_duty(options.duty, features, smooth, min_windows)
    vectors, made = _thin(fit, options.seed)
    # A frame is to be the same to a layer that frames share, wherever it stands.
    normalisation = given.normalisation or fit_normalisation(
        vectors, features.window_frames if options.frame_layer else 1
    )
    judged, judges_of = _thin(held, options.seed)
    material = Material(
        x=normalise(vectors, normalisation),
        held=normalise(judged, normalisation),
        conditions=[_condition(clip) for clip in made],
        held_conditions=[_condition(clip) for clip in judges_of],
        groups=_groups(made),
        frames=features.window_frames if features.pool == ("stack",) else 1,
        slide=features.window_hop if options.stream and features.window_hop < features.window_frames else 0,
        sensor=dataset.kind,
    )
    fitted = given.fit(material, options, progress)

    def pack(decision: Decision, meta: dict[str, Any], path: Path | None = None) -> bytes:
        return write_bundle(
            path,
            features=features,
            normalisation=normalisation,
            model=fitted.model,
            decision=decision,
            meta=meta,
            duty=options.duty if meta else None,
        )

    scorer = Scorer(read_bundle(pack(Decision(1, 1, 0.0, 0.0), {})))
    scores = [np.asarray(scorer.score(item.vectors)) for item in held]
    series = [alarm_statistic(s, smooth, min_windows) for s in scores]
    hours = judged_hours(series, features.window_step / features.sample_rate)

    def threshold_of(per_hour: float) -> Threshold:
        return fit_threshold(series, hours=hours, per_hour=per_hour, seed=options.seed)

    threshold = threshold_of(options.budget.per_hour)
    decision = Decision(smooth, min_windows, threshold.on, threshold.off)
    meta = _record(dataset, options, split, issues, fit, held, outliers, fitted, threshold, scores)
    deafness = HEARS
    if options.hearing:
        probe = read_bundle(pack(decision, {}))
        deafness = require_hearing(probe, options.budget, threshold_of, force=options.force, seed=options.seed)
    if deafness.to:
        meta["deaf_to"] = list(deafness.to)
    alertness = None
    if options.strange:
        versions = strange_vectors(
            dataset, [item.clip for item in held], features, versions=options.strange, seed=options.seed
        )
        alertness = measure(map(scorer.score, versions), decision, threshold.heard)
        meta["alertness"] = asdict(alertness)
    if fitted.rounded:
        meta["validation"] |= _compare(dataset, features, normalisation, fitted.exact, scorer, held, scores, issues)
    raw = pack(decision, meta, out)
    reach = tuple(_reach(dataset, features, options, found))
    return Trained(raw, read_bundle(raw), threshold, alertness, split, issues, fitted.exact, reach, deafness)


def _reach(dataset: Dataset, features: FeatureConfig, options: TrainOptions, found: Sequence[Kept]) -> Iterator[str]:
    """What the user should know of the frequencies that the detector hears."""
    chosen = options.front_end.fmax is not None
    yield from bandwidth_notes(lowest_rate(dataset, dataset.clips), features, chosen=chosen)
    empty = [(end, item.clip.name) for item in found if (end := empty_above(features, item.vectors)) is not None]
    if empty:
        end = min(end for end, _ in empty)
        yield (
            f"{len(empty)} of {len(found)} recordings {verb(len(empty), 'holds', 'hold')} nothing but rounding above"
            f" {end:,.0f} Hz (first: {empty[0][1]}): were they resampled or compressed? A device will hear more there,"
            f" and alarm. Record anew, or end the bands with --fmax {PASSBAND * end:.0f}."
        )


def _part_outliers(items: Sequence[Kept], issues: Issues) -> tuple[list[Kept], list[Kept]]:
    """The recordings to use, and the few that are like no other, which are named in `issues`."""
    found = find_outliers(items, [f"{item.clip.recording or item.clip.name}@{item.clip.begin}" for item in items])
    found.tell([item.clip.name for item in items], issues)
    kept = [item for number, item in enumerate(items) if number not in found.left_out]
    return kept, [items[number] for number in found.left_out]


def _compare(
    dataset: Dataset,
    features: FeatureConfig,
    normalisation: Normalisation,
    exact_score: Score,
    scorer: Any,
    held: Sequence[Kept],
    scores: Sequence[npt.NDArray[np.float32]],
    issues: Issues,
) -> dict[str, Any]:
    """How far quantisation moved the scores: of held-out healthy recordings, and of anomalies where there are any."""

    def by_float(vectors: Vectors) -> float:
        return float(exact_score(normalise(vectors, normalisation)).mean())

    exact = [by_float(item.vectors) for item in held]
    int8 = [float(s.mean()) for s in scores]
    result: dict[str, Any] = {"score_float": float(np.mean(exact)), "score_int8": float(np.mean(int8))}
    strange = [clip for clip in dataset.clips if clip.label == "anomaly"]
    strange = strange[:: max(1, -(-len(strange) // ANOMALIES_MAX))]
    count = 0
    try:
        for item in extract(dataset, strange, features, issues=Issues()):
            exact.append(by_float(item.vectors))
            int8.append(float(np.mean(scorer.score(item.vectors))))
            count += 1
    except DataError as error:
        issues.note(str(error), "of the anomalies kept scores in float and int8 from being compared")
        return result
    if count:
        truth = np.r_[np.zeros(len(held)), np.ones(count)]
        result["n_anomaly"] = count
        result["auc_float"] = area(truth, exact)
        result["auc_int8"] = area(truth, int8)
    return result


def _record(
    dataset: Dataset,
    options: TrainOptions,
    split: Split,
    issues: Issues,
    fit: Sequence[Kept],
    held: Sequence[Kept],
    outliers: Sequence[Kept],
    fitted: Fitted,
    threshold: Threshold,
    scores: Sequence[npt.NDArray[np.float32]],
) -> dict[str, Any]:
    """The training record; its keys are described in docs/reference/training-record.md."""
    every = np.concatenate(scores)
    read = {key: value for key, value in asdict(dataset.options).items() if value not in (None, ())}
    unit_else = read.pop("unit_else")
    if dataset.kind == "vibration":
        read.setdefault("unit", unit_else)
    # What lies between blocks of time sounds like what was trained on, and is no test either. Outliers were not fitted,
    # but it is known what they are.
    known = {item.digest for item in (*fit, *held, *outliers)} | set(digests(dataset, split.between))
    return {
        "tocsin": __version__,
        "data": {"name": dataset.root.resolve().name, "sensor": dataset.kind, **read},
        "split": {
            "seed": options.seed,
            "holdout": options.holdout,
            "validation": options.validation,
            "fit": len(fit),
            "judged": len(held),
            "held_out": len(split.test),
            "skipped": len(issues.skipped),
            "outliers": len(outliers),
        },
        "clips": {"digest": "blake2b-24", "trained": base64.b64encode(b"".join(sorted(known))).decode()},
        "model": {"kind": options.kind, **fitted.details},
        "validation": {
            "windows": len(every),
            "quantiles": {q: float(np.quantile(every, float(q))) for q in ("0.5", "0.9", "0.99", "1.0")},
        },
        "threshold": {"budget": options.budget.text, **asdict(threshold)},
    }
