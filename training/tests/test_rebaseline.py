# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Adapting a bundle to another machine: what moves, by how much, and what is recorded."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from builders import KINDS, bundle_of
from recordings import hum, shakes, write
from tocsin.alarm.threshold import alarm_statistic, fit_threshold, judged_hours, parse_rate
from tocsin.bundle import Bundle, KMeansModel, read_bundle, write_bundle
from tocsin.cli import cli
from tocsin.data import Clip, Issues, ReadOptions, open_dataset
from tocsin.device.replay import open_recordings, replay
from tocsin.errors import DataError, ModelError
from tocsin.evaluation.evaluate import read_options
from tocsin.features.frontend import FrontEnd
from tocsin.learn import adapt as adapting
from tocsin.learn.adapt import METHODS, adapt, methods_for, normalised
from tocsin.learn.decoder import _hidden, _last_layer, adapt_decoder, quantise, reconstruct
from tocsin.learn.matching import trained_digests
from tocsin.learn.options import TrainOptions
from tocsin.learn.rebaseline import FOLDS, Piece, RebaselineOptions, folds_of, read_pieces, rebaseline
from tocsin.learn.train import train
from tocsin.twin import Event, Scorer, Window

# Random detectors of random data need not hear anything.
AUTO = RebaselineOptions(budget=parse_rate("1/hour"), force=True)


def call(*words: object) -> Result:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def told(bundle: Bundle, median: float = 3.0) -> Bundle:
    """The bundle with a record of its scores."""
    return replace(bundle, meta={"validation": {"quantiles": {"0.5": median}}})


def healthy(bundle: Bundle, n: int, seed: int = 0, spread: float = 1.0, shift: float = 0.0) -> np.ndarray:
    """Vectors about the model's first mean, in units of the features; `shift` and `spread` in normalised ones."""
    model, norm = bundle.model, bundle.normalisation
    middle = np.zeros(bundle.features.n_vector)
    if isinstance(model, KMeansModel):
        middle = model.centroids[0]
    elif hasattr(model, "means"):
        middle = model.means[0]
    x = np.random.default_rng(seed).normal(middle + shift, spread, (n, len(middle)))
    return (x / norm.inv_std + norm.mean).astype(np.float32)


