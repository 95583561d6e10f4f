# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What `tocsin data info` says of data sets with one fault each."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from recordings import hum, shakes, write
from tocsin.cli import cli
from tocsin.data import ReadOptions, open_dataset
from tocsin.data.info import Finding, survey_dataset

TRAIN = "fan/train/section_00_source_train_normal_{:04d}_spd_{}.wav"
TEST = "fan/test/section_00_source_test_{}_{:04d}_spd_1.wav"


def call(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def _whole(root: Path) -> Path:
    """A set with nothing odd but that it is small."""
    for i in range(4):
        write(root / TRAIN.format(i, i % 2), hum(i, seconds=1.5))
    write(root / TEST.format("normal", 0), hum(10, seconds=1.5))
    write(root / TEST.format("anomaly", 0), hum(11, seconds=1.5, whistle=True))
    return root


def _findings(root: Path) -> dict[str, Finding]:
    return {finding.kind: finding for finding in survey_dataset(open_dataset(root, ReadOptions())).findings}


def test_counts(tmp_path: Path) -> None:
    found = survey_dataset(open_dataset(_whole(tmp_path), ReadOptions()))
    assert [(g.machine, g.section, g.domain, g.split, g.normal, g.anomaly) for g in found.groups] == [
        ("fan", "00", "source", "test", 1, 1),
        ("fan", "00", "source", "train", 4, 0),
    ]
    assert (found.rates, found.channels, found.lengths) == ({"16000": 6}, {"1": 6}, {"1.5": 6})
    assert found.seconds == pytest.approx(9)
    assert found.attributes == {"spd": {"1": 4, "0": 2}}
    assert [finding.kind for finding in found.findings] == ["few"]


@pytest.mark.parametrize("copy", [TEST.format("normal", 5), TEST.format("anomaly", 5)])
def test_a_training_recording_in_the_test_is_a_leak(tmp_path: Path, copy: str) -> None:
    write(_whole(tmp_path) / copy, hum(0, seconds=1.5))
    kind = "labels" if "anomaly" in copy else "duplicates"
    found = _findings(tmp_path)[kind]
    assert found.leak
    assert found.clips == (copy,)
    assert found.text.startswith("1 recording stands with the same samples")


def test_a_quieter_copy_in_the_test_is_a_leak(tmp_path: Path) -> None:
    write(_whole(tmp_path) / TEST.format("normal", 5), hum(0, seconds=1.5) * 0.7)
    found = _findings(tmp_path)
    assert found["copies"].leak
    assert "duplicates" not in found


def test_a_recording_twice_in_training_is_told_but_no_leak(tmp_path: Path) -> None:
    write(_whole(tmp_path) / TRAIN.format(9, 1), hum(0, seconds=1.5))
    assert not _findings(tmp_path)["duplicates"].leak


def test_quality_of_recordings(tmp_path: Path) -> None:
    _whole(tmp_path)
    write(tmp_path / TRAIN.format(20, 1), np.clip(hum(20, seconds=1.5) * 100, -1, 1))
    write(tmp_path / TRAIN.format(21, 1), np.zeros(24000))
    write(tmp_path / TRAIN.format(22, 1), hum(22, seconds=1.5) * 0.2 + 0.05)
    write(tmp_path / TRAIN.format(23, 1), hum(23, seconds=4, rate=8000), rate=8000)
    write(tmp_path / TRAIN.format(24, 1), np.stack(2 * [hum(24, seconds=1.5)], axis=1))
    (tmp_path / TRAIN.format(25, 1)).write_bytes(b"RIFF nothing")
    (tmp_path / "fan/odd.wav").write_bytes(b"RIFF nothing")
    found = _findings(tmp_path)
    assert {kind: finding.clips for kind, finding in found.items() if kind in ("clipped", "silent", "offset")} == {
        "clipped": (TRAIN.format(20, 1),),
        "silent": (TRAIN.format(21, 1),),
        "offset": (TRAIN.format(22, 1),),
    }
    assert {"rates", "channels", "lengths"} <= set(found)
    assert found["unreadable"].clips == (TRAIN.format(25, 1),)
    assert "without a label" in found["left_out"].text


def test_microphones_of_one_recording_on_both_sides_are_a_leak(tmp_path: Path) -> None:
    for folder, channel in (("train", 1), ("test", 2)):
        path = f"x/{folder}/6_dB/fan/id_00/{folder}/normal/00000000.wav"
        write(tmp_path / path, hum(channel, seconds=1.5))
    dataset = open_dataset(tmp_path, ReadOptions())
    # The layouts of today give no such split; a table or a user's own loader may.
    from dataclasses import replace

    clips = tuple(
        replace(c, recording="fan/1", split=side) for c, side in zip(dataset.clips, ("train", "test"), strict=True)
    )
    found = {f.kind: f for f in survey_dataset(replace(dataset, clips=clips)).findings}
    assert found["shared"].leak


def test_axes_of_vibration_are_not_averaged(tmp_path: Path) -> None:
    for i in range(3):
        write(tmp_path / f"normal/{i}.wav", np.stack(3 * [hum(i, seconds=1.5)], axis=1))
    sound = survey_dataset(open_dataset(tmp_path, ReadOptions()))
    assert "Sound is averaged" in next(f.advice for f in sound.findings if f.kind == "channels")
    vibration = survey_dataset(open_dataset(tmp_path, ReadOptions(sensor="vibration", full_scale=8.0)))
    assert not [finding for finding in vibration.findings if finding.kind == "channels"]


def test_vibration(tmp_path: Path) -> None:
    found = survey_dataset(open_dataset(shakes(tmp_path / "a.npz", clips=3), ReadOptions(rate=200, unit="ug")))
    assert (found.kind, found.rates, found.channels) == ("vibration", {"200": found.clips}, {"3": found.clips})
    assert any("fan_0_off_0_weight" in finding.text for finding in found.findings if finding.kind == "left_out")


def test_command_tells_a_leak_by_its_exit_status(tmp_path: Path) -> None:
    _whole(tmp_path)
    clean = CliRunner().invoke(cli, ["data", "info", str(tmp_path)])
    assert clean.exit_code == 0, clean.output
    assert "note: fan 00 source has 4 normal recordings" in clean.output
    assert CliRunner().invoke(cli, ["data", "info", str(tmp_path), "--strict"]).exit_code == 1
    write(tmp_path / TEST.format("normal", 5), hum(0, seconds=1.5))
    told = CliRunner().invoke(cli, ["data", "info", str(tmp_path)])
    assert told.exit_code == 1
    assert "LEAK: 1 recording stands with the same samples in train and in test" in told.output
    shown = CliRunner().invoke(cli, ["data", "info", str(tmp_path), "--json"])
    assert json.loads(shown.stdout)["findings"][0]["kind"] == "duplicates"


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "normal").mkdir()
    (tmp_path / "normal/a.wav").write_bytes(b"RIFFnothing")
    for extra in ((), ("--json",)):
        result = call("data", "info", tmp_path, *extra)
        assert (result.exit_code, "The only recording, normal/a.wav, cannot be used" in result.stderr) == (2, True)


