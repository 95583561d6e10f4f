# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Sound through one anti-alias filter or another is the same machine; sound from a low rate lacks its high bands."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soxr
from click.testing import CliRunner, Result

from recordings import hum, write
from tocsin.alarm.threshold import parse_rate
from tocsin.cli import cli
from tocsin.data import Dataset, Issues, ReadOptions, extract, open_dataset
from tocsin.data.info import survey_dataset
from tocsin.device.replay import open_recordings
from tocsin.errors import DataError
from tocsin.evaluation.evaluate import evaluate, read_options
from tocsin.evaluation.report.measures import measure
from tocsin.features import FeatureConfig
from tocsin.features.frontend import MLPERF, FrontEnd, audio_features
from tocsin.learn.options import TrainOptions
from tocsin.learn.rebaseline import read_pieces
from tocsin.learn.train import train
from tocsin.twin import Event, Twin

WIDE, RATE = 48000, 16000
SECONDS = 4.0
BASE = TrainOptions(
    kind="kmeans", budget=parse_rate("1/day"), clusters=2, epochs=3, holdout=0.0, validation=0.5, strange=0, force=True
)
DETECTORS = {
    "kmeans": BASE,
    "linear": replace(BASE, front_end=FrontEnd(spacing="linear")),
    "gmm": replace(BASE, kind="gmm"),
    "mahalanobis": replace(BASE, kind="mahalanobis", front_end=FrontEnd(bands=16)),
    "neighbours": replace(BASE, kind="neighbours"),
    "powers": replace(BASE, kind="neighbours", front_end=FrontEnd(average="power")),
    "autoencoder": replace(BASE, kind="autoencoder", hidden=(16, 4, 16)),
    "idnn": replace(BASE, kind="idnn", hidden=(16, 4, 16)),
    "conv": replace(BASE, kind="conv"),
    "embedding": replace(BASE, kind="embedding", front_end=FrontEnd(bands=16, window_frames=16)),
    "combined": replace(BASE, kind="combined"),
}
DECIMATORS = {
    "soxr": lambda x: soxr.resample(x, WIDE, RATE, quality="VHQ"),
    "resample_poly": lambda x: scipy.signal.resample_poly(x, 1, 3),
    "decimate, FIR": lambda x: scipy.signal.decimate(x, 3, ftype="fir"),
    "decimate, IIR": lambda x: scipy.signal.decimate(x, 3, ftype="iir"),
}


def heard(seed: int, rate: int, *, whistle: bool = False) -> np.ndarray:
    """Two seconds of a machine as a recorder of that rate keeps them."""
    return soxr.resample(hum(seed, seconds=2, rate=WIDE, whistle=whistle), WIDE, rate, quality="VHQ")


def wide(seed: int, machine: int = 0) -> np.ndarray:
    """Four seconds of a machine whose noise reaches far beyond 8 kHz."""
    return hum(seed, seconds=SECONDS, rate=WIDE, pitch=120.0 + 60 * machine)


def digits(x: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(32768 * x), -32768, 32767).astype(np.int16)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Healthy recordings of two machines at 48 kHz, which the desk's resampler takes to 16 kHz."""
    root = tmp_path_factory.mktemp("recorded")
    for machine in range(2):
        for i in range(16):
            write(root / f"fan/id_0{machine}/normal/{i:08d}.wav", wide(100 * machine + i, machine), rate=WIDE)
    return open_dataset(root, ReadOptions())


@pytest.mark.parametrize("name", DETECTORS)
def test_another_decimator_is_the_same_machine(recorded: Dataset, name: str) -> None:
    bundle = train(recorded, None, DETECTORS[name]).bundle
    assert bundle.features.top <= 0.81 * RATE / 2
    alarms = {}
    for decimator, work in DECIMATORS.items():
        for seed in range(1000, 1003):
            found = Twin(bundle).push(digits(work(wide(seed))))
            alarms[decimator] = alarms.get(decimator, 0) + sum(isinstance(item, Event) for item in found)
    assert alarms == dict.fromkeys(DECIMATORS, 0)


def test_bands_up_to_half_the_rate_tell_decimators(recorded: Dataset) -> None:
    """What the default is for: the test above would fail with them."""
    options = replace(DETECTORS["neighbours"], front_end=FrontEnd(fmax=8000.0))
    twin = Twin(train(recorded, None, options).bundle)
    assert any(isinstance(item, Event) for item in twin.push(digits(DECIMATORS["decimate, IIR"](wide(1000)))))


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("spacing", ["mel", "linear"])
def test_bands_end_below_the_filters_at_every_rate(rate: int, spacing: str) -> None:
    config = audio_features(FrontEnd(bands=32, spacing=spacing), sample_rate=rate, stacked=False)  # type: ignore[arg-type]
    assert 0.75 * rate / 2 < config.top < 0.81 * rate / 2
    plain = FeatureConfig.logmel(sample_rate=rate, n_mels=32, spacing=spacing)  # type: ignore[arg-type]
    assert plain.top == config.top


def test_the_benchmarks_preset_keeps_its_bands_and_says_what_that_means(recorded: Dataset) -> None:
    options = replace(BASE, kind="autoencoder", hidden=(8, 4, 8), epochs=1, front_end=MLPERF)
    trained = train(recorded, None, options)
    assert trained.bundle.features.top > 7900
    assert any("Above 6,400 Hz" in text and "--fmax 6400" in text for text in trained.warnings)
    assert not train(recorded, None, BASE).reach


