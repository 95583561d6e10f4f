# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What the header of a text table says: a column's name, its unit, and what kind of quantity that is."""

from __future__ import annotations

import re
from typing import Literal

Quantity = Literal["acceleration", "time", "velocity", "other"]

# Seconds of each unit of time.
TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}

_ACCELERATION = {
    "g": "g gn g0 gee gs g's grms gpk",
    "mg": "mg milli-g millig mgn",
    "ug": "ug micro-g microg ugn",
    "m/s2": "m/s2 m/s/s m/ss ms-2 m/sec2 m/sec/sec ms2 m_s2 mps2 m/s^2 m.s-2",
    "mm/s2": "mm/s2 mm/s/s mms-2 mm/sec2 mm_s2 mmps2",
    "cm/s2": "cm/s2 cm/s/s cms-2 gal",
}
_TIME = {
    "s": "s sec secs second seconds sek sekunde sekunden",
    "ms": "ms msec msecs millis millisec milliseconds millisecond millisekunden",
    "us": "us usec usecs micros microsec microseconds microsecond mikrosekunden",
    "ns": "ns nsec nanos nanoseconds nanosecond nanosekunden",
}
_VELOCITY = "mm/s m/s cm/s um/s in/s ips inch/s mm/sec m/sec mm_s mmps mms-1"
_OTHER = (
    "v mv uv volt volts c degc celsius k f degf % %rh rpm 1/min min-1 u/min r/min hz khz db dbfs dba pa kpa mpa bar"
    " mbar hpa psi a ma amp w kw n nm kn deg deg/s dps rad/s rad mrad ut mt gauss um mm m km/h lux ohm rev h min"
)
_KNOWN: dict[str, tuple[Quantity, str]] = {}
for _quantity, _table in (("acceleration", _ACCELERATION), ("time", _TIME)):
    for _unit, _spellings in _table.items():
        for _spelling in _spellings.split():
            _KNOWN[_spelling] = (_quantity, _unit)  # type: ignore[assignment]
_KNOWN |= {unit: ("velocity", unit.replace("_", "/")) for unit in _VELOCITY.split()}
_KNOWN |= {unit: ("other", unit) for unit in _OTHER.split()}


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# After an underscore only these count: single letters there are names more often than units (x_v, acc_a).
_SUFFIXES = _set(
    "g mg ug ms2 m_s2 mps2 mm_s2 s sec ms us ns msec usec millis micros seconds mm_s mmps mps rpm hz degc dps"
)
_TIME_WORDS = _set(
    "time times zeit zeitstempel timestamp timestamps ts date datum datetime uhrzeit clock elapsed second seconds sec"
    " secs millis micros nanos epoch unixtime unix utc temps tiempo tempo sekunden msec usec ms us ns s"
)
_COUNTER_WORDS = _set(
    "index idx sample samples n nr no row rows count counter id seq sequence frame number num i nummer zeile punkt"
    " point record"
)
_OTHER_WORDS = _set(
    "temp temperature temperatur humidity feuchte pressure druck rpm speed drehzahl geschwindigkeit volt voltage"
    " spannung battery batt batterie current strom gyro gyr gyroscope rotation mag magnetometer magnet label labels"
    " class klasse target anomaly fault status state flag quality error event load torque velocity displacement"
    " gps lat lon altitude power leistung"
)
_BRACKETS = re.compile(r"^(.*?)\s*[(\[{<]\s*([^()\[\]{}<>]*?)\s*[)\]}>]\s*$")
_AFTER = tuple(re.compile(rf"^(.*?\S){between}(\S+)$") for between in (r"\s+in\s+", r"\s+", r"\s*/\s*"))
_CAMEL = re.compile(r"^(.*[a-z])(Ms|Us|Ns|Sec)$")
_ACCELERATION_WORDS = re.compile(
    r"acc|beschl|vib|^(?:lin_?|user_?)?a?[xyz]$|(?:^|[_\W])a?[xyz](?:$|[_\W])|(?:^|[_\W])a[_\W]|schwing", re.I
)


def _plain(text: str) -> str:
    """A unit in plain letters: ``m/s²`` → ``m/s2``, ``µg`` → ``ug``, ``°C`` → ``degc``."""
    text = text.strip().lower()
    for old, new in (("µ", "u"), ("μ", "u"), ("²", "2"), ("^", ""), ("**", ""), ("⁻", "-"), ("¹", "1"), ("·", ""),
                     ("*", ""), ("°", "deg"), (" ", ""), ("\u00a0", ""), ("(", ""), (")", "")):  # fmt: skip
        text = text.replace(old, new)
    return {"deg": "deg", "m/s-2": "m/s2", "1/s2": "1/s2"}.get(text, text)


def unit_of(text: str) -> tuple[Quantity, str] | None:
    """Quantity and plain name of a unit; None where the text is none that is known."""
    inner = text.strip().strip("()[]{}<>")
    if inner in ("C", "K", "F", "A", "V", "W", "N"):
        return "other", inner
    return _KNOWN.get(_plain(inner))


def split_name(header: str) -> tuple[str, tuple[Quantity, str] | None]:
    """A column's name without its unit, and the unit: ``"ax (m/s^2)"`` → ``"ax", ("acceleration", "m/s2")``."""
    header = header.strip()
    found = _BRACKETS.match(header)
    if found and (unit := unit_of(found[2])):
        return found[1].strip() or header, unit
    if len(header) > 1 and (unit := unit_of(header)):
        return header, unit
    if header in ("g", "G", "s"):
        return header, unit_of(header)
    for pattern in (_CAMEL, *_AFTER):
        found = pattern.match(header)
        if found and (unit := unit_of(found[2])):
            return found[1].strip(), unit
    lower = header.lower()
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if lower.endswith("_" + suffix) and (unit := unit_of(suffix) or unit_of(suffix.replace("_", "/"))):
            return header[: -len(suffix) - 1], unit
    return header, None


def _words(name: str) -> list[str]:
    parted = re.sub(r"(?<=[a-zäöü])(?=[A-Z])", " ", name)
    return [word for word in re.split(r"[\W_\d]+", parted.lower()) if word]


def names_time(name: str) -> bool:
    """Whether a column is called like a time."""
    words = _words(name)
    return bool(words) and (not _TIME_WORDS.isdisjoint(words) or words[0] == "t")


def names_counter(name: str) -> bool:
    """Whether a column is called like a number of rows."""
    words = _words(name)
    return name.strip() in ("#", "") or (bool(words) and not _COUNTER_WORDS.isdisjoint(words))


def names_other(name: str) -> bool:
    """Whether a column is called like something that is no acceleration."""
    return not _OTHER_WORDS.isdisjoint(_words(name))


def names_acceleration(name: str) -> bool:
    """Whether a column is called like an acceleration."""
    return _ACCELERATION_WORDS.search(name) is not None
