# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Detectors of one machine on another: which recordings are used for what, the figures, and the advice."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from recordings import hum, mimii, shakes, write
from tocsin.alarm.threshold import parse_rate
from tocsin.cli import cli
from tocsin.data import Clip, Extracted, Issues, ReadOptions, open_dataset
from tocsin.errors import DataError
from tocsin.evaluation.advice import keeps_budget, recommend
from tocsin.evaluation.outcomes import Outcome, Summary, Transfer
from tocsin.evaluation.transfer import beginning, machines_of, transfer
from tocsin.learn.options import TrainOptions

OPTIONS = TrainOptions(kind="kmeans", budget=parse_rate("1/hour"), clusters=2)


def call(*words: object) -> Result:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture(scope="module")
def shaker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shakes(tmp_path_factory.mktemp("shaker") / "fan.npz", clips=60)


@pytest.fixture(scope="module")
def result(shaker: Path) -> Transfer:
    dataset = open_dataset(shaker, ReadOptions(rate=200, unit="ug"))
    return transfer(dataset, [OPTIONS], minutes=[0.5, 3], issues=Issues())


def test_every_detector_is_tested_on_every_machine(result: Transfer) -> None:
    assert result.machines == ["fan_0_high", "fan_0_low"]
    assert [(o.trained, o.tested) for o in result.outcomes if o.method == "none"] == [
        ("fan_0_high", "fan_0_high"),
        ("fan_0_high", "fan_0_low"),
        ("fan_0_low", "fan_0_high"),
        ("fan_0_low", "fan_0_low"),
    ]
    auc, false = (result.matrix("kmeans", name) for name in ("auc", "false_alarms"))
    assert np.diag(auc).tolist() == [1.0, 1.0]
    assert np.diag(false).max() < 0.2
    # Another speed is strange as a whole.
    assert false[0, 1] == false[1, 0] == 1.0


def test_rebaselining_wins_back_what_another_machine_lost(result: Transfer) -> None:
    means = {(s.method, s.minutes): s for s in result.summaries}
    assert means["own", 0].pairs == means["none", 0].pairs == 2
    assert means["none", 0].false_alarms == 1.0
    assert means["normalisation", 0.5].false_alarms < 0.2
    assert means["normalisation", 0.5].auc > 0.95
    # A threshold alone changes no order of scores; the other ways do, each in its own.
    assert means["threshold", 0.5].auc == means["none", 0].auc
    by_pair = {(o.method, o.trained): o.auc for o in result.outcomes if o.trained != o.tested}
    assert by_pair["centroids", "fan_0_low"] != by_pair["threshold", "fan_0_low"]
    assert {key[0] for key in means} == {"own", "none", "threshold", "mean", "normalisation", "centroids", "anew"}
    # Three minutes there are not.
    assert {key[1] for key in means} == {0, 0.5}
    assert result.left_out == ["3 minutes: not every machine has as many healthy recordings to learn from"]


def test_recordings_to_learn_from_and_to_test_with_are_different_ones(shaker: Path) -> None:
    dataset = open_dataset(shaker, ReadOptions(rate=200, unit="ug"))
    for machine in machines_of(dataset, OPTIONS):
        learn, test = ({clip.name for clip in clips} for clips in (machine.learn, machine.test))
        assert not learn & test
        assert len(learn) == 45
        assert sum(clip.label == "normal" for clip in machine.test) == 15
        assert sum(clip.label == "anomaly" for clip in machine.test) == 60
        assert {clip.label for clip in machine.learn} == {"normal"}
        assert {clip.machine for clip in machine.learn} == {machine.name}


def test_sections_of_a_machine_are_machines(tmp_path: Path) -> None:
    mimii(tmp_path, normal=4, abnormal=1, seconds=0.1)
    for i in range(4):
        write(tmp_path / f"fan/id_02/normal/{i}.wav", hum(i, seconds=0.1))
        write(tmp_path / f"pump/id_00/normal/{i}.wav", hum(i, seconds=0.1))
    names = [m.name for m in machines_of(open_dataset(tmp_path, ReadOptions()), OPTIONS)]
    assert names == ["fan/id_00", "fan/id_02", "pump"]
    with pytest.raises(DataError, match="one machine in"):
        machines_of(open_dataset(tmp_path / "pump", ReadOptions()), OPTIONS)


def test_beginning_is_the_first_minutes() -> None:
    items = [
        Extracted(Clip(f"c{i}", Path("c"), "normal", "m"), np.full((4, 2), i, np.float32), bytes(3), 40.0)
        for i in range(3)
    ]
    pieces = beginning(items, 1)
    assert [(p.name, len(p.vectors), p.seconds) for p in pieces] == [("c0", 4, 40.0), ("c1", 2, 20.0)]


def _summary(method: str, minutes: float, auc: float, false: float = 0.0, found: float = 0.5) -> Summary:
    return Summary("gmm", method, minutes, 2, auc, false, found, n_normal=100, n_anomaly=100, hours=0.1)


def advice(*summaries: Summary, per_hour: float = 1 / 24) -> str:
    came = [_summary("own", 0, 0.99), _summary("none", 0, 0.6, 1.0, 1.0)]
    return recommend(Transfer([], [], [*came, *summaries], [], per_hour))


