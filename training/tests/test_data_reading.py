# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""From files to int16 samples: what is done to them, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from recordings import RATE, hum, shakes, write
from tocsin.data import Clip, Dataset, Issues, ReadOptions, digest, extract, open_dataset
from tocsin.data.vibration import choose_full_scale
from tocsin.errors import DataError
from tocsin.features import FeatureConfig

SMALL = FeatureConfig.logmel(n_mels=16, pool=("mean",), window_frames=8)


def read_audio(path: Path, *, rate: int, channel: int | None = None) -> tuple[np.ndarray, list[str]]:
    issues = Issues()
    dataset = Dataset(path.parent, "audio", (), (), ReadOptions(rate=rate, channel=channel))
    return dataset.read(Clip(path.name, path, "normal", "fan"), issues), list(issues.notes)


def test_int16_samples_pass_unchanged(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(-30000, 30000, 4000, dtype=np.int16)
    path = write(tmp_path / "a.wav", samples)
    found, notes = read_audio(path, rate=RATE)
    np.testing.assert_array_equal(found, samples)
    assert notes == []


def test_channels_are_mixed_or_chosen(tmp_path: Path) -> None:
    stereo = np.array([[100, 203], [-300, 500]] * 100, dtype=np.int16)
    path = write(tmp_path / "a.wav", stereo)
    mixed, notes = read_audio(path, rate=RATE)
    assert list(mixed[:2]) == [152, 100]
    assert notes == ["mixed down from 2 channels to one"]
    assert list(read_audio(path, rate=RATE, channel=1)[0][:2]) == [203, 500]
    with pytest.raises(DataError, match="no channel 2"):
        read_audio(path, rate=RATE, channel=2)


def test_other_rates_are_resampled(tmp_path: Path) -> None:
    t = np.arange(48000) / 48000
    path = write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 440 * t), rate=48000)
    found, notes = read_audio(path, rate=RATE)
    assert notes == ["resampled from 48000 Hz to 16000 Hz"]
    assert len(found) == 16000
    wanted = 0.5 * 32768 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    assert np.abs(found[500:-500] - wanted[500:-500]).max() < 4


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, bad: float) -> None:
    x = hum(0, seconds=0.1)
    x[7] = bad
    path = tmp_path / "a.wav"
    soundfile.write(path, x, RATE, subtype="FLOAT")
    with pytest.raises(DataError, match=r"1 value is not finite .* cut it out"):
        read_audio(path, rate=RATE)


def test_corrupt_and_empty_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFFnothing at all")
    with pytest.raises(DataError, match="not a readable sound file"):
        read_audio(tmp_path / "a.wav", rate=RATE)
    write(tmp_path / "b.wav", np.empty(0))
    with pytest.raises(DataError, match="no samples"):
        read_audio(tmp_path / "b.wav", rate=RATE)


def test_silence_and_clipping_are_noted(tmp_path: Path) -> None:
    assert read_audio(write(tmp_path / "a.wav", np.zeros(1000)), rate=RATE)[1] == ["silent"]
    loud = np.clip(20 * hum(0, seconds=0.2), -1, 1)
    assert "clipped" in read_audio(write(tmp_path / "b.wav", loud), rate=RATE)[1][0]


def _bad_among_good(root: Path, good: int, bad: int) -> Path:
    for i in range(good):
        write(root / f"normal/{i}.wav", hum(i, seconds=0.5))
    for i in range(bad):
        (root / f"normal/z{i}.wav").write_bytes(b"RIFF" + bytes(50))
    return root


def test_bad_recordings_among_good_are_skipped_and_named(tmp_path: Path) -> None:
    write(_bad_among_good(tmp_path, 4, 1) / "normal/short.wav", hum(9, seconds=0.1))
    found = open_dataset(tmp_path, ReadOptions())
    issues = Issues()
    items = list(extract(found, found.clips, SMALL, issues=issues))
    assert [item.clip.name for item in items] == [f"normal/{i}.wav" for i in range(4)]
    reasons = dict(issues.skipped)
    assert "not a readable" in reasons["normal/z0.wav"]
    assert "0.1 s is shorter than a window of 0.288 s" in reasons["normal/short.wav"]
    assert "skipped normal/z0.wav" in "\n".join(issues.lines())


