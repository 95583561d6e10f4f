# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Small trees with the public sets' own names: MIMII, ToyADMOS, DCASE task 2 from 2020 to 2026."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recordings import hum, write
from tocsin.data import Clip, Dataset, Issues, ReadOptions, open_dataset, split_clips
from tocsin.errors import DataError


def _tree(root: Path, *names: str, channels: int = 1) -> Dataset:
    for i, name in enumerate(names):
        sound = hum(i, seconds=0.1)
        write(
            root / name, sound if channels == 1 else np.stack([sound * (c + 1) / channels for c in range(channels)], 1)
        )
    return open_dataset(root, ReadOptions())


def _one(dataset: Dataset, name: str) -> Clip:
    return next(clip for clip in dataset.clips if clip.name.endswith(name))


def test_mimii_with_all_snrs_and_eight_channels(tmp_path: Path) -> None:
    snrs = ("-6_dB_fan", "0_dB_fan", "min6dB")
    names = [f"{snr}/fan/id_0{i}/normal/0000000{i}.wav" for snr in snrs for i in (0, 2)]
    found = _tree(tmp_path, *names, channels=8)
    assert [clip.group for clip in found.clips[:2]] == [("fan", "id_00", "-6dB"), ("fan", "id_02", "-6dB")]
    assert {clip.domain for clip in found.clips} == {"-6dB", "0dB"}
    issues = Issues()
    mixed = found.read(found.clips[0], issues)
    assert issues.notes == {"mixed down from 8 channels to one": 1}
    last = open_dataset(tmp_path, ReadOptions(channel=7)).read(found.clips[0], issues)
    first = open_dataset(tmp_path, ReadOptions(channel=0)).read(found.clips[0], issues)
    assert [int(np.abs(x).max()) / int(np.abs(last).max()) for x in (first, mixed)] == pytest.approx(
        [1 / 8, 4.5 / 8], rel=0.01
    )


def test_mimiis_copies_at_other_snrs_are_not_parted(tmp_path: Path) -> None:
    clips = [
        Clip(f"{snr}/{i}", Path("x"), "normal", "fan", "id_00", snr, recording=f"fan/id_00/normal/{i}")
        for snr in ("-6dB", "0dB", "6dB") for i in range(20)
    ]  # fmt: skip
    split = split_clips(clips, seed=3)
    parts = [{clip.recording for clip in part} for part in (split.fit, split.validation, split.test)]
    assert sum(len(part) for part in parts) == 20
    assert [len(part) for part in parts] == [12, 3, 5]
    assert sum(len(part) for part in (split.fit, split.validation, split.test)) == 60


def test_toyadmos(tmp_path: Path) -> None:
    normal = [f"ToyCar/case1/NormalSound_IND/1100010001_ToyCar_case1_normal_IND_ch{c}_0001.wav" for c in (1, 2, 3, 4)]
    found = _tree(
        tmp_path,
        *normal,
        "ToyCar/case2/NormalSound_CNT/1200110001_ToyCar_case2_normal_CNT_ch1_0001.wav",
        "ToyCar/case1/AnomalousSound_IND/1101010001_ToyCar_case1_ab01_IND_ch1_0001.wav",
        "ToyCar/EnvironmentalNoise_CNT/N1_noise.wav",
    )
    assert [(clip.label, clip.machine, clip.section) for clip in found.clips] == [
        ("anomaly", "ToyCar", "case1"), *4 * [("normal", "ToyCar", "case1")], ("normal", "ToyCar", "case2"),
    ]  # fmt: skip
    assert found.clips[0].attribute_map == {"rec": "IND", "ch": "1", "fault": "ab01"}
    assert len({clip.recording for clip in found.clips}) == 3
    assert [str(item) for item in found.left_out] == ["ToyCar/EnvironmentalNoise_CNT/N1_noise.wav: without a label"]
    second = open_dataset(tmp_path, ReadOptions(channel=1))
    assert [clip.name for clip in second.clips] == [normal[1]]
    assert len(second.read(second.clips[0], Issues())) == 1600
    with pytest.raises(DataError, match=r"channel 7. There are \(from 0\): 0, 1, 2, 3"):
        open_dataset(tmp_path, ReadOptions(channel=7))


