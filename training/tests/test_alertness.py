# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Is a threshold within reach: strange versions of healthy recordings, and the alarms that they raise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from recordings import hum, mimii, write
from tocsin.alarm.pseudo import pseudo_anomaly
from tocsin.alarm.sensitivity import PLAIN, Alertness, measure, strange_vectors
from tocsin.alarm.threshold import parse_rate
from tocsin.bundle import Decision, read_bundle
from tocsin.cli import cli
from tocsin.data import ReadOptions, open_dataset
from tocsin.features import Extractor
from tocsin.features.frontend import FrontEnd
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import Trained, train
from tocsin.twin import Scorer

QUICK = TrainOptions(
    kind="kmeans", budget=parse_rate("1/day"), clusters=4, front_end=FrontEnd(bands=32), strange=2 * len(PLAIN)
)


@pytest.fixture(scope="module")
def fan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mimii(tmp_path_factory.mktemp("fan"))


@pytest.fixture(scope="module")
def trained(fan: Path) -> Trained:
    return train(open_dataset(fan, ReadOptions()), None, QUICK)


def test_alarms_are_counted_at_the_threshold_and_at_what_was_heard() -> None:
    decision = Decision(smooth=2, min_windows=2, threshold_on=5.0, threshold_off=4.0)
    rows = [[0, 6, 6, 6], [0, 6, 6, 0], [3, 3, 3, 3], [0, 0, 0, 0], [9, 9]]
    # The second: means 3, 6, 3, and two in a row are needed. The last is too short to be judged.
    found = measure([np.array(row, np.float32) for row in rows], decision, heard=2.5)
    assert found == Alertness(strange=4, found=1, found_heard=3, heard=2.5)
    assert "of 4 plainly strange versions of healthy recordings only 1 raises an alarm" in found.warning
    assert "at 2.5, which healthy running reached about once, 3 would" in found.warning
    assert "3 would at 2.5" in found.describe()


def test_level_that_was_heard_above_the_threshold_changes_nothing() -> None:
    decision = Decision(smooth=1, min_windows=1, threshold_on=5.0, threshold_off=4.0)
    found = measure([np.array([x], np.float32) for x in (1, 6)], decision, heard=8.0)
    assert (found.found, found.found_heard, found.warning) == (1, 1, "")


def test_no_warning_where_the_detector_hears_little_anyway() -> None:
    assert Alertness(strange=84, found=18, found_heard=20, heard=1.0).warning == ""


def test_a_detector_that_hardly_hears_anything_at_any_threshold_is_told() -> None:
    told = Alertness(strange=84, found=7, found_heard=8, heard=1.0).warning
    assert "only 7 raise an alarm, and no more than 8 would at any threshold" in told
    assert "--model" in told
    assert Alertness(strange=84, found=9, found_heard=19, heard=1.0).warning != ""
    assert Alertness(strange=2, found=1, found_heard=2, heard=1.0).warning == ""


def test_warning_where_nothing_alarms_at_all() -> None:
    # Neither at the threshold nor just above what was heard: 0 is not half of 0.
    told = Alertness(strange=84, found=0, found_heard=0, heard=1.0).warning
    assert told.startswith("NOTHING RAISES AN ALARM: of 84 plainly strange versions")
    assert "not one is found, at any threshold" in told
    told = Alertness(strange=84, found=0, found_heard=7, heard=1.0).warning
    assert told.startswith("NOTHING RAISES AN ALARM")
    assert "at 1, which healthy running reached about once, 7 would be" in told
    assert "could not be tried" in Alertness(strange=0, found=0, found_heard=0, heard=1.0).warning


def test_versions_are_plain_pseudo_anomalies_of_all_kinds(fan: Path, trained: Trained) -> None:
    dataset = open_dataset(fan, ReadOptions()).settle(list(trained.split.fit))
    clips = trained.split.validation
    features = trained.bundle.features
    vectors = strange_vectors(dataset, clips, features, versions=len(PLAIN) + 1, seed=3)
    assert len(vectors) == len(PLAIN) + 1
    for number, kind in enumerate((*PLAIN, PLAIN[0])):
        samples = pseudo_anomaly(
            dataset.read(clips[number % len(clips)], trained.issues),
            features.sample_rate,
            np.random.default_rng([3, number]),
            kind,
            strength=1.0,
        )
        np.testing.assert_array_equal(vectors[number], Extractor(features).vectors(samples)[0])
    assert strange_vectors(dataset, [], features) == []


def test_recordings_that_cannot_be_read_are_left_out(fan: Path, trained: Trained, tmp_path: Path) -> None:
    dataset = open_dataset(mimii(tmp_path), ReadOptions())
    clips = [clip for clip in dataset.clips if clip.label == "normal"][:2]
    dataset = dataset.settle(clips)
    clips[0].path.write_bytes(b"RIFF")
    assert len(strange_vectors(dataset, clips, trained.bundle.features, versions=10)) == 5


def test_training_tries_its_threshold_and_records_it(fan: Path, trained: Trained) -> None:
    found = trained.alertness
    assert found is not None
    assert found.strange == 2 * len(PLAIN)
    assert 0 < found.found <= found.found_heard
    meta = read_bundle(trained.raw).meta
    assert meta["alertness"] == {
        "strange": found.strange, "found": found.found, "found_heard": found.found_heard, "heard": found.heard,
    }  # fmt: skip
    assert found.heard == meta["threshold"]["heard"] < meta["threshold"]["on"]
    dataset = open_dataset(fan, ReadOptions()).settle(list(trained.split.fit))
    versions = strange_vectors(dataset, trained.split.validation, trained.bundle.features, versions=found.strange)
    scores = [Scorer(trained.bundle).score(vectors) for vectors in versions]
    assert measure(scores, trained.bundle.decision, found.heard) == found
    without = train(open_dataset(fan, ReadOptions()), None, replace(QUICK, strange=0))
    assert without.alertness is None
    assert "alertness" not in without.bundle.meta


def test_commands_tell_of_a_detector_that_lost_too_much(
    fan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The hum is so steady that no threshold is out of reach of its strange versions: any loss shall be too much.
    monkeypatch.setattr("tocsin.alarm.sensitivity.LOST", 1.01)
    bundle = tmp_path / "fan.tocsin"
    words = ["train", "--data", fan, "--clusters", 4, "--bands", 32, "-o", bundle]
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    assert "plainly strange versions of healthy recordings raise an alarm" in result.stdout
    assert "may stay silent on a plain fault" in result.stderr
    for i in range(6):
        write(tmp_path / f"new/normal/{i}.wav", hum(50 + i, seconds=5))
    words = ["rebaseline", bundle, "--data", tmp_path / "new", "-o", tmp_path / "new.tocsin"]
    result = CliRunner().invoke(cli, [str(word) for word in (*words, "--json")])
    assert result.exit_code == 0, result.output
    assert "may stay silent on a plain fault" in result.stderr
    told = json.loads(result.stdout)["alertness"]
    assert 0 < told["found"] <= told["found_heard"] <= told["strange"]
    old, new = read_bundle(bundle).meta["alertness"], read_bundle(tmp_path / "new.tocsin").meta["alertness"]
    assert told == new != old
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert "alertness    " in result.stdout
