# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The search: judged by healthy recordings alone, within the budget, and not lost by a kill."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
from click.testing import CliRunner

from recordings import hum, mimii, write
from tocsin.alarm.threshold import parse_rate
from tocsin.bundle import read_bundle
from tocsin.bundle.cost import Cost, measure_cost
from tocsin.cli import cli
from tocsin.cli.tune import _BYTES, Amount
from tocsin.data import Issues, ReadOptions, open_dataset
from tocsin.data.cache import Cache
from tocsin.errors import DataError
from tocsin.features.frontend import FrontEnd, audio_features, vibration_features
from tocsin.learn.kinds import KINDS
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import FRAME_BY_FRAME, choose_features, is_stacked, train
from tocsin.learn.tune import Budget, Finished, TuneOptions, tune
from tocsin.learn.tune.judge import make_judge
from tocsin.learn.tune.space import Recordings, least_cost, suggest
from tocsin.learn.tune.study import _alone, _prepare, _time_is_up, pareto_front, same_in_effect, tried_before

BASE = TrainOptions(kind="kmeans", budget=parse_rate("1/day"), front_end=FrontEnd(bands=32))


LONG = Recordings("audio", 16000, 10 * 16000)
SHAKES = Recordings("vibration", 200, 200)


@pytest.fixture(scope="module")
def fan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mimii(tmp_path_factory.mktemp("fan"), normal=40, abnormal=3, seconds=3.0)


@pytest.mark.parametrize(
    ("need", "limit", "word"),
    [
        (Cost(101, 0, 10, 10), Budget(100, 20, 20), "flash"),
        (Cost(10, 0, 21, 10), Budget(100, 20, 20), "RAM"),
        (Cost(10, 0, 10, 21), Budget(100, 20, 20), "instructions"),
        (Cost(100, 0, 20, 20), Budget(100, 20, 20), ""),
        (Cost(10**9, 0, 10**9, 10**9), Budget(), ""),
    ],
)
def test_excess_is_told(need: Cost, limit: Budget, word: str) -> None:
    found = limit.excess(need)
    assert word in found
    assert bool(found) == bool(word)


def test_front_holds_what_nothing_beats() -> None:
    def item(number: int, auc: float, flash: int, instructions: float) -> Finished:
        return Finished(number, auc, Cost(flash, 0, 0, instructions), BASE, default=False)

    best, small, quick, beaten, twin = (
        item(0, 0.9, 100, 100), item(1, 0.7, 10, 100), item(2, 0.7, 100, 10), item(3, 0.7, 100, 100),
        item(4, 0.9, 100, 100),
    )  # fmt: skip
    assert pareto_front([best, small, quick, beaten, twin]) == [best, small, quick]


def test_store_forgets_the_oldest() -> None:
    store = Cache(100)
    for name in "abc":
        store.put(name, name.upper(), 40)
        store.get("a")
    assert (store.get("a"), store.get("b"), store.get("c")) == ("A", None, "C")
    store.put("large", 1, 101)
    assert store.get("large") is None
    assert store.bytes == 80


@pytest.mark.parametrize("kind", ["kmeans", "gmm", "mahalanobis", "idnn", "conv", "combined"])
def test_least_cost_is_never_above_the_true_one(fan: Path, kind: str) -> None:
    dataset = open_dataset(fan, ReadOptions())
    options = replace(BASE, kind=kind, clusters=4, epochs=1, members=("kmeans", "gmm"))
    least = least_cost(choose_features(dataset, dataset.clips, options, stacked=is_stacked(options)), options)
    cost = measure_cost(train(dataset, None, options).bundle)
    for name in ("flash", "ram", "instructions"):
        # A network's RAM is not known before it is there, nor most of a convolutional one.
        share = 0.5 if kind in ("kmeans", "gmm", "mahalanobis") else 0.2
        assert share * getattr(cost, name) < getattr(least, name) <= getattr(cost, name), name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sensor", ["audio", "vibration"])
def test_every_suggestion_has_a_front_end_that_fits(kind: str, sensor: str) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    for _ in range(20):
        chosen = suggest(study.ask(), [kind], LONG if sensor == "audio" else SHAKES, BASE)
        stacked = is_stacked(chosen)
        if sensor == "audio":
            features = audio_features(chosen.front_end, sample_rate=16000, stacked=stacked)
        else:
            features = vibration_features(
                chosen.front_end, sample_rate=200, channels=3, scale_g=1e-4, clip_samples=200, stacked=stacked
            )
        assert kind != "idnn" or features.window_frames % 2 == 1
        assert (features.pool == ("stack",)) == (stacked and (sensor == "audio" or kind in FRAME_BY_FRAME))
        assert least_cost(features, chosen).flash > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("seconds", [0.4, 1.0, 1.6, 5.0])
