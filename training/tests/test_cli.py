# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The command line: what it prints where, and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from recordings import RATE, hum, mimii, shakes, write
from tocsin.bundle.describe import describe_features
from tocsin.cli import COMMANDS, cli
from tocsin.features import FeatureConfig


def call(*words: object) -> Result:
    """Run a command; a traceback fails the test."""
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture(scope="module")
def fan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mimii(tmp_path_factory.mktemp("fan"))


@pytest.fixture(scope="module")
def bundle(fan: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundles") / "fan.tocsin"
    result = call("train", "--data", fan, "--clusters", 4, "--mels", 32, "-o", path)
    assert result.exit_code == 0, result.output
    return path


def test_help_lists_every_command_and_is_quick() -> None:
    started = time.monotonic()
    code = "import sys; from tocsin.cli import cli; cli(['--help'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name in COMMANDS:
        assert f"  {name} " in done.stdout
    # The clock of a shared machine is no measure; what is imported is.
    assert not {"tensorflow", "sklearn", "scipy", "numpy"} & set(done.stdout.split())
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    result = call(name, "--help")
    assert result.exit_code == 0
    assert "Example:" in result.output
    assert f"tocsin {name}" in result.output


def test_train_says_what_it_did(fan: Path, tmp_path: Path) -> None:
    result = call("train", "--data", fan, "--model", "mahalanobis", "--false-alarms", "1/week", "-o", tmp_path / "a")
    assert result.exit_code == 0
    for text in (
        "7 trained on, 2 for the threshold, 3 healthy ones kept",
        "64 mel bands",
        "Mahalanobis",
        "1 false alarm a week",
        "at 95 %",
    ):
        assert text in result.stdout
    assert "beyond what was heard" in result.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "64 mel bands at 16000 Hz"),
        ({"n_mels": 8, "n_fft": 256, "hop": 128}, "8 mel bands"),
        ({"spacing": "linear"}, "64 linear bands"),
        ({"n_mels": 24, "n_fft": 4096, "spacing": "linear", "power": True}, "mean of powers over 32 frames"),
    ],
)
def test_bands_are_told_by_their_widths(given: dict[str, object], said: str) -> None:
    features = FeatureConfig.logmel(window_frames=32, window_hop=16, pool=("mean",), **given)  # type: ignore[arg-type]
    assert said in describe_features(features)


def test_duty_cycle_goes_into_the_bundle(fan: Path, tmp_path: Path) -> None:
    words = ("train", "--data", fan, "--clusters", 4, "--mels", 32, "-o", tmp_path / "a.tocsin")
    assert call(*words, "--listen", 7.5, "--every", 60).exit_code == 0
    assert json.loads(call("inspect", tmp_path / "a.tocsin", "--json").stdout)["duty"] == {
        "listen_ms": 7500,
        "period_ms": 60000,
    }
    assert "listens 7.5 s every 60 s" in call("inspect", tmp_path / "a.tocsin").stdout
    result = call(*words, "--listen", 1, "--every", 60)
    assert (result.exit_code, "Listening 1 s at a time is too short" in result.stderr) == (2, True)
    for alone in (("--listen", 10), ("--every", 60), ("--listen", 60, "--every", 10)):
        result = call(*words, *alone)
        assert (result.exit_code, "go together" in result.stderr) == (2, True)


def test_eval_json_is_a_list_of_rows(fan: Path, bundle: Path, tmp_path: Path) -> None:
    result = call("eval", bundle, "--data", fan, "--json", "--plots", tmp_path)
    rows = json.loads(result.stdout)
    keys = ["machine", "section", "domain", "auc", "auc_low", "auc_high", "pauc", "n_normal", "n_anomaly"]
    keys += ["normal_alarms", "anomaly_alarms"]
    assert [list(row) for row in rows] == [keys, keys]
    assert rows[-1] == dict(zip(keys, ["all", "", "", 1.0, 1.0, 1.0, 1.0, 3, 4, 0, 4], strict=True))
    assert "9 recordings left out" in result.stderr
    assert (tmp_path / "roc.png").exists()


def test_eval_table(fan: Path, bundle: Path) -> None:
    result = call("eval", bundle, "--data", fan)
    assert "1.000" in result.stdout
    assert "1.000–1.000" in result.stdout
    assert "0 of 3 normal recordings and 4 of 4 anomalous recordings raise an alarm at the threshold" in result.stdout
    assert "id_00" in result.stdout
    # Each machine's own alarms: one may be deaf where all together are not.
    row = next(line for line in result.stdout.splitlines() if "id_00" in line)
    assert [cell.strip() for cell in row.split("│")[-3:-1]] == ["0 of 3", "4 of 4"]


