# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What a data set holds and what is wrong with it, in counts and sentences.

Leaks are the dear mistakes: a recording of the training that stands in the test too makes every figure too good.
Equal samples are found by a hash of all of them; near copies (another level, another codec) by their loudness, 100
times a second, which runs alike in both.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from ..features import PASSBAND
from ..words import counted, verb
from . import audio
from .bandwidth import FULL, below_advice, top_of
from .clip import Clip, Issues
from .convert import check_finite
from .dataset import Dataset
from .discovery import LeftOut
from .extract import in_threads
from .health import ChannelsCancelError, SensorFaultError, require_sensor
from .readers import format_of
from .text import TableReader, Understood
from .text.timebase import JITTER

# Share of full scale above which a constant offset is worth a word: it costs headroom and fills the lowest band.
OFFSET_SHARE = 0.01
# Correlation of two loudness curves above which recordings are called near copies: an even machine's curve is
# noise, and different noises of a second or more stay far below it.
NEAR_COPY = 0.98
ENVELOPE_RATE = 100


@dataclass(frozen=True)
class Measured:
    """One recording, as it is in its file, before resampling and mixing."""

    clip: Clip
    rate: int
    channels: int
    seconds: float
    digest: bytes
    envelope: npt.NDArray[np.float32]
    clipped: bool
    silent: bool
    sensor: str
    offset: float
    top: float


@dataclass(frozen=True)
class Group:
    """How many recordings a machine, section, domain and split has."""

    machine: str
    section: str
    domain: str
    split: str
    normal: int
    anomaly: int
    seconds: float


@dataclass(frozen=True)
class Finding:
    """Something odd.

    Attributes
    ----------
    kind
        For machines: ``unreadable``, ``left_out``, ``rates``, ``narrow``, ``channels``, ``lengths``, ``clipped``,
        ``silent``, ``sensor``, ``offset``, ``duplicates``, ``copies``, ``shared``, ``labels``, ``no_test``, ``few``,
        ``one_recording``.
    text
        What.
    advice
        What to do.
    clips
        Names of (the first hundred of) the recordings.
    leak
        Whether figures of an evaluation would be wrong.
    """

    kind: str
    text: str
    advice: str
    clips: tuple[str, ...] = ()
    leak: bool = False


@dataclass(frozen=True)
class Tables:
    """How text tables were understood.

    Attributes
    ----------
    count, first
        How many files were understood alike, and the name of the first recording of them.
    understood
        In what way; the rate is the first file's.
    missing, gaps, repeated, backward, empty
        Rows that are missing in so many gaps, repeat the time before, go back in time, or lack a number; of all files.
    jitter
        Greatest jitter of a file: RMS of the times from row to row, as a share of their mean.
    """

    count: int
    first: str
    understood: Understood
    missing: int
    gaps: int
    repeated: int
    backward: int
    empty: int
    jitter: float

    def text(self) -> str:
        """Sentences for people."""
        parts = [f"{counted(self.count, 'table')} (first: {self.first}): {self.understood.text()}"]
        for count, what in (
            (self.missing, f"missing in {counted(self.gaps, 'gap')}"),
            (self.repeated, "at the time of the row before"),
            (self.backward, "going back in time"),
            (self.empty, "without a number"),
        ):
            if count:
                parts.append(f"{counted(count, 'row')} {what}")
        if self.jitter > JITTER:
            parts.append(f"jitter up to {100 * self.jitter:.0f} % (RMS)")
        return "; ".join(parts)


