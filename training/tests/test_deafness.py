# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A detector that can raise no alarm is refused; one of each kind that can is not."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from builders import KINDS as BUILT
from builders import bundle_of
from recordings import RATE, hum, mimii, shakes, write
from tocsin.alarm.deafness import (
    BUDGETS,
    HEARS,
    NOISE,
    SILENCE,
    SQUARE,
    DeafError,
    Deafness,
    deaf_to,
    require_hearing,
    unmistakable,
)
from tocsin.alarm.threshold import Threshold, fit_threshold, parse_rate
from tocsin.bundle import Bundle, Decision, read_bundle, write_bundle
from tocsin.cli import cli
from tocsin.cli.tune import show
from tocsin.data import ReadOptions, open_dataset
from tocsin.evaluation.advice import recommend
from tocsin.evaluation.outcomes import Outcome, Summary, Transfer
from tocsin.features.frontend import FrontEnd
from tocsin.learn.kinds import KINDS
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import train

EVERYTHING = (SQUARE, NOISE, SILENCE)
NOTHING_REACHES = Decision(2, 2, 3e38, 2e38)
EVERYTHING_REACHES = Decision(2, 2, -3e38, -3.2e38)


def call(*words: object) -> Result:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture(scope="module")
def fan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mimii(tmp_path_factory.mktemp("fan"), normal=16, abnormal=1)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two machines, as an embedding needs."""
    root = tmp_path_factory.mktemp("two")
    for i in range(12):
        write(root / f"fan/id_00/normal/{i:08d}.wav", hum(i))
        write(root / f"fan/id_02/normal/{i:08d}.wav", hum(100 + i, pitch=190))
    return root


def muted(bundle: Bundle, path: Path) -> Path:
    """The detector with a threshold that nothing reaches."""
    write_bundle(
        path,
        features=bundle.features,
        normalisation=bundle.normalisation,
        model=bundle.model,
        decision=replace(bundle.decision, threshold_on=3e38, threshold_off=2e38),
        meta=bundle.meta,
    )
    return path


def reached_from(budget: str) -> Callable[[float], Threshold]:
    """Thresholds of two hours of healthy running that everything reaches from `budget` on, and nothing before."""
    least = float("inf") if budget == "never" else parse_rate(budget).per_hour
    some = fit_threshold([np.arange(100.0)], hours=2, per_hour=1)

    def threshold_of(per_hour: float) -> Threshold:
        at = EVERYTHING_REACHES if per_hour >= least else NOTHING_REACHES
        return replace(some, on=at.threshold_on, off=at.threshold_off)

    return threshold_of


def out_of_reach_below(budget: str, fit: Callable[..., Threshold]) -> Callable[..., Threshold]:
    """As `fit`, but nothing reaches the threshold of a budget that is smaller."""

    def fitted(*given: object, per_hour: float, **more: object) -> Threshold:
        found = fit(*given, per_hour=per_hour, **more)
        return found if per_hour >= parse_rate(budget).per_hour else replace(found, on=3e38, off=2e38)

    return fitted


@pytest.mark.parametrize("kind", BUILT)
def test_deafness_is_by_the_scores_of_every_kind(kind: str) -> None:
    assert deaf_to(bundle_of(kind, decision=NOTHING_REACHES)) == EVERYTHING
    assert deaf_to(bundle_of(kind, decision=EVERYTHING_REACHES)) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_trained_detector_of_every_kind_hears(fan: Path, two: Path, kind: str) -> None:
    options = TrainOptions(
        kind=kind, budget=parse_rate("1/day"), clusters=4, epochs=3, front_end=FrontEnd(bands=32), strange=0
    )
    dataset = open_dataset(two if kind == "embedding" else fan, ReadOptions())
    assert train(dataset, None, options).deafness == HEARS


def test_what_must_be_found_is_loud_or_silent_and_long_enough() -> None:
    bundle = bundle_of("kmeans", decision=Decision(5, 4, 1.0, 0.5))
    played = unmistakable(bundle)
    assert set(played) == set(EVERYTHING)
    least = bundle.features.window_span + (5 + 4 - 2) * bundle.features.window_step
    for samples in played.values():
        assert samples.dtype == np.int16
        assert samples.shape[0] >= least
        assert samples.shape[1] == bundle.features.channels
    assert set(np.unique(played[SQUARE])) == {-32768, 32767}
    assert np.abs(played[NOISE].astype(int)).max() > 32000
    assert set(np.unique(played[SILENCE])) == {-1, 0, 1}


def test_deaf_detector_is_refused_with_advice() -> None:
    bundle, budget = bundle_of("kmeans", decision=NOTHING_REACHES), parse_rate("1/day")
    out_of_reach = reached_from("never")
    with pytest.raises(
        DeafError, match=r"no alarm on a full-scale square wave nor on .* nor on silence\..*--force"
    ) as e:
        require_hearing(bundle, budget, out_of_reach)
    assert e.value.deafness.to == EVERYTHING
    assert require_hearing(bundle, budget, out_of_reach, force=True) == e.value.deafness
    assert require_hearing(bundle_of("kmeans", decision=EVERYTHING_REACHES), budget, out_of_reach) == HEARS


@pytest.mark.parametrize(
    ("asked", "reached", "enough", "tried"),
    [
        ("1/day", "1/hour", "1/hour", "1/hour"),
        ("1/year", "1/year", "1/month", "1/month"),
        ("1/month", "2/day", "3/day", "3/day"),
        ("1/hour", "2/hour", "3/hour", "3/hour"),
        ("1/day", "never", "", "10/hour"),
        ("10/hour", "1/hour", "", ""),
    ],
)
def test_the_least_larger_budget_that_hears_is_named(asked: str, reached: str, enough: str, tried: str) -> None:
    bundle = bundle_of("kmeans", decision=NOTHING_REACHES)
    found = require_hearing(bundle, parse_rate(asked), reached_from(reached), force=True)
    assert found == Deafness(EVERYTHING, enough, tried, 2.0 if tried else 0.0)
    assert ("rests on 2 hours of healthy running. Record more" in found.complaint) == bool(enough)
    assert ("More false alarms, up to 10/hour, would not change that" in found.complaint) == (tried == "10/hour")
    named = re.findall(r"--false-alarms (\S+)", found.complaint)
    assert named == ([enough] if enough else [])
    rates = [parse_rate(text).per_hour for text in BUDGETS]
    assert rates == sorted(rates)


def test_training_refuses_and_writes_nothing_unless_forced(
    fan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = __import__("tocsin.learn.train", fromlist=["fit_threshold"]).fit_threshold
    monkeypatch.setattr("tocsin.learn.train.fit_threshold", lambda *a, **k: replace(fit(*a, **k), on=3e38, off=2e38))
    out = tmp_path / "fan.tocsin"
    words = ("train", "--data", fan, "--clusters", 4, "--bands", 32, "-o", out)
    result = call(*words)
    assert result.exit_code == 2
    assert "raises no alarm on a full-scale square wave" in result.stderr
    assert "--force" in result.stderr
    assert not out.exists()
    result = call(*words, "--force")
    assert result.exit_code == 0
    assert "raises no alarm on a full-scale square wave" in result.stderr
    assert "NOTHING RAISES AN ALARM" in result.stderr
    assert read_bundle(out).meta["deaf_to"] == list(EVERYTHING)
    # Whoever uses it later is told, too: it was somebody else who forced it.
    told = "this detector raises no alarm on a full-scale square wave"
    assert told in call("inspect", out).stdout
    assert told in call("eval", out, "--data", fan).stderr
    assert told in call("report", out, "--data", fan, "-o", tmp_path / "x.html").stderr
    assert told in (tmp_path / "x.html").read_text("utf-8").replace("This", "this")
    assert told in call("run", out, write(tmp_path / "a.wav", hum(1, seconds=5))).stderr


def test_commands_name_the_budget_that_works(fan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    healthy, out = tmp_path / "healthy.tocsin", tmp_path / "out.tocsin"
    learn = ("train", "--data", fan, "--clusters", 4, "--bands", 32, "-o")
    assert call(*learn, healthy).exit_code == 0
    for i in range(6):
        write(tmp_path / f"new/normal/{i}.wav", hum(50 + i, seconds=5))
    for command in ((*learn, out), ("rebaseline", healthy, "--data", tmp_path / "new", "-o", out)):
        monkeypatch.setattr(f"tocsin.learn.{command[0]}.fit_threshold", out_of_reach_below("1/hour", fit_threshold))
        result = call(*command)
        assert (result.exit_code, out.exists()) == (2, False)
        named = re.findall(r"--false-alarms (\S+) is enough", result.stderr)
        assert named == ["1/hour"], result.stderr
        assert call(*command, "--false-alarms", named[0]).exit_code == 0
        out.unlink()


def test_lathe_is_refused_with_the_budget_that_works(data_dir: Path, tmp_path: Path) -> None:
    """25 s of healthy running that comes near full scale: noise scores 2.57, the threshold of 1/day is at 3.05."""
    if not (data_dir / "lathe").is_dir():
        pytest.skip("no recordings of the lathe")
    out = tmp_path / "lathe.tocsin"
    words = ("train", "--data", data_dir / "lathe", "--model", "neighbours", "-o", out)
    result = call(*words)
    assert (result.exit_code, out.exists()) == (2, False)
    assert "no alarm on full-scale white noise. Its threshold lies out of reach" in result.stderr
    (named,) = re.findall(r"--false-alarms (\S+) is enough", result.stderr)
    assert call(*words, "--false-alarms", named).exit_code == 0
    assert deaf_to(read_bundle(out)) == ()


def test_rebaseline_refuses_unless_forced(fan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "fan.tocsin"
    assert call("train", "--data", fan, "--clusters", 4, "--bands", 32, "-o", bundle).exit_code == 0
    for i in range(6):
        write(tmp_path / f"new/normal/{i}.wav", hum(50 + i, seconds=5))
    fit = __import__("tocsin.learn.rebaseline", fromlist=["fit_threshold"]).fit_threshold
    monkeypatch.setattr(
        "tocsin.learn.rebaseline.fit_threshold", lambda *a, **k: replace(fit(*a, **k), on=3e38, off=2e38)
    )
    out = tmp_path / "new.tocsin"
    words = ("rebaseline", bundle, "--data", tmp_path / "new", "-o", out)
    result = call(*words)
    assert (result.exit_code, out.exists()) == (2, False)
    assert "raises no alarm on a full-scale square wave" in result.stderr
    result = call(*words, "--force", "--json")
    assert result.exit_code == 0
    assert "raises no alarm on a full-scale square wave" in result.stderr
    assert read_bundle(out).meta["deaf_to"] == list(EVERYTHING)
    # Adapted once more, by a threshold that is in reach, it hears again and its record says so.
    monkeypatch.undo()
    for i in range(6):
        write(tmp_path / f"more/normal/{i}.wav", hum(80 + i, seconds=5))
    assert call("rebaseline", out, "--data", tmp_path / "more", "-o", out).exit_code == 0
    assert "deaf_to" not in read_bundle(out).meta


def test_transfer_recommends_no_way_to_deafness() -> None:
    names = {"kind": "kmeans", "auc": 0.9, "false_alarms": 0.0}
    figures = {"n_normal": 20, "n_anomaly": 20, "hours": 1.0}
    ways = [("none", 0.0, 0.5, 0), ("mean", 5.0, 0.6, 0), ("normalisation", 5.0, 0.9, 1)]

    def result(ways: list[tuple[str, float, float, int]]) -> Transfer:
        items = [
            Summary(method=method, minutes=minutes, pairs=2, detected=found, deaf=deaf, **names, **figures)  # type: ignore[arg-type]
            for method, minutes, found, deaf in ways
        ]
        return Transfer(["a", "b"], [Outcome("kmeans", "a", "b", "none", 0.0, 0.9, 0.0, 0.5)], items, [], 1.0)

    text = recommend(result(ways))
    assert "re-baseline with --method mean" in text
    assert "Left out, as detectors raise no alarm on a full-scale square wave, noise or silence: normalisation." in text
    text = recommend(result([(method, minutes, found, 2) for method, minutes, found, _ in ways]))
    assert "every way gives detectors that raise no alarm on anything" in text


def test_transfer_counts_the_deaf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = shakes(tmp_path / "fan.npz", clips=100)
    words = ("transfer", "--data", data, "--rate", 200, "--unit", "ug", "--model", "kmeans", "--minutes", 1)
    fit = __import__("tocsin.learn.rebaseline", fromlist=["fit_threshold"]).fit_threshold
    monkeypatch.setattr(
        "tocsin.learn.rebaseline.fit_threshold", lambda *a, **k: replace(fit(*a, **k), on=3e38, off=2e38)
    )
    told = json.loads(call(*words, "--method", "mean", "--json").stdout)
    assert {item["method"]: item["deaf"] for item in told["summaries"]} == {"own": 0, "none": 0, "mean": 2}
    assert "Left out" in told["recommendation"]


def test_tune_takes_the_next_best(fan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tocsin.learn.tune import Budget, TuneOptions, tune

    real = train
    refused: list[str] = []

    def refusing(dataset, out, options, **more):  # type: ignore[no-untyped-def]
        if not refused and options.hearing:
            refused.append(options.kind)
            raise DeafError("deaf", Deafness(EVERYTHING))
        return real(dataset, out, options, **more)

    monkeypatch.setattr("tocsin.learn.tune.study.train", refusing)
    base = TrainOptions(kind="kmeans", budget=parse_rate("1/day"), front_end=FrontEnd(bands=32), strange=0)
    options = TuneOptions(
        base=base, budget=Budget(), study=tmp_path / "s", kinds=("kmeans", "mahalanobis"), trials=2, jobs=1, seconds=300
    )
    told: list[str] = []
    found = tune(open_dataset(fan, ReadOptions()), tmp_path / "best.tocsin", options, told=told.append)
    assert found.best is not None
    assert refused == [found.finished[0].options.kind]
    assert found.best.bundle.meta["tune"]["trial"] == found.finished[1].number
    assert any("cannot raise an alarm" in line for line in told)
    assert found.deaf == (found.finished[0].number,)
    # The table shows the one that was written, though another has the greater AUC.
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        show(found, tmp_path / "best.tocsin")
    assert re.search(rf"│ +\* {found.finished[1].number} │", shown.getvalue())
    assert "deaf      1 better: trained on all recordings they raise no alarm on full-scale noise" in shown.getvalue()


def test_run_through_a_muted_detector_still_tells_of_a_dead_sensor(fan: Path, tmp_path: Path) -> None:
    options = TrainOptions(kind="kmeans", budget=parse_rate("1/day"), front_end=FrontEnd(bands=32), strange=0)
    bundle = muted(train(open_dataset(fan, ReadOptions()), None, options).bundle, tmp_path / "muted.tocsin")
    assert call("run", bundle, write(tmp_path / "dead.wav", np.zeros(4 * RATE))).exit_code == 3
