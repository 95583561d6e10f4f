# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Long recordings, and those with gaps, become clips; a split parts them by recording, else by time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from recordings import RATE, hum, write
from tocsin.alarm.threshold import parse_rate
from tocsin.bundle import read_bundle
from tocsin.cli import cli
from tocsin.data import Clip, Dataset, Issues, ReadOptions, open_dataset, split_clips
from tocsin.data.cutting import cut, pieces, place
from tocsin.data.readers import ArrayReader, Reader, Stretch
from tocsin.errors import DataError
from tocsin.features.frontend import FrontEnd
from tocsin.learn.kinds import KINDS
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import choose_features, is_stacked

LOW = 1000
"""Hz: long recordings of few samples."""


def whole(name: str = "a.wav") -> Clip:
    return Clip(name, Path(name), "normal", "fan")


def numbers(count: int, stretches: list[Stretch] | None = None) -> Reader:
    return ArrayReader(np.zeros((count, 1)), rate=LOW, stretches=stretches)


def cut_one(reader: Reader, clip_seconds: float | None = None) -> list[tuple[str, int, int]]:
    done = cut([whole()], lambda _: reader, rate=LOW, resampled=True, clip_seconds=clip_seconds)
    return [(clip.name, clip.begin, clip.count) for clip in done.clips]


def test_a_minute_stays_whole_and_more_becomes_clips_of_ten_seconds() -> None:
    assert cut_one(numbers(60 * LOW)) == [("a.wav", 0, -1)]
    found = cut_one(numbers(65 * LOW))
    assert [begin for _, begin, _ in found] == [0, 10000, 20000, 30000, 40000, 50000]
    assert found[0] == ("a.wav@0:00:00", 0, 10000)
    assert found[-1] == ("a.wav@0:00:50", 50000, 15000)  # what is left over joins the last


def test_clips_of_the_length_asked_for() -> None:
    assert [count for *_, count in cut_one(numbers(5 * LOW), 1.5)] == [1500, 1500, 2000]
    assert cut_one(numbers(2 * LOW), 1.5) == [("a.wav", 0, -1)]


def test_no_clip_spans_a_gap() -> None:
    stretches = [Stretch(0, 3000), Stretch(5000, 70000), Stretch(90000, 0), Stretch(100000, 1500)]
    found = cut_one(numbers(74500, stretches))
    assert found[0] == ("a.wav@0:00:00", 0, 3000)
    assert found[1] == ("a.wav@0:00:05", 5000, 10000)
    assert found[-1] == ("a.wav@0:01:40", 100000, 1500)
    assert sum(count for *_, count in found) == 74500
    assert all(any(s.begin <= begin and begin + count <= s.end for s in stretches) for _, begin, count in found)


def test_pieces_of_a_long_recording_are_cut_though_each_is_short() -> None:
    """Two gaps in 150 s of healthy running left too little to train on."""
    found = cut_one(numbers(145000, [Stretch(0, 50000), Stretch(55000, 45000), Stretch(101000, 50000)]))
    assert [count for *_, count in found] == [10000] * 8 + [15000] + [10000] * 5


def test_gaps_are_told_once() -> None:
    stretches = [Stretch(0, 3000), Stretch(5000, 3000)]
    own = ArrayReader(np.zeros((6000, 1)), rate=LOW, stretches=stretches, notes=["with rows missing in a gap"])
    for reader in (own, numbers(6000, stretches)):
        done = cut([whole()], lambda _, reader=reader: reader, rate=LOW, resampled=True, clip_seconds=None)
        assert sum("gap" in line for line in done.told) == 1


def test_short_pieces_between_gaps_are_left_out_and_told() -> None:
    """They are no bad recordings, and do not choose how long windows are."""
    reader = numbers(5300, [Stretch(0, 100), Stretch(200, 200), Stretch(1000, 5000)])
    done = cut([whole()], lambda _: reader, rate=LOW, resampled=True, clip_seconds=None)
    assert [(clip.begin, clip.count) for clip in done.clips] == [(1000, 5000)]
    assert "with 0.3 s left out in short pieces between gaps" in done.told[1]
    # Where there are no longer ones, they are all there is.
    assert len(cut_one(numbers(300, [Stretch(0, 100), Stretch(200, 200)]))) == 2
    assert cut_one(numbers(0, [Stretch(0, 0), Stretch(9, 0)])) == [("a.wav", 0, -1)]


def test_every_sample_is_in_one_clip() -> None:
    for count in (1, 99, 100, 101, 199, 200, 1000, 1001):
        parts = list(pieces(7, count, 100))
        assert parts[0][0] == 7
        assert [a + n for a, n in parts[:-1]] == [a for a, _ in parts[1:]]
        assert sum(n for _, n in parts) == count


def test_places_are_told_apart() -> None:
    assert [place(s) for s in (0, 59.9999999, 3661, 130.5)] == ["0:00:00", "0:01:00", "1:01:01", "0:02:10.5"]


