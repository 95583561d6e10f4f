# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Trainers of networks, heads and combinations, on small made-up vectors and recordings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from recordings import hum, shakes, write
from tocsin.alarm.threshold import parse_rate
from tocsin.bundle import CombinedModel, MahalanobisModel, NetworkModel
from tocsin.cli import cli
from tocsin.data import Dataset, Issues, ReadOptions, extract, open_dataset
from tocsin.errors import ModelError
from tocsin.evaluation.evaluate import evaluate, read_options
from tocsin.features.frontend import FrontEnd
from tocsin.learn.models import exact
from tocsin.learn.models.autoencoder import convolutional, fit_convolutional, fit_interpolation, parts
from tocsin.learn.models.embedding import fit_embedding
from tocsin.learn.models.fit import calibration
from tocsin.learn.models.heads import fit_head, fit_selective
from tocsin.learn.models.neighbours import NeighboursOptions
from tocsin.learn.models.network import Conv, Dense, FloatNetwork, fold, to_int8
from tocsin.learn.models.training import Schedule, aware, rounded_weights
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import normalise, train
from tocsin.twin import Scorer

FRAMES, BANDS = 5, 8
QUICK = Schedule(epochs=4, batch=64)


@pytest.fixture
def stacks(rng: np.random.Generator) -> np.ndarray:
    """Stacks whose frames follow from one another, shape (600, 40)."""
    start, slope = rng.normal(size=(2, 600, 1, BANDS))
    frames = start + 0.3 * slope * np.arange(-2, 3)[:, None] + 0.05 * rng.normal(size=(600, FRAMES, BANDS))
    return frames.reshape(600, -1).astype(np.float32)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two machines in MIMII's layout that hum alike but for their noise; strange ones whistle."""
    root = tmp_path_factory.mktemp("machines")
    for number in range(2):
        for i in range(12):
            x = hum(50 * number + i, seconds=2)
            write(root / f"fan/id_0{number}/normal/{i:08d}.wav", x if number else np.repeat(x[::2], 2))
        for i in range(4):
            write(root / f"fan/id_0{number}/abnormal/{i:08d}.wav", hum(500 + 10 * number + i, seconds=2, whistle=True))
    return open_dataset(root, ReadOptions())


def options(kind: str, **given: object) -> TrainOptions:
    base = TrainOptions(kind=kind, budget=parse_rate("1/day"), clusters=2, epochs=5, front_end=FrontEnd(bands=16))
    return replace(base, **given)  # type: ignore[arg-type]


KINDS = {
    "idnn with a selective head": {"head": "mahalanobis"},
    "conv": {},
    "embedding": {},
    "combined with a network": {"members": ("autoencoder", "neighbours"), "combine": "max"},
    "combined with an embedding": {"members": ("neighbours", "embedding")},
}


@pytest.mark.parametrize("name", KINDS)
def test_whistle_is_told_from_hum_and_int8_scores_as_float(machines: Dataset, name: str) -> None:
    kind = name.split()[0]
    found = train(machines, None, options(kind, **KINDS[name]))
    bundle = found.bundle
    assert bundle.kind == ("combined" if kind == "combined" else "network")
    assert bundle.meta["model"]["kind"] == kind
    result = evaluate(bundle, replace(machines, options=read_options(bundle, {})), issues=Issues())
    assert (result.rows[-1].auc or 0) > 0.9
    scorer = Scorer(bundle)
    items = list(extract(found_dataset(machines), found.split.test, bundle.features, issues=Issues()))
    x = np.concatenate([item.vectors for item in items])
    exactly = found.exact(normalise(x, bundle.normalisation))
    correlation = np.corrcoef(exactly, scorer.score(x))[0, 1]
    assert correlation > 0.9
    assert {"score_float", "score_int8", "auc_float", "auc_int8"} <= set(bundle.meta["validation"])


def found_dataset(dataset: Dataset) -> Dataset:
    return dataset.settle(list(dataset.clips))


@pytest.mark.parametrize("kind", ["embedding", "combined"])
def test_same_seed_same_bundle(machines: Dataset, kind: str) -> None:
    chosen = options(kind, epochs=2)
    assert train(machines, None, chosen).raw == train(machines, None, chosen).raw


def test_vibration_is_stacked(tmp_path: Path) -> None:
    data = open_dataset(shakes(tmp_path / "fan.npz"), ReadOptions(rate=200, unit="ug"))
    bundle = train(data, None, options("idnn", epochs=2, front_end=FrontEnd(bands=8, stats=()))).bundle
    assert bundle.features.pool == ("stack",)
    assert bundle.features.window_frames == 5
    assert isinstance(bundle.model, NetworkModel)


