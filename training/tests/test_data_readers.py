# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Readers of files: every format gives its recording in pieces, in the file's own numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tocsin.data import Clip, Dataset, Issues, ReadOptions
from tocsin.data.reader import lean
from tocsin.data.readers import (
    ArrayReader,
    Reader,
    Source,
    SpooledReader,
    Stretch,
    array_names,
    count_recordings,
    open_reader,
    suffixes,
)
from tocsin.errors import DataError

RATE = 16000


def rows(count: int, channels: int = 2) -> np.ndarray:
    return np.random.default_rng(count).integers(-30000, 30000, (count, channels)).astype(np.float64)


def with_a_gap(values: np.ndarray, how: str) -> Reader:
    stretches = [Stretch(0, 300), Stretch(1000, 700)]
    if how == "array":
        return ArrayReader(values, stretches=stretches)
    return SpooledReader(np.array_split(values, 7), stretches=stretches)


@pytest.mark.parametrize("how", ["array", "spool"])
def test_missing_samples_have_indices(how: str) -> None:
    values = rows(1000)
    reader = with_a_gap(values, how)
    assert reader.samples == 1000
    assert np.array_equal(reader.read(100, 200), values[100:300])
    assert np.array_equal(reader.read(1000, 700), values[300:])
    assert np.array_equal(reader.read(1699, 1), values[999:])
    assert np.array_equal(reader.read_all(), values)
    for begin, count in ((299, 2), (300, 1), (999, 2), (1699, 2), (-1, 2)):
        with pytest.raises(DataError, match="in one piece"):
            reader.read(begin, count)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_sound_is_read_in_pieces_at_int16_scale(tmp_path: Path, subtype: str) -> None:
    values = rows(5000)
    soundfile.write(tmp_path / "a.wav", values / 32768, RATE, subtype=subtype)
    reader = open_reader(Source(tmp_path / "a.wav"))
    assert (reader.rate, reader.channels, reader.unit) == (RATE, 2, "digits")
    assert np.array_equal(reader.read(4000, 1000), values[4000:])
    assert np.array_equal(reader.read(17, 100), values[17:117])
    assert np.array_equal(reader.read_all(), values)


def test_arrays_and_tables(tmp_path: Path) -> None:
    values = rows(600, 3).reshape(3, 200, 3)
    np.savez(tmp_path / "a.npz", fan_normal=values, rate=400)
    assert array_names(tmp_path / "a.npz") == ["fan_normal"]
    assert count_recordings(tmp_path / "a.npz", "fan_normal") == 3
    reader = open_reader(Source(tmp_path / "a.npz", "fan_normal", 2))
    assert (reader.rate, reader.channels, reader.unit) == (400, 3, None)
    assert np.array_equal(reader.read(50, 100), values[2, 50:150])
    np.savetxt(tmp_path / "b.csv", values[0], delimiter=",", header="x,y,z", comments="")
    reader = open_reader(Source(tmp_path / "b.csv", columns=("y",)))
    assert np.array_equal(reader.read(150, 50), values[0, 150:, 1:2])
    assert array_names(tmp_path / "b.csv") == []


def test_a_clip_is_a_piece_of_its_file(tmp_path: Path) -> None:
    values = rows(5000, 1)
    soundfile.write(tmp_path / "a.wav", values / 32768, RATE, subtype="PCM_16")
    dataset = Dataset(tmp_path, "audio", (), (), ReadOptions(rate=RATE))
    clip = Clip("a@1000", tmp_path / "a.wav", "normal", "fan", begin=1000, count=2000)
    assert np.array_equal(dataset.read(clip, Issues()), values[1000:3000, 0])


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1\n2\n")
    assert open_reader(Source(path)).samples == 2
    path.write_text("1\n2\n3\n")
    assert open_reader(Source(path)).samples == 3


def test_formats_by_suffix(tmp_path: Path) -> None:
    assert {".wav", ".flac"} <= suffixes("sound")
    assert {".csv", ".npz"} <= suffixes("numbers")
    (tmp_path / "a.xyz").write_text("")
    with pytest.raises(DataError, match=r"not a kind of recording that is understood \(.xyz\)"):
        open_reader(Source(tmp_path / "a.xyz"))


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000])
def test_a_piece_is_resampled_as_within_its_whole(tmp_path: Path, rate: int) -> None:
    """No edge in the middle of a recording: a filter that starts anew at a cut would ring there."""
    values = rows(6 * rate, 1)
    soundfile.write(tmp_path / "a.wav", values / 32768, rate, subtype="PCM_16")
    dataset = Dataset(tmp_path, "audio", (), (), ReadOptions(rate=RATE))
    clip = Clip("a", tmp_path / "a.wav", "normal", "fan")
    whole = dataset.read(clip, Issues())
    for second in range(6):
        piece = dataset.read(replace(clip, begin=second * rate, count=rate), Issues())
        assert np.array_equal(piece, whole[second * RATE : (second + 1) * RATE]), second


@pytest.mark.parametrize("rate", [RATE, 44100])
def test_a_stream_is_the_whole_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: int) -> None:
    monkeypatch.setattr("tocsin.data.dataset.PIECE", 4321)
    soundfile.write(tmp_path / "a.wav", rows(2 * rate, 2) / 32768, rate, subtype="PCM_16")
    dataset = Dataset(tmp_path, "audio", (), (), ReadOptions(rate=RATE))
    clip = Clip("a", tmp_path / "a.wav", "normal", "fan")
    issues, notes = Issues(), []
    pieces = list(dataset.stream(clip, notes))
    assert len(pieces) > 7
    assert np.array_equal(np.concatenate(pieces), dataset.read(clip, issues))
    assert notes == list(issues.notes)


def test_missing_samples_are_counted_at_the_new_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = rows(3 * 8000, 1)
    reader = ArrayReader(values, rate=8000, stretches=[Stretch(0, 8000), Stretch(20000, 16000)])
    monkeypatch.setattr(Dataset, "reader", lambda *_: reader)
    dataset = Dataset(tmp_path, "audio", (), (), ReadOptions(rate=RATE))
    pieces = list(dataset.stream(Clip("a", tmp_path / "a.wav", "normal", "fan"), []))
    assert [piece if isinstance(piece, int) else len(piece) for piece in pieces] == [16000, 24000, 32000]


def test_rates_that_no_sound_has_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", rows(100, 1) / 32768, 2, subtype="PCM_16")
    dataset = Dataset(tmp_path, "audio", (), (), ReadOptions(rate=RATE))
    with pytest.raises(DataError, match="claims 2 samples a second"):
        dataset.read(Clip("a", tmp_path / "a.wav", "normal", "fan"), Issues())


def test_a_large_array_is_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.data.reader.ARRAY_MAX", 1000)
    values = rows(1000)
    small = ArrayReader(values[:50], rate=5)
    assert lean(small) is small
    large = ArrayReader(values, rate=5, unit="mg", stretches=[Stretch(0, 300), Stretch(1000, 700)], notes=["told"])
    found = lean(large)
    assert isinstance(found, SpooledReader)
    assert (found.rate, found.unit, found.stretches, found.notes) == (5, "mg", large.stretches, ("told",))
    assert np.array_equal(found.read_all(), values)
    assert np.array_equal(found.read(1000, 700), values[300:])
