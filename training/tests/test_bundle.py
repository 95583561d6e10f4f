# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Bundles: round trip of every kind, every documented error, and the file on disk."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import KINDS, LOGMEL, STATS, bundle_of, parts_of
from tocsin import _core
from tocsin.bundle import AutoencoderModel, Decision, KMeansModel, Normalisation, read_bundle, write_bundle
from tocsin.bundle.bundle import _replace_file
from tocsin.errors import BundleError

HEADER = 32


def sealed(raw: bytes | bytearray) -> bytes:
    """The bundle with its checksums made right again, by zlib."""
    data = bytearray(raw)
    data[24:28] = struct.pack("<I", zlib.crc32(data[HEADER:]))
    data[28:32] = struct.pack("<I", zlib.crc32(data[:28]))
    return bytes(data)


def sections(raw: bytes) -> dict[bytes, tuple[int, int, int]]:
    """Of each section: where its table entry lies, its offset and its size; read here, not by the parser."""
    (count,) = struct.unpack_from("<I", raw, 16)
    entries = {}
    for at in range(HEADER, HEADER + 16 * count, 16):
        name, offset, size, _ = struct.unpack_from("<4sIII", raw, at)
        entries[name] = (at, offset, size)
    return entries


def patched(raw: bytes, at: int, layout: str, *values) -> bytes:
    data = bytearray(raw)
    struct.pack_into(layout, data, at, *values)
    return sealed(data)


