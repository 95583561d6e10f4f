# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings of sensors that did not work: left out by name, or refused, wherever recordings are read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from recordings import RATE, hum, shakes, write
from tocsin.alarm.operating_point import find_alarms
from tocsin.alarm.threshold import parse_rate
from tocsin.bundle import Decision, write_bundle
from tocsin.cli import cli
from tocsin.data import Dataset, ReadOptions, open_dataset
from tocsin.data.health import SATURATES
from tocsin.errors import DataError
from tocsin.features import Extractor
from tocsin.features.frontend import FrontEnd
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import Trained, train
from tocsin.twin import Scorer

QUICK = TrainOptions(kind="kmeans", budget=parse_rate("1/day"), clusters=4, front_end=FrontEnd(bands=32), strange=0)
CLIPS = 40


def call(*words: object) -> Result:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def dataset(root: Path, **options: object) -> Dataset:
    return open_dataset(root, ReadOptions(**options))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def fan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 healthy clips of a synthetic fan, and 5 faults."""
    root = tmp_path_factory.mktemp("fan")
    for i in range(CLIPS):
        write(root / f"fan/id_00/normal/{i:08d}.wav", hum(i))
    for i in range(5):
        write(root / f"fan/id_00/abnormal/{i:08d}.wav", hum(1000 + i, whistle=True))
    return root


@pytest.fixture(scope="module")
def healthy(fan: Path) -> Trained:
    return train(dataset(fan), None, QUICK)


def spoiled(fan: Path, root: Path, spoil: Callable[[np.ndarray], np.ndarray], numbers: tuple[int, ...]) -> Path:
    """The fan with some of its healthy clips made bad."""
    shutil.copytree(fan, root, dirs_exist_ok=True)
    for i in numbers:
        write(root / f"fan/id_00/normal/{i:08d}.wav", spoil(hum(i)))
    return root


def dead(x: np.ndarray) -> np.ndarray:
    return np.zeros_like(x)


def dead_from_its_middle(x: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(x)) < len(x) // 2, x, 0.0)


def antiphase(x: np.ndarray) -> np.ndarray:
    return np.stack([x, -x], axis=1)


def clipped(x: np.ndarray) -> np.ndarray:
    return np.clip(8 * x, -1, 1)


def dithering(x: np.ndarray) -> np.ndarray:
    return np.random.default_rng(1).integers(-1, 2, len(x)) / 32768


def slammed(x: np.ndarray) -> np.ndarray:
    """A door slams in the middle."""
    noise = np.random.default_rng(7).normal(size=4000) * np.exp(-np.arange(4000) / 1000)
    out = x.copy()
    out[len(x) // 2 :][:4000] += 0.9 * noise
    return np.clip(out, -1, 1)


def alarms(trained: Trained, samples: np.ndarray) -> bool:
    digits = np.rint(32767 * samples).astype(np.int16)
    bundle = trained.bundle
    return bool(find_alarms(Scorer(bundle).score(Extractor(bundle.features).vectors(digits)[0]), bundle.decision))


def trained_on(split: str, trained: Trained) -> list[int]:
    return [int(Path(clip.name).stem) for clip in getattr(trained.split, split)]


@pytest.mark.parametrize("split", ["fit", "validation"])
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (dead, "sensor STUCK: the same value"),
        (dead_from_its_middle, "sensor STUCK: the same value from 1.5 s to 3 s"),
        (antiphase, "its 2 channels cancel when they are averaged"),
        (clipped, "sensor SATURATED: more than 5 %"),
        (dithering, "sensor SILENT: no change of more than 2 digits"),
    ],
)
def test_bad_clip_changes_nothing_but_its_own_absence(
    fan: Path, healthy: Trained, tmp_path: Path, spoil: Callable[[np.ndarray], np.ndarray], said: str, split: str
) -> None:
    bad = trained_on(split, healthy)[0]
    trained = train(dataset(spoiled(fan, tmp_path, spoil, (bad,))), None, QUICK)
    assert trained.issues.skipped == [(f"fan/id_00/normal/{bad:08d}.wav", trained.issues.skipped[0][1])]
    assert said in trained.issues.skipped[0][1]
    assert 0.5 < trained.threshold.on / healthy.threshold.on < 2
    for i in range(5):
        assert alarms(trained, hum(1000 + i, whistle=True))
    assert not any(alarms(trained, hum(2000 + i)) for i in range(5))
    for silence in (np.zeros(3 * RATE), dithering(np.zeros(3 * RATE))):
        assert alarms(trained, silence)
    meta = trained.bundle.meta["split"]
    assert (meta["fit"] + meta["judged"], meta["skipped"]) == (len(healthy.split.fit + healthy.split.validation) - 1, 1)


@pytest.mark.parametrize("split", ["fit", "validation"])
def test_slammed_door_sets_no_scale(fan: Path, healthy: Trained, tmp_path: Path, split: str) -> None:
    bad = trained_on(split, healthy)[0]
    root = spoiled(fan, tmp_path, slammed, (bad,))
    trained = train(dataset(root), None, QUICK)
    ((name, reason),) = trained.issues.skipped
    assert name == f"fan/id_00/normal/{bad:08d}.wav"
    assert "an outlier: beyond the usual distance" in reason
    assert 0.5 < trained.threshold.on / healthy.threshold.on < 2
    assert trained.bundle.meta["split"]["outliers"] == 1
    kept = train(dataset(root), None, replace(QUICK, keep_outliers=True))
    assert kept.issues.skipped == []
    spread = kept.bundle.normalisation.inv_std / healthy.bundle.normalisation.inv_std
    without = trained.bundle.normalisation.inv_std / healthy.bundle.normalisation.inv_std
    np.testing.assert_allclose(without, 1, atol=0.15)
    assert spread.min() < 0.7 or kept.threshold.on > 3 * healthy.threshold.on


def test_most_of_them_bad_is_refused(fan: Path, tmp_path: Path) -> None:
    result = call("train", "--data", spoiled(fan, tmp_path, dead, tuple(range(CLIPS))), "-o", tmp_path / "a.tocsin")
    assert result.exit_code == 2
    assert "recordings cannot be used" in result.stderr
    assert "sensor STUCK" in result.stderr
    assert "Check the sensor and its wires" in result.stderr
    assert not (tmp_path / "a.tocsin").exists()


def test_cancelling_stereo_is_used_by_channel(fan: Path, tmp_path: Path) -> None:
    root = spoiled(fan, tmp_path, antiphase, tuple(range(CLIPS)))
    with pytest.raises(DataError, match="choose one with --channel 0"):
        train(dataset(root), None, QUICK)
    assert train(dataset(root, channel=0), None, QUICK).issues.skipped == []


def test_wrong_unit_is_refused_with_the_option(tmp_path: Path) -> None:
    arrays = np.load(shakes(tmp_path / "ug.npz"))
    np.savez(tmp_path / "g.npz", **{name: arrays[name] / 1e6 for name in arrays.files})
    words = ("--rate", 200, "--model", "mahalanobis", "--covariance", "diagonal", "-o", tmp_path / "a.tocsin")
    result = call("train", "--data", tmp_path / "g.npz", "--unit", "ug", *words)
    assert result.exit_code == 2
    assert "sensor STUCK" in result.stderr
    assert "--unit" in result.stderr
    assert call("train", "--data", tmp_path / "g.npz", "--unit", "g", *words).exit_code == 0


def test_axis_that_is_stuck_is_named(tmp_path: Path) -> None:
    arrays = dict(np.load(shakes(tmp_path / "fan.npz")))
    arrays["fan_0_low_0_weight"][3, :, 1] = 17000
    np.savez(tmp_path / "bad.npz", **arrays)
    found = call("data", "info", tmp_path / "bad.npz", "--rate", 200, "--unit", "ug", "--json")
    finding = next(item for item in json.loads(found.stdout)["findings"] if item["kind"] == "sensor")
    assert finding["clips"] == ["fan_0_low_0_weight[3]"]
    assert "sensor STUCK on channel 1 of 3 (from 0)" in finding["text"]


def test_info_names_what_training_leaves_out(fan: Path, tmp_path: Path) -> None:
    root = spoiled(fan, tmp_path, dead, (3,))
    spoiled(fan, tmp_path / "more", antiphase, (5,))
    (tmp_path / "more/fan/id_00/normal/00000005.wav").rename(root / "fan/id_00/normal/00000005.wav")
    shutil.rmtree(tmp_path / "more")
    told = call("data", "info", root).stdout
    assert "2 of 45 recordings are of a sensor that did not work (first: fan/id_00/normal/00000003.wav:" in told
    assert "sensor" not in call("data", "info", fan).stdout


def test_tests_leave_dead_recordings_out(fan: Path, healthy: Trained, tmp_path: Path) -> None:
    (tmp_path / "fan.tocsin").write_bytes(healthy.raw)
    test = trained_on("test", healthy)[0]
    root = spoiled(fan, tmp_path / "data", dead, (test,))
    write(root / "fan/id_00/abnormal/00000000.wav", dead(hum(0)))
    write(root / "fan/id_00/abnormal/00000001.wav", clipped(hum(1)))
    result = call("eval", tmp_path / "fan.tocsin", "--data", root, "--json")
    row = json.loads(result.stdout)[-1]
    # An anomaly may be so loud that it saturates the sensor; a dead one is none.
    assert (row["n_normal"], row["n_anomaly"]) == (len(healthy.split.test) - 1, 4)
    assert f"skipped fan/id_00/normal/{test:08d}.wav: sensor STUCK" in result.stderr
    assert "skipped fan/id_00/abnormal/00000000.wav: sensor STUCK" in result.stderr
    assert SATURATES in result.stderr
    result = call("report", tmp_path / "fan.tocsin", "--data", root, "-o", tmp_path / "fan.html")
    assert f"skipped fan/id_00/normal/{test:08d}.wav: sensor STUCK" in result.stderr


def test_rebaseline_leaves_dead_recordings_and_outliers_out(healthy: Trained, tmp_path: Path) -> None:
    (tmp_path / "fan.tocsin").write_bytes(healthy.raw)
    for i in range(12):
        write(tmp_path / f"new/normal/{i:02d}.wav", {3: dead, 7: slammed}.get(i, np.asarray)(hum(50 + i)))
    words = ("rebaseline", tmp_path / "fan.tocsin", "--data", tmp_path / "new", "-o", tmp_path / "new.tocsin", "--json")
    result = call(*words)
    assert result.exit_code == 0, result.output
    assert "skipped normal/03.wav: sensor STUCK" in result.stderr
    assert "skipped normal/07.wav: an outlier" in result.stderr
    assert json.loads(result.stdout)["recordings"] == 10
    assert json.loads(call(*words, "--keep-outliers").stdout)["recordings"] == 11


@pytest.mark.parametrize("seconds", [1, 3, 30])
def test_run_never_calls_a_dead_recording_healthy(healthy: Trained, tmp_path: Path, seconds: float) -> None:
    bundle = tmp_path / "fan.tocsin"
    bundle.write_bytes(healthy.raw)
    file = write(tmp_path / "dead.wav", np.zeros(int(seconds * RATE)))
    result = call("run", bundle, file, "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert next(line for line in lines if line["kind"] == "sensor")["condition"] == "STUCK"
    assert lines[-1]["sensor"] == ["STUCK"]
    assert result.exit_code == (1 if lines[-1]["alarms"] else 3)
    assert "sensor STUCK, whose scores say nothing of the machine" in call("run", bundle, file).stdout


def test_run_tells_the_sensor_apart_from_an_alarm(healthy: Trained, tmp_path: Path) -> None:
    # A detector that nothing reaches: how the sensor is, the rules still say.
    bundle, old = tmp_path / "deaf.tocsin", healthy.bundle
    write_bundle(
        bundle,
        features=old.features,
        normalisation=old.normalisation,
        model=old.model,
        decision=Decision(2, 1, 1e9, 1e8),
        meta=old.meta,
    )
    good, bad = write(tmp_path / "good.wav", hum(5, seconds=8)), write(tmp_path / "bad.wav", np.zeros(8 * RATE))
    assert call("run", bundle, good).exit_code == 0
    result = call("run", bundle, good, bad)
    assert result.exit_code == 3
    assert "2.000 s  sensor STUCK" not in result.stdout  # it is stuck from its beginning
    assert "0.000 s  sensor STUCK" in result.stdout
    x = hum(6, seconds=20)
    x[5 * RATE : 10 * RATE] = 0
    lines = call("run", bundle, write(tmp_path / "gap.wav", x), "--json").stdout.splitlines()
    found = [json.loads(line) for line in lines]
    assert [(line["condition"], line["begins"], line["index_s"]) for line in found if line["kind"] == "sensor"] == [
        ("STUCK", True, 5.0),
        ("STUCK", False, 10.0),
    ]


def test_twin_knows_the_sensor_as_the_device_does(healthy: Trained) -> None:
    from tocsin.twin import Twin

    twin = Twin(healthy.bundle)
    twin.push(np.rint(32767 * hum(1)).astype(np.int16))
    assert twin.condition == "OK"
    twin.push(np.zeros(3 * RATE, np.int16))
    assert twin.condition == "STUCK"
    assert [(change.condition, change.begins, change.index) for change in twin.sensor_changes] == [
        ("STUCK", True, 3 * RATE)
    ]
    twin.reset()
    assert (twin.condition, twin.sensor_changes) == ("OK", [])
