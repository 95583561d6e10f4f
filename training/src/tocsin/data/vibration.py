# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Accelerations from ``.npz`` and ``.csv`` files as the int16 samples that a sensor would give."""

from __future__ import annotations

import re
import threading
import zipfile
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from .clip import Clip, Label

# Size of each unit in g; standard gravity is 9.80665 m/s² by definition (BIPM).
UNITS = {"g": 1.0, "mg": 1e-3, "ug": 1e-6, "m/s2": 1 / 9.80665}
FULL_SCALES = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
NORMAL = ("*normal*", "*healthy*", "*_0_weight")
ANOMALY = ("*anomal*", "*abnormal*", "*fault*", "*_[1-9]_weight")
IGNORE = ("*_off_*", "*_off")
RATE_KEYS = ("rate", "sample_rate", "fs")

_TIME = re.compile(r"(t|time|timestamp|ms|us|s|seconds|index)\b", re.IGNORECASE)
_LABEL_WORDS = re.compile(
    r"[_\-. ]?(abnormal|normal|healthy|anomal(?:y|ies|ous)|faulty?|\d+_weight)(?=[_\-. ]|$)",
    re.IGNORECASE,
)

_cache: dict[tuple[Path, str], npt.NDArray[np.float64]] = {}
_cache_lock = threading.Lock()


def _load(path: Path, array: str) -> npt.NDArray[np.float64]:
    """One array of an ``.npz`` with axes (recording, sample, channel), kept for the next asker."""
    with _cache_lock:
        found = _cache.get((path, array))
        if found is None:
            try:
                with np.load(path, allow_pickle=False) as archive:
                    found = _axes(archive[array].astype(np.float64))
            except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
                raise DataError(f"array {array} of {path.name} cannot be read ({error})") from error
            _cache[path, array] = found
    return found