def test_too_many_bad_recordings_stop_the_work(tmp_path: Path) -> None:
    found = open_dataset(_bad_among_good(tmp_path, 2, 3), ReadOptions())
    with pytest.raises(DataError, match="3 of 5 recordings cannot be used"):
        list(extract(found, found.clips, SMALL, issues=Issues()))


def test_strict_stops_at_the_first_bad_recording(tmp_path: Path) -> None:
    found = open_dataset(_bad_among_good(tmp_path, 4, 1), ReadOptions())
    with pytest.raises(DataError, match=r"normal/z0\.wav"):
        list(extract(found, found.clips, SMALL, issues=Issues(), strict=True))


def test_oddities_are_counted_once(tmp_path: Path) -> None:
    for i in range(3):
        write(tmp_path / f"normal/{i}.wav", np.stack([hum(i, seconds=0.5)] * 2, axis=1))
    found = open_dataset(tmp_path, ReadOptions())
    issues = Issues()
    list(extract(found, found.clips, SMALL, issues=issues))
    assert issues.lines()[0].startswith("3 recordings mixed down")
    assert len(issues.lines()) == 1


def test_digest_is_of_the_samples() -> None:
    samples = np.arange(100, dtype=np.int16)
    assert digest(samples) == digest(samples.reshape(-1, 1)) == digest(samples.astype(">i2"))
    assert digest(samples) != digest(samples[::-1])
    assert len(digest(samples)) == 3


def test_npz_becomes_digits_of_the_chosen_range(tmp_path: Path) -> None:
    found = open_dataset(shakes(tmp_path / "a.npz", clips=2), ReadOptions(rate=200, unit="ug"))
    settled = found.settle(found.clips)
    assert settled.options.full_scale == 2.0
    raw = np.load(tmp_path / "a.npz")["fan_0_high_0_weight"][1]
    clip = next(clip for clip in found.clips if clip.name == "fan_0_high_0_weight[1]")
    np.testing.assert_array_equal(settled.read(clip, Issues()), np.rint(raw / 1e6 * 16384))


def test_wrong_unit_is_told(tmp_path: Path) -> None:
    found = open_dataset(shakes(tmp_path / "a.npz", clips=2), ReadOptions(rate=200))
    with pytest.raises(DataError, match="--unit"):
        found.settle(found.clips)


def test_full_scale_is_a_usual_range() -> None:
    assert [choose_full_scale(peak) for peak in (0.1, 2.0, 2.1, 9)] == [2, 2, 4, 16]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("time,x,y,z\n0,0.5,0,1\n1,-0.5,0,1\n", None),
        ("0.5;0;1\n-0.5;0;1\n", None),
        ("a b x y z\n9 9 0.5 0 1\n9 9 -0.5 0 1\n", ("x", "3", "z")),
    ],
)
def test_csv_tables(tmp_path: Path, text: str, columns: tuple[str, ...] | None) -> None:
    (tmp_path / "normal").mkdir()
    (tmp_path / "normal/a.csv").write_text(text)
    found = open_dataset(tmp_path, ReadOptions(rate=10, full_scale=2.0, columns=columns))
    np.testing.assert_array_equal(found.read(found.clips[0], Issues()), [[8192, 0, 16384], [-8192, 0, 16384]])


@pytest.mark.parametrize(
    ("text", "message"),
    [("x,y\n1,oops\n", "not a table"), ("", "no samples"), ("1,2,3,4\n", "--columns"), ("x\nnan\n", "not finite")],
)
def test_bad_tables_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "normal").mkdir()
    (tmp_path / "normal/a.csv").write_text(text)
    found = open_dataset(tmp_path, ReadOptions(rate=10, full_scale=2.0))
    with pytest.raises(DataError, match=message):
        found.read(found.clips[0], Issues())