def test_dcase_2020_evaluation_with_its_list(tmp_path: Path) -> None:
    (tmp_path / "eval_data_list_2020.csv").write_text(
        "fan\nid_01_00000000.wav,normal_id_01_00000098.wav,0\nid_01_00000001.wav,anomaly_id_01_00000064.wav,1\n"
        "pump\nid_01_00000000.wav,anomaly_id_01_00000001.wav,1\n"
    )
    found = _tree(tmp_path, "fan/test/id_01_00000000.wav", "fan/test/id_01_00000001.wav", "fan/test/id_01_00000007.wav")
    assert [(clip.name[-12:], clip.label, clip.group, clip.split) for clip in found.clips] == [
        ("00000000.wav", "normal", ("fan", "id_01", ""), "test"),
        ("00000001.wav", "anomaly", ("fan", "id_01", ""), "test"),
    ]
    assert found.clips[0].path.is_file()
    assert found.left_out[0].reason.startswith("without a label")


def test_dcase_2021_has_a_folder_a_domain(tmp_path: Path) -> None:
    found = _tree(
        tmp_path,
        "fan/train/section_00_source_train_normal_0000_strength_1_ambient.wav",
        "fan/source_test/section_00_source_test_normal_0000.wav",
        "fan/target_test/section_00_target_test_anomaly_0000.wav",
    )
    assert {clip.machine for clip in found.clips} == {"fan"}
    assert _one(found, "test_anomaly_0000.wav").group == ("fan", "00", "target")
    assert _one(found, "ambient.wav").attribute_map == {"strength": "1", "ambient": ""}


def test_dcase_2022_attributes_come_from_the_table_where_names_have_none(tmp_path: Path) -> None:
    (tmp_path / "gearbox").mkdir()
    (tmp_path / "gearbox/attributes_00.csv").write_text(
        "file_name,d1p,d1v,d2p,d2v\ngearbox/train/section_00_source_train_normal_0001.wav,volt,1.5,wt,50\n"
        "gearbox/train/section_00_source_train_normal_0002_volt_9.wav,volt,1.5,wt,\n"
    )
    found = _tree(
        tmp_path,
        "gearbox/train/section_00_source_train_normal_0001.wav",
        "gearbox/train/section_00_source_train_normal_0002_volt_9.wav",
    )
    assert [clip.attribute_map for clip in found.clips] == [{"volt": "1.5", "wt": "50"}, {"volt": "9"}]


def test_dcase_2023_evaluation_with_the_evaluators_tables(tmp_path: Path) -> None:
    for folder, lines in {
        "ground_truth_data": "section_00_0000.wav,0\nsection_00_0001.wav,1\n",
        "ground_truth_domain": "section_00_0000.wav,1\nsection_00_0001.wav,0\n",
    }.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "ground_truth_bandsaw_section_00_test.csv").write_text(lines)
    names = ["bandsaw/test/section_00_0000.wav", "bandsaw/test/section_00_0001.wav"]
    found = _tree(tmp_path, *names)
    assert [(c.label, c.domain, c.section, c.split) for c in found.clips] == [
        ("normal", "target", "00", "test"), ("anomaly", "source", "00", "test"),
    ]  # fmt: skip
    (tmp_path / "ground_truth_attributes").mkdir()
    (tmp_path / "ground_truth_attributes/ground_truth_bandsaw_section_00_test.csv").write_text(
        "section_00_0000.wav,section_00_target_test_anomaly_0000_vel_1.5\n"
    )
    first = open_dataset(tmp_path, ReadOptions()).clips[0]
    assert (first.label, first.attribute_map) == ("anomaly", {"vel": "1.5"})


def test_dcase_2025_supplementary_recordings_are_neither(tmp_path: Path) -> None:
    found = _tree(
        tmp_path,
        "AutoTrash/supplemental/section_00_machine_0001_.wav",
        "AutoTrash/train/section_00_source_train_normal_0000_.wav",
        "AutoTrash/train/section_00_target_train_normal_0000_noAttribute.wav",
    )
    assert [(clip.machine, clip.attribute_map) for clip in found.clips] == [("AutoTrash", {}), ("AutoTrash", {})]
    assert found.left_out[0].reason == "supplementary recordings (machine or noise alone)"


def test_dcase_2026_has_two_channels(tmp_path: Path) -> None:
    found = _tree(tmp_path, "fan/train/section_00_source_train_normal_0000_.wav", channels=2)
    near = open_dataset(tmp_path, ReadOptions(channel=0))
    assert found.clips == near.clips
    ratio = np.abs(found.read(found.clips[0], Issues())).max() / np.abs(near.read(near.clips[0], Issues())).max()
    assert ratio == pytest.approx(1.5, rel=0.01)


def test_a_table_that_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "attributes_00.csv").write_bytes(b"\xff\xfe\x00\x01,\x80")
    with pytest.raises(DataError, match=r"attributes_00.csv is not a readable table"):
        _tree(tmp_path, "fan/train/section_00_source_train_normal_0001.wav")
