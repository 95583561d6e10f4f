# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The folder a data set goes to: whether it may be written, and emptying it of an earlier run."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tocsin.synth.errors import SynthesisError

# What metadata.json says of its origin: the mark of a folder that may be overwritten.
GENERATOR = "tocsin.synth"


def check_target(out: str | Path, machine: str, *, overwrite: bool) -> Path:
    """Return the folder of a machine's data set, ``OUT/<machine>``, if it may be written to.

    Raises
    ------
    SynthesisError
        If it is a file; or not empty and `overwrite` is not set; or if it holds anything that an earlier
        run did not write: somebody's real recordings look just like ours.
    """
    root = Path(out) / machine
    for place in (Path(out), root):
        if place.exists() and not place.is_dir():
            raise SynthesisError(f"{place} is a file; choose another place")
    folders = sorted(root.iterdir()) if root.exists() else []
    if folders and not overwrite:
        raise SynthesisError(f"{root} is not empty; choose another place, or overwrite it (--force)")
    for folder in folders:
        if not _is_ours(folder):
            raise SynthesisError(
                f"{folder} was not written by tocsin synth, so it is not overwritten; choose another place"
            )
    return root


def clear(root: Path) -> None:
    """Delete what an earlier run wrote, and nothing else; folders that end up empty go too."""
    for folder in sorted(root.iterdir()) if root.exists() else []:
        for label in ("normal", "abnormal"):
            for file in (folder / label).glob("*.wav"):
                if re.fullmatch(r"\d{8}\.wav", file.name):
                    file.unlink()
        (folder / "labels.csv").unlink(missing_ok=True)
        (folder / "metadata.json").unlink()
        for emptied in (folder / "normal", folder / "abnormal", folder):
            if emptied.is_dir() and not any(emptied.iterdir()):
                emptied.rmdir()


def _is_ours(folder: Path) -> bool:
    try:
        metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(metadata, dict) and metadata.get("generator") == GENERATOR
