# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Layouts of data sets: what a file's path says about the recording."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import DataError
from .clip import Clip, Label

UNDERSTOOD = """\
Understood are:
  MIMII         <machine>/id_XX/{normal,abnormal}/*.wav, also below folders such as 6_dB_fan
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
_MIMII_ID = re.compile(r"id_\d+$")
_SNR = re.compile(r"(?P<snr>-?\d+)_?dB(?:_.*)?$")
_LABELS: dict[str, Label] = {"normal": "normal", "anomaly": "anomaly", "abnormal": "anomaly"}


def classify(root: Path, path: Path) -> Clip | None:
    """What `path` below the resolved folder `root` is, or None where no layout fits."""
    name = path.relative_to(root).as_posix()
    # Parts above the root count too: --data may point into the middle of a layout.
    parents = path.parent.parts
    snr = next((m["snr"] + "dB" for part in parents[1:] if (m := _SNR.match(part))), "")
    found = _DCASE.match(path.stem) or _DCASE_2020.match(path.stem)
    if found:
        fields = found.groupdict()
        folder = parents[-1]
        inside = folder in ("train", "test")
        return Clip(
            name=name,
            path=path,
            label=_LABELS[fields["label"]],
            machine=parents[-2] if inside else folder,
            section=fields["section"],
            domain=fields.get("domain") or "",
            split=fields.get("split") or (folder if inside else ""),
            attributes=fields.get("attributes") or "",
        )
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
    return Clip(name, path, label, machine, section, snr, split)


def find_clips(root: Path, suffixes: frozenset[str]) -> list[Clip]:
    """All recordings below `root` whose path fits a layout, in the order of their names.

    Raises
    ------
    DataError
        There is no such folder, or nothing in it fits.
    """
    root = root.resolve()
    if not root.is_dir():
        raise DataError(f"{root} is not a folder. Give --data the folder of a data set.")
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in suffixes and p.is_file())
    clips = [clip for path in files if (clip := classify(root, path)) is not None]
    if not files:
        raise DataError(f"No recordings in {root}. {UNDERSTOOD}")
    if not clips:
        raise DataError(f"{len(files)} recordings in {root}, but nothing says which are normal. {UNDERSTOOD}")
    return clips
