# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Layouts of data sets: what a file's path says about the recording."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from ..errors import DataError
from .clip import Clip, Label
from .tables import read_tables

UNDERSTOOD = """\
Understood are:
  MIMII         <machine>/id_XX/{normal,abnormal}/*.wav, also below folders such as 6_dB_fan
  ToyADMOS      <machine>/caseN/{Normal,Anomalous}Sound_{IND,CNT}/N_<machine>_caseN_{normal,abNN}_{IND,CNT}_chN_N.wav
  DCASE         <machine>/{train,test}/section_SS_{source,target}_{train,test}_{normal,anomaly}_NNNN_*.wav
  DCASE 2020    <machine>/{train,test}/{normal,anomaly}_id_XX_NNNN.wav
  plain         normal/* and anomaly/* (or abnormal/*)
  vibration     an .npz of arrays, or .csv files in plain folders
with .wav or .flac for sound."""

_DCASE = re.compile(
    r"section_(?P<section>\d+)_(?P<domain>source|target)_(?P<split>train|test)"
    r"_(?P<label>normal|anomaly)_\d+(?:_(?P<attributes>.*))?$"
)
_DCASE_2020 = re.compile(r"(?P<label>normal|anomaly)_(?P<section>id_\d+)_\d+$")
_TOYADMOS = re.compile(
    r"\d+_(?P<machine>[^_]+)_(?P<case>case\d+)_(?P<kind>[^_]+)_(?P<how>IND|CNT)_ch(?P<channel>\d+)_(?P<number>\d+)$"
)
# Where a machine's recordings of DCASE lie; 2021 has a folder for each domain of its test.
_INSIDE = {"train": "train", "test": "test", "source_test": "test", "target_test": "test", "test_rename": "test"}
_MIMII_ID = re.compile(r"id_\d+$")
_SNR = re.compile(r"(?P<sign>-|min)?(?P<snr>\d+)_?dB(?:_.*)?$")
_LABELS: dict[str, Label] = {"normal": "normal", "anomaly": "anomaly", "abnormal": "anomaly"}


def classify(root: Path, path: Path) -> Clip | None:
    """What `path` below the resolved folder `root` is, or None where no layout fits."""
    name = path.relative_to(root).as_posix()
    # Parts above the root count too: --data may point into the middle of a layout.
    parents = path.parent.parts
    found = _DCASE.match(path.stem) or _DCASE_2020.match(path.stem)
    if found:
        fields = found.groupdict()
        folder = parents[-1]
        return Clip(
            name=name,
            path=path,
            label=_LABELS[fields["label"]],
            machine=machine_above(path),
            section=fields["section"],
            domain=fields.get("domain") or "",
            split=fields.get("split") or _INSIDE.get(folder, ""),
            attributes=fields.get("attributes") or "",
        )
    found = _TOYADMOS.match(path.stem)
    if found:
        return _toyadmos(name, path, found)
    return _by_folder(root, path)


def machine_above(path: Path) -> str:
    """Name of a DCASE recording's machine: the folder, or the one above a folder such as ``train``."""
    parents = path.parent.parts
    return parents[-2] if parents[-1] in _INSIDE and len(parents) > 1 else parents[-1]


def _toyadmos(name: str, path: Path, found: re.Match[str]) -> Clip:
    """A file of ToyADMOS: one microphone's share of a recording."""
    fault = "" if found["kind"] == "normal" else f"_fault_{found['kind']}"
    return Clip(
        name=name,
        path=path,
        label="anomaly" if fault else "normal",
        machine=found["machine"],
        section=found["case"],
        attributes=f"rec_{found['how']}_ch_{found['channel']}{fault}",
        recording="/".join(found[key] for key in ("machine", "case", "kind", "how", "number")),
        channel=int(found["channel"]) - 1,
    )


def _by_folder(root: Path, path: Path) -> Clip | None:
    """A recording in a folder that says what it holds: MIMII and plain ones."""
    parents = path.parent.parts
    match = next((m for part in parents[1:] if (m := _SNR.match(part))), None)
    snr = f"{'-' if match['sign'] else ''}{match['snr']}dB" if match else ""
    below = path.relative_to(root.parent).parent.parts
    at = next((i for i in reversed(range(len(below))) if below[i].lower() in _LABELS), None)
    if at is None:
        return None
    above = parents[: len(parents) - len(below) + at]
    section = above[-1] if _MIMII_ID.match(above[-1]) else ""
    machine = above[-2] if section else above[-1]
    label = _LABELS[below[at].lower()]
    split = ""
    if machine in ("train", "test") and len(above) > 1:
        machine, split = above[-2], machine
    # MIMII mixes each recording with noise three times: one number, three near copies.
    recording = f"{machine}/{section}/{label}/{path.stem}" if snr and section else ""
    return Clip(path.relative_to(root).as_posix(), path, label, machine, section, snr, split, recording=recording)


def survey(root: Path, suffixes: frozenset[str]) -> tuple[list[Clip], list[Path]]:
    """All recordings below the folder `root`, in the order of their names, and the files that no layout fits.

    Tables beside them (:mod:`tocsin.data.tables`) say what a numbered file of an evaluation set holds, and give the
    attributes that a name does not.

    Raises
    ------
    DataError
        A table is not readable.
    """
    root = root.resolve()
    tables = read_tables(root)
    clips: list[Clip] = []
    rest: list[Path] = []
    for path in sorted(p for p in root.rglob("*") if p.suffix.lower() in suffixes and p.is_file()):
        clip = classify(root, path)
        if clip is None and (whole := tables.whole_name(machine_above(path), path.stem)):
            clip = classify(root, path.with_name(whole + path.suffix))
            clip = clip and replace(clip, name=path.relative_to(root).as_posix(), path=path)
        if clip is None:
            rest.append(path)
            continue
        if not clip.attributes and (said := tables.attributes.get((clip.machine, path.stem))):
            clip = replace(clip, attributes=said)
        clips.append(clip)
    return clips, rest


def describe_rest(root: Path, rest: list[Path]) -> tuple[str, ...]:
    """What to say of files that no layout fits."""
    extra = [path for path in rest if path.parent.name.startswith("supplement")]
    others = [path for path in rest if path not in set(extra)]
    said = []
    if extra:
        said.append(f"{len(extra)} supplementary recordings (machine or noise alone)")
    if others:
        first = others[0].relative_to(root.resolve()).as_posix()
        said.append(f"{len(others)} recordings without a label (first: {first})")
    return tuple(said)


def find_clips(root: Path, suffixes: frozenset[str]) -> tuple[list[Clip], tuple[str, ...]]:
    """All recordings below `root` whose path fits a layout, in the order of their names, and what was left out.

    Raises
    ------
    DataError
        There is no such folder, or nothing in it fits.
    """
    root = root.resolve()
    if not root.is_dir():
        raise DataError(f"{root} is not a folder. Give --data the folder of a data set.")
    clips, rest = survey(root, suffixes)
    if not clips and not rest:
        raise DataError(f"No recordings in {root}. {UNDERSTOOD}")
    if not clips:
        raise DataError(f"{len(rest)} recordings in {root}, but nothing says which are normal. {UNDERSTOOD}")
    return clips, describe_rest(root, rest)
