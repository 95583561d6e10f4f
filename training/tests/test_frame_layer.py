# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A first layer that the frames of a stack share, and what a device keeps of it from one window to the next."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from recordings import hum, mimii, shakes
from tocsin.alarm.threshold import parse_rate
from tocsin.bundle import AutoencoderModel, NetworkModel, read_bundle, write_bundle
from tocsin.bundle.cost import frames_kept, instructions
from tocsin.cli import cli
from tocsin.data import Dataset, ReadOptions, open_dataset
from tocsin.device.verify import bits, by_twin
from tocsin.errors import ModelError
from tocsin.features import Extractor
from tocsin.features.frontend import FrontEnd
from tocsin.learn.adapt import adapt
from tocsin.learn.decoder import quantise
from tocsin.learn.models.autoencoder import FrameLayer, dense
from tocsin.learn.models.network import FloatNetwork, fold
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import Trained, fit_normalisation, normalise, train
from tocsin.tflite.flatbuffer import kept_size, layers_of, shared_layer

BANDS, WIDTH = 16, 8


def options(kind: str = "autoencoder", **given: object) -> TrainOptions:
    base = TrainOptions(
        kind=kind, budget=parse_rate("1/day"), hidden=(8,), epochs=1, strange=0, frame_layer=WIDTH,
        front_end=FrontEnd(bands=BANDS, window_frames=5, window_hop=1),
    )  # fmt: skip
    return replace(base, **given)  # type: ignore[arg-type]


def sections_of(raw: bytes) -> dict[bytes, bytes]:
    """Sections' contents, read here and not by the parser."""
    (count,) = struct.unpack_from("<I", raw, 16)
    entries = [struct.unpack_from("<4sII", raw, 32 + 16 * i) for i in range(count)]
    return {name: raw[offset : offset + size] for name, offset, size in entries}


def samples() -> np.ndarray:
    return np.rint(20000 * hum(77, seconds=2, whistle=True)).astype(np.int16)


