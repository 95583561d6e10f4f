# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Options without effect are refused: which model, and which sensor, uses which."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from recordings import mimii, shakes
from tocsin.cli import cli
from tocsin.errors import ModelError
from tocsin.learn.kinds import HEADS, KINDS
from tocsin.learn.models.uses import USERS, check_used, unused


def call(*words: object) -> Result:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture(scope="module")
def fan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mimii(tmp_path_factory.mktemp("fan"))


def test_users_are_kinds() -> None:
    assert all(set(users) <= set(KINDS) for users in USERS.values())


@pytest.mark.parametrize("head", [None, *HEADS])
def test_what_a_model_uses_of_its_own_head_and_members(head: str | None) -> None:
    every = list(USERS)
    assert unused(every, kind="kmeans") == [name for name in every if name != "clusters"]
    of_embedding = set(unused(every, kind="embedding", head=head))
    assert "hidden" not in of_embedding
    assert ("clusters" not in of_embedding) == (head in ("kmeans", "gmm"))
    assert ("references" not in of_embedding) == (head in (None, "neighbours"))
    assert {"members", "combine", "frame_layer"} <= of_embedding
    assert set(unused(every, kind="combined", members=("neighbours", "gmm"))) == {
        *("hidden", "frame_layer", "stream", "epochs", "batch", "learning_rate", "qat"),
    }


def test_the_message_names_who_uses_it() -> None:
    with pytest.raises(ModelError, match="kmeans does not use --hidden: leave it out, or choose --model autoencoder"):
        check_used({"hidden": "--hidden"}, kind="kmeans")
    with pytest.raises(ModelError, match="combined of neighbours and gmm does not use --epochs"):
        check_used({"epochs": "--epochs"}, kind="combined", members=("neighbours", "gmm"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--model", "kmeans", "--hidden", "3,4"), "kmeans does not use --hidden"),
        (("--model", "neighbours", "--clusters", 4), "neighbours does not use --clusters"),
        (("--model", "gmm", "--epochs", 3), "gmm does not use --epochs"),
        (("--model", "kmeans", "--no-stream"), "kmeans does not use --stream"),
        (("--unit", "ug"), "--unit has no meaning"),
        (("--full-scale", 2), "--full-scale has no meaning"),
        (("--frame", 512), "give --n-fft instead of --frame"),
    ],
)
def test_train_refuses_what_has_no_effect(fan: Path, tmp_path: Path, words: tuple[object, ...], told: str) -> None:
    result = call("train", "--data", fan, "-o", tmp_path / "x.tocsin", *words)
    assert (result.exit_code, told in result.stderr) == (2, True), result.output
    assert not (tmp_path / "x.tocsin").exists()


def test_vibration_has_no_channel_of_a_sound_file(tmp_path: Path) -> None:
    data = shakes(tmp_path / "fan.npz", clips=12)
    words = ("--data", data, "--rate", 200, "--unit", "ug")
    result = call("train", *words, "--channel", 0, "-o", tmp_path / "x.tocsin")
    assert (result.exit_code, "--channel has no meaning" in result.stderr) == (2, True), result.output
    result = call("train", *words, "--spacing", "mel", "-o", tmp_path / "x.tocsin")
    assert (result.exit_code, "leave out --spacing mel" in result.stderr) == (2, True), result.output


def test_train_tells_programs_what_it_did(fan: Path, tmp_path: Path) -> None:
    result = call("train", "--data", fan, "--clusters", 2, "-o", tmp_path / "x.tocsin", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    shown = json.loads(call("inspect", tmp_path / "x.tocsin", "--json").stdout)
    assert {key: said[key] for key in shown} == shown
    assert said["output"] == str(tmp_path / "x.tocsin")
    assert any("healthy running" in line for line in said["warnings"])