def test_a_header_of_2_hz_is_told(tmp_path: Path) -> None:
    """soxr was asked for gigabytes."""
    for i in range(4):
        write(tmp_path / f"normal/{i}.wav", hum(i, seconds=1), rate=2)
    result = call("data", "info", tmp_path)
    assert (result.exit_code, "claims 2 samples a second" in result.stderr) == (2, True)
    result = call("train", "--data", tmp_path, "-o", tmp_path / "a.tocsin")
    assert (result.exit_code, "claims 2 samples a second" in result.stderr) == (2, True)


def test_clips_of_a_long_recording(tmp_path: Path) -> None:
    write(tmp_path / "fan/normal/a.wav", hum(0, seconds=65))
    result = call("data", "info", tmp_path)
    assert result.exit_code == 0, result.output
    for text in (
        "1 recording of audio in 6 clips",
        "All healthy clips of fan are of one recording.",
        "(--clip-seconds)",
    ):
        assert text in result.stdout


def test_a_rate_that_is_not_the_files_is_no_fault_of_the_sensor(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    for i, rate in enumerate((1000, 1000, 500)):
        write(tmp_path / f"normal/{i}.wav", 0.1 * rng.normal(size=(2 * rate, 3)), rate=rate)
    words = ("data", "info", tmp_path, "--sensor", "vibration", "--full-scale", 8)
    text = call(*words).stdout
    assert "1 of 3 recordings cannot be used (first: normal/2.wav: has 500 samples a second instead of 1000)" in text
    assert "sensor that did not work" not in text
    slow = tmp_path.with_name("slow")
    for i in range(2):
        write(slow / f"normal/{i}.wav", 0.1 * rng.normal(size=(400, 3)), rate=200)
    assert "Hz: 200 (2)" in call("data", "info", slow, *words[3:]).stdout
    wrong = call("data", "info", slow, *words[3:], "--rate", 250)
    assert (wrong.exit_code, "Leave --rate away" in wrong.stderr) == (2, True)


def test_options_of_vibration_are_refused_for_sound(tmp_path: Path) -> None:
    result = call("data", "info", _whole(tmp_path), "--full-scale", 8)
    assert result.exit_code == 2
    assert "--full-scale has no meaning" in result.stderr
    assert "--sensor vibration" in result.stderr
