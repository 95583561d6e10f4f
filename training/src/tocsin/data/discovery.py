# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Which files of a folder are the recordings of a data set, and which are not, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DataError
from ..words import counted
from . import vibration
from .clip import Clip, Label
from .files import walk
from .layouts import UNDERSTOOD, contradicts, look_up
from .readers import FORMATS, Format, array_names, count_recordings, format_of, suffixes, unavailable
from .tables import Tables, is_table, read_tables

if TYPE_CHECKING:
    from .options import ReadOptions

NO_LABEL = "without a label"


@dataclass(frozen=True)
class LeftOut:
    """Files or arrays that are not used.

    Attributes
    ----------
    names
        Of the files below the data set's root, or of arrays.
    reason
        What they are, or why they are not used.
    recordings
        Whether they may be recordings that the user wants used.
    """

    names: tuple[str, ...]
    reason: str
    recordings: bool = True

    def __str__(self) -> str:
        shown = ", ".join(self.names[:3])
        if len(self.names) > 3:
            shown += f" and {len(self.names) - 3} more"
        return f"{shown}: {self.reason}"


@dataclass
class Discovery:
    """What was found.

    Attributes
    ----------
    clips
        Recordings whose place or name says what they are.
    sound
        Whether they are in sound files.
    notes
        What was decided about them: sentences.
    """

    clips: list[Clip] = field(default_factory=list)
    sound: bool = False
    notes: list[str] = field(default_factory=list)
    _left: dict[tuple[str, bool], list[str]] = field(default_factory=lambda: defaultdict(list))

    def leave(self, name: str, reason: str, *, recordings: bool = True) -> None:
        """Record that a file or array is not used."""
        self._left[reason, recordings].append(name)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What is not used, what may be recordings first."""
        items = sorted(self._left.items(), key=lambda item: not item[0][1])
        return tuple(LeftOut(tuple(names), *key) for key, names in items)


def discover(root: Path, options: ReadOptions) -> Discovery:
    """Find the recordings at `root`, a folder or one file of arrays.

    A data set is of sound files or of files of numbers. Where both are labelled, sound is taken, or what
    ``options.sensor`` says. Files of numbers may be of several formats.

    Raises
    ------
    DataError
        There is no such place, or nothing in it says which recordings are normal.
    """
    found = Discovery()
    if root.is_file():
        return _one_file(root, options, found)
    if not root.is_dir():
        raise DataError(f"{root} does not exist. Give --data the folder of a data set.")
    root = root.resolve()
    listed = walk(root)
    for path, reason in listed.skipped:
        found.leave(path.relative_to(root).as_posix(), reason)
    tables = read_tables(listed.files)
    by_kind = _by_kind(root, listed.files, found)
    groups = {sound: _Group(root, tables, options, paths) for sound, paths in by_kind.items() if paths}
    if not groups:
        unknown = f" {found.left_out[0]}." if found.left_out else ""
        raise DataError(f"No recordings in {root}.{unknown} {UNDERSTOOD}")
    chosen = _choose(groups, options)
    for sound, group in groups.items():
        if sound != chosen:
            _leave_kind(root, group.paths, found, sound=sound, wanted=options.sensor)
    group = groups[chosen]
    group.fill(found)
    found.sound = chosen
    if not found.clips:
        why = "".join(f" {item}." for item in found.left_out if item.recordings)
        raise DataError(
            f"{counted(len(group.paths), 'file')} in {root}, but nothing says which are normal.{why} {UNDERSTOOD}"
        )
    _tell_formats(found)
    return found


def _by_kind(root: Path, files: Iterable[Path], found: Discovery) -> dict[bool, list[Path]]:
    """Files of sound (True) and of numbers (False); others are left out."""
    kinds: dict[bool, list[Path]] = {True: [], False: []}
    sound = suffixes("sound")
    for path in files:
        name = path.relative_to(root).as_posix()
        suffix = path.suffix.lower()
        if is_table(path) or _is_about_recordings(path):
            continue  # read for what they say of the recordings
        if suffix == ".tdms_index":
            continue  # LabVIEW's index of the .tdms beside it
        if suffix not in suffixes():
            what = f"{suffix} is" if suffix else "a name without a suffix is"
            found.leave(name, f"{what} no format of recordings that is understood", recordings=False)
        elif reason := unavailable(path):
            found.leave(name, reason)
        else:
            kinds[suffix in sound].append(path)
    return kinds


class _Group:
    """The files of one kind, and what they are."""

    def __init__(self, root: Path, tables: Tables, options: ReadOptions, paths: list[Path]) -> None:
        self.root, self.options = root, options
        self.paths = paths
        self._said = [(path, look_up(root, path, tables)) for path in paths]

    @property
    def labelled(self) -> bool:
        """Whether something says what at least one file, or an array in it, holds."""
        return any(base is not None or self._has_labels(path) for path, base in self._said)

    def _has_labels(self, path: Path) -> bool:
        if not format_of(path).arrays:
            return False
        try:
            return any(_label(name, self.options) for name in array_names(path))
        except DataError:
            return False

    def fill(self, found: Discovery) -> None:
        """Add the recordings of each file, and say what is left out."""
        first = _first_of_stems(path for path, _ in self._said)
        several = len(self.paths) > 1
        for path, base in self._said:
            name = path.relative_to(self.root).as_posix()
            twin = first[path.with_suffix("")]
            if twin != path:
                found.leave(name, f"a file of the same name stands beside it with another suffix ({twin.suffix})")
            elif format_of(path).arrays:
                _add_arrays(path, base, self.options, found, prefix=name if several or base else "")
            elif base is not None:
                found.clips.append(base)
                if contradicts(base):
                    found.notes.append(f"{name} is taken for {base.label}, as its folder says; its name says otherwise")
            elif path.parent.name.startswith("supplement"):
                found.leave(name, "supplementary recordings (machine or noise alone)")
            else:
                found.leave(name, NO_LABEL)


def _first_of_stems(paths: Iterable[Path]) -> dict[Path, Path]:
    """The file to take of those that differ by their suffix alone: of the format that stands first in FORMATS."""
    order = {suffix: i for i, suffix in enumerate(suffix for form in FORMATS for suffix in form.suffixes)}
    first: dict[Path, Path] = {}
    for path in sorted(paths, key=lambda path: order[path.suffix.lower()]):
        first.setdefault(path.with_suffix(""), path)
    return first


def _is_about_recordings(path: Path) -> bool:
    """Whether a file is about the recordings beside it, as `tocsin synth` and `tocsin record` write them."""
    if path.suffix.lower() == ".json":
        return path.name == "metadata.json" or path.with_suffix(".wav").is_file()
    return path.name == "labels.csv" and path.with_name("metadata.json").is_file()


def _choose(groups: dict[bool, _Group], options: ReadOptions) -> bool:
    """Whether sound files are taken."""
    if len(groups) == 1:
        return next(iter(groups))
    if options.sensor == "audio":
        return True
    labelled = [sound for sound, group in groups.items() if group.labelled]
    if len(labelled) == 1:
        return labelled[0]
    # With a full scale, sound files may hold the vibration that was asked for.
    return options.sensor != "vibration" or options.full_scale is not None


def _leave_kind(root: Path, paths: Sequence[Path], found: Discovery, *, sound: bool, wanted: str | None) -> None:
    """Leave out the files of the other kind; `wanted` is the sensor that the user asked for."""
    if sound:
        why = "beside files of numbers is not taken; put it into a folder of its own"
    elif wanted == "vibration":
        why = "beside sound files is not taken, as these hold the vibration; put it into a folder of its own"
    else:
        why = "beside sound files is not taken; --sensor vibration takes it instead of them"
    for path in paths:
        found.leave(path.relative_to(root).as_posix(), f"{path.suffix.lower()} {why}")


def _label(array: str, options: ReadOptions) -> Label | None:
    return vibration.label_of(array, normal=options.normal, anomaly=options.anomaly, ignore=options.ignore)


def _unused(array: str, options: ReadOptions) -> str:
    """Why an array that has no label is not used."""
    if not vibration.is_ignored(array, options.ignore):
        return f"{NO_LABEL}; --normal and --anomaly say one"
    return "ignored by name" if options.ignore is not None else "ignored by name, as of a machine that is off"


def _add_arrays(path: Path, base: Clip | None, options: ReadOptions, found: Discovery, *, prefix: str) -> None:
    """Add the recordings of a file of arrays: what an array's name says, or else the file's folder or name (`base`)."""
    try:
        names = array_names(path)
    except DataError as error:
        if base is None:
            found.leave(prefix or path.name, str(error))
        else:
            found.clips.append(base)  # told when it is read
        return
    for array in names:
        name = f"{prefix}:{array}" if prefix and array else prefix or array or path.name
        label = _label(array, options)
        if label is None and (base is None or vibration.is_ignored(array, options.ignore)):
            found.leave(name, _unused(array, options))
            continue
        if label and base and label != base.label and not vibration.is_chosen(array, options.normal, options.anomaly):
            said = f"the array's name says {label}, the file's place {base.label}; --normal and --anomaly decide"
            found.leave(name, said)
            continue
        machine = base.machine if base else vibration.machine_of(array, path)
        whole = base or Clip(name, path, label or "normal", machine)
        whole = replace(whole, label=label or whole.label, array=array)
        try:
            count = count_recordings(path, array)
        except DataError as error:
            found.leave(name, str(error))
            continue
        for i in range(count):
            found.clips.append(replace(whole, name=name if count == 1 and not array else f"{name}[{i}]", index=i))


def _one_file(path: Path, options: ReadOptions, found: Discovery) -> Discovery:
    """The recordings of one file of arrays."""
    form: Format | None = format_of(path) if path.suffix.lower() in suffixes() else None
    if form is None or not form.arrays:
        raise DataError(f"{path} is one file. Give --data a folder, or a file of arrays. {UNDERSTOOD}")
    if reason := unavailable(path):
        raise DataError(f"{path}: {reason}")
    names = array_names(path)
    _add_arrays(path, None, options, found, prefix="")
    if not any(clip.label == "normal" for clip in found.clips):
        raise DataError(
            f"No array of {path.name} is known to be normal ({', '.join(names) or 'it is empty'})."
            " Say which with --normal GLOB and --anomaly GLOB."
        )
    return found


def _tell_formats(found: Discovery) -> None:
    """Say so where files of several formats are one data set."""
    counts = Counter(clip.path.suffix.lower() for clip in found.clips)
    if len({format_of(clip.path).name for clip in found.clips}) > 1:
        shown = ", ".join(f"{suffix} ({count})" for suffix, count in sorted(counts.items()))
        found.notes.append(f"files of several formats are taken together: {shown}")