def tables_of(dataset: Dataset) -> tuple[Tables, ...]:
    """How the text tables of a data set were understood, those that were understood alike as one."""
    alike: dict[Understood, list[tuple[str, TableReader]]] = defaultdict(list)
    for clip in {clip.path: clip for clip in reversed(dataset.clips)}.values():
        with suppress(DataError):  # told as a finding
            if format_of(clip.path).module != "table":
                continue
            reader = dataset.reader(clip)
            assert isinstance(reader, TableReader)
            rate = reader.understood.rate
            # Clocks differ a little from file to file.
            key = replace(reader.understood, rate=round(rate) if rate and rate >= 1 else rate)
            alike[key].append((clip.name, reader))
    found = []
    for key, members in alike.items():
        timings = [reader.timing for _, reader in members if reader.timing is not None]
        members.sort(key=lambda member: member[0])
        found.append(
            Tables(
                count=len(members),
                first=members[0][0].partition("@")[0],
                understood=key,
                missing=sum(timing.missing for timing in timings),
                gaps=sum(one.missing > 0 for timing in timings for one in timing.breaks),
                repeated=sum(0 if timing.coarse else timing.repeated for timing in timings),
                backward=sum(timing.backward for timing in timings),
                empty=sum(reader.empty for _, reader in members),
                jitter=max((timing.jitter for timing in timings), default=0.0),
            )
        )
    return tuple(sorted(found, key=lambda tables: tables.first))