def pieces_of(vectors: np.ndarray, each: int = 1) -> list[Piece]:
    parts = np.split(vectors, len(vectors) // each)
    return [Piece(f"clip{i}", part, float(each), bytes([0, i // 256, i % 256]), "m") for i, part in enumerate(parts)]


@pytest.mark.parametrize("kind", KINDS)
def test_methods_go_with_the_model(kind: str) -> None:
    bundle = told(bundle_of(kind))
    # Healthy vectors themselves have no centre that could move.
    own = {"autoencoder": ["decoder"], "kmeans": ["centroids"], "gmm": ["centroids"], "mahalanobis": ["centroids"]}
    expected = ["threshold", "mean", "normalisation", *own.get(kind.split("_")[0], [])]
    assert methods_for(bundle) == expected
    vectors = healthy(bundle, 12)
    for method in METHODS:
        if method in expected:
            adapt(bundle, vectors, method)
        else:
            with pytest.raises(ModelError, match=f"no {method} to adapt"):
                adapt(bundle, vectors, method)
    with pytest.raises(ModelError, match="no method magic"):
        adapt(bundle, vectors, "magic")


def test_mean_moves_by_what_is_not_explained_and_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = bundle_of("mahalanobis_diagonal")
    monkeypatch.setattr(adapting, "PRIOR_WINDOWS", 10.0)
    vectors = healthy(bundle, 400, shift=2.0, spread=0.1)
    prior = 10.0 * bundle.features.window_span / bundle.features.window_step
    moved = adapt(bundle, vectors, "mean").normalisation
    assert np.array_equal(moved.inv_std, bundle.normalisation.inv_std)
    offset = (moved.mean - bundle.normalisation.mean) * bundle.normalisation.inv_std
    # The oracle: the offset to the model's mean, times n / (n + prior).
    residual = normalised(bundle, vectors).mean(axis=0) - bundle.model.means[0]
    np.testing.assert_allclose(offset, residual * 400 / (400 + prior), rtol=1e-4)
    few = adapt(bundle, vectors[:4], "mean").normalisation
    shares = (few.mean - bundle.normalisation.mean) / (moved.mean - bundle.normalisation.mean)
    np.testing.assert_allclose(shares, (4 / (4 + prior)) / (400 / (400 + prior)), rtol=0.15)


def test_one_state_of_several_is_not_taken_for_the_middle_of_all() -> None:
    # Windows that are exactly what one of three centroids expects: nothing must move.
    bundle = bundle_of("kmeans")
    vectors = healthy(bundle, 60, spread=0.01)
    moved = adapt(bundle, vectors, "mean").normalisation
    offset = (moved.mean - bundle.normalisation.mean) * bundle.normalisation.inv_std
    assert np.abs(offset).max() < 0.01
    assert np.abs(normalised(bundle, vectors).mean(axis=0)).max() > 0.5


def test_model_of_another_kind_is_taken_to_expect_the_training_mean() -> None:
    bundle = bundle_of("mahalanobis_diagonal")
    unknown = replace(bundle, model=object(), kind="embedding")  # type: ignore[arg-type]
    assert methods_for(unknown) == ["threshold", "mean", "normalisation"]
    vectors = healthy(bundle, 500, shift=1.0)
    prior = adapting.PRIOR_WINDOWS * bundle.features.window_span / bundle.features.window_step
    moved = adapt(unknown, vectors, "normalisation").normalisation
    assert (moved.inv_std <= bundle.normalisation.inv_std).all()
    only = adapt(unknown, vectors, "mean").normalisation
    offset = (only.mean - bundle.normalisation.mean) * bundle.normalisation.inv_std
    np.testing.assert_allclose(offset, normalised(bundle, vectors).mean(axis=0) * 500 / (500 + prior), rtol=1e-3)


def test_spread_widens_about_the_windows_and_never_narrows() -> None:
    bundle = told(bundle_of("kmeans"), median=float(np.sqrt(bundle_of("kmeans").features.n_vector)))
    norm = bundle.normalisation
    same = adapt(bundle, healthy(bundle, 2000, spread=0.2), "normalisation")
    np.testing.assert_array_equal(same.normalisation.inv_std, norm.inv_std)
    wide = adapt(bundle, healthy(bundle, 2000, spread=3.0), "normalisation")
    gains = norm.inv_std / wide.normalisation.inv_std
    assert (gains > 1.5).mean() > 0.9
    # The windows keep their middle: x' - centre = (x - shift - centre) / gain.
    x = normalised(bundle, healthy(bundle, 2000, spread=3.0))
    new = replace(bundle, normalisation=wide.normalisation)
    y = normalised(new, healthy(bundle, 2000, spread=3.0))
    np.testing.assert_allclose(y.std(axis=0), x.std(axis=0) / gains, rtol=1e-3)
    score = [float(np.median(Scorer(_packed(b)).score(healthy(b, 200, 5, spread=3.0)))) for b in (bundle,)]
    after = float(np.median(Scorer(_packed(new)).score(healthy(bundle, 200, 5, spread=3.0))))
    assert after < 0.7 * score[0]


def _packed(bundle: Bundle) -> Bundle:
    return read_bundle(
        write_bundle(
            None,
            features=bundle.features,
            normalisation=bundle.normalisation,
            model=bundle.model,
            decision=bundle.decision,
            meta={},
        )
    )


def test_centroids_follow_reynolds_formula() -> None:
    bundle = bundle_of("kmeans")
    prior = adapting.PRIOR_WINDOWS * bundle.features.window_span / bundle.features.window_step
    vectors = healthy(bundle, 50, spread=0.05, shift=0.1)
    found = adapt(bundle, vectors, "centroids")
    x, old = normalised(bundle, vectors), bundle.model.centroids.astype(np.float64)
    alpha = 50 / (50 + prior)
    np.testing.assert_allclose(found.model.centroids[0], alpha * x.mean(axis=0) + (1 - alpha) * old[0], rtol=1e-4)
    np.testing.assert_array_equal(found.model.centroids[1:], bundle.model.centroids[1:])
    assert found.details["moved"] == 1


@pytest.mark.parametrize("kind", ["gmm_full", "gmm_diagonal", "mahalanobis_full"])
def test_centroids_lower_the_scores_of_the_new_machine(kind: str) -> None:
    bundle = bundle_of(kind)
    vectors = healthy(bundle, 300, shift=1.5, spread=0.3)
    new = _packed(replace(bundle, model=adapt(bundle, vectors, "centroids").model))
    test = healthy(bundle, 100, seed=9, shift=1.5, spread=0.3)
    assert np.median(Scorer(new).score(test)) < np.median(Scorer(bundle).score(test))


def test_decoder_moves_the_last_layer_alone_and_learns() -> None:
    bundle = bundle_of("autoencoder")
    rng = np.random.default_rng(3)
    x = rng.normal(size=(300, bundle.features.n_vector)) * 0.5 + 0.7
    model, details = adapt_decoder(bundle.model, x, prior=1.0)
    assert details["error_after"] < 0.9 * details["error_before"]
    target = (quantise(model, x).astype(float) - model.in_zero) * model.in_scale
    assert details["error_after"] == pytest.approx(np.mean((target - reconstruct(model, x)) ** 2))
    # In place: the same flatbuffer but for the last layer's weights, bias and scales.
    old, new = (np.frombuffer(m.tflite, np.uint8) for m in (bundle.model, model))
    assert len(old) == len(new)
    assert 0 < np.count_nonzero(old != new) < 0.5 * len(old)
    assert model.arena_size == bundle.model.arena_size
    kept, _ = adapt_decoder(bundle.model, x, prior=1e9)
    # With an infinite prior only requantisation is left.
    np.testing.assert_allclose(reconstruct(kept, x), reconstruct(bundle.model, x), atol=3 * kept.out_scale)


def test_decoder_is_the_best_linear_layer() -> None:
    bundle = bundle_of("autoencoder")
    model = bundle.model
    x = np.random.default_rng(4).normal(size=(400, bundle.features.n_vector)) * 0.5 + 0.7
    _, details = adapt_decoder(model, x, prior=1e-6)
    layer = _last_layer(bytearray(model.tflite))
    hidden = (_hidden(model, quantise(model, x), layer.input).astype(float) - layer.in_zero) * layer.in_scale
    target = (quantise(model, x).astype(float) - model.in_zero) * model.in_scale
    inputs = np.column_stack([hidden, np.ones(len(x))])
    best = np.linalg.lstsq(inputs, target, rcond=None)[0]
    assert details["error_after"] < 1.05 * np.mean((target - inputs @ best) ** 2) + model.out_scale**2
    # The layer as it is read gives what the network gives.
    weights, bias = layer.floats()
    ends = [(q - model.out_zero) * model.out_scale for q in (-128, 127)]
    given = np.clip(hidden @ weights + bias, *ends)
    np.testing.assert_allclose(given, reconstruct(model, x), atol=1.5 * model.out_scale)


def test_output_range_of_the_decoder_grows_where_it_must() -> None:
    bundle = bundle_of("autoencoder")
    model = bundle.model
    most = (127 - model.out_zero) * model.out_scale
    reach = (127 - model.in_zero) * model.in_scale
    x = np.full((200, bundle.features.n_vector), 0.98 * reach)
    x += np.random.default_rng(5).normal(size=x.shape) * 0.02
    assert reach > 1.1 * most, "the network's output must be narrower than its input for this test"
    new, _ = adapt_decoder(model, x, prior=1e-6)
    assert reconstruct(new, x).max() > 1.05 * most
    assert new.out_scale > model.out_scale


def test_reconstruction_gives_the_devices_score() -> None:
    bundle = bundle_of("autoencoder")
    vectors = healthy(bundle, 20)
    x = normalised(bundle, vectors)
    # What the int8 input clamps is no error of the network's, but a distance of its own (docs/decisions/0014).
    model = bundle.model
    low, high = (model.in_scale * (end - model.in_zero) for end in (-128, 127))
    within = np.clip(x, low, high)
    assert (within != x).any(axis=1).sum() in range(1, 20)
    error = (within - reconstruct(model, within)) ** 2 + (x - within) ** 2
    np.testing.assert_allclose(np.mean(error, axis=1), Scorer(bundle).score(vectors), rtol=1e-4)


def test_folds_are_runs_of_neighbours_that_share_no_sample() -> None:
    bundle = bundle_of("kmeans")
    vectors = healthy(bundle, 40)
    folds = folds_of(pieces_of(vectors), bundle)
    assert [piece.name for fold in folds for piece in fold] == [f"clip{i}" for i in range(40)]
    assert [len(fold) for fold in folds] == [8] * FOLDS
    one = folds_of(pieces_of(vectors, each=40), bundle)
    assert len(one) == FOLDS
    # Windows of 92 samples every 40: two are lost at each cut.
    assert [len(fold[0].vectors) for fold in one] == [6] * FOLDS
    np.testing.assert_array_equal(one[1][0].vectors, vectors[8:14])
    with pytest.raises(DataError, match="too few to adapt"):
        folds_of(pieces_of(vectors[:1]), bundle)


def test_threshold_is_set_by_scores_of_windows_that_were_not_seen() -> None:
    bundle = bundle_of("mahalanobis_full")
    pieces = pieces_of(healthy(bundle, 100, shift=2.0), each=5)
    result = rebaseline(bundle, pieces, replace(AUTO, method="mean"))
    folds = folds_of(pieces, bundle)
    scores = []
    for k, fold in enumerate(folds):
        seen = np.concatenate([p.vectors for j, other in enumerate(folds) if j != k for p in other])
        without = _packed(replace(bundle, normalisation=adapt(bundle, seen, "mean").normalisation))
        scores += [Scorer(without).score(p.vectors) for p in fold]
    np.testing.assert_array_equal(result.after, np.concatenate(scores))
    smooth, in_a_row = bundle.decision.smooth, bundle.decision.min_windows
    series = [alarm_statistic(s, smooth, in_a_row) for s in scores]
    step = bundle.features.window_step / bundle.features.sample_rate
    line = fit_threshold(series, hours=judged_hours(series, step), per_hour=1)
    assert result.threshold == line
    with pytest.raises(DataError, match="the 3 windows that the bundle's decision averages"):
        rebaseline(bundle, pieces_of(healthy(bundle, 30)), replace(AUTO, method="mean"))


def test_record_says_what_was_done_from_which_bundle_on_which_clips() -> None:
    bundle = bundle_of("gmm_diagonal", decision=replace(bundle_of("kmeans").decision, smooth=1, min_windows=1))
    pieces = pieces_of(healthy(bundle, 30, shift=1.0))
    once = rebaseline(bundle, pieces, replace(AUTO, data="hall3"))
    meta = once.bundle.meta
    step = meta["rebaselined"][-1]
    assert meta["name"] == "gmm_diagonal"
    assert (step["from"], step["method"], step["data"]) == (f"{bundle.crc:08x}", "normalisation", "hall3")
    assert (step["recordings"], step["seconds"], step["machines"]) == (30, 30.0, ["m"])
    assert base64.b64decode(step["clips"]) == b"".join(piece.digest for piece in pieces)
    assert trained_digests(once.bundle) == {piece.digest for piece in pieces}
    assert meta["threshold"]["on"] == pytest.approx(once.bundle.decision.threshold_on, rel=1e-6)
    assert meta["threshold"]["budget"] == "1/hour"
    assert once.bundle.decision.threshold_on == pytest.approx(once.threshold.on, rel=1e-6)
    twice = rebaseline(once.bundle, pieces, RebaselineOptions(method="threshold", force=True))
    assert [s["method"] for s in twice.bundle.meta["rebaselined"]] == ["normalisation", "threshold"]
    assert twice.bundle.meta["rebaselined"][1]["from"] == f"{once.bundle.crc:08x}"
    assert rebaseline(bundle, pieces, replace(AUTO, data="hall3")).raw == once.raw


def test_without_a_budget_or_a_record_it_says_so() -> None:
    pieces = pieces_of(healthy(bundle_of("kmeans"), 30))
    with pytest.raises(DataError, match=r"no budget of false alarms\. Give one with --false-alarms"):
        rebaseline(bundle_of("kmeans"), pieces, RebaselineOptions(method="mean"))
    with pytest.raises(ModelError, match=r"how its scores were spread\. Choose --method mean or threshold"):
        rebaseline(bundle_of("kmeans"), pieces, AUTO)


@pytest.fixture(scope="module")
def shaker(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Bundle and data of one speed; the other speed of the same file is the new machine."""
    root = tmp_path_factory.mktemp("shaker")
    data = shakes(root / "fan.npz", clips=40)
    words = ("--rate", 200, "--unit", "ug", "--machine", "fan_0_low", "--clusters", 2, "--false-alarms", "1/hour")
    result = call("train", "--data", data, *words, "-o", root / "low.tocsin")
    assert result.exit_code == 0, result.output
    return root / "low.tocsin", data


def test_command_adapts_and_eval_leaves_the_recordings_out(shaker: tuple[Path, Path], tmp_path: Path) -> None:
    bundle, data = shaker
    out = tmp_path / "high.tocsin"
    words = ("--data", data, "--machine", "fan_0_high", "--minutes", 0.5, "-o", out)
    result = call("rebaseline", bundle, *words, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    old = read_bundle(bundle)
    assert (found["from"], found["recordings"], found["seconds"]) == (f"{old.crc:08x}", 30, 30.0)
    assert found["before"]["median"] > found["before"]["threshold_on"]
    assert found["after"]["median"] < found["after"]["threshold_on"]
    told = call("rebaseline", bundle, *words, "--method", "centroids")
    assert "method       centroids" in told.stdout
    assert "30 healthy ones of fan_0_high" in told.stdout
    shown = call("inspect", out).stdout
    assert f"adapted to   fan_0_high by 30 recordings of {data.name}, 30 s: method centroids, from CRC" in shown
    assert "threshold by" not in shown
    assert "plainly strange versions of healthy recordings" in shown
    assert "threshold by" in call("inspect", bundle).stdout
    result = call("eval", out, "--data", data, "--machine", "fan_0_high", "--json")
    row = json.loads(result.stdout)[-1]
    assert (row["n_normal"], row["n_anomaly"], row["auc"]) == (10, 40, 1.0)
    assert "30 recordings left out" in result.stderr


def test_only_new_healthy_recordings_are_read(shaker: tuple[Path, Path]) -> None:
    bundle, data = read_bundle(shaker[0]), shaker[1]
    issues = Issues()
    pieces = read_pieces(bundle, open_dataset(data, read_options(bundle, {})), minutes=None, issues=issues)
    assert len(pieces) == 40 + 10
    assert not {piece.digest for piece in pieces} & trained_digests(bundle)
    assert "30 recordings left out: the bundle was trained on the same samples" in issues.lines()[0]
    dataset = open_dataset(data, read_options(bundle, {"machines": ("fan_0_high",)}))
    testing = tuple(replace(clip, split="test") for clip in dataset.clips)
    with pytest.raises(DataError, match="No healthy recording is left"):
        read_pieces(bundle, replace(dataset, clips=testing), minutes=1, issues=Issues())


def test_long_recording_is_cut_at_the_minutes(tmp_path: Path) -> None:
    for i in range(4):
        write(tmp_path / f"normal/{i}.wav", hum(i, seconds=4))
    options = TrainOptions(kind="kmeans", budget=parse_rate("1/hour"), clusters=2, front_end=FrontEnd(bands=16))
    bundle = train(open_dataset(tmp_path, ReadOptions()), None, options).bundle
    write(tmp_path / "new/normal/long.wav", hum(9, seconds=40))
    dataset = open_dataset(tmp_path / "new", ReadOptions())
    (piece,) = read_pieces(bundle, dataset, minutes=0.5, issues=Issues())
    assert piece.seconds == 30.0
    (whole,) = read_pieces(bundle, dataset, minutes=None, issues=Issues())
    np.testing.assert_array_equal(piece.vectors, whole.vectors[: len(piece.vectors)])
    assert piece.digest == whole.digest
    result = rebaseline(bundle, [piece], AUTO)
    # Less what fills the smoothing, and what is lost at the cuts between folds.
    assert 0.4 < result.threshold.hours / (30 / 3600) < 1


def test_other_sensor_is_refused(shaker: tuple[Path, Path], tmp_path: Path) -> None:
    write(tmp_path / "normal/a.wav", hum(0))
    words = ("rebaseline", shaker[0], "--data", tmp_path, "--sensor", "audio")
    result = call(*words, "-o", tmp_path / "x.tocsin")
    assert (result.exit_code, "is for vibration" in result.stderr) == (2, True)
    assert not (tmp_path / "x.tocsin").exists()
    result = call("rebaseline", shaker[0], "--data", tmp_path, "-o", tmp_path / "no/x.tocsin")
    assert (result.exit_code, "no folder" in result.stderr) == (2, True)


def stream(bundle: Bundle, data: Path, array: str, first: int = 0) -> tuple[int, int, float]:
    """Alarms that begin, windows, and the share of windows within an alarm, of an array streamed as by a device."""
    (recording,) = open_recordings(f"{data}:{array}", bundle, read_options(bundle, {}))
    # Each row is one piece, and a gap stands before the next.
    recording = replace(recording, pieces=islice(recording.pieces, 2 * first, None))
    begins = windows = inside = 0
    active = False
    for item in replay(bundle, recording):
        if isinstance(item, Event):
            active = item.kind == "begin"
            begins += active
            inside += active
        elif isinstance(item, Window):
            windows += 1
            inside += active
    return begins, windows, inside / windows


@pytest.mark.parametrize(("budget", "alarmed"), [("1/day", 0.02), ("1/hour", 0.8)])
def test_ceiling_fan_as_deployed_no_longer_alarms_and_the_unbalanced_one_does(
    data_dir: Path, tmp_path: Path, budget: str, alarmed: float
) -> None:
    """Issue 4, criterion 2, with the mixture that docs/explanation/detection.md recommends for all three speeds."""
    data = data_dir / "ceiling_fan.npz"
    old, new = tmp_path / "fan.tocsin", tmp_path / "deployed.tocsin"
    train_words = ("--rate", 200, "--unit", "ug", "--model", "gmm", "--stats", "rms", "--bands", 0, "-o", old)
    assert call("train", "--data", data, *train_words, "--false-alarms", budget).exit_code == 0
    words = ("--normal", "fan_0_low_deploy", "--machine", "fan_0_low_deploy", "--minutes", 2, "-o", new)
    assert call("rebaseline", old, "--data", data, *words).exit_code == 0
    before, after = read_bundle(old), read_bundle(new)
    assert after.meta["rebaselined"][0]["recordings"] == 120
    # As it came, it alarms where the fan was deployed: the more, the more alarms are allowed.
    assert _over(before, data, "fan_0_low_deploy") > alarmed
    # Streamed as by a device, one second after the other: not one alarm in what was kept apart, on and on in the other.
    assert stream(after, data, "fan_0_low_deploy", first=120)[:2] == (0, 166)
    begins, windows, share = stream(after, data, "fan_0_low_1_weight")
    assert begins >= 1
    assert share > 0.95
    # Each clip by itself against the threshold, without the alarm's hysteresis.
    assert _over(after, data, "fan_0_low_deploy", first=120) == 0
    assert _over(after, data, "fan_0_low_1_weight") > 0.95
    assert windows == 580


def _over(bundle: Bundle, data: Path, array: str, first: int = 0) -> float:
    dataset = open_dataset(data, read_options(bundle, {"normal": (array,)}))
    clips = [Clip(f"{array}[{i}]", data, "normal", "m", array=array, index=i) for i in range(first, 1000)]
    known = {(c.array, c.index) for c in dataset.clips}
    told = []
    for clip in clips:
        if (array, clip.index) in known:
            from tocsin.twin import score_clip

            told.append(score_clip(bundle, dataset.read(clip, Issues())) >= bundle.decision.threshold_on)
    return float(np.mean(told))


def test_of_very_many_windows_an_even_share_is_used(shaker: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, data = read_bundle(shaker[0]), shaker[1]
    dataset = open_dataset(data, read_options(bundle, {"normal": ("*_0_weight",)}))
    bundle = replace(bundle, meta={key: value for key, value in bundle.meta.items() if key != "clips"})
    every = read_pieces(bundle, dataset, minutes=None, issues=Issues())
    monkeypatch.setattr("tocsin.learn.rebaseline.VECTORS_BYTES", sum(piece.vectors.nbytes for piece in every) // 3)
    issues = Issues()
    some = read_pieces(bundle, dataset, minutes=None, issues=issues)
    assert 3 * len(some) <= len(every) + 3
    assert [piece.name for piece in some] == [piece.name for piece in every][:: len(every) // len(some)][: len(some)]
    assert any("evenly spread" in line for line in issues.lines())