def test_advice_follows_what_is_found_at_the_budget() -> None:
    # The issue's own table: the AUC hardly differs, what raises an alarm does.
    text = advice(
        _summary("threshold", 5, 0.9, 0.0, 0.25),
        _summary("normalisation", 5, 0.905, 0.0, 0.35),
        _summary("anew", 5, 0.9, 0.0, 0.625),
        _summary("mean", 1, 0.99, 0.0, 0.9),
    )
    assert text.startswith("gmm: train anew on 5 minutes of the other machine. 62 % of the anomalies and 0 % of the")
    assert "Next: normalisation, 35 %" in text
    assert "threshold, 25 %" in text
    assert "As the detectors came: 100 % of the anomalies and 100 % of the healthy" in text
    # Without it, the way that finds more.
    text = advice(_summary("threshold", 5, 0.99, 0.0, 0.25), _summary("normalisation", 5, 0.9, 0.0, 0.35))
    assert "re-baseline with --method normalisation. With 5 minutes" in text
    # What finds as much is chosen by the AUC, and of equals the least change.
    assert "--method mean." in advice(_summary("threshold", 5, 0.6), _summary("mean", 5, 0.9))
    assert "--method threshold." in advice(_summary("threshold", 5, 0.9), _summary("mean", 5, 0.905))


def test_advice_prefers_what_keeps_the_budget() -> None:
    few, many = _summary("threshold", 5, 0.9, 0.0, 0.3), _summary("mean", 5, 0.9, 0.2, 0.9)
    assert "--method threshold." in advice(few, many)
    # 20 alarms in 0.1 hours are what 200 an hour give.
    assert "--method mean." in advice(few, many, per_hour=200)
    assert not keeps_budget(many, 1 / 24)
    assert keeps_budget(many, 200)
    text = advice(_summary("threshold", 5, 0.9, 0.5, 0.6), _summary("mean", 5, 0.9, 0.2, 0.5))
    assert "--method mean." in text
    assert "No way keeps the budget" in text


def test_advice_recommends_nothing_that_finds_less_than_it_alarms_falsely() -> None:
    text = advice(_summary("threshold", 1, 0.5, 0.3, 0.1), _summary("anew", 1, 0.525, 0.19, 0.02))
    assert text.startswith("gmm: no way can be recommended: none that can raise an alarm keeps the budget.")
    assert "The best is as they came: 100 % of the anomalies and 100 % of the healthy recordings raise" in text
    assert "use the detectors" not in text
    assert "train anew" not in text
    # Nor an order of the scores that is no better than guessing.
    text = advice(_summary("threshold", 1, 0.4, 0.7, 0.93), _summary("none", 0, 0.47, 0.1, 0.0))
    assert text.startswith("gmm: no way can be recommended: none that can raise an alarm keeps the budget.")
    assert "The best is threshold: 93 % of the anomalies and 70 % of the healthy recordings raise" in text


def test_advice_counts_minutes() -> None:
    text = advice(_summary("threshold", 1, 0.9))
    assert "With 1 minute of the other machine" in text
    text = advice(_summary("anew", 2, 0.9))
    assert "train anew on 2 minutes of the other machine" in text


def test_advice_as_it_came_and_without_figures() -> None:
    came = [_summary("own", 0, 0.99), _summary("none", 0, 0.9, 0.0, 0.9), _summary("threshold", 1, 0.9, 0.0, 0.2)]
    assert "use the detectors as they came" in recommend(Transfer([], [], came, [], 1.0))
    none = [_summary("own", 0, 0.9), _summary("none", 0, 0.6, 0, 0), _summary("threshold", 1, 0.7, 0, 0)]
    told = recommend(Transfer([], [], none, [], 1.0))
    assert told.startswith("gmm: no way finds any anomaly at this budget. Allow more false alarms")
    assert "The greatest AUC is 0.700." in told
    poor = [_summary("own", 0, 0.55), _summary("none", 0, 0.5), _summary("threshold", 1, 0.5)]
    assert "hardly tell anomalies (AUC 0.550)" in recommend(Transfer([], [], poor, [], 1.0))
    assert "nothing can be recommended" in recommend(Transfer([], [], [], [], 1.0))


def test_missing_figures_stay_out_of_the_matrix() -> None:
    lone = Outcome("gmm", "a", "b", "none", 0.0, None, 0.25, None)
    found = Transfer(["a", "b"], [lone], [], [], 1.0)
    assert np.isnan(found.matrix("gmm", "auc")).all()
    assert found.matrix("gmm", "false_alarms")[0, 1] == 0.25


def test_command_prints_writes_and_refuses(shaker: Path, tmp_path: Path) -> None:
    words = ("transfer", "--data", shaker, "--rate", 200, "--unit", "ug", "--model", "gmm", "--method", "mean")
    picture = tmp_path / "plots/transfer.png"
    found = call(*words, "--minutes", 1, "--json", "--plot", picture)
    assert found.exit_code == 0, found.output
    content = json.loads(found.stdout)
    assert content["machines"] == ["fan_0_high", "fan_0_low"]
    assert content["matrices"]["gmm"]["auc"][0][0] == 1.0
    assert "1 minute: not every machine" in found.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    table = call(*words, "--minutes", 1)
    assert "tested on" in table.stdout
    assert call("transfer", "--data", shaker, "--rate", 200, "--model", "magic").exit_code == 2
    refused = call("transfer", "--data", shaker, "--rate", 200, "--method", "magic")
    assert (refused.exit_code, "no method magic" in refused.stderr) == (2, True)
    (tmp_path / "file").touch()
    refused = call(*words, "--minutes", 1, "--plot", tmp_path / "file/x.png")
    assert (refused.exit_code, "cannot be written" in refused.stderr) == (2, True)