@pytest.fixture(scope="module")
def fans(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return open_dataset(mimii(tmp_path_factory.mktemp("fans"), seconds=2), ReadOptions())


@pytest.fixture(scope="module")
def found(fans: Dataset) -> Trained:
    return train(fans, None, options())


def test_frames_are_normalised_alike(rng: np.random.Generator) -> None:
    vectors = (rng.normal(size=(300, 3, 4)) * [1, 2, 3, 4]).astype(np.float32)
    vectors[:, 2] += 7
    together = fit_normalisation(vectors.reshape(300, 12), 3)
    for values, wanted in (
        (together.mean, vectors.reshape(900, 4).mean(axis=0)),
        (1 / together.inv_std, vectors.reshape(900, 4).std(axis=0)),
    ):
        np.testing.assert_allclose(values.reshape(3, 4), np.tile(wanted, (3, 1)), rtol=1e-4)
    apart = fit_normalisation(vectors.reshape(300, 12)).mean.reshape(3, 4)
    assert (apart[2] - apart[0]).min() > 5


def test_a_frame_is_the_same_bytes_wherever_it_stands(found: Trained) -> None:
    bundle = found.bundle
    assert isinstance(bundle.model, AutoencoderModel)
    vectors, _ = Extractor(bundle.features).vectors(samples())
    digits = quantise(bundle.model, normalise(vectors, bundle.normalisation))
    assert len(digits) > 20
    np.testing.assert_array_equal(digits[1:, :-BANDS], digits[:-1, BANDS:])


def test_folding_keeps_what_a_keras_network_gives(rng: np.random.Generator) -> None:
    from tocsin.learn.models import tensorflow

    model = dense(tensorflow.load(seed=1), 12, (6,), 12, FrameLayer(3, 5))
    x = rng.normal(size=(64, 12)).astype(np.float32)
    for _ in range(5):
        model(x, training=True)  # moves what batch normalisation remembers away from 0 and 1
    network = FloatNetwork(fold(model), 100.0, 1)
    np.testing.assert_allclose(network.run(x), model(x, training=False), rtol=1e-3, atol=1e-4)
    # Shared: frames in another order give the layer's results in that order.
    first = FloatNetwork(network.layers[:3], 100.0, 1)
    turned = first.run(np.roll(x, 4, axis=1))
    np.testing.assert_allclose(turned, np.roll(first.run(x), 5, axis=1), rtol=1e-5, atol=1e-6)


def test_layers_of_the_network(found: Trained) -> None:
    model = found.bundle.model
    assert isinstance(model, AutoencoderModel)
    layers, convolutions = layers_of(model.tflite)
    assert convolutions == []
    assert layers == [(5, BANDS, WIDTH), (1, 5 * WIDTH, 8), (1, 8, 5 * BANDS)]
    assert shared_layer(model.tflite, 1) == layers[0]
    assert shared_layer(model.tflite, 0) is None
    assert shared_layer(model.tflite, 5) is None
    assert found.bundle.meta["model"]["frame_layer"] == WIDTH


def test_flag_of_the_bundle(found: Trained) -> None:
    bundle = found.bundle
    model = bundle.model
    assert isinstance(model, AutoencoderModel)
    assert model.slide == 1
    assert struct.unpack("<I", sections_of(bundle.raw)[b"slid"]) == (1,)
    assert struct.unpack_from("<HH", bundle.raw, 8) == (1, 4)
    parts = {
        "features": bundle.features,
        "normalisation": bundle.normalisation,
        "decision": bundle.decision,
        "meta": bundle.meta,
    }
    assert write_bundle(None, model=model, **parts) == bundle.raw
    without = write_bundle(None, model=replace(model, slide=0), **parts)
    assert b"slid" not in sections_of(without)
    assert struct.unpack_from("<HH", without, 8) == (1, 0)
    assert read_bundle(without).model.slide == 0  # type: ignore[union-attr]


def test_results_are_the_same_without(fans: Dataset, found: Trained) -> None:
    without = train(fans, None, options(stream=False)).bundle
    with_, model = found.bundle, without.model
    assert isinstance(with_.model, AutoencoderModel)
    assert isinstance(model, AutoencoderModel)
    assert (model.slide, model.tflite) == (0, with_.model.tflite)
    results = [by_twin(bundle, samples(), [(9000, 400)]) for bundle in (with_, without)]
    assert len(results[0][1]) > 20
    assert [bits(result) for result in results[0][0]] == [bits(result) for result in results[1][0]]
    # 5 frames of 16 bands and 8 results, which the arena rounds up to a multiple of 16.
    assert kept_size(model.tflite, 1) == 5 * (BANDS + WIDTH) == 120
    assert with_.model.arena_size - model.arena_size == 128
    assert instructions(with_).window < instructions(without).window


def test_windows_that_do_not_overlap_keep_nothing(fans: Dataset) -> None:
    bundle = train(fans, None, options(front_end=FrontEnd(bands=BANDS, window_frames=3, window_hop=3))).bundle
    assert isinstance(bundle.model, AutoencoderModel)
    assert bundle.model.slide == 0
    assert bundle.meta["model"]["frame_layer"] == WIDTH


@pytest.mark.parametrize(("frames", "hop"), [(5, 1), (7, 3)])
def test_interpolating_network(fans: Dataset, frames: int, hop: int) -> None:
    front_end = FrontEnd(bands=BANDS, window_frames=frames, window_hop=hop)
    model = train(fans, None, options("idnn", front_end=front_end)).bundle.model
    assert isinstance(model, NetworkModel)
    assert (model.slide, shared_layer(model.tflite, hop)) == (hop, (frames - 1, BANDS, WIDTH))

    def seen(begin: int) -> list[int]:
        return [begin + i for i in range(frames) if i != frames // 2]

    # What modules/tflm/src/kept.h finds: the next window's row r, where this one's was r + hop.
    again = [later == now for later, now in zip(seen(hop), seen(0)[hop:], strict=False)]
    assert frames_kept(model) == sum(again)


def test_rebaselining_keeps_frames_alike(found: Trained) -> None:
    bundle = found.bundle
    vectors, _ = Extractor(bundle.features).vectors(samples())
    adapted = adapt(bundle, vectors, "normalisation")
    assert adapted.model is bundle.model
    for before, after in (
        (bundle.normalisation.mean, adapted.normalisation.mean),
        (bundle.normalisation.inv_std, adapted.normalisation.inv_std),
    ):
        frames = after.reshape(5, BANDS)
        np.testing.assert_array_equal(frames, np.tile(frames[0], (5, 1)))
        assert not np.array_equal(before, after)
    decoder = adapt(bundle, vectors, "decoder").model
    assert isinstance(decoder, AutoencoderModel)
    assert decoder.slide == 1


def test_it_is_told_what_is_kept(found: Trained, tmp_path: Path) -> None:
    path = tmp_path / "fan.tocsin"
    path.write_bytes(found.raw)
    told = CliRunner().invoke(cli, ["inspect", str(path)]).output
    assert "120 of them for 4 frames" in told
    told = CliRunner().invoke(cli, ["inspect", "--json", str(path)]).output
    assert '"kept_size": 120' in told
    assert '"slide": 1' in told


@pytest.mark.parametrize(
    ("kind", "front_end", "message"),
    [
        ("kmeans", {}, r"kmeans has no --frame-layer.*autoencoder or idnn"),
        ("conv", {}, r"conv has no --frame-layer"),
        ("autoencoder", {"pool": ("mean",), "window_frames": 8, "window_hop": 4}, r"--pool stack"),
        ("autoencoder", {"pool": ("stack", "mean"), "window_frames": 4, "window_hop": 2}, r"--pool stack"),
        ("autoencoder", {"window_frames": 1, "window_hop": 1}, r"--window-frames 5"),
        ("combined", {}, r"combined has no --frame-layer"),
    ],
)
def test_where_there_is_no_such_layer(fans: Dataset, kind: str, front_end: dict[str, object], message: str) -> None:
    chosen = FrontEnd(bands=BANDS, **front_end)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=message):
        train(fans, None, options(kind, front_end=chosen))


def test_vibration_is_not_stacked_unless_told(tmp_path: Path) -> None:
    data = open_dataset(shakes(tmp_path / "fan.npz"), ReadOptions(rate=200, unit="ug"))
    with pytest.raises(ModelError, match="--pool stack"):
        train(data, None, options(front_end=FrontEnd(bands=8)))
    stacked = FrontEnd(bands=8, pool=("stack",), window_frames=3, window_hop=1, hop=20)
    model = train(data, None, options(front_end=stacked)).bundle.model
    assert isinstance(model, AutoencoderModel)
    assert model.slide == 1


def test_options_of_the_command(fans: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "fan.tocsin"
    command = ["train", "--data", str(fans.root), "--model", "autoencoder", "--bands", "16", "--hidden", "8",
               "--epochs", "1", "--frame-layer", "8", "--no-stream", "-o", str(out)]  # fmt: skip
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    bundle = read_bundle(out)
    assert isinstance(bundle.model, AutoencoderModel)
    assert bundle.model.slide == 0
    assert bundle.meta["model"]["frame_layer"] == 8
