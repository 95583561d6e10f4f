# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Networks of others as bundles: what is taken, what is refused and by what name."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import tocsin
from recordings import mimii
from tocsin.cli.import_model import import_model as command
from tocsin.errors import ModelError
from tocsin.features.frontend import MLPERF, FrontEnd
from tocsin.learn.imported import import_network, read_network
from tocsin.tflite.check import DEFAULT, OPERATORS, TENSORS_MAX, check_network

KCONFIG = Path(__file__).resolve().parents[2] / "modules" / "tflm"
SMALL = FrontEnd(n_fft=512, bands=8, pool=("stack",), window_frames=4, window_hop=2)
DIM = 32


@pytest.fixture(scope="module")
def tf():
    return pytest.importorskip("tensorflow")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mimii(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def vectors(data: Path) -> np.ndarray:
    """Normalised vectors of the healthy recordings, as a user would train on."""
    features = tocsin.train(data, front_end=SMALL, clusters=2).bundle.features
    dataset, extractor = tocsin.open_dataset(data), tocsin.Extractor(features)
    x = np.concatenate([extractor.vectors(dataset.read(c))[0] for c in dataset.clips if c.label == "normal"])
    return ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)


def convert(tf, function, shape, x, *, int8: bool = True) -> bytes:
    """A concrete function as a TFLite model, int8 from end to end or float."""
    graph = tf.function(
        function, input_signature=shape if isinstance(shape[0], tf.TensorSpec) else [tf.TensorSpec(shape, tf.float32)]
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([graph.get_concrete_function()], graph)
    if int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        count = len(shape) if isinstance(shape[0], tf.TensorSpec) else 1
        converter.representative_dataset = lambda: ([row[None]] * count for row in x[:100])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def projection(x: np.ndarray, size: int) -> np.ndarray:
    """Main directions of `x`, shape (dim, size): a linear autoencoder goes there and back."""
    return np.linalg.svd(x, full_matrices=False)[2][:size].T.astype(np.float32)


@pytest.fixture(scope="module")
def autoencoder(tf, vectors: np.ndarray) -> bytes:
    there = projection(vectors, 6)
    return convert(tf, lambda h: tf.matmul(tf.matmul(h, there), there.T.copy()), [1, DIM], vectors)


@pytest.fixture(scope="module")
def embedding(tf, vectors: np.ndarray) -> bytes:
    there = projection(vectors, 6)
    return convert(tf, lambda h: tf.nn.relu(tf.matmul(h, there)), [1, DIM], vectors)


def test_an_autoencoder_finds_the_faults(data: Path, autoencoder: bytes) -> None:
    found = tocsin.import_model(autoencoder, data, features=SMALL)
    model = found.bundle.model
    assert found.bundle.kind == "autoencoder"
    assert model.tflite == autoencoder
    assert model.arena_size > 1024
    assert found.bundle.meta["model"]["imported"] == "the model"
    assert found.bundle.meta["threshold"]["budget"] == "1/day"
    assert found.alertness is not None
    assert tocsin.evaluate(found.bundle, data).rows[-1].auc == 1.0


@pytest.mark.parametrize("head", ["kmeans", "gmm", "mahalanobis", "neighbours"])
def test_an_embedding_gets_a_head(data: Path, embedding: bytes, head: str) -> None:
    found = tocsin.import_model(embedding, data, features=SMALL, head=head, clusters=2, force=True)
    assert found.bundle.kind == "network"
    assert (found.bundle.model.use, found.bundle.model.head.kind) == ("embed", head)
    assert found.bundle.meta["model"]["head"] == head
    scores = [item.score for item in tocsin.evaluate(found.bundle, data).scored]
    assert np.isfinite(scores).all()


def test_a_residual_may_have_a_head(data: Path, autoencoder: bytes) -> None:
    found = tocsin.import_model(autoencoder, data, features=SMALL, head="mahalanobis")
    assert (found.bundle.model.use, found.bundle.model.fold) == ("reconstruct", 4)
    # The score that the trainer states is the device's.
    bundle = found.bundle
    dataset = tocsin.open_dataset(data)
    v = tocsin.Extractor(bundle.features).vectors(dataset.read(dataset.clips[0]))[0]
    x = (v - bundle.normalisation.mean) * bundle.normalisation.inv_std
    # Within the network's input: what lies beyond it, the device scores besides.
    low, high = (bundle.model.in_scale * (end - bundle.model.in_zero) for end in (-128, 127))
    x = np.clip(x, 0.95 * low, 0.95 * high)
    v = (x / bundle.normalisation.inv_std + bundle.normalisation.mean).astype(np.float32)
    again = (v - bundle.normalisation.mean) * bundle.normalisation.inv_std
    np.testing.assert_allclose(found.exact(again), tocsin.Scorer(bundle).score(v), rtol=1e-3)


def test_convolutions_name_their_options(tf, data: Path, vectors: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    kernel = rng.normal(0, 0.2, (3, 3, 1, 4)).astype(np.float32)

    def embed(h):
        image = tf.nn.relu(tf.nn.conv2d(tf.reshape(h, (1, 4, 8, 1)), kernel, 2, "SAME"))
        return tf.reshape(image, (1, 32))

    network = convert(tf, embed, [1, DIM], vectors)
    assert check_network(network) == ["CONFIG_TOCSIN_TFLM_OP_CONV_2D=y"]
    found = tocsin.import_model(network, data, features=SMALL, use="embed", head="kmeans", force=True)
    assert any("CONFIG_TOCSIN_TFLM_OP_CONV_2D=y" in text for text in found.warnings)


def refused(model: bytes, data: Path, match: str, **options) -> str:
    with pytest.raises(ModelError, match=match) as caught:
        tocsin.import_model(model, data, **{"features": SMALL, **options})
    return str(caught.value)


def test_a_float_model_is_refused(tf, data: Path, vectors: np.ndarray) -> None:
    there = projection(vectors, 6)
    model = convert(tf, lambda h: tf.matmul(tf.matmul(h, there), there.T.copy()), [1, DIM], vectors, int8=False)
    refused(model, data, "not int8: convert it with full integer quantisation")


def test_weights_alone_in_int8_are_refused(tf, data: Path, vectors: np.ndarray) -> None:
    there = np.tile(projection(vectors, 6), (1, 100))
    graph = tf.function(lambda h: tf.matmul(h, there), input_signature=[tf.TensorSpec([1, DIM], tf.float32)])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([graph.get_concrete_function()], graph)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    refused(converter.convert(), data, "not int8")


def test_the_wrong_input_size_names_options_that_fit(data: Path, autoencoder: bytes) -> None:
    text = refused(autoencoder, data, "takes 32 values, a vector of these features has 320", features=FrontEnd())
    assert "--pool stack --window-frames 4 --mels 8" in text
    assert "--pool mean --mels 32" in text
    # What is advised fits.
    advised = FrontEnd(pool=("stack",), window_frames=4, bands=8)
    assert tocsin.import_model(autoencoder, data, features=advised, force=True).bundle.features.n_vector == 32
    refused(autoencoder, data, "--pool stack --window-frames 4", features=FrontEnd(bands=8, n_fft=512))


def test_unsupported_operators_are_named(tf, data: Path, vectors: np.ndarray) -> None:
    model = convert(tf, lambda h: tf.nn.softmax(tf.tanh(h)), [1, DIM], vectors)
    refused(model, data, "no operator SOFTMAX, TANH")


def test_several_inputs_are_refused(tf, data: Path, vectors: np.ndarray) -> None:
    spec = tf.TensorSpec([1, DIM], tf.float32)
    refused(convert(tf, lambda a, b: a + b, [spec, spec], vectors), data, "2 inputs and 1 outputs")


def test_dynamic_shapes_are_refused(tf, data: Path, vectors: np.ndarray) -> None:
    refused(convert(tf, lambda h: tf.nn.relu(h), [1, None], vectors), data, r"dynamic shape \[1, -1\]")


def test_a_batch_that_is_free_is_taken_as_one(tf, data: Path, vectors: np.ndarray) -> None:
    there = projection(vectors, 6)
    model = convert(tf, lambda h: tf.matmul(tf.matmul(h, there), there.T.copy()), [None, DIM], vectors)
    assert read_network(model).inputs == DIM


def test_corrupt_files_are_refused(data: Path, autoencoder: bytes, tmp_path: Path) -> None:
    refused(b"no model at all, but some text", data, "no TFLite model")
    refused(b"", data, "no TFLite model")
    for share in (0.05, 0.3, 0.6, 0.9):
        refused(autoencoder[: int(share * len(autoencoder))], data, "damaged|no operator|cannot run|schema")
    with pytest.raises(ModelError, match="there is no such file"):
        tocsin.import_model(tmp_path / "none.tflite", data)


def test_damage_anywhere_is_an_error_or_a_network(autoencoder: bytes, rng: np.random.Generator) -> None:
    """Never another exception, and never the end of this process."""
    for _ in range(300):
        bad = bytearray(autoencoder)
        for at in rng.integers(8, len(bad), 8):
            bad[at] = rng.integers(256)
        with contextlib.suppress(ModelError):
            check_network(bytes(bad))


def test_another_normalisation_is_noticed(data: Path, autoencoder: bytes) -> None:
    refused(autoencoder, data, "beyond the network's input.*--normalisation data", normalisation="none")
    refused(autoencoder, data, "has 3 values", normalisation=tocsin.Normalisation(np.zeros(3), np.ones(3)))
    refused(autoencoder, data, "no normalisation 'some'", normalisation="some")


def test_what_is_no_autoencoder_is_noticed(tf, data: Path, vectors: np.ndarray, autoencoder: bytes) -> None:
    network = convert(tf, lambda h: tf.matmul(h, -2 * np.eye(DIM, dtype=np.float32)), [1, DIM], vectors)
    told = tocsin.import_model(network, data, features=SMALL, force=True).warnings
    assert any("does not give again what it takes" in text for text in told)
    told = tocsin.import_model(autoencoder, data, features=SMALL).warnings
    assert not any("does not give again what it takes" in text for text in told)


def test_byte_limits(data: Path, autoencoder: bytes, tmp_path: Path) -> None:
    dataset = tocsin.open_dataset(data)
    with pytest.raises(ModelError, match="bytes of flash, 1,000 are allowed"):
        import_network(autoencoder, dataset, features=SMALL, flash=1000, output=tmp_path / "x.tocsin")
    with pytest.raises(ModelError, match="bytes of RAM, 1,000 are allowed"):
        import_network(autoencoder, dataset, features=SMALL, ram=1000, output=tmp_path / "x.tocsin")
    assert not (tmp_path / "x.tocsin").exists()


def test_mlperfs_network(data_dir: Path, data: Path, tmp_path: Path) -> None:
    """It takes decibels as they are."""
    file = data_dir / "mlperf_tiny_ad01_int8.tflite"
    found = tocsin.import_model(file, data, features=MLPERF, normalisation="none", output=tmp_path / "m.tocsin")
    assert tocsin.read_bundle(tmp_path / "m.tocsin").raw == found.raw
    assert found.bundle.model.tflite == file.read_bytes()
    assert found.bundle.features.n_vector == 640


def test_the_command(data: Path, autoencoder: bytes, vectors: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(autoencoder)
    first, second = tmp_path / "a.tocsin", tmp_path / "b.tocsin"
    given = [str(tmp_path / "model.tflite"), "--data", str(data)]
    features = ["--n-fft", "512", "--mels", "8", "--window-frames", "4", "--window-hop", "2", "--pool", "stack"]
    done = CliRunner().invoke(command, [*given, *features, "-o", str(first)], catch_exceptions=False)
    assert done.exit_code == 0
    assert "fitted to" in done.output
    by_api = tocsin.import_model(tmp_path / "model.tflite", data, features=SMALL)
    assert first.read_bytes() == by_api.raw
    # The same features from a bundle, and the same normalisation from a file.
    normalisation = by_api.bundle.normalisation
    np.savez(tmp_path / "scaler.npz", mean=normalisation.mean, std=1 / normalisation.inv_std.astype(np.float64))
    given += ["--features", str(first), "--normalisation", str(tmp_path / "scaler.npz")]
    done = CliRunner().invoke(command, [*given, "-o", str(second)], catch_exceptions=False)
    assert done.exit_code == 0
    assert tocsin.read_bundle(second).decision == by_api.bundle.decision
    with pytest.raises(tocsin.DataError, match=r"is no normalisation: save it with numpy\.savez"):
        CliRunner().invoke(
            command, [*given[:-1], str(tmp_path / "model.tflite"), "-o", str(second)], catch_exceptions=False
        )


def test_operators_are_those_of_the_firmware() -> None:
    text = (KCONFIG / "Kconfig").read_text(encoding="utf-8")
    options = re.findall(r"^config (TOCSIN_TFLM_OP_\w+)\n\tbool \"Operators? ([^\"]+)\"(\n\tdefault y)?", text, re.M)
    stated = {name: f"CONFIG_{option}" for option, names, _ in options for name in names.split(" and ")}
    assert stated == OPERATORS
    assert {name for _, names, default in options if default for name in names.split(" and ")} == DEFAULT
    found = re.search(r"config TOCSIN_TFLM_TENSORS_MAX\n.*?default (\d+)", text, re.S)
    assert found is not None
    assert int(found[1]) == TENSORS_MAX