def _axes(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give `values` the axes (recording, sample, channel)."""
    if values.ndim == 1:
        return values[None, :, None]
    if values.ndim == 2:
        # Few columns are the axes of one recording, many are the samples of one-axis recordings.
        return values[None] if values.shape[1] <= 3 else values[:, :, None]
    if values.ndim == 3 and values.shape[2] <= 3:
        return values
    raise DataError(f"shape {values.shape}: wanted [recordings, samples, channels] with 1 to 3 channels")


def matches(name: str, globs: Sequence[str]) -> bool:
    """Whether `name` fits one of the patterns of shell wildcards and ``{a,b}`` alternatives."""
    return any(fnmatchcase(name, one) for glob in globs for one in _alternatives(glob))


def _alternatives(glob: str) -> list[str]:
    found = re.search(r"\{([^{}]*)\}", glob)
    if found is None:
        return [glob]
    before, after = glob[: found.start()], glob[found.end() :]
    return [one for word in found[1].split(",") for one in _alternatives(before + word + after)]


def label_of(
    name: str,
    *,
    normal: Sequence[str] | None,
    anomaly: Sequence[str] | None,
    ignore: Sequence[str] | None,
) -> Label | None:
    """What an array of this name holds; None where it is neither. A None list is the default."""
    explicit = normal is not None and matches(name, normal)
    if (ignore is not None or not explicit) and matches(name, IGNORE if ignore is None else ignore):
        return None
    # Anomaly first: "abnormal" also matches "*normal*".
    if not explicit and matches(name, ANOMALY if anomaly is None else anomaly):
        return "anomaly"
    return "normal" if matches(name, NORMAL if normal is None else normal) else None


def machine_of(array: str, path: Path) -> str:
    """An array's name without what says whether it is normal: ``fan_0_low_1_weight`` → ``fan_0_low``."""
    return _LABEL_WORDS.sub("", array).strip("_-. ") or path.stem


def array_names(path: Path) -> list[str]:
    """Names of an ``.npz``'s arrays, without those that hold a rate.

    Raises
    ------
    DataError
        The file is not an ``.npz``.
    """
    return [name for name in _open(path)[0] if name not in RATE_KEYS]


def count_recordings(path: Path, array: str) -> int:
    """How many recordings an array holds."""
    return int(_load(path, array).shape[0])


def _open(path: Path) -> tuple[list[str], int | None]:
    """Names of all arrays, sorted, and the rate where the file gives one, Hz."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            rates = [int(archive[key]) for key in RATE_KEYS if key in archive.files]
            return sorted(archive.files), rates[0] if rates else None
    except (OSError, ValueError, TypeError, AttributeError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path} is not a readable .npz file ({error})") from error


def find_arrays(
    path: Path,
    *,
    normal: Sequence[str] | None,
    anomaly: Sequence[str] | None,
    ignore: Sequence[str] | None,
) -> tuple[list[Clip], list[str], int | None]:
    """Recordings of an ``.npz``, the arrays left out, and the rate where the file gives one, Hz.

    Raises
    ------
    DataError
        The file is not an ``.npz``, or no array of it is normal.
    """
    rate = _open(path)[1]
    names = array_names(path)
    clips: list[Clip] = []
    rest: list[str] = []
    for name in names:
        label = label_of(name, normal=normal, anomaly=anomaly, ignore=ignore)
        if label is None:
            rest.append(name)
            continue
        for i in range(_load(path, name).shape[0]):
            clips.append(
                Clip(
                    name=f"{name}[{i}]",
                    path=path,
                    label=label,
                    machine=machine_of(name, path),
                    array=name,
                    index=i,
                )
            )
    if not any(clip.label == "normal" for clip in clips):
        raise DataError(
            f"No array of {path.name} is known to be normal ({', '.join(names) or 'it is empty'})."
            " Say which with --normal GLOB and --anomaly GLOB."
        )
    return clips, rest, rate


def _read_csv(path: Path, columns: Sequence[str] | None) -> npt.NDArray[np.float64]:
    """Numbers of a table, shape (samples, channels)."""
    try:
        lines = [line for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"not a readable table ({error})") from error
    if not lines:
        raise DataError("holds no samples")
    delimiter = next((d for d in (",", ";", "\t") if d in lines[0]), None)
    first = [cell.strip().strip('"') for cell in lines[0].split(delimiter)]
    try:
        [float(cell) for cell in first]
        header: list[str] = []
    except ValueError:
        header = first
    try:
        table = np.loadtxt(lines[1 if header else 0 :], delimiter=delimiter, ndmin=2)
    except ValueError as error:
        raise DataError(f"not a table of numbers ({error})") from error
    if table.size == 0:
        raise DataError("holds no samples")
    if columns is not None:
        names = header or [str(i) for i in range(table.shape[1])]
        wanted = [c if c in names else names[int(c)] if _is_index(c, names) else c for c in columns]
        missing = [c for c in wanted if c not in names]
        if missing:
            raise DataError(f"has no column {', '.join(missing)} (only {', '.join(names)})")
        return np.asarray(table[:, [names.index(c) for c in wanted]], np.float64)
    kept = [i for i in range(table.shape[1]) if not (header and _TIME.match(header[i]))]
    if not 1 <= len(kept) <= 3:
        raise DataError(f"has {len(kept)} columns of samples; choose 1 to 3 with --columns")
    return np.asarray(table[:, kept], np.float64)


def _is_index(text: str, names: Sequence[str]) -> bool:
    return text.isdigit() and int(text) < len(names)


def read_vibration(clip: Clip, *, unit: str, columns: Sequence[str] | None = None) -> npt.NDArray[np.float64]:
    """Accelerations of a recording.

    Returns
    -------
    float64, shape (n, channels), in g

    Raises
    ------
    DataError
        The file cannot be read, is empty, or holds NaN or infinity.
    """
    if clip.array:
        whole = _load(clip.path, clip.array)
        values = whole.reshape(-1, whole.shape[2]) if clip.index < 0 else whole[clip.index]
    else:
        values = _read_csv(clip.path, columns)
    if values.shape[0] == 0:
        raise DataError("holds no samples")
    if not np.isfinite(values).all():
        bad = int(np.count_nonzero(~np.isfinite(values)))
        raise DataError(f"{bad} values are not finite (NaN or infinity)")
    return values * UNITS[unit]


def choose_full_scale(peak: float) -> float:
    """Smallest usual sensor range that holds `peak`; both in g.

    Raises
    ------
    DataError
        No sensor has such a range, so the unit must be wrong.
    """
    for full_scale in FULL_SCALES:
        if peak <= full_scale:
            return full_scale
    raise DataError(
        f"The recordings reach {peak:.3g} g, which no sensor measures. Say what their numbers"
        " mean with --unit (g, mg, ug or m/s2)."
    )


def to_digits(values: npt.NDArray[np.float64], full_scale: float) -> tuple[npt.NDArray[np.int16], list[str]]:
    """Round accelerations in g to int16 digits of `full_scale`/32768 g.

    Returns
    -------
    samples : int16, same shape
    notes : whether anything is strange about them
    """
    digits = np.rint(values * (32768.0 / full_scale))
    notes = []
    if digits.max() > 32767 or digits.min() < -32768:
        notes.append(f"clipped to the full scale of {full_scale:g} g")
    out = np.clip(digits, -32768, 32767).astype(np.int16)
    if (np.ptp(out.astype(np.int32), axis=0) == 0).all():
        notes.append("constant, as from a dead sensor")
    return out, notes
