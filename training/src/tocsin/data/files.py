# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The files below a folder, without what operating systems leave there, each once."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

# Written by macOS, Windows and network drives beside what people save.
_LITTER = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
_LITTER_FOLDERS = frozenset({"__macosx", "@eadir", "$recycle.bin", "system volume information"})


@dataclass
class Found:
    """What lies below a folder.

    Attributes
    ----------
    files
        In the order of their paths. A file in a linked folder has the link in its path.
    skipped
        Links that were not followed, and why.
    """

    files: list[Path] = field(default_factory=list)
    skipped: list[tuple[Path, str]] = field(default_factory=list)


def is_litter(path: Path) -> bool:
    """Whether a name is one that an operating system made: ``._x.wav``, ``.DS_Store``, ``Thumbs.db`` and the like.

    All names that begin with a dot are hidden on purpose, so they count as well.
    """
    name = path.name.lower()
    return name in _LITTER or name in _LITTER_FOLDERS or (name.startswith(".") and name not in (".", ".."))


def in_litter(path: Path) -> bool:
    """Whether a file that was named on purpose is a companion, by its own name or by a folder ``__MACOSX``."""
    return path.name.startswith("._") or path.name.lower() in _LITTER | {".ds_store"} or "__MACOSX" in path.parts


def walk(root: Path) -> Found:
    """All files below the folder `root`.

    Links to folders are followed once, after everything that is not a link, so that a folder keeps its own path. A
    link to what was found already, to a folder above `root`, or to nothing is skipped.
    """
    found = Found()
    seen: set[str] = set()
    links: deque[Path] = deque()
    above = {os.path.realpath(parent) for parent in root.resolve().parents}
    _descend(root, found, seen, links)
    files = {os.path.realpath(path) for path in found.files}
    while links:
        link = links.popleft()
        target = os.path.realpath(link)
        if not os.path.exists(target):
            found.skipped.append((link, "is a link to nothing"))
        elif target in seen or target in files:
            found.skipped.append((link, "is a link to what is in the set already"))
        elif target in above:
            found.skipped.append((link, "is a link to a folder that holds the set itself"))
        elif os.path.isdir(target):
            before = len(found.files)
            _descend(link, found, seen, links)
            files.update(os.path.realpath(path) for path in found.files[before:])
        else:
            found.files.append(link)
            files.add(target)
    found.files.sort()
    return found


def _descend(folder: Path, found: Found, seen: set[str], links: deque[Path]) -> None:
    """Add the files of `folder` and of the folders in it; links wait in `links`."""
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        real = os.path.realpath(here)
        if real in seen:  # reached by a link to a folder in it before
            found.skipped.append((here, "was reached by a link already"))
            continue
        seen.add(real)
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError as error:
            found.skipped.append((here, f"cannot be opened ({error.strerror or error})"))
            continue
        for entry in entries:
            path = here / entry.name
            if is_litter(path):
                continue
            if entry.is_symlink():
                links.append(path)
            elif entry.is_dir():
                waiting.append(path)
            elif entry.is_file():
                found.files.append(path)
