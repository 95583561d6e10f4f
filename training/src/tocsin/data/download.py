# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Download public data sets: ask the record, fetch with resume, check, unpack.

Nothing that comes over the network is trusted: a file's name must be a plain one, its content must have the
checksum that the record states, and an archive with a member outside its folder is refused as a whole.
"""

from __future__ import annotations

import json
import re
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from ..errors import DataError, reason
from .registry import SETS, PublicSet

API = "https://zenodo.org/api/records"
TIMEOUT = 30
# What is lost of a download that breaks off is less than this.
CHUNK = 1 << 16
_RECORD = ".tocsin-download.json"
_NAME = re.compile(r"[A-Za-z0-9-][\w. ()+-]*$")


@dataclass(frozen=True)
class RemoteFile:
    """A file of a record; `size` in bytes, `checksum` in hex by `algorithm`, both empty where it states none."""

    name: str
    url: str
    size: int
    algorithm: str
    checksum: str


@dataclass(frozen=True)
class Plan:
    """What would be downloaded.

    Attributes
    ----------
    title
        For people.
    files
        Those that are not there yet.
    licences
        By page of the record.
    own_folders
        As in :class:`PublicSet`.
    """

    title: str
    files: tuple[RemoteFile, ...]
    licences: dict[str, str]
    own_folders: bool

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(file.size for file in self.files)

    @property
    def needed(self) -> int:
        """Bytes of disk, roughly: what unpacked sound takes is known when its archive is there."""
        return 2 * self.size


def _ask(record: int) -> Any:
    """The record as its host describes it."""
    import requests

    url = f"{API}/{record}"
    try:
        reply = requests.get(url, timeout=TIMEOUT)
        reply.raise_for_status()
        return reply.json()
    except (requests.RequestException, ValueError) as error:
        raise DataError(f"{url} did not answer as it should ({error}). Check the connection and try again.") from error


def _remote_file(record: int, said: Any) -> RemoteFile:
    try:
        name, size = str(said["key"]), int(said["size"])
        algorithm, _, checksum = str(said.get("checksum") or "").partition(":")
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise DataError(f"Record {record} describes a file in an unknown way ({said!r:.80}).") from error
    if not _NAME.match(name) or size < 0:
        raise DataError(f"Record {record} has a file with the name {name!r}, which is not a plain one. Refused.")
    if algorithm not in ("md5", "sha256") or not re.fullmatch(r"[0-9a-f]{32}|[0-9a-f]{64}", checksum):
        algorithm = checksum = ""
    return RemoteFile(name, f"{API}/{record}/files/{quote(name)}/content", size, algorithm, checksum)


def _done(folder: Path) -> dict[str, str]:
    """Names and checksums of what is unpacked in `folder` already."""
    try:
        content = json.loads((folder / _RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def plan(name: str, patterns: Sequence[str], folder: Path) -> Plan:
    """What :func:`fetch` would download of the set `name` into `folder`: files that match one of `patterns`, or all.

    Raises
    ------
    DataError
        There is no such set or file, or the record cannot be asked.
    """
    known: PublicSet | None = SETS.get(name)
    if known is None:
        raise DataError(f"No public data set is called {name}. `tocsin data list` lists them.")
    files: list[RemoteFile] = []
    licences: dict[str, str] = {}
    for record in known.records:
        content = _ask(record)
        if not isinstance(content, dict) or not isinstance(content.get("files"), list):
            raise DataError(f"{API}/{record} does not list files. Is the record public?")
        about = content.get("metadata")
        licence = about.get("license") if isinstance(about, dict) else None
        stated = str(licence.get("id", "")) if isinstance(licence, dict) else ""
        licences[f"zenodo.org/records/{record}"] = stated or "not stated; see the record's page and its LICENSE file"
        files += [_remote_file(record, said) for said in content["files"]]
    chosen = [f for f in files if not patterns or any(fnmatchcase(f.name, pattern) for pattern in patterns)]
    if not chosen:
        names = ", ".join(file.name for file in files)
        raise DataError(f"No file is called {', '.join(patterns)}. There are: {names}.")
    done = _done(folder)
    left = [f for f in chosen if not (f.name in done and done[f.name] == f.checksum)]
    return Plan(known.title, tuple(left), licences, known.own_folders)


def _check_space(folder: Path, needed: int, what: str) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"{what} takes {needed / 1e9:.2f} GB, and {folder} has {free / 1e9:.2f} GB free. Make room, choose"
            " another folder with -o, or fewer files with --files."
        )


def _resume(url: str, part: Path, size: int) -> None:
    """Load `url` to the end into `part`, going on after what `part` holds.

    Raises
    ------
    DataError
        The connection broke, or the file ended early; what came stays in `part`.
    """
    import requests

    have = part.stat().st_size if part.exists() else 0
    if have > size:
        part.unlink()
        have = 0
    if have == size and have:
        return
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as reply:
            reply.raise_for_status()
            # A server that knows no ranges answers 200 with the whole.
            goes_on = reply.status_code == requests.codes.partial_content
            with part.open("ab" if goes_on else "wb") as file:
                for block in reply.iter_content(CHUNK):
                    file.write(block)
    except requests.RequestException as error:
        got = part.stat().st_size if part.exists() else 0
        raise DataError(f"{url} broke off after {got} of {size} bytes ({error}). Give the command again.") from error
    got = part.stat().st_size
    if got != size:
        raise DataError(f"{url} ended after {got} of {size} bytes. Give the command again: it goes on from there.")


def _load(file: RemoteFile, folder: Path) -> Path:
    """Download one file, and check it.

    Raises
    ------
    DataError
        It did not come whole, or is not what the record says; then it is removed.
    """
    import pooch

    part = folder / f"{file.name}.part"

    def downloader(url: str, output: Any, _: Any) -> None:
        _resume(url, part, file.size)
        part.replace(str(output))

    known = f"{file.algorithm}:{file.checksum}" if file.checksum else None
    try:
        return Path(pooch.retrieve(file.url, known_hash=known, fname=file.name, path=folder, downloader=downloader))
    except ValueError as error:
        raise DataError(
            f"{file.name} does not have the checksum {known} that its record states, and was removed. Give the command"
            " again; if it stays so, the file at the host is another."
        ) from error


def check_members(archive: zipfile.ZipFile) -> int:
    """Bytes that the members of `archive` unpack to.

    Raises
    ------
    DataError
        A member would land outside the folder that it is unpacked to, or is a link.
    """
    total = 0
    for member in archive.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))
        outside = path.is_absolute() or ".." in path.parts or ":" in member.filename
        if outside or stat.S_ISLNK(member.external_attr >> 16):
            raise DataError(f"{archive.filename} holds {member.filename!r}, which leads outside. Refused as a whole.")
        total += member.file_size
    return total


def unpack(path: Path, folder: Path) -> None:
    """Unpack a ``.zip`` into `folder`.

    Raises
    ------
    DataError
        It is damaged, leads outside, or there is no room.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_space(folder, check_members(archive), f"Unpacked, {path.name}")
            archive.extractall(folder)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{path} cannot be unpacked ({error}). Remove it and give the command again.") from error