def mixed(root: Path, *, low: int, rate: int) -> Path:
    """24 recordings of a machine, the first `low` of them from a lower rate; two with a whistle."""
    for i in range(24):
        found = rate if i < low else RATE
        write(root / f"fan/id_00/normal/{i:08d}.wav", heard(i, found), rate=found)
    for i in range(2):
        write(root / f"fan/id_00/abnormal/{i:08d}.wav", heard(90 + i, RATE, whistle=True))
    return root


@pytest.mark.parametrize("rate", [8000, 11025])
@pytest.mark.parametrize("low", [1, 24])
def test_bands_end_where_the_lowest_recordings_do(tmp_path: Path, low: int, rate: int) -> None:
    data = open_dataset(mixed(tmp_path, low=low, rate=rate), ReadOptions())
    trained = train(data, None, BASE)
    assert trained.bundle.features.top <= 0.81 * rate / 2
    (told,) = trained.reach
    assert f"{low} of 26 recordings are from {rate:,} Hz (first: fan" in told
    assert f"--rate {rate}" in told
    # Everything stays usable, the anomalies and the others too.
    result = evaluate(trained.bundle, open_dataset(tmp_path, read_options(trained.bundle, {})), issues=Issues())
    assert result.rows[-1].n_anomaly == 2
    # Healthy sound at the full rate is no alarm.
    full = digits(heard(700, RATE))
    assert not [item for item in Twin(trained.bundle).push(full) if isinstance(item, Event)]


def test_nobody_is_told_to_leave_out_all_recordings(tmp_path: Path) -> None:
    mixed(tmp_path / "few", low=6, rate=8000)
    for i in range(12):
        rate = 8000 + 1000 * (i % 2)
        write(tmp_path / f"all/fan/id_00/normal/{i:08d}.wav", heard(i, rate), rate=rate)
    for name, advice in (("few", "or leave them out with --fmax 6400."), ("all", "or train with --rate 8000.")):
        data = open_dataset(tmp_path / name, ReadOptions())
        (told,) = train(data, None, BASE).reach
        found = next(finding for finding in survey_dataset(data).findings if finding.kind == "rates")
        assert told.endswith(advice), told
        assert found.advice.endswith(advice), found


def test_recordings_from_too_low_a_rate_are_left_out_where_the_user_says_the_bands(tmp_path: Path) -> None:
    data = open_dataset(mixed(tmp_path, low=6, rate=8000), ReadOptions())
    options = replace(BASE, front_end=FrontEnd(fmax=6400.0))
    trained = train(data, None, options)
    assert len(trained.issues.skipped) == 6
    assert "is from 8,000 Hz and holds nothing above 4,000 Hz" in trained.issues.skipped[0][1]
    with pytest.raises(DataError, match=r"recordings cannot be used.*nothing above 4,000 Hz"):
        train(open_dataset(mixed(tmp_path / "all", low=24, rate=8000), ReadOptions()), None, options)


def test_a_detector_refuses_what_lacks_its_bands(tmp_path: Path, recorded: Dataset) -> None:
    bundle = train(recorded, None, BASE).bundle
    low = write(tmp_path / "fan/id_00/normal/low.wav", hum(1, rate=8000), rate=8000)
    options = read_options(bundle, {})
    with pytest.raises(DataError, match=r"low\.wav: is from 8,000 Hz and holds nothing above 4,000 Hz"):
        list(open_recordings(str(low), bundle, options))
    data = open_dataset(tmp_path, options)
    for use in (
        lambda: list(extract(data, data.clips, bundle.features, issues=Issues())),
        lambda: read_pieces(bundle, data, minutes=None, issues=Issues()),
        lambda: evaluate(bundle, data, issues=Issues()),
        lambda: measure(bundle, data, issues=Issues()),
    ):
        with pytest.raises(DataError, match="holds nothing above 4,000 Hz"):
            use()


def test_sound_that_was_resampled_before_is_told(tmp_path: Path) -> None:
    for i in range(24):
        x = soxr.resample(heard(i, 8000), 8000, RATE) if i < 5 else heard(i, RATE)
        write(tmp_path / f"fan/id_00/normal/{i:08d}.wav", x)
    trained = train(open_dataset(tmp_path, ReadOptions()), None, BASE)
    (told,) = trained.reach
    assert "5 of 24 recordings hold nothing but rounding above 3,9" in told
    found = info(tmp_path)
    (narrow,) = [finding for finding in found["findings"] if finding["kind"] == "narrow"]
    assert narrow["text"].startswith("5 of 24 recordings hold nothing but rounding above ")
    assert len(narrow["clips"]) == 5


def info(folder: Path) -> dict:
    result: Result = CliRunner().invoke(cli, ["data", "info", str(folder), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_info_says_where_the_bands_end(tmp_path: Path) -> None:
    (rates,) = [f for f in info(mixed(tmp_path, low=3, rate=11025))["findings"] if f["kind"] == "rates"]
    assert rates["text"] == "3 of 26 recordings have a rate below 16,000 Hz (first: fan/id_00/normal/00000000.wav)."
    assert "by default the bands of all end at 4,410 Hz" in rates["advice"]
    assert len(rates["clips"]) == 3