def test_no_window_is_longer_than_the_recordings(kind: str, rate: int, seconds: float) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    fits = Recordings("audio", rate, round(seconds * rate))
    for _ in range(40):
        chosen = suggest(study.ask(), [kind], fits, BASE)
        features = audio_features(chosen.front_end, sample_rate=rate, stacked=is_stacked(chosen))
        assert features.window_span <= fits.samples
        assert kind != "idnn" or features.window_frames in (3, 5, 7)


@pytest.mark.parametrize(("kind", "most"), [("kmeans", 14), ("gmm", 7), ("combined", 7)])
def test_no_candidate_has_more_clusters_than_the_recordings_carry(kind: str, most: int) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    short = Recordings("vibration", 1000, 1000, fitted=14)
    found = [suggest(study.ask(), [kind], short, BASE) for _ in range(60)]
    assert max(item.clusters for item in found if kind != "combined" or "gmm" in item.members) == most
    assert Recordings("vibration", 1000, 5000, fitted=14).windows == 70
    assert Recordings("audio", 16000, 10 * 16000, fitted=14).windows == 14
    assert Recordings("audio", 16000, 16000, fitted=1).windows == 2


@pytest.mark.parametrize("kind", KINDS)
def test_features_that_are_given_are_kept(kind: str) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    given = replace(BASE, front_end=FrontEnd(n_fft=512, spacing="linear", average="power"))
    for _ in range(10):
        front = suggest(study.ask(), [kind], LONG, given).front_end
        assert (front.n_fft, front.spacing, front.average) == (512, "linear", "power")
        assert front.bands is not None
        if kind not in FRAME_BY_FRAME:  # these stack frames, and powers cannot be stacked
            audio_features(front, sample_rate=16000, stacked=False)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - set(FRAME_BY_FRAME)))
@pytest.mark.parametrize(
    "given", [{"window_frames": 374}, {"window_hop": 7}, {"window_frames": 374, "window_hop": 187}]
)
def test_windows_that_are_given_fit_what_is_tried(kind: str, given: dict[str, int]) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
    base = replace(BASE, front_end=FrontEnd(average="power", **given))
    for _ in range(10):
        features = audio_features(suggest(study.ask(), [kind], LONG, base).front_end, sample_rate=16000, stacked=False)
        assert {name: getattr(features, name) for name in given} == given


def test_neither_anomalies_nor_test_recordings_are_read(tmp_path: Path) -> None:
    for i in range(16):
        write(tmp_path / f"fan/train/section_00_source_train_normal_{i:04d}_a.wav", hum(i))
    for i, label in enumerate(["normal", "anomaly"] * 3):
        write(tmp_path / f"fan/test/section_00_source_test_{label}_{i:04d}_a.wav", hum(100 + i))
    dataset = open_dataset(tmp_path, ReadOptions())
    for path in (tmp_path / "fan/test").iterdir():
        path.unlink()
    judge = make_judge(dataset, BASE)
    assert sorted(clip.name for clip in judge.clips) == sorted(c.name for c in dataset.clips if c.split == "train")
    values = [judge.fold(number, BASE)[0] for number in range(3)]
    assert all(0 <= value <= 1 for value in values)


def test_pseudo_anomalies_are_of_the_fold_and_the_same_each_time(fan: Path) -> None:
    judge, again = (make_judge(open_dataset(fan, ReadOptions()), BASE) for _ in range(2))
    assert judge.against == "pseudo"
    assert sorted(clip.name for fold in judge.folds for clip in fold.healthy) == sorted(c.name for c in judge.clips)
    fold = judge.folds[0]
    assert not set(fold.fit) & set(fold.healthy)
    strange = [clip for clips in fold.strange.values() for clip in clips]
    assert len(strange) == len(fold.healthy)
    for clip in strange[:8]:
        base = judge.dataset.strange[clip.name].base
        assert base in fold.healthy
        samples = judge.dataset.read(clip, Issues())
        np.testing.assert_array_equal(samples, again.dataset.read(clip, Issues()))
        assert (samples != judge.dataset.read(base, Issues())).any()