def test_idnn_sees_all_but_the_middle_and_predicts_it(stacks: np.ndarray) -> None:
    found = fit_interpolation(stacks, stacks[:100], FRAMES, (32, 32), replace(QUICK, epochs=40))
    assert (found.first, found.outputs) == (2 * BANDS, BANDS)
    limit = found.network.limit
    given, target = parts(stacks, found.first, found.outputs)
    np.testing.assert_array_equal(given, np.delete(stacks, np.s_[16:24], axis=1))
    np.testing.assert_array_equal(target, stacks[:, 16:24])
    # The middle follows from its neighbours; a network that had learnt nothing would miss by the frames' variance, 1.
    assert found.score(stacks).mean() < 0.3
    errors = ((np.clip(target, -limit, limit) - found.network.run(given)) ** 2).sum(axis=1)
    beyond = (np.maximum(0, np.abs(stacks) - limit) ** 2).sum(axis=1)
    np.testing.assert_allclose(found.score(stacks), (errors + beyond) / BANDS, rtol=1e-5)


@pytest.mark.parametrize("frames", [1, 2, 4, 3])
def test_idnn_needs_a_middle_frame(stacks: np.ndarray, frames: int) -> None:
    with pytest.raises(ModelError, match="--window-frames 3, 5 or 7"):
        fit_interpolation(stacks, stacks, frames, (8,), QUICK)


def test_conv_needs_bands(stacks: np.ndarray) -> None:
    with pytest.raises(ModelError, match="more --bands"):
        fit_convolutional(stacks, stacks, 10, QUICK)


def test_folding_keeps_what_a_keras_network_gives(rng: np.random.Generator) -> None:
    from tocsin.learn.models import tensorflow

    tf = tensorflow.load(seed=1)
    model = convolutional(tf, FRAMES, 16)
    x = rng.normal(size=(64, FRAMES * 16)).astype(np.float32)
    for _ in range(5):
        model(x, training=True)  # moves what batch normalisation remembers away from 0 and 1
    layers = fold(model)
    assert [type(layer) for layer in layers].count(Conv) == 5
    np.testing.assert_allclose(FloatNetwork(layers, 100.0, 1).run(x), model(x, training=False), rtol=1e-3, atol=1e-4)


def test_conv_has_only_operators_of_the_firmware(stacks: np.ndarray) -> None:
    from tocsin.tflite.flatbuffer import _graph, _model, work_space

    found = fit_convolutional(stacks, stacks[:50], FRAMES, replace(QUICK, epochs=1))
    raw = to_int8(found.network, stacks, seed=0)
    schema, graph = _graph(raw)
    codes = [
        _model(schema, raw).OperatorCodes(graph.Operators(i).OpcodeIndex()) for i in range(graph.OperatorsLength())
    ]
    known = {getattr(schema.BuiltinOperator, n) for n in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "RESHAPE")}
    assert {max(c.BuiltinCode(), c.DeprecatedBuiltinCode()) for c in codes} == known
    # tocsin_conv_needed_size() of the last convolution, 24 products an output; dense layers have 64 inputs at most.
    assert work_space(raw) == 10 * 24 + 4


def test_embedding_separates_conditions(rng: np.random.Generator) -> None:
    labels = [f"machine {i % 3}" for i in range(600)]
    centres = rng.normal(size=(3, 20))
    x = (centres[np.arange(600) % 3] + 0.7 * rng.normal(size=(600, 20))).astype(np.float32)
    network = fit_embedding(x, labels, x[:90], [*labels[:89], "never seen"], (32,), replace(QUICK, epochs=15))
    e = network.run(x)
    e /= np.linalg.norm(e, axis=1, keepdims=True)
    same = np.array([a == b for a in labels[:90] for b in labels[:90]]).reshape(90, 90)
    cosines = e[:90] @ e[:90].T
    assert cosines[same].mean() - cosines[~same].mean() > 0.5


def test_embedding_is_of_unit_variance(rng: np.random.Generator) -> None:
    x = rng.normal(size=(400, 20)).astype(np.float32)
    x[::2] += 3
    network = fit_embedding(x, ["a", "b"] * 200, x[:90], ["a", "b"] * 45, (32,), replace(QUICK, epochs=2))
    assert network.run(x).var(axis=0).mean() == pytest.approx(1, rel=0.01)


def test_embedding_needs_two_conditions(stacks: np.ndarray) -> None:
    with pytest.raises(ModelError, match=r"only one.*several machines.*--model neighbours"):
        fit_embedding(stacks, ["a"] * 600, stacks[:9], ["a"] * 9, (8,), QUICK)


@pytest.mark.parametrize(("shape", "depthwise"), [((9, 5), False), ((3, 3, 4, 5), False), ((3, 3, 5, 1), True)])
def test_each_output_channel_is_rounded_by_its_own_scale(rng: np.random.Generator, shape, depthwise) -> None:
    from tocsin.learn.models import tensorflow

    axis = 2 if depthwise else len(shape) - 1
    loud = np.moveaxis(np.ones(shape), axis, -1) * 10.0 ** np.arange(5)
    weights = (rng.normal(size=shape) * np.moveaxis(loud, -1, axis)).astype(np.float32)
    tf = tensorflow.load()
    error = np.abs(np.asarray(rounded_weights(tf, tf.constant(weights), depthwise=depthwise)) - weights)
    others = tuple(i for i in range(len(shape)) if i != axis)
    steps = np.abs(weights).max(axis=others) / 127
    assert (error.max(axis=others) <= 0.51 * steps).all()
    assert (error.max(axis=others) > 0.1 * steps).all()


