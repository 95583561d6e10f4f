# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Files of a recording: clips in MIMII's layout, each whole under its name or not there at all."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import wave
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..errors import DataError, reason

_NUMBER = re.compile(r"\d{8}$")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]*$")


def clip_folder(root: Path, machine: str, identity: str, label: str) -> Path:
    """Folder of the clips below `root`, as ``tocsin train`` reads it.

    Raises
    ------
    DataError
        A name cannot be that of a folder.
    """
    if not _NAME.match(machine):
        raise DataError(f"--machine {machine!r}: use letters, digits, '.', '_' and '-'")
    if not re.fullmatch(r"\d+", identity):
        raise DataError(f"--id {identity!r}: a number, such as 00")
    return root / machine / f"id_{identity}" / label


def describe(folder: Path, domain: str, rate: int, channels: int, full_scale: float) -> None:
    """Write ``metadata.json`` beside the clips' folder, or make sure that the one there says the same.

    Raises
    ------
    DataError
        The clips that are there already are of another kind.
    """
    path = folder.parent / "metadata.json"
    said = {"domain": domain, "rate": rate, "full_scale": full_scale}
    if path.exists():
        try:
            there = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{path} is not readable JSON ({error})") from error
        found = {key: there.get(key) if isinstance(there, dict) else None for key in said}
        if found != said:
            raise DataError(f"{path} describes other recordings ({found}) than these ({said}). Choose another folder.")
        return
    names = ["x", "y", "z"][:channels] if domain == "vibration" else ["mono"][:channels]
    units = "g" if domain == "vibration" else "FS"
    content = said | {"channels": names, "units": units, "bits": 16, "recorder": f"tocsin record {__version__}"}
    folder.parent.mkdir(parents=True, exist_ok=True)
    _place(path, (json.dumps(content, indent=2) + "\n").encode())


class ClipWriter:
    """Cuts samples into clips and writes them, in a thread of its own: a slow disk does not hold up the link.

    Parameters
    ----------
    folder : Path
        Where; made when the first clip is. What is there already is never overwritten, numbers go on.
    clip_frames : int
        Frames of a clip.
    rate, channels : int
        Of the samples.
    about : dict
        What the JSON beside each clip says of all of them.
    begun : datetime
        When the frame `first` came, UTC.
    first : int
        Index of the first frame.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clip_frames: int,
        rate: int,
        channels: int,
        about: dict[str, Any],
        begun: datetime,
        first: int,
    ) -> None:
        self._folder = folder
        self._clip_frames = clip_frames
        self._rate = rate
        self._channels = channels
        self._about = about
        self._begun = begun
        self._first = first
        self._pieces: list[NDArray[np.int16]] = []
        self._index = first
        self._held = 0
        self._gaps: list[dict[str, Any]] = []
        self._number = 0
        self._thread = ThreadPoolExecutor(1)
        self._written: list[Future[Path]] = []

    def add(self, index: int, samples: NDArray[np.int16]) -> None:
        """Take the next frames, shape (n, channels), which begin at `index`."""
        assert index == self._index + self._held, "samples out of order"
        while len(samples):
            part = samples[: self._clip_frames - self._held]
            self._pieces.append(part)
            self._held += len(part)
            samples = samples[len(part) :]
            if self._held == self._clip_frames:
                self._finish("length")

    def gap(self, index: int, count: int, reasons: list[str]) -> None:
        """Take note that `count` frames from `index` on are missing: a clip ends before, another begins after."""
        assert index == self._index + self._held, "gap out of order"
        self._finish("gap")
        self._gaps.append({"index": index, "count": count, "reasons": reasons})
        self._index = index + count

    def close(self, why: str = "end") -> list[Path]:
        """Write what is held, wait for the disk, and give the clips written.

        Raises
        ------
        DataError
            Something could not be written.
        """
        self._finish(why)
        self._thread.shutdown()
        return [self._result(future) for future in self._written]

    def _finish(self, why: str) -> None:
        if self._held:
            for future in self._written:
                if future.done():
                    self._result(future)  # a full disk is told now, not in the end
            samples = np.concatenate(self._pieces)
            start = self._begun + timedelta(seconds=(self._index - self._first) / self._rate)
            about = self._about | {
                "start_index": self._index,
                "frames": self._held,
                "start_utc": start.isoformat(timespec="milliseconds"),
                "gaps_before": self._gaps,
                "ended_by": why,
            }
            self._written.append(self._thread.submit(self._write, samples, about))
            self._gaps = []
        self._index += self._held
        self._held = 0
        self._pieces = []

    def _result(self, future: Future[Path]) -> Path:
        try:
            return future.result()
        except OSError as error:
            raise DataError(f"{error.filename or self._folder}: {reason(error)}") from error

    def _write(self, samples: NDArray[np.int16], about: dict[str, Any]) -> Path:
        """Write one clip and its JSON under the next free number."""
        data = np.ascontiguousarray(samples, "<i2").tobytes()
        sound = io.BytesIO()
        with wave.open(sound, "wb") as out:
            out.setnchannels(self._channels)
            out.setsampwidth(2)
            out.setframerate(self._rate)
            out.writeframes(data)
        text = json.dumps(about | {"sha256": hashlib.sha256(data).hexdigest()}, indent=2) + "\n"
        self._folder.mkdir(parents=True, exist_ok=True)
        while True:
            self._number = max(self._number, _next_number(self._folder))
            path = self._folder / f"{self._number:08d}.wav"
            self._number += 1
            # The JSON first: it claims the number, and a clip is never without it.
            if _place(path.with_suffix(".json"), text.encode()) and _place(path, sound.getvalue()):
                return path


def _next_number(folder: Path) -> int:
    taken = [int(path.stem) for path in folder.iterdir() if _NUMBER.match(path.stem)]
    return max(taken, default=-1) + 1


def _place(path: Path, data: bytes) -> bool:
    """Write a file that appears under its name only when it is whole; False where the name is taken."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        return _name(part, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()


def _name(part: Path, path: Path, link: Callable[[Path, Path], None] = os.link) -> bool:
    """Give a file its name, unless that is taken."""
    try:
        link(part, path)
    except FileExistsError:
        return False
    except OSError:
        # No hard links here (FAT, some network drives): the name is looked up first, which is all that can be done.
        if path.exists():
            return False
        part.rename(path)
    return True