def test_told_with_the_option_that_changes_it(tmp_path: Path) -> None:
    write(tmp_path / "normal/a.wav", hum(0, seconds=70, rate=LOW), rate=LOW)
    write(tmp_path / "normal/b.wav", hum(1, seconds=3, rate=LOW), rate=LOW)
    dataset = open_dataset(tmp_path, ReadOptions(sensor="audio"))
    assert len(dataset.clips) == 8
    assert dataset.notes == ("1 long recording cut into 7 clips of 10 s (--clip-seconds)",)
    lengths = {len(dataset.read(clip, Issues())) for clip in dataset.clips}
    assert lengths == {10 * RATE, 3 * RATE}


def of_recording(name: str, count: int, size: int = 100) -> list[Clip]:
    return [replace(whole(f"{name}@{i:04}"), recording=name, begin=i * size, count=size) for i in range(count)]


def test_several_recordings_are_parted_as_wholes() -> None:
    clips = [clip for name in "abcdefgh" for clip in of_recording(name, 10)]
    found = split_clips(clips, seed=0)
    parts = [{clip.recording for clip in part} for part in (found.fit, found.validation, found.test)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 8
    assert found.between == []


def test_one_recording_is_parted_by_time_with_gaps() -> None:
    found = split_clips(of_recording("a", 60), seed=0)
    fit, held, test, lost = (
        [clip.begin // 100 for clip in part] for part in (found.fit, found.validation, found.test, found.between)
    )
    assert sorted(fit + held + test + lost) == list(range(60))
    assert len(test) == 15
    assert fit == list(range(len(fit)))
    assert max(fit) + 1 < min(held)
    assert max(held) + 1 < min(test)
    assert len(lost) == 2
    assert found == split_clips(of_recording("a", 60), seed=1)


def test_microphones_of_one_recording_are_parted_at_one_time() -> None:
    clips = [replace(clip, name=f"{clip.name}/{mic}") for mic in range(3) for clip in of_recording("a", 30)]
    found = split_clips(clips, seed=0)
    sides = [{clip.begin for clip in part} for part in (found.fit, found.validation, found.test, found.between)]
    assert sum(map(len, sides)) == len(set().union(*sides)) == 30


def test_clips_of_a_second_have_windows_of_every_kind(tmp_path: Path) -> None:
    """k-means' window of 1.06 s refused them."""
    for i in range(4):
        write(tmp_path / f"normal/{i}.wav", hum(i, seconds=1.0))
    dataset = open_dataset(tmp_path, ReadOptions())
    for kind in KINDS:
        options = TrainOptions(kind=kind, budget=parse_rate("1/day"), front_end=FrontEnd())
        features = choose_features(dataset, dataset.clips, options, stacked=is_stacked(options))
        assert features.window_span <= RATE, kind


@pytest.mark.parametrize("kind", ["kmeans", "gmm", "mahalanobis", "neighbours"])
def test_clips_of_a_second_are_trained_on(tmp_path: Path, kind: str) -> None:
    for i in range(70):
        write(tmp_path / f"normal/{i}.wav", hum(i, seconds=1.0))
    words = ["train", "--data", str(tmp_path), "--model", kind, "-o", str(tmp_path / "a.tocsin")]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    assert ", 0 skipped" in result.output


def test_one_long_recording_is_trained_on_and_judged_by_its_end(tmp_path: Path) -> None:
    """A ten-minute file was "too few: at least 3"."""
    write(tmp_path / "fan/normal/long.wav", hum(0, seconds=90))
    write(tmp_path / "fan/abnormal/a.wav", hum(1, seconds=10, whistle=True))
    words = ["train", "--data", str(tmp_path), "--model", "kmeans", "-o", str(tmp_path / "a.tocsin")]
    words += ["--clip-seconds", "3"]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    assert "2 long recordings cut into 33 clips of 3 s (--clip-seconds)" in result.output
    meta = read_bundle(tmp_path / "a.tocsin").meta
    assert meta["data"]["clip_seconds"] == 3
    assert meta["split"]["held_out"] == 8
    # Those trained on, and the two gaps between the blocks, are known again.
    result = CliRunner().invoke(cli, ["eval", str(tmp_path / "a.tocsin"), "--data", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    assert "22 recordings left out" in result.stderr
    row = json.loads(result.stdout)[-1]
    assert (row["n_normal"], row["n_anomaly"]) == (8, 3)
    # Other clips would not be known again, and the figures would be too good.
    words = ["eval", str(tmp_path / "a.tocsin"), "--data", str(tmp_path), "--clip-seconds", "2"]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code != 0
    assert isinstance(result.exception, DataError) or "leave out --clip-seconds 2" in result.output


def test_an_unreadable_file_is_told_when_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFFnothing")
    dataset = Dataset(tmp_path, "audio", (replace(whole(), path=tmp_path / "a.wav"),), (), ReadOptions(rate=RATE))
    assert dataset.cut().clips == dataset.clips
