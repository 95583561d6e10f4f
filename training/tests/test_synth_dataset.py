# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The data set on disk: MIMII's layout, labels that reproduce each file, and nobody's files deleted."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tocsin.synth import MACHINES, SynthesisError, render, write_dataset
from tocsin.synth.wav import to_pcm16

# Vibration, where nothing depends on it: a tenth of the samples.
SMALL = {"domain": "vibration", "normal": 3, "abnormal": 6, "seconds": 0.5}


def hashes(root: Path) -> dict[str, str]:
    return {
        file.relative_to(root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(root.rglob("*"))
        if file.is_file()
    }


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


def write(out: Path, **options: object) -> object:
    return write_dataset(out, **(SMALL | options))  # type: ignore[arg-type]


def test_layout_is_that_of_mimii(tmp_path: Path) -> None:
    write(tmp_path, machine="pump", domain="audio", ids=2)
    expected = {
        f"pump/id_{number}/{label}/{index:08d}.wav"
        for number in ("00", "02")
        for label, count in (("normal", 3), ("abnormal", 6))
        for index in range(count)
    }
    expected |= {f"pump/id_{number}/{name}" for number in ("00", "02") for name in ("labels.csv", "metadata.json")}
    assert set(hashes(tmp_path)) == expected
    info = soundfile.info(tmp_path / "pump/id_00/normal/00000000.wav")
    assert (info.samplerate, info.channels, info.subtype, info.frames) == (16_000, 1, "PCM_16", 8000)


def test_labels_name_each_file_and_its_fault(tmp_path: Path) -> None:
    write(tmp_path, machine="fan", snr_db=3.0, seed=5)
    labels = rows(tmp_path / "fan/id_00")
    assert [row["file"] for row in labels[:4]] == [
        "normal/00000000.wav",
        "normal/00000001.wav",
        "normal/00000002.wav",
        "abnormal/00000000.wav",
    ]
    assert [row["fault"] for row in labels] == [""] * 3 + [*MACHINES["fan"].faults, "imbalance"]
    assert {row["label"] for row in labels[:3]} == {"normal"}
    assert {row["label"] for row in labels[3:]} == {"abnormal"}
    assert all((float(row["severity"]) > 0) == (row["label"] == "abnormal") for row in labels)
    assert {(row["snr_db"], row["seed"]) for row in labels} == {("3", "5")}
    nominal = MACHINES["fan"].unit(0, seed=5).rpm
    assert all(float(row["rpm"]) == pytest.approx(nominal, rel=0.06) for row in labels)


@pytest.mark.parametrize(("domain", "full_scale"), [("audio", 1.0), ("vibration", 4.0)])
def test_a_row_of_the_labels_reproduces_its_file(tmp_path: Path, domain: str, full_scale: float) -> None:
    write(tmp_path, machine="valve", domain=domain, seed=2, ids=[4])
    folder = tmp_path / "valve/id_04"
    row = rows(folder)[-1]
    again = render(
        "valve", fault=row["fault"], severity=float(row["severity"]), seconds=0.5, snr_db=float(row["snr_db"]),
        seed=int(row["seed"]), clip=int(row["clip"]), machine_id=4, domain=domain,  # type: ignore[arg-type]
    )  # fmt: skip
    stored: NDArray[np.int16] = soundfile.read(folder / row["file"], dtype="int16")[0]
    np.testing.assert_array_equal(to_pcm16(again, full_scale=full_scale)[0], stored)


def test_vibration_has_three_axes_and_gravity_on_z(tmp_path: Path) -> None:
    write(tmp_path, machine="motor", domain="vibration", seconds=2.0)
    folder = tmp_path / "motor/id_00"
    stored, rate = soundfile.read(folder / "normal/00000000.wav")
    assert (rate, stored.shape) == (1600, (3200, 3))
    metadata = json.loads((folder / "metadata.json").read_text())
    np.testing.assert_allclose((stored * metadata["full_scale"]).mean(axis=0), [0, 0, 1], atol=0.02)
    assert metadata["units"] == "g"
    assert metadata["channels"] == ["x", "y", "z"]


def test_metadata_holds_the_machine(tmp_path: Path) -> None:
    write(tmp_path, machine="fan", domain="audio", seed=9)
    metadata = json.loads((tmp_path / "fan/id_00/metadata.json").read_text())
    unit = MACHINES["fan"].unit(0, seed=9)
    assert metadata["generator"] == "tocsin.synth"
    assert (metadata["domain"], metadata["rate"], metadata["full_scale"], metadata["seed"]) == ("audio", 16_000, 1.0, 9)
    assert metadata["machine"]["dimensions"]["blades"] == unit["blades"]
    assert metadata["machine"]["bearing"]["bpfo"] == pytest.approx(unit.bearing.bpfo)


def test_same_seed_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write(tmp_path / name, machine="slider", seed=seed)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")
    first, other = hashes(tmp_path / "a"), hashes(tmp_path / "c")
    assert all(first[name] != other[name] for name in first)


def test_a_clip_does_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    write(tmp_path / "few", normal=1, abnormal=2)
    write(tmp_path / "many", normal=4, abnormal=7, ids=2)
    few, many = hashes(tmp_path / "few"), hashes(tmp_path / "many")
    shared = [name for name in few if name.endswith(".wav")]
    assert len(shared) == 3
    assert all(few[name] == many[name] for name in shared)


def test_no_two_recordings_are_alike(tmp_path: Path) -> None:
    write(tmp_path, normal=4, abnormal=4, ids=2)
    recordings = [value for name, value in hashes(tmp_path).items() if name.endswith(".wav")]
    assert len(set(recordings)) == 16
    # Nor do a healthy and a faulty one share their background, which the clip's number fixes.
    assert len({row["clip"] for row in rows(tmp_path / "fan/id_00")}) == 8


def test_later_numbers_are_other_recordings_of_the_same_machine(tmp_path: Path) -> None:
    write(tmp_path / "all", normal=3, abnormal=0)
    write(tmp_path / "later", normal=1, abnormal=0, first=2)
    every, later = hashes(tmp_path / "all"), hashes(tmp_path / "later")
    name = "fan/id_00/normal/00000002.wav"
    assert [file for file in later if file.endswith(".wav")] == [name]
    assert later[name] == every[name]
    assert later[name] not in [every[file] for file in every if file != name]


def test_chosen_faults_take_turns(tmp_path: Path) -> None:
    summary = write_dataset(tmp_path, machine="pump", normal=0, abnormal=3, seconds=0.2, faults=["leak", "cavitation"])
    assert [row["fault"] for row in rows(tmp_path / "pump/id_00")] == ["leak", "cavitation", "leak"]
    assert summary.faults == {"leak": 2, "cavitation": 1}
    assert (summary.normal, summary.abnormal, summary.clipped) == (0, 3, 0)


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    write(tmp_path, normal=2, abnormal=1, seconds=0.1, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_full_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    write(tmp_path)
    before = hashes(tmp_path)
    with pytest.raises(SynthesisError, match="not empty; choose another place, or overwrite"):
        write(tmp_path, seed=1)
    assert hashes(tmp_path) == before


def test_overwriting_leaves_no_stale_recordings(tmp_path: Path) -> None:
    write(tmp_path / "a", normal=9, ids=2)
    write(tmp_path / "a", overwrite=True)
    write(tmp_path / "b")
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")
    assert not (tmp_path / "a/fan/id_02").exists()


def test_overwriting_spares_the_files_of_others(tmp_path: Path) -> None:
    real = tmp_path / "fan/id_00/normal/00000000.wav"
    real.parent.mkdir(parents=True)
    real.write_bytes(b"a real recording")
    with pytest.raises(SynthesisError, match="was not written by tocsin synth"):
        write(tmp_path, overwrite=True)
    assert real.read_bytes() == b"a real recording"


def test_overwriting_keeps_notes_beside_the_recordings(tmp_path: Path) -> None:
    write(tmp_path, ids=2)
    notes = tmp_path / "fan/id_02/normal/notes.txt"
    notes.write_text("mine")
    write(tmp_path, overwrite=True)
    assert notes.read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"machine": "toaster"}, "choose from: fan"),
        ({"faults": ["leak"]}, "a fan has no fault 'leak'; choose from"),
        ({"faults": []}, "at least one fault"),
        ({"seconds": -1.0}, "not -1"),
        ({"normal": -1}, "number of normal clips"),
        ({"normal": 0, "abnormal": 0}, "nothing to write"),
        ({"first": -1}, "first recording's number"),
        ({"ids": 0}, "from 1 to 50"),
        ({"ids": [3, 3]}, "different"),
        ({"seed": -1}, "seed must be"),
        ({"domain": "smell"}, "choose from: audio, vibration"),
    ],
)
def test_bad_options_write_nothing(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(SynthesisError, match=message):
        write(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(SynthesisError, match="is a file"):
        write(tmp_path / "out")
