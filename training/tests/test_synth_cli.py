# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The command: options, output, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tocsin.cli.synth import synth
from tocsin.errors import TocsinError

SHORT = ["--normal", "1", "--abnormal", "2", "--seconds", "0.2"]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(synth, [str(argument) for argument in arguments])


def test_help_ends_with_an_example() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert "tocsin synth data --machine fan" in result.output.split("Example:")[1]
    assert all(option in result.output for option in ("--domain", "--snr", "--fault", "--force", "--json"))


def test_it_writes_and_reports(tmp_path: Path) -> None:
    result = run(tmp_path, *SHORT)
    assert result.exit_code == 0, result.output
    assert "1 normal, 2 abnormal audio recordings" in result.output
    assert (tmp_path / "fan/id_00/abnormal/00000001.wav").is_file()


def test_a_long_job_tells_how_far_it_is_on_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(tmp_path / "a", *SHORT).stderr == ""
    monkeypatch.setattr("tocsin.cli.options._SECONDS_BETWEEN_LINES", 0.0)
    assert "fan: 3 of 3 recordings" in run(tmp_path / "b", *SHORT).stderr


def test_json_is_for_machines(tmp_path: Path) -> None:
    result = run(tmp_path, *SHORT, "--machine", "pump", "--fault", "leak", "--domain", "vibration", "--json")
    (summary,) = json.loads(result.stdout)
    assert (summary["machine"], summary["domain"], summary["faults"]) == ("pump", "vibration", {"leak": 2})
    assert Path(summary["root"]) == tmp_path / "pump"


def test_all_machines_at_once(tmp_path: Path) -> None:
    result = run(tmp_path, *SHORT, "--machine", "all", "--domain", "vibration")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fan", "motor", "pump", "slider", "valve"]


def test_each_machine_takes_the_faults_it_has(tmp_path: Path) -> None:
    result = run(tmp_path, *SHORT, "--machine", "fan", "--machine", "pump",
                 "--fault", "bearing_outer", "--fault", "leak", "--json")  # fmt: skip
    fan, pump = json.loads(result.stdout)
    assert fan["faults"] == {"bearing_outer": 2}
    assert pump["faults"] == {"bearing_outer": 1, "leak": 1}


def test_force_is_needed_to_overwrite(tmp_path: Path) -> None:
    assert run(tmp_path, *SHORT).exit_code == 0
    refused = run(tmp_path, *SHORT)
    assert isinstance(refused.exception, TocsinError)
    assert "--force" in str(refused.exception)
    assert run(tmp_path, *SHORT, "--force").exit_code == 0


def test_one_full_folder_stops_all_before_anything_is_written(tmp_path: Path) -> None:
    assert run(tmp_path, *SHORT, "--machine", "pump").exit_code == 0
    assert isinstance(run(tmp_path, *SHORT, "--machine", "fan", "--machine", "pump").exception, TocsinError)
    assert not (tmp_path / "fan").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fault", "leak"], "choose from: bearing_outer"),
        (["--machine", "fan", "--machine", "valve", "--fault", "stuck"], "a fan has none of the faults stuck"),
        (["--seconds", "-1"], "not -1"),
        (["--seed", "-4"], "not -4"),
        (["--snr", "nan"], "-60 dB or more"),
        (["--ids", "0"], "from 1 to 50"),
    ],
)
def test_a_mistake_is_answered_with_advice(tmp_path: Path, arguments: list[str], message: str) -> None:
    result = run(tmp_path / "out", *SHORT, *arguments)
    assert isinstance(result.exception, TocsinError)
    assert message in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_an_unknown_machine_is_a_usage_error(tmp_path: Path) -> None:
    result = run(tmp_path, "--machine", "toaster")
    assert result.exit_code == 2
    assert "'fan', 'pump', 'valve', 'slider', 'motor', 'all'" in result.output