def test_vibration_in_sound_files_is_known_by_its_metadata(tmp_path: Path) -> None:
    digits = np.random.default_rng(0).integers(-9000, 9000, (1600, 3), dtype=np.int16)
    write(tmp_path / "fan/id_00/normal/0.wav", digits, rate=1600)
    meta = {"domain": "vibration", "rate": 1600.0, "full_scale": 4.0}
    (tmp_path / "fan/id_00/metadata.json").write_text(json.dumps(meta))
    found = open_dataset(tmp_path, ReadOptions())
    assert (found.kind, found.rate, found.options.full_scale) == ("vibration", 1600, 4.0)
    np.testing.assert_array_equal(found.read(found.clips[0], Issues()), digits)


def motor(root: Path, *, rates: tuple[int, ...] = (1000, 1000, 1000)) -> Path:
    """Sound files that hold vibration of three axes, of the given rates."""
    rng = np.random.default_rng(3)
    for i, rate in enumerate(rates):
        write(root / f"normal/{i}.wav", 0.1 * rng.normal(size=(2 * rate, 3)), rate=rate)
    return root


def test_a_unit_that_nobody_names_is_told(tmp_path: Path) -> None:
    path = shakes(tmp_path / "fan.npz", clips=2)
    assert open_dataset(path, ReadOptions(rate=200)).notes == (
        "no unit is named: all numbers are taken as g; --unit says another",
    )
    assert open_dataset(path, ReadOptions(rate=200, unit="ug")).notes == ()
    assert "taken as ug" in open_dataset(path, ReadOptions(rate=200, unit_else="ug")).notes[0]


@pytest.mark.parametrize(
    ("peak", "unit", "text"),
    [
        (1_030_000.0, "g", "taken as g, the recordings reach 1,030,000 g, .* They reach 1.03 g as ug."),
        (1030.0, "mg", "taken as mg, the recordings reach 1,030 g, .* They reach 1.03 g as ug."),
        (1e12, "ug", r"measures\. Say what"),
    ],
)
def test_a_wrong_unit_is_told_with_those_that_would_fit(peak: float, unit: str, text: str) -> None:
    with pytest.raises(DataError, match=text):
        choose_full_scale(peak, unit)


def test_a_wrong_rate_of_vibration_in_sound_files_is_refused_before_any_is_read(tmp_path: Path) -> None:
    motor(tmp_path)
    options = ReadOptions(sensor="vibration", full_scale=8.0)
    assert open_dataset(tmp_path, options).rate == 1000
    with pytest.raises(DataError, match=r"have 1000 samples a second.*not 500\. Leave --rate away"):
        open_dataset(tmp_path, ReadOptions(sensor="vibration", full_scale=8.0, rate=500))
    # The rate of most files is taken, not that of the first.
    motor(tmp_path, rates=(500, 1000, 1000))
    assert open_dataset(tmp_path, options).rate == 1000


def test_a_unit_of_sound_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--unit has no meaning for sound files"):
        open_dataset(motor(tmp_path), ReadOptions(sensor="vibration", full_scale=8.0, unit="mg"))


def test_sound_files_that_look_like_vibration_are_told(tmp_path: Path) -> None:
    (told,) = open_dataset(motor(tmp_path), ReadOptions()).notes
    assert "normal/0.wav has 3 channels at 1,000 Hz, as vibration may have, and is taken for sound" in told
    assert "--sensor vibration --full-scale G" in told
    assert open_dataset(tmp_path, ReadOptions(sensor="audio")).notes == ()
    write(tmp_path / "other/normal/a.wav", hum(0, seconds=1))
    assert open_dataset(tmp_path / "other", ReadOptions()).notes == ()
