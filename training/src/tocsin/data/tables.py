# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Tables that lie beside DCASE's recordings: attributes, and the labels of evaluation sets.

The files of an evaluation set are numbered (``section_00_0000.wav``), and what they hold is published later, apart
from them. Three tables are read, wherever they lie below the data set's root:

``attributes_SS.csv``
    ``file_name,d1p,d1v,…``: a path that begins with the machine, then names and values in turn.
``eval_data_list_YYYY.csv`` (the baselines')
    A line with a machine alone, then ``given name,whole name`` of its files.
``ground_truth_<machine>_section_SS_test.csv`` (the evaluators')
    ``given name,x`` where x is the whole name (folder ``ground_truth_attributes``), 0 or 1 for normal or anomaly
    (``ground_truth_data``), or 0 or 1 for source or target (``ground_truth_domain``).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import DataError

_ATTRIBUTES = re.compile(r"attributes_\d+$")
_TRUTH = re.compile(r"ground_truth_(?P<machine>.+)_section_\d+_test$")
_SOUND = re.compile(r"\.(?:wav|flac)$", re.IGNORECASE)

Key = tuple[str, str]
"""Machine, and a file's name without its suffix."""


@dataclass
class Tables:
    """What the tables below a folder say.

    Attributes
    ----------
    names
        Whole names of files by their given ones.
    anomalous
        Whether a file holds an anomaly.
    target
        Whether a file is of the target domain.
    attributes
        As in a name: ``spd_31V_mic_1``.
    """

    names: dict[Key, str] = field(default_factory=dict)
    anomalous: dict[Key, bool] = field(default_factory=dict)
    target: dict[Key, bool] = field(default_factory=dict)
    attributes: dict[Key, str] = field(default_factory=dict)

    def whole_name(self, machine: str, stem: str) -> str | None:
        """Name that says what ``stem`` of ``machine`` holds; None where no table knows."""
        key = (machine, stem)
        if key in self.names:
            return self.names[key]
        found = re.match(r"(section_\d+)_(?:(source|target)_)?(?:test_)?(\d+)_?$", stem)
        if found is None or key not in self.anomalous:
            return None
        section, domain, number = found.groups()
        if domain is None:
            domain = "target" if self.target.get(key) else "source"
        return f"{section}_{domain}_test_{'anomaly' if self.anomalous[key] else 'normal'}_{number}"


def without_suffix(name: str) -> str:
    """A sound file's name without folders and suffix; a dot within attributes (``volt_1.5``) stays."""
    return _SOUND.sub("", name.strip().replace("\\", "/").rsplit("/", 1)[-1])


def _rows(path: Path) -> Iterator[list[str]]:
    """Lines of a table.

    Raises
    ------
    DataError
        It is not text.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield from (row for row in csv.reader(file) if row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a readable table ({error}). Repair it or move it away.") from error


def _read_attributes(path: Path, into: Tables) -> None:
    for row in _rows(path):
        if row[0] == "file_name" or len(row) < 3:
            continue
        parts = row[0].replace("\\", "/").split("/")
        machine = parts[0] if len(parts) > 1 else path.parent.name
        into.attributes[machine, without_suffix(row[0])] = "_".join(word for word in row[1:] if word)


def _read_list(path: Path, into: Tables) -> None:
    machine = ""
    for row in _rows(path):
        if len(row) == 1 or not row[1].strip():
            machine = row[0].strip()
        elif machine:
            into.names[machine, without_suffix(row[0])] = without_suffix(row[1])


def _read_truth(path: Path, machine: str, into: Tables) -> None:
    for given, value, *_ in (row for row in _rows(path) if len(row) > 1):
        key = (machine, without_suffix(given))
        if value.strip() not in ("0", "1"):
            into.names[key] = without_suffix(value)
        elif path.parent.name == "ground_truth_domain":
            into.target[key] = value.strip() == "1"
        else:
            into.anomalous[key] = value.strip() == "1"


def is_table(path: Path) -> bool:
    """Whether a file is one of these tables, by its name."""
    if path.suffix.lower() != ".csv":
        return False
    stem = path.stem
    return bool(_ATTRIBUTES.match(stem) or stem.startswith("eval_data_list") or _TRUTH.match(stem))


def read_tables(files: Iterable[Path]) -> Tables:
    """Read those of `files` that are such tables.

    Raises
    ------
    DataError
        One of them is not text.
    """
    found = Tables()
    for path in sorted(filter(is_table, files)):
        truth = _TRUTH.match(path.stem)
        if _ATTRIBUTES.match(path.stem):
            _read_attributes(path, found)
        elif path.stem.startswith("eval_data_list"):
            _read_list(path, found)
        elif truth:
            _read_truth(path, truth["machine"], found)
    return found