def fetch(wanted: Plan, folder: Path, *, keep: bool, step: Callable[[str], None]) -> Iterator[str]:
    """Download and unpack what :func:`plan` found; yields a sentence for each file.

    Parameters
    ----------
    wanted
        What to load.
    folder
        Where to; made where it does not exist.
    keep
        Keep the archives.
    step
        Called after each file.

    Raises
    ------
    DataError
        As :func:`plan`; there is no room; or a file is not what its record says. What was done stays.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder} cannot be made: {reason(error)}.") from error
    _check_space(folder, wanted.needed, "This download")
    for file in wanted.files:
        path = _load(file, folder)
        checked = f"{file.algorithm} agrees" if file.checksum else "unchecked: its record states no checksum"
        if path.suffix == ".zip":
            target = folder / path.stem if wanted.own_folders else folder
            target.mkdir(exist_ok=True)
            unpack(path, target)
            (folder / _RECORD).write_text(json.dumps(_done(folder) | {file.name: file.checksum}), "utf-8")
            if not keep:
                path.unlink()
            yield f"{file.name}: {checked}, unpacked to {target}"
        else:
            more = (
                f"; when all parts are there, unpack with: 7z x {path.with_suffix('.001')}"
                if ".7z." in path.name
                else ""
            )
            yield f"{file.name}: {checked}{more}"
        step(file.name)
