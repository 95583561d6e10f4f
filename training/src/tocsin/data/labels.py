# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Words that say whether a recording is of a healthy machine, in the names of folders, files and arrays."""

from __future__ import annotations

import re

from .clip import Label

GOOD = ("normal", "healthy", "good", "okay", "ok")
BAD = (
    *("abnormal", "anomaly", "anomalies", "anomalous", "faulty", "fault", "bad", "broken", "defective", "defect"),
    *("nok", "ng"),
)
_MEANING: dict[str, Label] = {**dict.fromkeys(GOOD, "normal"), **dict.fromkeys(BAD, "anomaly")}
_OPPOSITE: dict[Label, Label] = {"normal": "anomaly", "anomaly": "normal"}
_NOT = frozenset({"no", "non", "not", "without", "free"})
_NEGATED = re.compile(
    rf"(?<![a-z])(?:(?:(?:no|without)[_\-. ]|(?:non|not|un)[_\-. ]?)(?P<what>{'|'.join(_MEANING)})s?"
    rf"|(?P<free>{'|'.join(BAD)})s?[_\-. ]?free)(?![a-z])",
    re.IGNORECASE,
)


def plain(name: str) -> str:
    """A name with ``no_fault``, ``fault-free``, ``not_ok`` and ``unhealthy`` replaced by what they mean."""

    def meaning(found: re.Match[str]) -> str:
        return _OPPOSITE[_MEANING[(found["what"] or found["free"]).lower()]]

    return _NEGATED.sub(meaning, name)


def _words(name: str) -> list[str]:
    """Words of a name in lower case; numbers, and digits at a word's end, are left out."""
    words = (word.rstrip("0123456789") for word in re.split(r"[^0-9a-z]+", plain(name).lower()))
    return [word for word in words if word]


def _of_word(word: str) -> Label | None:
    return _MEANING.get(word) or _MEANING.get(word.removesuffix("s"))


def exact(name: str) -> Label | None:
    """Label of a name that says nothing else: ``Normal``, ``faults``, ``not ok``, ``fault-free``, ``good_2``."""
    words = _words(name)
    return _of_word(words[0]) if len(words) == 1 else None


def at_an_end(name: str) -> Label | None:
    """Label that a name begins or ends with, numbers aside: ``normal_001``, ``2024_fan_faulty``.

    None where there is none, where the ends contradict each other, or where a ``no`` or ``not`` is left.
    """
    words = _words(name)
    if not words or not _NOT.isdisjoint(words):
        return None
    said = {label for label in (_of_word(words[0]), _of_word(words[-1])) if label}
    return said.pop() if len(said) == 1 else None


def anywhere(name: str) -> Label | None:
    """Label of a name with such a word anywhere; an anomaly where one of them says so."""
    said = {_of_word(word) for word in _words(name)}
    return "anomaly" if "anomaly" in said else "normal" if "normal" in said else None