def cars(root: Path, conditions: dict[str, int]) -> Path:
    """Recordings of two cars, so many of each condition; the pitch tells the condition."""
    for car in range(2):
        for number, (name, count) in enumerate(conditions.items()):
            for i in range(count):
                seed = 1000 * car + 100 * number + i
                file = f"car_{car}/train/section_00_source_train_normal_{seed:04d}_{name}.wav"
                write(root / file, hum(seed, pitch=200.0 + 40 * car + 300 * number))
    return root


def test_conditions_are_left_out_whole(tmp_path: Path) -> None:
    data = cars(tmp_path, {"spd_31V": 6, "spd_34V": 9, "spd_40V": 7, "spd_50V": 3})
    judge, again = (make_judge(open_dataset(data, ReadOptions()), BASE, against="conditions") for _ in range(2))
    assert judge.criterion == "AUC against conditions left out of training, cross-validated on normal recordings"
    assert judge.folds == again.folds
    unheard = []
    for fold in judge.folds:
        (strange,) = fold.strange.values()
        parts = [{clip.name for clip in clips} for clips in (fold.fit, fold.healthy, strange)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == len(judge.clips)
        out = {(clip.machine, clip.attributes) for clip in strange}
        heard = {(clip.machine, clip.attributes) for clip in (*fold.fit, *fold.healthy)}
        assert not out & heard
        # Each car has one condition left out and two heard; the one of three recordings is always trained on.
        assert sorted(machine for machine, _ in out) == ["car_0", "car_1"]
        assert {(clip.machine, clip.attributes) for clip in fold.healthy} == heard - {
            ("car_0", "spd_50V"), ("car_1", "spd_50V")
        }  # fmt: skip
        unheard += sorted(out)
    assert len(unheard) == len(set(unheard)) == 6
    # What differs by more than the bands' width is heard, and by one band is not.
    good = [judge.fold(number, replace(BASE, kind="mahalanobis"))[0] for number in range(3)]
    poor = [judge.fold(number, replace(BASE, clusters=1, front_end=FrontEnd(bands=1)))[0] for number in range(3)]
    assert np.mean(good) > np.mean(poor) + 0.1


def test_conditions_must_be_there(tmp_path: Path) -> None:
    few = open_dataset(cars(tmp_path, {"spd_31V": 9, "spd_34V": 5}), ReadOptions())
    with pytest.raises(DataError, match="at least two, each in 6 or more"):
        make_judge(few, BASE, against="conditions")
    enough = open_dataset(cars(tmp_path, {"spd_31V": 9, "spd_34V": 9}), ReadOptions())
    assert len(make_judge(enough, BASE, against="conditions").folds) == 3


def test_features_are_computed_once(fan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = make_judge(open_dataset(fan, ReadOptions()), BASE)
    first = judge.fold(0, BASE)
    from tocsin.features import Extractor

    def refuse(*_: object) -> None:
        raise AssertionError("features were computed again")

    monkeypatch.setattr(Extractor, "vectors", refuse)
    second = judge.fold(0, BASE)
    assert second[0] == first[0]
    assert second[1].crc == first[1].crc


def test_better_detectors_get_better_figures(fan: Path) -> None:
    judge = make_judge(open_dataset(fan, ReadOptions()), BASE)
    # By all folds, as the search does: of one, 13 recordings decide.
    good = [judge.fold(number, replace(BASE, kind="mahalanobis"))[0] for number in range(3)]
    # Three bands see little.
    poor = [judge.fold(number, replace(BASE, clusters=1, front_end=FrontEnd(bands=3)))[0] for number in range(3)]
    assert np.mean(good) > np.mean(poor) + 0.05


def test_candidates_are_not_tried_twice() -> None:
    import optuna

    study = optuna.create_study()

    def draw(number: int) -> bool:
        study.enqueue_trial({"clusters": number})
        trial = study.ask()
        trial.suggest_int("clusters", 1, 9)
        known = tried_before(trial)
        study.tell(trial, 0.5)
        return known

    assert [draw(number) for number in (3, 4, 3, 5, 4)] == [False, False, True, False, True]


def test_options_that_come_to_the_same_are_not_tried_twice() -> None:
    import optuna

    study = optuna.create_study()

    def draw(value: float, flash: int) -> bool:
        trial = study.ask()
        known = same_in_effect(trial, value, Cost(flash, 0, 0, 100.0))
        study.tell(trial, value)
        return known

    assert [draw(0.7, 10), draw(0.7, 11), draw(0.6, 10), draw(0.7, 10)] == [False, False, False, True]


def test_too_few_recordings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least 12"):
        make_judge(open_dataset(mimii(tmp_path, normal=8), ReadOptions()), BASE)


def test_microphones_of_a_recording_stay_together(tmp_path: Path) -> None:
    for i in range(14):
        for channel in (1, 2):
            name = f"ToyCar/case1/NormalSound_IND/{i:010d}_ToyCar_case1_normal_IND_ch{channel}_{i:04d}.wav"
            write(tmp_path / name, hum(i))
    dataset = open_dataset(tmp_path, ReadOptions())
    # Each microphone would be a condition.
    with pytest.raises(DataError, match="one file a recording"):
        make_judge(dataset, BASE, against="conditions")
    judge = make_judge(dataset, BASE)
    assert sum(len(fold.healthy) for fold in judge.folds) == len(judge.clips) == 20
    for fold in judge.folds:
        assert len(fold.healthy) >= 6
        assert not {clip.recording for clip in fold.fit} & {clip.recording for clip in fold.healthy}


def command(fan: Path, out: Path, *more: str) -> list[str]:
    return [
        "tune", "--data", str(fan), "-o", str(out), "--models", "kmeans,mahalanobis", "--flash", "40k", "--ram", "32k",
        "--cycles-per-second", "3M", "--json", "--jobs", "1", *more,
    ]  # fmt: skip


def test_a_worker_that_outlives_its_search_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    study = optuna.create_study()
    study.set_user_attr("search", {"seed": 1})
    trial = study.ask()
    seen = study.get_trials()
    study.tell(trial, 0.5)
    monkeypatch.setattr(study, "get_trials", lambda **_: seen)
    _prepare(study, {"seed": 1}, TuneOptions.__new__(TuneOptions))
    monkeypatch.undo()
    assert [found.state.name for found in study.get_trials()] == ["COMPLETE"]


def test_killed_search_goes_on_without_losing_trials(fan: Path, tmp_path: Path) -> None:
    out = tmp_path / "best.tocsin"
    study = tmp_path / "best.tocsin.study"

    def completed() -> list[dict]:
        # Optuna's journal: operation 6 sets a trial's state, 1 is complete.
        lines = study.read_text().splitlines() if study.exists() else []
        found = []
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry.get("op_code") == 6 and entry.get("state") == 1:
                found.append(entry)
        return found

    arguments = [sys.executable, "-c", "from tocsin.cli import main; main()", *command(fan, out)]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        deadline = time.monotonic() + 120
        while len(completed()) < 2 and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
    before = completed()
    assert len(before) >= 2
    assert not out.exists()
    more = len(before) + 4
    result = CliRunner().invoke(cli, command(fan, out, "--trials", str(more), "--plot", str(tmp_path / "p.png")))
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    # Every trial that was finished before the kill is still there, with its value.
    values = {item["trial"]: item["auc"] for item in found["finished"]}
    assert {entry["trial_id"]: entry["values"][0] for entry in before}.items() <= values.items()
    assert sum(found["trials"].values()) >= more
    assert [item["default"] for item in found["finished"]].count(True) == 2
    bundle = read_bundle(out.read_bytes())
    assert found["best"]["crc"] == f"{bundle.crc:08x}"
    assert bundle.size <= 40 * 1024
    assert bundle.meta["tune"]["auc"] == round(found["finished"][0]["auc"], 4) == round(max(values.values()), 4)
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.tocsin", "best.tocsin.study", "p.png"]
    # Without --json, the table names what was written, and the time is kept.
    words = [word for word in command(fan, out, "--trials", str(more)) if word != "--json"]
    shown = CliRunner().invoke(cli, words)
    assert shown.exit_code == 0, shown.output
    assert f"best      * trial {bundle.meta['tune']['trial']}: " in shown.output
    assert re.search(rf"│ +\* {bundle.meta['tune']['trial']} │", shown.output)
    # A bundle that is trained on all recordings is larger than in a fold, whose size the table has.
    assert f"{bundle.size} bytes trained on all recordings (above: on a part), CRC" in shown.output

    other = CliRunner().invoke(cli, [*command(fan, out), "--seed", "1"])
    assert other.exit_code == 2 or "another search" in str(other.exception)


def test_budget_that_nothing_fits_is_told(fan: Path, tmp_path: Path) -> None:
    options = TuneOptions(
        base=BASE, budget=Budget(flash=3000), study=tmp_path / "s", kinds=("kmeans",), trials=2, seconds=60
    )
    with pytest.raises(DataError, match="larger budget"):
        tune(open_dataset(fan, ReadOptions()), None, options)


def test_reasons_of_failures_are_told(fan: Path, tmp_path: Path) -> None:
    # Recordings of one machine: an embedding has no conditions to tell apart.
    words = ["tune", "--data", str(fan), "-o", str(tmp_path / "b.tocsin"), "--jobs", "1", "--trials", "3"]
    told = CliRunner().invoke(cli, [*words, "--models", "embedding", "--time", "40"])
    assert told.exit_code == 2
    assert "failed: embedding learns to tell conditions apart" in told.stderr
    told = CliRunner().invoke(cli, [*words, "--models", "kmeans,embedding", "--study", str(tmp_path / "s"), "--json"])
    assert told.exit_code == 0, told.output
    said = json.loads(told.stdout)
    ((reason, count),) = said["failures"].items()
    assert "embedding learns" in reason
    assert said["trials"]["failed"] == count > 0


def test_time_is_kept_and_progress_is_told_on_a_pipe(fan: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-c", "from tocsin.cli import main; main()", "tune", "--data", str(fan)]
    words += ["-o", str(tmp_path / "b.tocsin"), "--models", "kmeans,mahalanobis", "--jobs", "1", "--time", "25"]
    started = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert time.monotonic() - started < 25 + 15
    assert done.returncode == 0, done.stderr
    assert "searching: " in done.stderr
    assert "best AUC 0.0000" not in done.stderr


def test_time_is_kept_for_training_the_best(tmp_path: Path) -> None:
    options = TuneOptions(base=BASE, budget=Budget(), study=tmp_path / "s", seconds=100)
    study = optuna.create_study(direction="maximize")
    now = time.time()
    assert not _time_is_up(study, options, now + 5)
    assert _time_is_up(study, options, now - 1)
    for kind, value, seconds in (("kmeans", 0.6, 10.0), ("kmeans", 0.9, 1.0), ("gmm", 0.7, 20.0)):
        study.enqueue_trial({"kind": kind})
        trial = study.ask({"kind": optuna.distributions.CategoricalDistribution(["kmeans", "gmm"])})
        trial.set_user_attr("seconds", seconds)
        study.tell(trial, value)
    # Three times the slowest first fold of the best's kind, which computed features that later ones found; never more
    # than half of all.
    assert not _time_is_up(study, options, now + 40)
    assert _time_is_up(study, options, now + 29)
    assert not _time_is_up(study, replace(options, seconds=20), now + 15)
    assert not _time_is_up(study, replace(options, seconds=None), None)


def test_a_second_search_is_refused(tmp_path: Path) -> None:
    with _alone(tmp_path / "s"), pytest.raises(DataError, match="Another search"), _alone(tmp_path / "s"):
        pass
    assert list(tmp_path.iterdir()) == []
    with _alone(tmp_path / "s"):
        pass


@pytest.mark.parametrize("text", ["64k", "64kb", "64KB", "64 KiB", "64kib", "65536", "65536B", "0.0625M"])
def test_sizes_as_people_write_them(text: str) -> None:
    assert Amount(_BYTES, "200k").convert(text, None, None) == 65536


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--flash", "64q", "200k"),
        ("--flash", "much", "200k"),
        ("--time", "1y", "1h"),
        ("--models", "oracle", "no model oracle"),
        ("--ram", "0", "64k"),
        ("--against", "conditions", "every machine must have at least two"),
        ("--against", "anomalies", "pseudo"),
    ],
)
def test_mistakes_are_told(fan: Path, tmp_path: Path, option: str, value: str, message: str) -> None:
    result = CliRunner().invoke(cli, ["tune", "--data", str(fan), "-o", str(tmp_path / "b.tocsin"), option, value])
    assert result.exit_code != 0
    assert message in result.output + str(result.exception)


def test_help_has_an_example() -> None:
    assert "Example: tocsin tune --data data" in CliRunner().invoke(cli, ["tune", "--help"]).output
