# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Layouts of data sets: what a file's path says about the recording."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from . import labels
from .clip import Clip, Label
from .tables import Tables

UNDERSTOOD = """\
Understood are:
  MIMII         <machine>/id_XX/{normal,abnormal}/*.wav, also below folders such as 6_dB_fan
  ToyADMOS      <machine>/caseN/{Normal,Anomalous}Sound_{IND,CNT}/N_<machine>_caseN_{normal,abNN}_{IND,CNT}_chN_N.wav
  DCASE         <machine>/{train,test}/section_SS_{source,target}_{train,test}_{normal,anomaly}_NNNN_*.wav
  DCASE 2020    <machine>/{train,test}/{normal,anomaly}_id_XX_NNNN.wav
  plain         folders, or names that begin or end, with one of normal, healthy, good, ok and
                anomaly, anomalous, abnormal, faulty, fault, bad, broken, defect
  vibration     an .npz of arrays so named, or files of numbers in plain folders
Every format is in docs/reference/data.md."""

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


def _label_of_path(root: Path, path: Path) -> tuple[Label, tuple[str, ...]] | None:
    """What a plain path says, and the folders above that which says it.

    First comes a folder below the root that says nothing else, the one next to the file before those above it; then
    the file's name, the root's own name, and a folder that says more, such as ``inner_race_fault``. Where such a folder
    and the file's name contradict each other, nothing is said.
    """
    parents = path.parent.parts
    below = path.relative_to(root).parent.parts
    first = len(parents) - len(below)
    for at in reversed(range(len(below))):
        if (label := labels.exact(below[at])) is not None:
            return label, parents[: first + at]
    own = labels.at_an_end(path.stem)
    inexact = next((at for at in reversed(range(len(below))) if labels.at_an_end(below[at])), None)
    if inexact is not None:
        label = labels.at_an_end(below[inexact])
        if label is not None:
            return None if own not in (None, label) else (label, parents[: first + inexact])
    if own is not None:
        return own, parents
    label = labels.exact(root.name)
    return (label, parents[: first - 1]) if label else None


def contradicts(clip: Clip) -> bool:
    """Whether the name of a recording's file says the opposite of what it was taken for."""
    return labels.at_an_end(clip.path.stem) not in (None, clip.label)


def _by_folder(root: Path, path: Path) -> Clip | None:
    """A recording whose folder or name says what it holds: MIMII and plain ones."""
    said = _label_of_path(root, path)
    if said is None:
        return None
    label, above = said
    match = next((m for part in path.parent.parts[1:] if (m := _SNR.match(part))), None)
    snr = f"{'-' if match['sign'] else ''}{match['snr']}dB" if match else ""
    section = above[-1] if _MIMII_ID.match(above[-1]) else ""
    machine = above[-2] if section else above[-1]
    split = ""
    if machine in ("train", "test") and len(above) > 1:
        machine, split = above[-2], machine
    # MIMII mixes each recording with noise three times: one number, three near copies.
    recording = f"{machine}/{section}/{label}/{path.stem}" if snr and section else ""
    return Clip(path.relative_to(root).as_posix(), path, label, machine, section, snr, split, recording=recording)


def look_up(root: Path, path: Path, tables: Tables) -> Clip | None:
    """What `path` is, by its place and name and by the tables beside it; None where nothing says so.

    Tables (:mod:`tocsin.data.tables`) say what a numbered file of an evaluation set holds, and give the attributes that
    a name does not.
    """
    clip = classify(root, path)
    if clip is None and (whole := tables.whole_name(machine_above(path), path.stem)):
        clip = classify(root, path.with_name(whole + path.suffix))
        clip = clip and replace(clip, name=path.relative_to(root).as_posix(), path=path)
    if clip and not clip.attributes and (said := tables.attributes.get((clip.machine, path.stem))):
        clip = replace(clip, attributes=said)
    return clip