def test_recordings_that_a_command_does_not_use_are_told(tmp_path: Path) -> None:
    for i in range(12):
        write(tmp_path / f"data/fan/train/section_00_source_train_normal_{i:04d}_a_1.wav", hum(i))
    for i in range(3):
        write(tmp_path / f"data/fan/test/section_00_source_test_normal_{i:04d}_a_1.wav", hum(50 + i))
    write(tmp_path / "data/fan/test/section_00_source_test_anomaly_0000_a_1.wav", hum(90, whistle=True))
    bundle = tmp_path / "x.tocsin"
    assert call("train", "--data", tmp_path / "data", "--clusters", 2, "-o", bundle).exit_code == 0
    for words in (("eval", bundle), ("report", bundle, "-o", tmp_path / "x.html")):
        told = call(*words, "--data", tmp_path / "data").stderr
        assert "left out: 12 recordings for training, as there are others for tests" in told
    refused = call("rebaseline", bundle, "--data", tmp_path / "data", "-o", tmp_path / "y.tocsin")
    assert refused.exit_code == 2
    assert (
        "to adapt to beside 12 recordings that the bundle was trained on, and 1 anomalous recording and 3 healthy"
        " recordings for tests." in refused.stderr
    )


def test_vibration_that_is_taken_for_sound_is_pointed_out(tmp_path: Path) -> None:
    for i in range(8):
        x = np.stack([hum(3 * i + axis, rate=1000, seconds=5) for axis in range(3)], axis=1)
        write(tmp_path / f"data/motor/normal/{i}.wav", x, rate=1000)
    words = ("train", "--data", tmp_path / "data", "-o", tmp_path / "x.tocsin")
    refused = call(*words)
    assert refused.exit_code == 2
    for option in ("--mels", "--n-fft", "--sensor vibration --full-scale"):
        assert option in refused.stderr.splitlines()[-1]
    # What is advised works.
    assert call(*words, "--sensor", "vibration", "--full-scale", 2, "--force").exit_code == 0


def test_run_tells_alarms_by_its_status(bundle: Path, tmp_path: Path) -> None:
    good = write(tmp_path / "good.wav", hum(50, seconds=8))
    bad = write(tmp_path / "bad.wav", np.r_[hum(51, seconds=8), hum(52, seconds=12, whistle=True)])
    result = call("run", bundle, good)
    assert (result.exit_code, "no alarm" in result.stdout) == (0, True)
    result = call("run", bundle, good, bad)
    assert result.exit_code == 1
    assert "ALARM begins" in result.stdout
    assert "1 alarm, still on at the end" in result.stdout


