# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Which files are recordings: operating systems' companions, links, folders' names, and what is left out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from recordings import hum, mimii, write
from tocsin.cli import cli
from tocsin.data import Dataset, ReadOptions, open_dataset, split_clips
from tocsin.data.files import walk
from tocsin.data.labels import anywhere, at_an_end, exact
from tocsin.errors import DataError

COMPANIONS = ("._{}", "../__MACOSX/._{}", "__MACOSX/{}", ".DS_Store", "Thumbs.db", "desktop.ini", ".cache/{}")


def _litter(path: Path) -> None:
    """What a stick that was in a Mac and a Windows desk holds beside `path`."""
    for pattern in COMPANIONS:
        other = path.parent / pattern.format(path.name)
        other.parent.mkdir(exist_ok=True)
        other.write_bytes(b"\0\5\x16\7")


def _names(dataset: Dataset) -> list[str]:
    return [clip.name for clip in dataset.clips]


def _left(dataset: Dataset) -> dict[str, str]:
    return {name: item.reason for item in dataset.left_out for name in item.names}


def _table(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, np.random.default_rng(seed).normal(size=(400, 2)), delimiter=",", header="x,y", comments="")
    return path


def test_companions_do_not_change_a_set_or_its_splits(tmp_path: Path) -> None:
    clean, dirty = mimii(tmp_path / "a"), mimii(tmp_path / "b")
    for path in list(dirty.rglob("*.wav")):
        _litter(path)
    first, second = open_dataset(clean, ReadOptions()), open_dataset(dirty, ReadOptions())
    assert _names(first) == _names(second)
    assert first.left_out == second.left_out == ()
    for seed in range(10):
        one, other = split_clips(first.clips, seed=seed), split_clips(second.clips, seed=seed)
        assert [c.name for c in one.test] == [c.name for c in other.test]