@dataclass(frozen=True)
class Info:
    """What :func:`survey_dataset` found.

    `recordings` are files, or what files of arrays hold; long ones are cut into several of the `clips`, which all the
    other counts are of. `left_out` is all that is not used, with the reason; `notes` say
    what was decided about the rest; `tables` say how text tables were understood.
    """

    kind: str
    recordings: int
    clips: int
    seconds: float
    groups: list[Group]
    rates: dict[str, int]
    channels: dict[str, int]
    lengths: dict[str, int]
    attributes: dict[str, dict[str, int]]
    findings: list[Finding]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    tables: tuple[Tables, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def envelope(mono: npt.NDArray[np.float64], rate: int) -> npt.NDArray[np.float32]:
    """Loudness of each hundredth of a second, without its mean and of length 1; zeros where it does not vary."""
    step = max(1, rate // ENVELOPE_RATE)
    count = len(mono) // step
    if count < 2:
        return np.zeros(0, np.float32)
    level = np.sqrt(np.square(mono[: count * step].reshape(count, step)).mean(axis=1))
    level -= level.mean()
    norm = float(np.sqrt(np.square(level).sum()))
    return np.asarray(level / norm if norm > 0 else level, np.float32)


def measure(dataset: Dataset, clip: Clip) -> Measured:
    """Look at one recording.

    Raises
    ------
    DataError
        It cannot be used; as :meth:`Dataset.read`.
    """
    if dataset.kind == "audio" or dataset.file_range:
        values, found = dataset.values(clip)
        rate = round(audio.plausible(found or dataset.rate) if dataset.kind == "audio" else found or dataset.rate)
        samples = check_finite(values)
    else:
        digits = dataset.read(clip, Issues())
        samples, rate = np.asarray(digits, np.float64).reshape(len(digits), -1), dataset.rate
    digits16 = np.clip(np.rint(samples), -32768, 32767).astype("<i2")
    odd = audio.oddities(digits16)
    steady = samples.mean(axis=0)
    return Measured(
        clip=clip,
        rate=rate,
        channels=samples.shape[1],
        seconds=len(samples) / rate,
        digest=hashlib.blake2b(digits16.tobytes(), digest_size=16).digest(),
        envelope=envelope(samples.mean(axis=1) - samples.mean(), rate),
        clipped=any(text.startswith("clipped") for text in odd),
        silent="silent" in odd,
        sensor=_sensor(dataset, clip, digits16, rate),
        # Gravity is an offset that vibration has to have.
        offset=float(np.abs(steady).max()) / 32768 if dataset.kind == "audio" else 0.0,
        top=top_of(samples.mean(axis=1), rate) if dataset.kind == "audio" else rate / 2,
    )


def _sensor(dataset: Dataset, clip: Clip, digits: npt.NDArray[np.int16], rate: int) -> str:
    """What is wrong with a recording's sensor, by the samples that a detector would get; empty where nothing is.

    Raises
    ------
    DataError
        The recording cannot be used whatever its sensor did.
    """
    as_heard = dataset.kind == "audio" and rate == dataset.rate and digits.shape[1] == 1
    try:
        require_sensor(clip, digits if as_heard else dataset.read(clip, Issues()), dataset.rate, Issues())
    except (SensorFaultError, ChannelsCancelError) as error:
        return str(error)
    return ""


def _some(clips: Iterable[Clip]) -> tuple[str, ...]:
    return tuple(clip.name for clip in clips)[:100]


def _bandwidth(items: list[Measured], wanted: int) -> list[Finding]:
    """Which recordings of sound lack the high frequencies that a device at the rate `wanted` hears."""
    found = []
    low = [m for m in items if m.rate < wanted]
    if low:
        rate = min(m.rate for m in low)
        have = verb(len(low), "has", "have")
        text = f"{len(low)} of {len(items)} recordings {have} a rate below {wanted:,} Hz (first: {low[0].clip.name})."
        advice = (
            "They hold nothing above half their rate, so by default the bands of all end at"
            f" {PASSBAND * rate / 2:,.0f} Hz. {below_advice(rate, wanted, every=len(low) == len(items))}"
        )
        found.append(Finding("rates", text, advice, _some(m.clip for m in low)))
    elif len({m.rate for m in items}) > 1:
        advice = (
            f"All are resampled to {wanted:,} Hz; by default bands end at {PASSBAND * wanted / 2:,.0f} Hz, below the"
        )
        found.append(Finding("rates", "Sample rates differ.", f"{advice} slopes of the anti-alias filters."))
    narrow = [m for m in items if 0 < m.top < FULL * min(m.rate, wanted) / 2]
    if narrow:
        end = min(m.top for m in narrow)
        text = (
            f"{len(narrow)} of {len(items)} recordings {verb(len(narrow), 'holds', 'hold')} nothing but rounding above"
            f" {end:,.0f} Hz or more (first: {narrow[0].clip.name}), less than their rate allows."
        )
        advice = (
            f"They were resampled or compressed, and a device hears more: record anew, or train with --fmax {end:.0f}."
        )
        found.append(Finding("narrow", text, advice, _some(m.clip for m in narrow)))
    return found


def _quality(items: list[Measured], sensor: str, wanted: int) -> list[Finding]:
    """What is odd about single recordings, or differs between them; `wanted` is the rate that training takes, Hz."""
    found = []
    for kind, hits, what, advice in (
        ("clipped", [m for m in items if m.clipped], "clipped (over 0.1 % of the samples at full scale)",
         "Record again with less gain: clipping sounds like a fault."),
        ("silent", [m for m in items if m.silent], "silent", "Check the sensor; remove them."),
        ("offset", [m for m in items if m.offset > OFFSET_SHARE], "offset by over 1 % of full scale",
         "Features take it out, but it costs headroom: check the microphone's bias."),
    ):  # fmt: skip
        if hits:
            be = verb(len(hits), "is", "are")
            text = f"{len(hits)} of {len(items)} recordings {be} {what} (first: {hits[0].clip.name})."
            found.append(Finding(kind, text, advice, _some(m.clip for m in hits)))
    sick = [m for m in items if m.sensor]
    if sick:
        text = f"{len(sick)} of {len(items)} recordings {verb(len(sick), 'is', 'are')} of a sensor that did not work"
        text += f" (first: {sick[0].clip.name}: {sick[0].sensor})."
        advice = "They are left out of training and of tests. Check the sensor, --unit, --full-scale and --channel."
        found.append(Finding("sensor", text, advice, _some(m.clip for m in sick)))
    found += _bandwidth(items, wanted) if sensor == "audio" else []
    channels = {m.channels for m in items}
    # Of vibration, channels are the sensor's axes, and all are used.
    if sensor == "audio" and max(channels) > 1 and any(m.clip.channel < 0 for m in items):
        near = " In DCASE 2026, channel 0 is near the machine and 1 far from it." if channels == {2} else ""
        found.append(
            Finding("channels", f"Files have {' and '.join(map(str, sorted(channels)))} channels.",
                    f"Sound is averaged over them; choose one with --channel 0.{near}")
        )  # fmt: skip
    lengths = sorted(m.seconds for m in items)
    if lengths[-1] > 2 * lengths[0]:
        text = f"Lengths differ from {lengths[0]:.3g} s to {lengths[-1]:.3g} s."
        found.append(Finding("lengths", text, "Long recordings weigh more in training; cut them to one length."))
    return found


def _where(clip: Clip) -> str:
    return clip.split or "no split"


def _pair_finding(pairs: list[tuple[Clip, Clip]], kind: str, what: str) -> list[Finding]:
    """Findings for pairs of recordings that are the same: across labels, across splits, and others."""
    crossing = [p for p in pairs if {p[0].split, p[1].split} == {"train", "test"}]
    labels = [p for p in pairs if p[0].label != p[1].label]
    rest = [p for p in pairs if p not in crossing and p not in labels]
    found = []
    for chosen, name, text, advice, leak in (
        (
            labels,
            "labels",
            f"{what} normal here and an anomaly there",
            "One label is wrong; listen and remove it.",
            True,
        ),
        (crossing, kind, f"{what} in train and in test", "Remove them from one; figures would be too good.", True),
        (
            rest,
            kind,
            f"{what} twice",
            "Remove one of each: a split may part them, and figures would be too good.",
            False,
        ),
    ):
        if chosen:
            a, b = chosen[0]
            stand = f"{counted(len(chosen), 'recording')} {verb(len(chosen), 'stands', 'stand')}"
            text = f"{stand} {text} (first: {a.name} [{_where(a)}] and {b.name} [{_where(b)}])."
            found.append(Finding(name, text, advice, _some(p[1] for p in chosen), leak))
    return found


def equal_pairs(items: list[Measured]) -> list[tuple[Clip, Clip]]:
    """Each recording whose samples an earlier one has too, with that one; a training recording stands first."""
    first: dict[bytes, Measured] = {}
    pairs = []
    for item in sorted(items, key=lambda m: (m.clip.split == "test", m.clip.name)):
        earlier = first.setdefault(item.digest, item)
        if earlier is not item and not item.silent:
            pairs.append((earlier.clip, item.clip))
    return pairs


def near_pairs(items: list[Measured], block: int = 256) -> list[tuple[Clip, Clip]]:
    """Pairs of recordings of one length whose loudness runs alike, but whose samples differ.

    Compared are recordings of at least a second, of different recordings by their names.
    """
    by_length: dict[int, list[Measured]] = defaultdict(list)
    for item in items:
        if len(item.envelope) >= ENVELOPE_RATE and not item.silent:
            by_length[len(item.envelope)].append(item)
    pairs = []
    for members in by_length.values():
        matrix = np.stack([m.envelope for m in members])
        for start in range(0, len(members), block):
            alike = matrix[start : start + block] @ matrix.T > NEAR_COPY
            for i, j in zip(*np.nonzero(np.triu(alike, 1 + start)), strict=True):
                a, b = members[start + int(i)], members[int(j)]
                same = a.clip.recording and a.clip.recording == b.clip.recording
                if a.digest != b.digest and not same:
                    pairs.append((a.clip, b.clip))
    return pairs


def _single(clips: list[Clip]) -> list[Finding]:
    """Machines whose healthy clips are all of one long recording."""
    sources: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for clip in clips:
        if clip.label == "normal":
            sources[clip.group].add(clip.recording if clip.count >= 0 else "")
    found = []
    for group, names in sorted(sources.items()):
        if len(names) == 1 and "" not in names:
            text = f"All healthy clips of {' '.join(part for part in group if part)} are of one recording."
            advice = "It is parted by time: how a detector does on another day is not tested. Record again then."
            found.append(Finding("one_recording", text, advice))
    return found


def _splits(clips: list[Clip]) -> list[Finding]:
    """Whether the split that the layout gives, or `tocsin train` makes, is sound."""
    found = []
    sides: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        if clip.recording and clip.split:
            sides[clip.recording].add(clip.split)
    parted = [name for name, where in sides.items() if len(where) > 1]
    if parted:
        have = f"{counted(len(parted), 'recording')} {verb(len(parted), 'has', 'have')}"
        text = f"{have} copies (other microphones or SNRs) in train and in test."
        found.append(Finding("shared", text, "Move all copies to one side.", tuple(parted[:100]), True))
    groups: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for clip in clips:
        groups[clip.group][clip.label if clip.label == "anomaly" else f"normal {clip.split}"] += 1
    for group, counts in sorted(groups.items()):
        where = " ".join(part for part in group if part)
        trained = counts["normal train"] + counts["normal "]
        if not trained:
            text = f"{where} has no normal recordings to train on."
            found.append(Finding("few", text, "Its anomalies are scored by a model of the others; record some."))
        elif trained < 50:
            text = f"{where} has {counted(trained, 'normal recording')} to train on."
            found.append(
                Finding("few", text, "Some hundred make a good model and a threshold that holds; record more.")
            )
    found += _single(clips)
    if not any(clip.label == "anomaly" for clip in clips):
        text = "There are no anomalies."
        found.append(Finding("no_test", text, "Training needs none, but `tocsin eval` cannot tell how good it is."))
    return found


def summarise(dataset: Dataset, items: list[Measured], bad: list[tuple[Clip, str]]) -> Info:
    """Counts and findings of what was measured."""
    groups: dict[tuple[str, str, str, str], list[Measured]] = defaultdict(list)
    attributes: dict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        key = (*item.clip.group, item.clip.split)
        groups[key].append(item)
        for name, value in item.clip.attribute_map.items():
            attributes[name][value] += 1
    findings = []
    if bad:
        text = f"{len(bad)} of {len(dataset.clips)} recordings cannot be used (first: {bad[0][0].name}: {bad[0][1]})."
        findings.append(Finding("unreadable", text, "Repair or remove them.", _some(clip for clip, _ in bad)))
    for rest in dataset.left_out:
        if rest.recordings:
            findings.append(Finding("left_out", f"Left out: {rest}.", "See docs/reference/data.md.", rest.names))
    if items:
        findings += _pair_finding(equal_pairs(items), "duplicates", "with the same samples")
        findings += _pair_finding(near_pairs(items), "copies", "as near copies")
        findings += _quality(items, dataset.kind, dataset.rate)
    findings += _splits([item.clip for item in items])

    def most(values: Iterable[str]) -> dict[str, int]:
        return dict(Counter(values).most_common(20))

    return Info(
        kind=dataset.kind,
        recordings=len({(m.clip.path, m.clip.array, m.clip.index) for m in items}),
        clips=len(items),
        seconds=sum(m.seconds for m in items),
        groups=[
            Group(*key, normal, len(members) - normal, sum(m.seconds for m in members))
            for key, members in sorted(groups.items())
            if (normal := sum(m.clip.label == "normal" for m in members)) >= 0
        ],
        rates=most(str(m.rate) for m in items),
        channels=most(str(m.channels) for m in items),
        lengths=most(f"{m.seconds:.0f}" if m.seconds >= 1000 else f"{m.seconds:.3g}" for m in items),
        attributes={name: dict(values.most_common(20)) for name, values in sorted(attributes.items())},
        findings=sorted(findings, key=lambda finding: not finding.leak),
        left_out=dataset.left_out,
        notes=dataset.notes,
    )


def survey_dataset(dataset: Dataset, *, step: Callable[[], None] = lambda: None) -> Info:
    """Read all recordings, in threads, a few at a time, and say what they are.

    Parameters
    ----------
    dataset
        Opened; its full scale need not be settled.
    step
        Called after each recording.

    Raises
    ------
    DataError
        None of the recordings can be read.
    """
    settled = dataset.settle(dataset.clips)

    def work(clip: Clip) -> tuple[Clip, Measured | str]:
        try:
            return clip, measure(settled, clip)
        except DataError as error:
            return clip, str(error)

    items: list[Measured] = []
    bad: list[tuple[Clip, str]] = []
    for clip, result in in_threads(work, settled.clips):
        step()
        if isinstance(result, str):
            bad.append((clip, result))
        else:
            items.append(result)
    if bad and not items:
        first, why = bad[0]
        if len(bad) == 1:
            raise DataError(f"The only recording, {first.name}, cannot be used: {why}. Repair it, or give others.")
        raise DataError(
            f"None of {len(bad)} recordings can be used (first: {first.name}: {why}). Repair or remove them."
        )
    return replace(summarise(settled, items, bad), tables=tables_of(settled))