def test_run_json_lines(bundle: Path, tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.wav", np.r_[hum(51, seconds=8), hum(52, seconds=12, whistle=True)])
    lines = [json.loads(line) for line in call("run", bundle, bad, "--json", "--windows").stdout.splitlines()]
    assert {line["kind"] for line in lines} == {"window", "event", "summary"}
    event = next(line for line in lines if line["kind"] == "event")
    assert event["event"] == "begin"
    assert 7 < event["begin_s"] < 12
    assert event["begin"] == event["begin_s"] * RATE
    assert lines[-1]["alarms"] == 1
    assert lines[0]["smoothed"] is None


def test_run_streams_the_arrays_of_an_npz(tmp_path: Path) -> None:
    data = shakes(tmp_path / "fan.npz")
    words = ("--rate", 200, "--unit", "ug", "--model", "mahalanobis", "--covariance", "diagonal")
    assert call("train", "--data", data, *words, "-o", tmp_path / "a.tocsin").exit_code == 0
    result = call("run", tmp_path / "a.tocsin", f"{data}:fan_0_low_1_weight", "--json")
    assert result.exit_code == 1
    kinds = [json.loads(line)["kind"] for line in result.stdout.splitlines()]
    # Between the array's 24 recordings nothing is missing.
    assert (kinds.count("gap"), kinds.count("window")) == (0, 0)
    assert json.loads(result.stdout.splitlines()[-1])["recordings"] == 24
    assert (
        "24 windows in 24 s of 24 recordings" in call("run", tmp_path / "a.tocsin", f"{data}:fan_0_low_1_weight").stdout
    )
    told = call("run", tmp_path / "a.tocsin", data).stderr
    assert told.count("names no rate and no unit: taken as 200 Hz and ug") == 1
    result = call("run", tmp_path / "a.tocsin", f"{data}:nothing")
    assert (result.exit_code, "only fan_0_high_0_weight" in result.stderr) == (2, True)


def test_inspect(bundle: Path) -> None:
    text = call("inspect", bundle).stdout
    for word in ("k-means, 4 clusters", "16000 Hz", "32 mel bands", "1 false alarm a day"):
        assert word in text
    found = json.loads(call("inspect", bundle, "--json").stdout)
    assert (found["kind"], found["features"]["n_vector"], found["size"]) == ("kmeans", 32, bundle.stat().st_size)
    assert found["meta"]["split"]["held_out"] == 3


def test_mistakes_are_told_with_status_2(fan: Path, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "no.tocsin").write_bytes(b"nothing")
    (tmp_path / "a.xyz").write_text("x")
    out = ("-o", tmp_path / "x.tocsin")
    mistakes: list[tuple[tuple[object, ...], str]] = [
        (("train", "--data", tmp_path / "empty", *out), "Understood are"),
        (("train", "--data", fan, "--false-alarms", "never", *out), "rate of false alarms"),
        (("train", "--data", fan, "--preset", "mlperf", *out), "--model autoencoder"),
        (("train", "--data", fan, "--hop", 5000, *out), "hop"),
        (("train", "--data", fan, "--pool", "median", *out), "median"),
        (("train", "--data", fan, "--hidden", "8,x", *out), "64,8,64"),
        (("train", "--data", fan, "--window-frames", 500, *out), "shorter than a window"),
        (("train", "--data", fan, "-o", tmp_path / "no" / "x.tocsin"), "no folder"),
        (("eval", tmp_path / "no.tocsin", "--data", fan), "no.tocsin"),
        (("eval", bundle, "--data", tmp_path / "nowhere"), "does not exist"),
        (("run", bundle, tmp_path / "none.wav"), "There is no file"),
        (("run", bundle, tmp_path), "is a folder"),
        (("run", bundle, tmp_path / "a.xyz"), "not a kind of recording"),
        (("inspect", tmp_path / "none.tocsin"), "none.tocsin"),
    ]
    for words, text in mistakes:
        result = call(*words)
        assert result.exit_code == 2, (words, result.output)
        assert text in result.stderr, (words, result.stderr)
        assert "Traceback" not in result.output
    assert not (tmp_path / "x.tocsin").exists()


def test_corrupt_recording_among_good_is_named(tmp_path: Path) -> None:
    mimii(tmp_path, normal=8, abnormal=0)
    (tmp_path / "fan/id_00/normal/broken.wav").write_bytes(b"RIFF....")
    for extra, status in (((), 0), (("--strict",), 2)):
        result = call("train", "--data", tmp_path, "--clusters", 2, *extra, "--holdout", 0, "-o", tmp_path / "a.tocsin")
        assert result.exit_code == status, result.output
        assert "broken.wav" in result.stderr


def test_interrupt_has_status_130() -> None:
    code = (
        "import signal, os, tocsin.cli as c\n"
        # A shell's background job ignores the signal, and its children inherit that.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "c.cli.callback = lambda: os.kill(os.getpid(), signal.SIGINT)\n"
        "import sys; sys.argv = ['tocsin', 'inspect', 'x']; c.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr.strip() == "interrupted"


@pytest.mark.parametrize(
    ("raised", "status", "told"),
    [
        ("RuntimeError('no alarm')", 2, "Please report"),
        ("MemoryError()", 2, "not enough memory"),
        ("OSError(28, 'No space left on device')", 2, "the disk is full"),
        ("SystemExit(1)", 2, ""),
        ("SystemExit('a library gives up')", 2, ""),
        ("c.click.FileError('a.wav')", 2, "a.wav"),
        ("c.click.UsageError('none such')", 2, "none such"),
        ("KeyboardInterrupt()", 130, "interrupted"),
        ("c.click.Abort()", 130, "interrupted"),
        ("BrokenPipeError()", 141, ""),
    ],
)
def test_no_failure_of_run_looks_like_an_alarm(
    bundle: Path, tmp_path: Path, raised: str, status: int, told: str
) -> None:
    code = (
        "import sys, tocsin.device.replay, tocsin.cli as c\n"
        f"def broken(*_): raise {raised}\n"
        "tocsin.device.replay.replay = broken\n"
        "sys.argv = ['tocsin', 'run', *sys.argv[1:]]; c.main()"
    )
    words = [sys.executable, "-c", code, str(bundle), str(write(tmp_path / "a.wav", hum(0)))]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert told in done.stderr


def test_mistakes_in_the_words_of_run_have_status_2(bundle: Path, tmp_path: Path) -> None:
    main = [sys.executable, "-c", "from tocsin.cli import main; main()", "run"]
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "a.wav").write_bytes(b"RIFFnothing")
    for words in ([], [bundle], [bundle, "--nothing"], [bundle, "missing.wav"], [tmp_path, "a.wav"],
                  [bundle, tmp_path / "folder.wav"], [bundle, tmp_path / "a.wav"], [tmp_path / "a.wav", "a.wav"],
                  [bundle, "--channel", "x", "a.wav"]):  # fmt: skip
        done = subprocess.run([*main, *map(str, words)], capture_output=True, text=True, check=False)
        assert done.returncode == 2, (words, done.stderr)
        assert "Traceback" not in done.stderr


def test_a_length_is_told_in_words_for_people() -> None:
    from tocsin.cli.run import _seconds

    assert [_seconds(s) for s in (8.25, 999.5, 21600.0)] == ["8.25 s", "999.5 s", "21,600 s"]


def test_long_work_tells_how_far_it_is(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hours went through rebaseline without a word."""
    monkeypatch.setattr("tocsin.cli.options._SECONDS_BETWEEN_LINES", 0.0)
    path = write(tmp_path / "fan/normal/a.wav", hum(900, seconds=70))
    assert f"{path}: 65 of 70 s" in call("run", bundle, path).stderr
    result = call("rebaseline", bundle, "--data", tmp_path / "fan", "-o", tmp_path / "b.tocsin")
    assert (result.exit_code, "reading: 6 of 7" in result.stderr) == (0, True)
