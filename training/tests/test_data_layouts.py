# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What paths and array names say about recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recordings import hum, mimii, shakes, write
from tocsin.data import Clip, ReadOptions, open_dataset, split_clips
from tocsin.data.layouts import classify
from tocsin.data.vibration import label_of, machine_of, matches
from tocsin.errors import DataError

ROOT = Path("/data/set")


@pytest.mark.parametrize(
    ("path", "label", "machine", "section", "domain", "split"),
    [
        ("fan/id_02/normal/00000001.wav", "normal", "fan", "id_02", "", ""),
        ("6_dB_fan/fan/id_02/abnormal/00000001.wav", "anomaly", "fan", "id_02", "6dB", ""),
        ("-6_dB_pump/pump/id_00/normal/1.wav", "normal", "pump", "id_00", "-6dB", ""),
        ("car_B/train/section_00_source_train_normal_0001_spd_31V.flac", "normal", "car_B", "00", "source", "train"),
        ("car_B/test/section_01_target_test_anomaly_0001_x.wav", "anomaly", "car_B", "01", "target", "test"),
        ("fan/test/anomaly_id_04_00000012.wav", "anomaly", "fan", "id_04", "", "test"),
        ("normal/a.wav", "normal", "set", "", "", ""),
        ("Anomaly/deep/a.wav", "anomaly", "set", "", "", ""),
        ("pump/train/normal/a.wav", "normal", "pump", "", "", "train"),
    ],
)
def test_paths_are_understood(path: str, label: str, machine: str, section: str, domain: str, split: str) -> None:
    clip = classify(ROOT, ROOT / path)
    assert clip is not None
    assert (clip.label, *clip.group, clip.split) == (label, machine, section, domain, split)
    assert clip.name == path


def test_attributes_are_kept() -> None:
    clip = classify(ROOT, ROOT / "car_B/test/section_00_source_test_normal_0001_car_B1_spd_34V.flac")
    assert clip is not None
    assert clip.attributes == "car_B1_spd_34V"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("car_B1_spd_31V_mic_1", {"car": "B1", "spd": "31V", "mic": "1"}),
        ("vel_6_f-n_C", {"vel": "6", "f-n": "C"}),
        ("strength_1_ambient", {"strength": "1", "ambient": ""}),
        ("noAttribute", {}),
        ("", {}),
        ("spd_1_spd_2", {"spd": "1"}),
    ],
)
def test_attributes_by_name(text: str, found: dict[str, str]) -> None:
    assert Clip("a", Path("a"), "normal", "car", attributes=text).attribute_map == found


def test_root_in_the_middle_of_a_layout() -> None:
    clip = classify(Path("/d/fan/id_06"), Path("/d/fan/id_06/normal/1.wav"))
    assert clip is not None
    assert clip.group == ("fan", "id_06", "")


def test_unlabelled_files_are_not_guessed() -> None:
    assert classify(ROOT, ROOT / "monday/a.wav") is None
    assert classify(ROOT, ROOT / "abnormality/a.wav") is None


def test_empty_folder_says_what_is_understood(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)No recordings.*MIMII.*DCASE.*plain"):
        open_dataset(tmp_path, ReadOptions())


def test_folder_without_labels_says_what_is_understood(tmp_path: Path) -> None:
    write(tmp_path / "monday/a.wav", hum(0, seconds=0.1))
    with pytest.raises(DataError, match=r"(?s)which are normal.*MIMII"):
        open_dataset(tmp_path, ReadOptions())


def test_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        open_dataset(tmp_path / "nowhere", ReadOptions())


def test_machines_can_be_chosen(tmp_path: Path) -> None:
    write(tmp_path / "fan/normal/a.wav", hum(0, seconds=0.1))
    write(tmp_path / "pump/normal/a.wav", hum(1, seconds=0.1))
    found = open_dataset(tmp_path, ReadOptions(machines=("pu*",)))
    assert {clip.machine for clip in found.clips} == {"pump"}
    with pytest.raises(DataError, match=r"There are: fan, pump"):
        open_dataset(tmp_path, ReadOptions(machines=("valve",)))


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("fan_0_low_0_weight", "normal"),
        ("fan_0_low_1_weight", "anomaly"),
        ("fan_0_off_0_weight", None),
        ("fan_0_low_0_weight_moving", None),
        ("fan_0_low_deploy", None),
        ("pump_normal", "normal"),
        ("pump_abnormal", "anomaly"),
        ("bearing_fault", "anomaly"),
    ],
)
def test_array_names_by_default(name: str, label: str | None) -> None:
    assert label_of(name, normal=None, anomaly=None, ignore=None) == label