def test_simulated_rounding_brings_int8_closer(rng: np.random.Generator) -> None:
    # One wild weight in each column leaves int8 few steps for the others, whose errors can make up for one another,
    # as the inputs go together.
    weights = rng.normal(size=(16, 16)).astype(np.float32) / 4
    weights[0] *= 60
    x = (rng.normal(size=(500, 3)) @ rng.normal(size=(3, 16)) / 2).astype(np.float32)
    x[:, 0] = 0
    truth = x @ weights
    network = FloatNetwork((Dense(weights, np.zeros(16, np.float32)),), 4.0, 1)

    def error(chosen: FloatNetwork) -> float:
        from tocsin.learn.models.fit import int8_features

        y = int8_features(to_int8(chosen, x, seed=0), x, "embed", 0, 16)
        return float(np.mean((y - truth) ** 2))

    from tocsin.learn.models import tensorflow

    tf = tensorflow.load(seed=0)

    def loss(rows, run):  # type: ignore[no-untyped-def]
        return tf.reduce_mean(tf.square(rows[1] - run(rows[0])))

    trained = aware(network, (x, truth), (x, truth), loss, replace(QUICK, learning_rate=5e-2))
    assert trained.epochs > network.epochs
    assert error(trained) < 0.7 * error(network)


def test_selective_distance_is_to_the_nearest_group(rng: np.random.Generator) -> None:
    e = np.concatenate([rng.normal(size=(200, 3)), 20 + rng.normal(size=(200, 3)) * [1, 5, 1]])
    model = fit_selective(e, ["source"] * 200 + ["target"] * 200)
    assert model.means.shape == (2, 3)
    score = exact.score_of(model)
    at = np.array([[0, 5, 0], [20, 25, 20]], np.float32)
    assert score(at)[0] == pytest.approx(5, rel=0.2)
    assert score(at)[1] == pytest.approx(1, rel=0.3)


def test_groups_too_small_for_a_covariance_are_taken_together(rng: np.random.Generator) -> None:
    e = rng.normal(size=(100, 10))
    assert len(fit_selective(e, ["a"] * 80 + ["b"] * 10 + ["c"] * 10).means) == 2


@pytest.mark.parametrize("kind", ["kmeans", "gmm", "mahalanobis", "neighbours"])
def test_float_scores_are_the_devices(machines: Dataset, kind: str) -> None:
    found = train(machines, None, options(kind))
    items = list(extract(found_dataset(machines), found.split.test, found.bundle.features, issues=Issues()))
    x = np.concatenate([item.vectors for item in items])
    exactly = found.exact(normalise(x, found.bundle.normalisation))
    np.testing.assert_allclose(Scorer(found.bundle).score(x), exactly, rtol=0.1 if kind == "neighbours" else 1e-3)


def test_unknown_head(rng: np.random.Generator) -> None:
    neighbours = NeighboursOptions()
    with pytest.raises(ModelError, match="no head tail"):
        fit_head("tail", rng.normal(size=(9, 2)), [], [], clusters=1, neighbours=neighbours, seed=0)


def test_calibration_puts_members_on_one_scale(rng: np.random.Generator) -> None:
    scores = 7 + 3 * rng.normal(size=20000)
    offset, weight = calibration(scores)
    assert (offset, weight) == (pytest.approx(7, abs=0.1), pytest.approx(1 / 3, rel=0.05))
    with pytest.raises(ModelError, match="do not vary"):
        calibration(np.ones(9))


def test_members_of_a_combination(machines: Dataset) -> None:
    model = train(machines, None, options("combined", members=("kmeans", "mahalanobis"))).bundle.model
    assert isinstance(model, CombinedModel)
    assert isinstance(model.members[1], MahalanobisModel)
    with pytest.raises(ModelError, match="two different models"):
        train(machines, None, options("combined", members=("gmm", "gmm")))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "combined", "--members", "gmm"], "two different ones"),
        (["--model", "combined", "--members", "gmm,oracle"], "two different ones"),
        (["--model", "kmeans", "--members", "gmm,kmeans"], "--model combined"),
        (["--model", "kmeans", "--head", "gmm"], "kmeans does not use --head"),
    ],
)
def test_what_does_not_fit_is_refused(machines: Dataset, tmp_path: Path, arguments: list[str], message: str) -> None:
    command = ["train", "--data", str(machines.root), "-o", str(tmp_path / "a.tocsin"), *arguments]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code != 0
    assert message in done.output + str(done.exception)