def test_companions_of_archives_tables_and_metadata_are_ignored(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", fan_normal=np.zeros((3, 100, 3)), fs=100)
    _litter(tmp_path / "a.npz")
    (tmp_path / "._metadata.json").write_bytes(b"\0\5\x16\7")
    (tmp_path / "._attributes_00.csv").write_bytes(b"\xff\xfe\0\5\x16\7")
    assert len(open_dataset(tmp_path, ReadOptions()).clips) == 3


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    root = mimii(tmp_path / "set", normal=2, abnormal=1)
    elsewhere = tmp_path / "elsewhere"
    write(elsewhere / "normal/x.wav", hum(50))
    (root / "pump").symlink_to(elsewhere)
    (root / "again").symlink_to(root / "fan")
    (root / "fan/loop").symlink_to(root)
    (root / "fan/id_00/normal/here").symlink_to(root / "fan/id_00/normal")
    (root / "whole").symlink_to(tmp_path)
    (root / "nothing").symlink_to(tmp_path / "gone")
    (root / "fan/id_00/normal/copy.wav").symlink_to(root / "fan/id_00/normal/00000000.wav")
    found = open_dataset(root, ReadOptions())
    assert _names(found) == [
        "fan/id_00/abnormal/00000000.wav",
        "fan/id_00/normal/00000000.wav",
        "fan/id_00/normal/00000001.wav",
        "pump/normal/x.wav",
    ]
    assert {clip.machine for clip in found.clips} == {"fan", "pump"}
    left = _left(found)
    assert left["again"] == left["fan/loop"] == "is a link to what is in the set already"
    assert left["fan/id_00/normal/here"] == left["fan/id_00/normal/copy.wav"] == left["again"]
    assert left["whole"] == "is a link to a folder that holds the set itself"
    assert left["nothing"] == "is a link to nothing"


def test_links_that_lead_to_each_other_end(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.wav").write_bytes(b"")
    (tmp_path / "a/to_b").symlink_to(tmp_path / "b")
    (tmp_path / "b/to_a").symlink_to(tmp_path / "a")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/a").symlink_to(tmp_path / "a")
    found = walk(tmp_path / "set")
    assert [path.relative_to(tmp_path).as_posix() for path in found.files] == ["set/a/to_b/x.wav", "set/a/x.wav"]
    assert [reason for _, reason in found.skipped] == ["is a link to what is in the set already"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root opens every folder")
def test_folders_that_cannot_be_opened_are_told(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    assert walk(tmp_path).skipped[0][1].startswith("cannot be opened")


@pytest.mark.parametrize(
    ("healthy", "faulty"),
    [
        ("normal", "anomaly"),
        ("Healthy", "Faulty"),
        ("GOOD", "BAD"),
        ("ok", "nok"),
        ("OK", "NG"),
        ("goods", "faults"),
        ("normals", "defects"),
        ("Normal_1", "broken"),
        ("ok", "defect"),
        ("fault-free", "fault"),
        ("no fault", "anomalies"),
        ("healthy", "unhealthy"),
        ("good", "not good"),
        ("normal", "anomalous"),
        ("normal", "Abnormals"),
    ],
)
def test_folders_that_people_use(tmp_path: Path, healthy: str, faulty: str) -> None:
    for i in range(3):
        _table(tmp_path / "pump" / healthy / f"{i}.csv", i)
        _table(tmp_path / "pump" / faulty / f"{i}.csv", 10 + i)
    found = open_dataset(tmp_path, ReadOptions(rate=100))
    assert sorted({(clip.path.parent.name, clip.label, clip.machine) for clip in found.clips}) == sorted(
        [(healthy, "normal", "pump"), (faulty, "anomaly", "pump")]
    )
    for path in list(tmp_path.rglob("*.csv")):
        np.savez(path.with_suffix(".npz"), signal=np.loadtxt(path, delimiter=",", skiprows=1))
        path.unlink()
    arrays = open_dataset(tmp_path, ReadOptions(rate=100))
    assert [clip.group for clip in arrays.clips] == [clip.group for clip in found.clips]
    assert [clip.label for clip in arrays.clips] == [clip.label for clip in found.clips]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("fan_good", "normal"),
        ("OK_fan", "normal"),
        ("fan_broken_2", "anomaly"),
        ("fan_fault_free", "normal"),
        ("no_fault_fan", "normal"),
        ("unhealthy", "anomaly"),
        ("not_ok", "anomaly"),
        ("fan_fault_normal_load", "anomaly"),
        ("smok", None),
        ("book_3", None),
    ],
)
def test_arrays_are_labelled_by_the_same_words(tmp_path: Path, name: str, label: str | None) -> None:
    assert anywhere(name) == label
    np.savez(tmp_path / "a.npz", **{name: np.zeros((1, 50, 3)), "other_normal": np.zeros((1, 50, 3)), "fs": 50})
    found = {clip.array: clip.label for clip in open_dataset(tmp_path / "a.npz", ReadOptions()).clips}
    assert found.get(name) == label


@pytest.mark.parametrize(
    ("stem", "label"),
    [
        ("normal_001", "normal"),
        ("001-faulty", "anomaly"),
        ("fan healthy 3", "normal"),
        ("pump.bad", "anomaly"),
        ("fault01", "anomaly"),
        ("not_ok_7", "anomaly"),
        ("no_bearing_fault", None),
        ("normal_to_faulty", None),
        ("run_normal_load_3", None),
        ("00000001", None),
    ],
)
def test_files_are_labelled_by_their_first_or_last_word(tmp_path: Path, stem: str, label: str | None) -> None:
    assert at_an_end(stem) == label
    _table(tmp_path / "fan/healthy.csv")
    _table(tmp_path / f"fan/{stem}.csv", 1)
    found = open_dataset(tmp_path, ReadOptions(rate=100))
    assert {clip.path.stem: clip.label for clip in found.clips}.get(stem) == label
    assert {clip.machine for clip in found.clips} == {"fan"}
    assert _left(found) == ({} if label else {f"fan/{stem}.csv": "without a label"})


def test_a_folder_comes_before_a_name_and_a_contradiction_is_told(tmp_path: Path) -> None:
    _table(tmp_path / "normal/bad_weather.csv")
    _table(tmp_path / "inner_race_fault/1.csv", 1)
    _table(tmp_path / "inner_race_fault/2_ok.csv", 2)
    found = open_dataset(tmp_path, ReadOptions(rate=100))
    assert [(clip.name, clip.label) for clip in found.clips] == [
        ("inner_race_fault/1.csv", "anomaly"),
        ("normal/bad_weather.csv", "normal"),
    ]
    assert _left(found) == {"inner_race_fault/2_ok.csv": "without a label"}
    assert found.notes[0] == "normal/bad_weather.csv is taken for normal, as its folder says; its name says otherwise"


def test_the_roots_own_name_is_asked_last(tmp_path: Path) -> None:
    root = tmp_path / "good"
    _table(root / "1.csv")
    _table(root / "2_faulty.csv", 1)
    assert [clip.label for clip in open_dataset(root, ReadOptions(rate=100)).clips] == ["normal", "anomaly"]


def test_an_array_that_contradicts_its_folder_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "faulty").mkdir()
    (tmp_path / "ok").mkdir()
    np.savez(tmp_path / "faulty/a.npz", normal_force=np.zeros((2, 50, 3)), x=np.zeros((2, 50, 3)), fs=50)
    np.savez(tmp_path / "ok/b.npz", x=np.zeros((2, 50, 3)), fan_off=np.zeros((2, 50, 3)), fs=50)
    found = open_dataset(tmp_path, ReadOptions())
    assert _names(found) == ["faulty/a.npz:x[0]", "faulty/a.npz:x[1]", "ok/b.npz:x[0]", "ok/b.npz:x[1]"]
    left = _left(found)
    assert left["ok/b.npz:fan_off"] == "ignored by name, as of a machine that is off"
    assert "--normal and --anomaly decide" in left["faulty/a.npz:normal_force"]
    chosen = open_dataset(tmp_path, ReadOptions(anomaly=("*force", "x")))
    assert "faulty/a.npz:normal_force[0]" in _names(chosen)


def test_exact_names_say_nothing_else() -> None:
    assert [exact(name) for name in ("good", "good fan", "fan", "")] == ["normal", None, None, None]


def test_what_is_not_taken_is_named_with_the_reason(tmp_path: Path) -> None:
    root = mimii(tmp_path, normal=6, abnormal=1, seconds=2)
    _table(root / "fan/id_00/normal/beside.csv")
    (root / "README.md").write_text("what this is")
    (root / "fan/id_00/normal/noext").write_text("?")
    write(root / "loose.wav", hum(70))
    (root / "fan/id_00/normal/00000000.flac").write_bytes((root / "fan/id_00/normal/00000000.wav").read_bytes())
    left = _left(open_dataset(root, ReadOptions()))
    assert left == {
        "fan/id_00/normal/beside.csv": (
            ".csv beside sound files is not taken; --sensor vibration takes it instead of them"
        ),
        "README.md": ".md is no format of recordings that is understood",
        "fan/id_00/normal/noext": "a name without a suffix is no format of recordings that is understood",
        "loose.wav": "without a label",
        "fan/id_00/normal/00000000.flac": "a file of the same name stands beside it with another suffix (.wav)",
    }
    shown = CliRunner().invoke(cli, ["data", "info", str(root)])
    as_json = json.loads(CliRunner().invoke(cli, ["data", "info", str(root), "--json"]).stdout)
    trained = CliRunner().invoke(cli, ["train", "--data", str(root), "-o", str(tmp_path / "a.tocsin"), "--json"])
    assert {name: item["reason"] for item in as_json["left_out"] for name in item["names"]} == left
    told = json.loads(trained.stdout)["left_out"]
    assert {name: item["reason"] for item in told for name in item["names"]} == left
    for name, reason in left.items():
        assert f"{name}: {reason}" in shown.output.replace("\n", " ")
        assert f"left out: {name}: {reason}" in trained.output


def test_a_stray_file_of_the_other_kind_does_not_take_the_set(tmp_path: Path) -> None:
    for i in range(3):
        _table(tmp_path / f"normal/{i}.csv", i)
    write(tmp_path / "doorbell.wav", hum(1))
    found = open_dataset(tmp_path, ReadOptions(rate=100))
    assert (found.kind, len(found.clips)) == ("vibration", 3)
    assert "beside files of numbers" in _left(found)["doorbell.wav"]


def test_the_sensor_decides_between_sound_and_numbers(tmp_path: Path) -> None:
    _table(tmp_path / "normal/a.csv")
    write(tmp_path / "normal/b.wav", hum(1))
    assert _names(open_dataset(tmp_path, ReadOptions())) == ["normal/b.wav"]
    assert _names(open_dataset(tmp_path, ReadOptions(sensor="vibration", rate=100))) == ["normal/a.csv"]
    found = open_dataset(tmp_path, ReadOptions(sensor="vibration", full_scale=8))
    assert _names(found) == ["normal/b.wav"]
    # What was asked for is not offered again.
    assert "these hold the vibration" in _left(found)["normal/a.csv"]
    assert "--sensor vibration takes it" in _left(open_dataset(tmp_path, ReadOptions()))["normal/a.csv"]


def test_formats_of_numbers_are_taken_together_and_told(tmp_path: Path) -> None:
    _table(tmp_path / "normal/a.csv")
    np.savez(tmp_path / "normal/b.npz", x=np.zeros((400, 2)))
    found = open_dataset(tmp_path, ReadOptions(rate=100))
    assert _names(found) == ["normal/a.csv", "normal/b.npz:x[0]"]
    assert found.notes[0] == "files of several formats are taken together: .csv (1), .npz (1)"


@pytest.mark.parametrize("command", [["run"], ["verify", "--port", "tcp:127.0.0.1:1"]])
def test_companions_that_a_pattern_names_are_not_recordings(tmp_path: Path, command: list[str]) -> None:
    paths = [tmp_path / "._a.wav", tmp_path / "__MACOSX/b.wav", tmp_path / "Thumbs.db"]
    result = CliRunner().invoke(cli, [*command, "fan.tocsin", *map(str, paths)])
    assert result.exit_code != 0
    assert "._a.wav is left by an operating system, no recording" in result.output
    assert "no recordings are left" in str(result.exception) + result.output


def test_only_unknown_files_are_an_error_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"a\.xlsx: \.xlsx is no format of recordings that is understood"):
        open_dataset(tmp_path, ReadOptions())
