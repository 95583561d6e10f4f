# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The int8 interpreter against TensorFlow Lite's reference kernels, and the arena."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tocsin.bundle import AutoencoderModel
from tocsin.errors import ModelError
from tocsin.tflite import flatbuffer as _tflite
from tocsin.tflite import interpreter
from tocsin.tflite.interpreter import ARENA_MARGIN, BACKEND, Int8Interpreter, measure_arena, model_io

micro = pytest.mark.skipif(BACKEND != "tflite-micro", reason="tflite-micro has no wheel for this machine")


@pytest.fixture(scope="module")
def ad01(data_dir):
    """The MLPerf Tiny anomaly detection network."""
    return (data_dir / "mlperf_tiny_ad01_int8.tflite").read_bytes()


@pytest.fixture(params=["tiny_network", "ad01"])
def network(request):
    """Each of the networks."""
    return request.getfixturevalue(request.param)


def scaled_twice_rounded(sums: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Sums times scales (below 1) in the fixed point of CMSIS-NN's and TFLM's kernels.

    A doubling high multiplication by a 31-bit mantissa, rounded; then a shift, rounded half away from zero.
    """
    mantissa, exponent = np.frexp(scale)
    product = sums * np.rint(mantissa * 2.0**31).astype(np.int64)
    assert (exponent <= 0).all()
    # Half rounds away from zero when positive and towards zero when negative: C's division truncates.
    nudged = product + np.where(product >= 0, 2**30, 1 - 2**30)
    high = np.sign(nudged) * (np.abs(nudged) // 2**31)
    shift = -exponent.astype(np.int64)
    return np.where(shift == 0, high, np.sign(high) * ((np.abs(high) + (1 << shift >> 1)) >> shift))


def scaled_once_rounded(sums: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The same in TensorFlow Lite: one rounding, half up."""
    mantissa, exponent = np.frexp(scale)
    shift = 31 - exponent.astype(np.int64)
    return (sums * np.rint(mantissa * 2.0**31).astype(np.int64) + (1 << (shift - 1))) >> shift


def by_the_formula(network: bytes, inputs: np.ndarray, scaled) -> np.ndarray:
    """A network of fully connected layers in NumPy's integers."""
    schema = _tflite._schema()
    root = schema.Model.GetRootAs(network, 0)
    graph = root.Subgraphs(0)

    def constant(tensor, dtype):
        return np.frombuffer(root.Buffers(tensor.Buffer()).DataAsNumpy().tobytes(), dtype).astype(np.int64)

    x = inputs.astype(np.int64)
    for i in range(graph.OperatorsLength()):
        op = graph.Operators(i)
        source, weights, bias = (graph.Tensors(op.Inputs(j)) for j in range(3))
        target = graph.Tensors(op.Outputs(0))
        options = schema.FullyConnectedOptions()
        options.Init(op.BuiltinOptions().Bytes, op.BuiltinOptions().Pos)
        matrix = constant(weights, np.int8).reshape(weights.ShapeAsNumpy())
        sums = (x - source.Quantization().ZeroPoint(0)) @ matrix.T + constant(bias, np.int32)
        scale = source.Quantization().Scale(0) * weights.Quantization().ScaleAsNumpy().astype(np.float64)
        zero = target.Quantization().ZeroPoint(0)
        relu = options.FusedActivationFunction() == schema.ActivationFunctionType.RELU
        x = scaled(sums, np.broadcast_to(scale / target.Quantization().Scale(0), sums.shape)) + zero
        x = np.clip(x, zero if relu else -128, 127)
    return x


@pytest.fixture
def inputs(network, rng):
    """Int8 vectors for the network, the extremes among them."""
    values = rng.integers(-128, 128, (64, model_io(network).inputs), dtype=np.int8)
    values[0], values[1] = -128, 127
    return values


@micro
def test_micro_is_the_devices_arithmetic(network, inputs):
    found = Int8Interpreter(network)
    assert found.backend == "tflite-micro"
    outputs = found.run(inputs)
    np.testing.assert_array_equal(outputs, by_the_formula(network, inputs, scaled_twice_rounded))
    np.testing.assert_array_equal(found.run(inputs), outputs)
    assert len(np.unique(outputs)) > 10


def test_lite_differs_by_its_rounding_alone(network, inputs):
    pytest.importorskip("tensorflow")
    found = Int8Interpreter(network, backend="tensorflow-lite")
    assert found.backend == "tensorflow-lite"
    outputs = found.run(inputs)
    np.testing.assert_array_equal(outputs, by_the_formula(network, inputs, scaled_once_rounded))
    device = by_the_formula(network, inputs, scaled_twice_rounded)
    assert np.abs(outputs - device).max() <= 4


def test_ends_are_what_tensorflow_says(network):
    tf = pytest.importorskip("tensorflow")
    lite = tf.lite.Interpreter(model_content=network)
    first, last = lite.get_input_details()[0], lite.get_output_details()[0]
    expected = (
        *first["quantization"],
        *last["quantization"],
        int(np.prod(first["shape"])),
        int(np.prod(last["shape"])),
    )
    assert model_io(network) == pytest.approx(expected)


@micro
def test_arena_is_the_least(network):
    size = measure_arena(network)
    assert size % 16 == 0
    least = size - ARENA_MARGIN - {32: 64, 640: 1280}[model_io(network).inputs]

    def runs(bytes_: int) -> bool:
        # Of a process of its own: too small an arena may end it.
        code = (
            "import sys, numpy as np; from tflite_micro.python.tflite_micro import runtime\n"
            "i = runtime.Interpreter.from_bytes(sys.stdin.buffer.read(), arena_size=int(sys.argv[1]))\n"
            "i.set_input(np.zeros(i.get_input_details(0)['shape'], np.int8), 0); i.invoke()"
        )
        command = [sys.executable, "-c", code, str(bytes_)]
        return subprocess.run(command, input=network, capture_output=True, check=False).returncode == 0

    assert runs(least)
    assert not runs(least - 16)
    assert _tflite.arena_bound(network) >= least


def test_without_micro_the_arena_is_a_bound(network, monkeypatch):
    measured = measure_arena(network)
    monkeypatch.setattr(interpreter, "BACKEND", "tensorflow-lite")
    assert measured <= measure_arena(network) <= 4 * measured


def test_from_tflite_reads_the_ends(tiny_network):
    model = AutoencoderModel.from_tflite(tiny_network, arena_size=5000)
    io = model_io(tiny_network)
    assert (model.in_scale, model.in_zero, model.out_scale, model.out_zero) == io[:4]
    assert (io.inputs, io.outputs, model.arena_size) == (32, 32, 5000)


@pytest.mark.parametrize(
    "inputs",
    [np.zeros((2, 31), np.int8), np.zeros(32, np.int8), np.zeros((2, 32)), np.zeros((2, 32), np.uint8)],
)
def test_other_inputs_are_refused(tiny_network, inputs):
    with pytest.raises(ModelError, match="int8 of shape"):
        Int8Interpreter(tiny_network).run(inputs)


@pytest.mark.parametrize("model", [b"", b"TFL3", bytes(100), b"\x1c\0\0\0TFL3", b"\xff\xff\xff\x7fTFL3" + bytes(50)])
def test_what_is_no_model_is_refused(model):
    for use in (model_io, measure_arena, Int8Interpreter, AutoencoderModel.from_tflite):
        with pytest.raises(ModelError):
            use(model)


@pytest.mark.slow
def test_a_float_network_is_refused():
    tf = pytest.importorskip("tensorflow")
    model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(4)])
    converted = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    with pytest.raises(ModelError, match="not int8"):
        model_io(converted)


@pytest.mark.slow
def test_a_network_that_shrinks_is_refused(rng):
    tf = pytest.importorskip("tensorflow")
    model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(3)])
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([row] for row in rng.normal(size=(8, 1, 4)).astype(np.float32))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with pytest.raises(ModelError, match="takes 4 values and gives 3"):
        AutoencoderModel.from_tflite(converter.convert())