def test_array_names_by_choice() -> None:
    assert label_of("fan_0_off_0_weight", normal=("fan_*_0_weight",), anomaly=None, ignore=None) == "normal"
    assert label_of("fan_0_low_deploy", normal=None, anomaly=("*deploy",), ignore=None) == "anomaly"
    assert label_of("pump_normal", normal=None, anomaly=None, ignore=("pump*",)) is None
    assert matches("fan_med", ("fan_{low,med}",))
    assert not matches("fan_high", ("fan_{low,med}",))


def test_machine_is_the_name_without_its_label() -> None:
    assert machine_of("fan_0_low_1_weight", Path("x.npz")) == "fan_0_low"
    assert machine_of("normal", Path("pump.npz")) == "pump"


def test_npz_needs_a_rate_and_normal_arrays(tmp_path: Path) -> None:
    path = shakes(tmp_path / "fan.npz", clips=2)
    with pytest.raises(DataError, match="--rate"):
        open_dataset(path, ReadOptions())
    found = open_dataset(path, ReadOptions(rate=200))
    assert [(item.names, item.reason) for item in found.left_out] == [
        (("fan_0_low_0_weight_moving",), "without a label; --normal and --anomaly say one"),
        (("fan_0_off_0_weight",), "ignored by name, as of a machine that is off"),
    ]
    assert {clip.machine for clip in found.clips} == {"fan_0_low", "fan_0_high"}
    with pytest.raises(DataError, match="--normal GLOB"):
        open_dataset(path, ReadOptions(rate=200, normal=("nothing",), anomaly=()))


def test_npz_may_name_its_rate(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", normal=np.zeros((3, 50, 3)), rate=100)
    assert open_dataset(tmp_path / "a.npz", ReadOptions()).rate == 100


def test_broken_npz_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(DataError, match=r"not a readable NumPy file"):
        open_dataset(tmp_path / "a.npz", ReadOptions(rate=100))


def _clips(count: int, split: str = "", machine: str = "fan") -> list[Clip]:
    return [Clip(f"{machine}{split}{i}", Path("x"), "normal", machine, split=split) for i in range(count)]


def test_split_is_seeded_disjoint_and_by_group() -> None:
    clips = _clips(40) + _clips(20, machine="pump")
    first, again, other = (split_clips(clips, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    parts = [first.fit, first.validation, first.test]
    assert sorted(c.name for part in parts for c in part) == sorted(c.name for c in clips)
    assert [sum(c.machine == "pump" for c in part) for part in parts] == [12, 3, 5]
    assert [len(part) for part in parts] == [36, 9, 15]


def test_test_recordings_of_the_layout_are_kept_away() -> None:
    found = split_clips(_clips(10, "train") + _clips(5, "test"), seed=0)
    assert {clip.split for clip in found.test} == {"test"}
    assert len(found.test) == 5
    assert len(found.fit) + len(found.validation) == 10


def test_too_few_recordings_are_refused() -> None:
    with pytest.raises(DataError, match="too few"):
        split_clips(_clips(2), seed=0)


def test_mimii_tree(tmp_path: Path) -> None:
    (mimii(tmp_path, normal=3, abnormal=2, seconds=0.1) / "fan/id_00/labels.csv").write_text("file,label\n")
    found = open_dataset(tmp_path, ReadOptions())
    assert found.kind == "audio"
    assert [clip.label for clip in found.clips] == ["anomaly"] * 2 + ["normal"] * 3


def test_what_synth_and_record_write_about_recordings_is_not_told(tmp_path: Path) -> None:
    folder = mimii(tmp_path, normal=3, abnormal=2, seconds=0.1) / "fan/id_00"
    (folder / "labels.csv").write_text("file,label\n")
    (folder / "metadata.json").write_text('{"domain": "audio", "rate": 16000}')
    (folder / "normal/00000000.json").write_text("{}")
    assert open_dataset(tmp_path, ReadOptions()).left_out == ()