def assert_same(found: object, expected: object) -> None:
    """Two models are equal in every field, heads and members included."""
    assert type(found) is type(expected)
    for name, value in vars(expected).items():
        if isinstance(value, float):
            value = float(np.float32(value))
        if name == "members":
            for member, other in zip(found.members, value, strict=True):
                assert_same(member, other)
        elif name == "head" and value is not None:
            assert_same(found.head, value)
        else:
            np.testing.assert_array_equal(getattr(found, name), value, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_written_is_read(kind):
    parts = parts_of(kind)
    raw = write_bundle(None, **parts)
    bundle = read_bundle(raw)
    assert bundle.features == parts["features"]
    assert bundle.decision == parts["decision"]
    assert bundle.meta == {"name": kind}
    assert bundle.kind == kind.split("_")[0]
    assert bundle.raw == raw
    assert bundle.size == len(raw)
    assert bundle.crc == zlib.crc32(raw[HEADER:])
    np.testing.assert_array_equal(bundle.normalisation.mean, parts["normalisation"].mean)
    np.testing.assert_array_equal(bundle.normalisation.inv_std, parts["normalisation"].inv_std)
    assert_same(bundle.model, parts["model"])
    again = write_bundle(
        None,
        features=bundle.features,
        normalisation=bundle.normalisation,
        model=bundle.model,
        decision=bundle.decision,
        meta=bundle.meta,
    )
    assert again == raw


def test_layout_is_that_of_the_page():
    raw = write_bundle(None, **parts_of("kmeans", LOGMEL))
    assert raw[:8] == b"TOCSIN\r\n"
    major, minor, size, count, version, crc = struct.unpack_from("<HHIIII", raw, 8)
    assert (major, minor, size, version) == (1, 0, len(raw), 2)
    assert crc == zlib.crc32(raw[HEADER:])
    assert struct.unpack_from("<I", raw, 28)[0] == zlib.crc32(raw[:28])
    table = sections(raw)
    assert list(table) == [b"SENS", b"FEAT", b"WIND", b"SINE", b"BAND", b"NORM", b"KMNS", b"DECD", b"meta"]
    assert count == len(table)
    assert all(offset % 16 == 0 for _, offset, _ in table.values())
    assert struct.unpack_from("<IIIf", raw, table[b"SENS"][1]) == (1, 8000, 1, 1 / 32768)
    fields = struct.unpack_from("<6If5I", raw, table[b"FEAT"][1])
    weights = sum(band.count for band in LOGMEL.bands)
    assert fields == (256, 128, 0, 1, 256, 8, np.float32(1e-10), 1, 4, 1, weights, 0)
    assert [table[name][2] for name in (b"WIND", b"SINE", b"BAND")] == [4 * 129, 4 * 256, 4 * 8 + 4 * weights]
    assert struct.unpack_from("<IIff", raw, table[b"DECD"][1]) == (3, 2, 5.0, 4.0)


@pytest.mark.parametrize("kind", ["kmeans", "autoencoder"])
def test_cut_at_every_byte(kind):
    raw = write_bundle(None, **parts_of(kind))
    for size in range(0, len(raw), 1 if kind == "kmeans" else 97):
        with pytest.raises(BundleError, match="truncated"):
            read_bundle(raw[:size])


def test_every_byte_counts():
    raw = write_bundle(None, **parts_of("kmeans"))
    for at in range(len(raw)):
        data = bytearray(raw)
        data[at] ^= 0x10
        with pytest.raises(BundleError) as caught:
            read_bundle(bytes(data))
        expected = "not_a_bundle" if at < 8 else "corrupt"
        assert caught.value.__cause__.args[0] == expected, at


def test_what_follows_the_bundle_is_left_out():
    raw = write_bundle(None, **parts_of("kmeans"))
    assert read_bundle(raw + b"\xff" * 100).raw == raw


ERRORS = {
    "not_a_bundle": lambda raw: b"RIFF" + raw[4:],
    "truncated": lambda raw: raw[:-1],
    "corrupt header": lambda raw: raw[:20] + b"\x00" + raw[21:],
    "corrupt content": lambda raw: raw[:-20] + b"\xaa" + raw[-19:],
    "too_new major": lambda raw: patched(raw, 8, "<H", 2),
    "too_new section": lambda raw: patched(raw, sections(raw)[b"meta"][0], "<4s", b"NEWS"),
    "feature_version": lambda raw: patched(raw, 20, "<I", 1),
    "malformed sensor": lambda raw: patched(raw, sections(raw)[b"SENS"][1], "<I", 3),
    "malformed channels": lambda raw: patched(raw, sections(raw)[b"SENS"][1] + 8, "<I", 2),
    "malformed hop": lambda raw: patched(raw, sections(raw)[b"FEAT"][1] + 4, "<I", 0),
    "malformed norm": lambda raw: patched(raw, sections(raw)[b"NORM"][1], "<f", float("nan")),
    "malformed k": lambda raw: patched(raw, sections(raw)[b"KMNS"][1], "<I", 257),
    "malformed decision": lambda raw: patched(raw, sections(raw)[b"DECD"][1] + 12, "<f", 1e9),
    "malformed offset": lambda raw: patched(raw, sections(raw)[b"NORM"][0] + 4, "<I", 8),
    "malformed twice": lambda raw: patched(raw, sections(raw)[b"FEAT"][0], "<4s", b"SENS"),
    "malformed no model": lambda raw: patched(raw, sections(raw)[b"KMNS"][0], "<4s", b"kmns"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_each_error_says_what_and_what_to_do(name, tmp_path):
    path = tmp_path / "fan.tocsin"
    path.write_bytes(ERRORS[name](write_bundle(None, **parts_of("kmeans"))))
    with pytest.raises(BundleError) as caught:
        read_bundle(path)
    kind, text = caught.value.__cause__.args
    assert kind == name.split()[0]
    message = str(caught.value)
    assert message.startswith(f"{path}: {text}; ")
    assert len(message.split("; ", 1)[1]) > 10


def test_errors_are_told_apart():
    raw = write_bundle(None, **parts_of("kmeans"))
    messages = set()
    for make in ERRORS.values():
        with pytest.raises(_core.BundleParseError) as caught:
            _core.Bundle(make(raw))
        messages.add(caught.value.args)
    assert len({kind for kind, _ in messages}) == len({text for _, text in messages}) == 6


@pytest.mark.parametrize(
    ("meta", "message"),
    [(b"\xff\xfe\x00\x01", "is not JSON"), (b"{,,}", "is not JSON"), (b"[1] ", "not one JSON object")],
)
def test_a_damaged_training_record_is_told(meta, message):
    raw = write_bundle(None, **(parts_of("kmeans") | {"meta": {"a": 1}}))
    at, offset, _ = sections(raw)[b"meta"]
    data = bytearray(raw[:offset]) + meta.ljust(16, b"\0")
    struct.pack_into("<I", data, at + 8, len(meta))
    struct.pack_into("<I", data, 12, len(data))
    with pytest.raises(BundleError, match=message):
        read_bundle(sealed(data))


@given(junk=st.binary(max_size=300))
def test_junk_is_refused_and_nothing_else(junk):
    with pytest.raises(BundleError):
        read_bundle(junk)


@given(data=st.data())
def test_sealed_damage_is_refused_or_runs(data):
    from tocsin.twin import Twin

    raw = bytearray(write_bundle(None, **parts_of("kmeans")))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(HEADER, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        bundle = read_bundle(sealed(raw))
    except BundleError:
        return
    Twin(bundle).push(np.zeros((200, bundle.features.channels), np.int16))


def test_the_crc_is_zlibs(rng):
    data = rng.bytes(1000)
    assert _core.crc32(data) == zlib.crc32(data)
    assert _core.crc32(data[300:], _core.crc32(data[:300])) == zlib.crc32(data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"normalisation": Normalisation(np.zeros(3), np.ones(3))}, "normalisation has 3 values"),
        ({"model": KMeansModel(np.zeros((2, 5)))}, "model takes 5 values"),
        ({"model": KMeansModel(np.zeros((300, STATS.n_vector)))}, "firmware would refuse"),
        ({"decision": Decision(0, 1, 1.0, 0.5)}, "firmware would refuse"),
        ({"decision": Decision(1, 1, 0.5, 1.0)}, "firmware would refuse"),
        ({"decision": Decision(1, 1, float("inf"), 1.0)}, "firmware would refuse"),
        ({"decision": Decision(-1, 1, 0.5, 0.5)}, "decision is out of range"),
        ({"decision": Decision(1, 1, 1e39, 0.5)}, "decision is out of range"),
        ({"model": AutoencoderModel(b"", 0.1, 0, 0.1, 0, -1)}, "out of range"),
        ({"meta": {"auc": float("nan")}}, "cannot be written as JSON"),
        ({"meta": {"path": object()}}, "object is not JSON"),
    ],
)
def test_what_does_not_fit_is_not_written(change, message, tmp_path):
    path = tmp_path / "fan.tocsin"
    path.write_bytes(b"before")
    with pytest.raises(BundleError, match=message):
        write_bundle(path, **(parts_of("kmeans") | change))
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["fan.tocsin"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "fan.tocsin"
    write_bundle(path, **parts_of("kmeans"))
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BundleError, match="the disk is full"):
        write_bundle(path, **parts_of("gmm_full"))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["fan.tocsin"]


def test_files(tmp_path):
    path = tmp_path / "fan.tocsin"
    raw = write_bundle(path, **(parts_of("kmeans") | {"meta": {"auc": np.float64(0.75), "n": np.arange(2), "ä": "µ"}}))
    assert path.read_bytes() == raw
    assert path.stat().st_mode & 0o444 == 0o444 & ~os.umask(os.umask(0o022) or 0o022)
    assert read_bundle(str(path)).meta == {"auc": 0.75, "n": [0, 1], "ä": "µ"}
    with pytest.raises(BundleError, match="check the path"):
        read_bundle(tmp_path / "none.tocsin")
    with pytest.raises(BundleError, match="no such file or folder: check the path"):
        write_bundle(tmp_path / "no" / "fan.tocsin", **parts_of("kmeans"))


def test_arrays_outlive_the_bundle():
    mean = bundle_of("kmeans").native.mean
    expected = parts_of("kmeans")["normalisation"].mean
    np.testing.assert_array_equal(mean, expected)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    raw = bytes(range(256))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        _replace_file(pipe, raw)
        assert os.read(end, 1000) == raw
    finally:
        os.close(end)
    assert pipe.is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full on this system")
def test_a_device_that_is_full_is_named(tmp_path: Path) -> None:
    link = tmp_path / "full"
    link.symlink_to("/dev/full")
    with pytest.raises(BundleError, match="full"):
        _replace_file(link, b"x")
    assert Path("/dev/full").is_char_device()
    assert link.is_symlink()
