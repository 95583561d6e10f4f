# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""One recording's place in a data set, and the list of what was wrong with the recordings."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..words import counted

Label = Literal["normal", "anomaly"]


@dataclass(frozen=True)
class Clip:
    """A recording and what its name says about it.

    Attributes
    ----------
    name
        Unique in the data set: the path below its root, or ``array[index]`` of an ``.npz``.
    path
        The file.
    label
        What the recording holds.
    machine, section, domain
        Groups of the evaluation; empty where the layout has none.
    split
        ``"train"`` or ``"test"`` where the layout says so, else empty.
    attributes
        What else the file's name, or a table beside it, says (DCASE), as written there.
    array, index
        Array and row of an ``.npz``; ``index`` is -1 where the whole array is one recording.
    recording
        The same for files that hold one recording (several microphones of ToyADMOS, several SNRs of MIMII), which
        a split must not part; empty where a file is a recording of its own.
    channel
        The microphone that the file holds, from 0, where its name says so; else -1.
    begin, count
        The samples of the file that the clip is, at the file's rate and in one piece: first and number. A count of -1
        takes the whole recording.
    """

    name: str
    path: Path
    label: Label
    machine: str
    section: str = ""
    domain: str = ""
    split: str = ""
    attributes: str = ""
    array: str = ""
    index: int = -1
    recording: str = ""
    channel: int = -1
    begin: int = 0
    count: int = -1

    @property
    def group(self) -> tuple[str, str, str]:
        """Machine, section and domain."""
        return self.machine, self.section, self.domain

    @property
    def attribute_map(self) -> dict[str, str]:
        """What :func:`parse_attributes` makes of `attributes`."""
        return parse_attributes(self.attributes)


def parse_attributes(text: str) -> dict[str, str]:
    """Attributes as DCASE writes them: names and values in turn, joined by underscores.

    Parameters
    ----------
    text
        Such as ``car_B1_spd_31V_mic_1``. A last name without a value (2021's ``strength_1_ambient``) stands with an
        empty one; ``noAttribute`` (2023 and later) and an empty text mean that there are none.

    Returns
    -------
    dict of str to str
        In the order of the text; of a name that comes twice, its first value.
    """
    words = [word for word in text.split("_") if word and word != "noAttribute"]
    found: dict[str, str] = {}
    for i in range(0, len(words), 2):
        found.setdefault(words[i], words[i + 1] if i + 1 < len(words) else "")
    return found


@dataclass
class Issues:
    """What was odd about the recordings, counted, so that each oddity is told once.

    Threads may report at the same time.
    """

    skipped: list[tuple[str, str]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    _first: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def skip(self, name: str, reason: str) -> None:
        """Record that `name` was left out."""
        with self._lock:
            # Several passes over the same recordings tell it once.
            if (name, reason) not in self.skipped:
                self.skipped.append((name, reason))

    def note(self, name: str, what: str) -> None:
        """Record that something was done to, or is strange about, `name`."""
        with self._lock:
            self.notes[what] += 1
            # Threads come in any order.
            self._first[what] = min(name, self._first.get(what, name))

    def lines(self, what: str = "recording") -> list[str]:
        """Sentences for the user, one for each kind of oddity of a recording, or of `what` was looked at."""
        shown = [f"skipped {name}: {reason}" for name, reason in self.skipped[:10]]
        if len(self.skipped) > 10:
            shown.append(f"skipped {len(self.skipped) - 10} more")
        notes = sorted(self.notes.items(), key=lambda note: self._first[note[0]])
        shown += [f"{counted(count, what)} {text} (first: {self._first[text]})" for text, count in notes]
        return shown
