# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""`tocsin data get` against a server on this machine: resume, checks, space, archives that lead outside."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tocsin.cli import cli
from tocsin.data import download
from tocsin.data.registry import SETS


@dataclass
class Host:
    """What the server has, and what was asked of it."""

    files: dict[str, bytes] = field(default_factory=dict)
    stated: dict[str, str] = field(default_factory=dict)
    cut_at: int | None = None
    ranges: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def record(self) -> bytes:
        files = [
            {"key": name, "size": len(data), "checksum": self.stated.get(name, f"md5:{hashlib.md5(data).hexdigest()}")}
            for name, data in self.files.items()
        ]
        return json.dumps({"metadata": {"license": {"id": "cc-by-sa-4.0"}}, "files": files}).encode()


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    state = Host()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = self.path.split("/")
            wanted = self.headers.get("Range")
            if len(parts) == 3:
                body, status = state.record(), 200
            else:
                state.asked.append((parts[4], wanted))
                body, status = state.files[parts[4]], 200
                if wanted and state.ranges:
                    body, status = body[int(wanted.removeprefix("bytes=").rstrip("-")) :], 206
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if len(parts) == 3 or state.cut_at is None else body[: state.cut_at])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setattr(download, "API", f"http://127.0.0.1:{server.server_port}/records")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


def get(folder: Path, *more: str, name: str = "dcase2023", answer: str | None = None) -> Result:
    return CliRunner().invoke(
        cli, ["data", "get", name, "-o", str(folder), *more, *([] if answer else ["--yes"])], input=answer
    )


def mended(result: Result, text: str) -> None:
    """The command ended with a message for the user, not a traceback."""
    assert result.exit_code == 2, result.output
    assert text in result.output


def test_says_licence_size_and_checksum_first_and_asks(host: Host, tmp_path: Path) -> None:
    host.files["dev_fan.zip"] = archive(a=b"x" * 2_000_000)
    result = get(tmp_path / "d", answer="n\n")
    assert result.exit_code != 0
    assert "zenodo.org/records/7882613: licence cc-by-sa-4.0" in result.output
    assert "dev_fan.zip  2.0 MB  md5 " + hashlib.md5(host.files["dev_fan.zip"]).hexdigest() in result.output
    assert not (tmp_path / "d").exists()
    assert host.asked == []


def test_loads_checks_unpacks_and_does_not_load_again(host: Host, tmp_path: Path) -> None:
    host.files = {"dev_fan.zip": archive(**{"fan/train/a.wav": b"sound"}), "LICENSE.pdf": b"pdf", "dev_pump.zip": b""}
    result = get(tmp_path, "--files", "*fan*,LIC*")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "fan/train/a.wav").read_bytes() == b"sound"
    assert (tmp_path / "LICENSE.pdf").read_bytes() == b"pdf"
    assert not (tmp_path / "dev_fan.zip").exists()
    assert get(tmp_path, "--files", "*fan*").exit_code == 0
    assert [name for name, _ in host.asked] == ["dev_fan.zip", "LICENSE.pdf"]


def test_mimiis_archives_do_not_overwrite_each_other(host: Host, tmp_path: Path) -> None:
    for snr in ("-6", "6"):
        host.files[f"{snr}_dB_fan.zip"] = archive(**{"fan/id_00/normal/0.wav": snr.encode()})
    assert get(tmp_path, "--keep", name="mimii").exit_code == 0
    assert (tmp_path / "-6_dB_fan/fan/id_00/normal/0.wav").read_bytes() == b"-6"
    assert (tmp_path / "6_dB_fan/fan/id_00/normal/0.wav").read_bytes() == b"6"
    assert (tmp_path / "6_dB_fan.zip").exists()


@pytest.mark.parametrize("ranges", [True, False])
def test_a_truncated_download_goes_on(host: Host, tmp_path: Path, ranges: bool) -> None:
    data = host.files["LICENSE.pdf"] = bytes(range(256)) * 1000
    host.cut_at, host.ranges = 140_000, ranges
    mended(get(tmp_path), "broke off after 131072 of 256000 bytes")
    assert (tmp_path / "LICENSE.pdf.part").stat().st_size == 131072
    host.cut_at = None
    assert get(tmp_path).exit_code == 0
    assert host.asked == [("LICENSE.pdf", None), ("LICENSE.pdf", "bytes=131072-")]
    assert (tmp_path / "LICENSE.pdf").read_bytes() == data
    assert not (tmp_path / "LICENSE.pdf.part").exists()


def test_a_wrong_checksum_is_refused_and_removed(host: Host, tmp_path: Path) -> None:
    host.files["dev_fan.zip"] = archive(a=b"x")
    host.stated["dev_fan.zip"] = "md5:" + 32 * "0"
    mended(get(tmp_path), "does not have the checksum")
    assert not list(tmp_path.glob("*fan*"))


def test_a_file_without_a_checksum_is_called_unchecked(host: Host, tmp_path: Path) -> None:
    host.files["LICENSE.pdf"] = b"pdf"
    host.stated["LICENSE.pdf"] = ""
    result = get(tmp_path)
    assert result.exit_code == 0
    assert "UNCHECKED" in result.output


def test_no_space_is_told_before_anything_is_loaded(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.files["dev_fan.zip"] = archive(a=b"x" * 1000)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=500))
    mended(get(tmp_path), "Make room")
    assert host.asked == []


@pytest.mark.parametrize("member", ["../out.wav", "/abs.wav", "a/../../out.wav", "..\\out.wav", "C:\\out.wav"])
def test_an_archive_that_leads_outside_is_refused_as_a_whole(host: Host, tmp_path: Path, member: str) -> None:
    host.files["dev_fan.zip"] = archive(**{"fan/good.wav": b"x", member: b"y"})
    mended(get(tmp_path / "d"), "leads outside")
    assert not (tmp_path / "d/fan").exists()
    assert not (tmp_path / "out.wav").exists()


def test_a_link_in_an_archive_is_refused(host: Host, tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc")
    host.files["dev_fan.zip"] = out.getvalue()
    mended(get(tmp_path), "leads outside")


@pytest.mark.parametrize("name", ["../evil.zip", "/evil.zip", ".tocsin-download.json"])
def test_a_file_name_that_is_a_path_is_refused(host: Host, tmp_path: Path, name: str) -> None:
    host.files[name] = b"x"
    mended(get(tmp_path), "not a plain one")


def test_a_damaged_archive_is_told(host: Host, tmp_path: Path) -> None:
    host.files["dev_fan.zip"] = b"PK no archive"
    mended(get(tmp_path), "cannot be unpacked")


def test_mistakes_of_the_user(host: Host, tmp_path: Path) -> None:
    mended(get(tmp_path, name="nothing"), "tocsin data list")
    host.files["dev_fan.zip"] = b""
    mended(get(tmp_path, "--files", "valve*"), "There are: dev_fan.zip")


def test_an_unreachable_host_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(download, "API", "http://127.0.0.1:1/records")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    mended(get(tmp_path), "Check the connection")


def test_list_names_every_set() -> None:
    result = CliRunner().invoke(cli, ["data", "list", "--json"])
    assert [row["name"] for row in json.loads(result.output)] == list(SETS)
    assert "mimii" in CliRunner().invoke(cli, ["data", "list"]).output
