# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Networks as plain weights between Keras, which trains them, and the converter, which quantises them to int8."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import ModelError
from . import tensorflow

Array = npt.NDArray[np.float32]

# Normalised values beyond this share of the training values' magnitudes are clamped at the network's input.
# int8 has 256 steps: a range as wide as the heaviest tail would leave few for the values that are common.
CLAMPED_SHARE = 2e-4
LIMITS = (3.0, 10.0)
REPRESENTATIVE = 512
# Vectors that a network takes in one go: activations of a convolution are many times as large as its input.
ROWS = 4096


@dataclass(frozen=True)
class Dense:
    """A fully connected layer: weights of shape (inputs, outputs), biases, and whether ReLU follows."""

    weights: Array
    bias: Array
    relu: bool = False


@dataclass(frozen=True)
class Conv:
    """A convolution that keeps the size but for its strides; ReLU may follow.

    Weights have the shape (height, width, inputs, outputs), depthwise (height, width, channels, 1).
    """

    weights: Array
    bias: Array
    relu: bool = False
    strides: tuple[int, int] = (1, 1)
    depthwise: bool = False


@dataclass(frozen=True)
class Reshape:
    """The same values in another shape, the batch left out."""

    shape: tuple[int, ...]


Layer = Dense | Conv | Reshape
Hook = Callable[[int, str, Any], Any]
"""Given a layer's number, which of ``weights`` and ``output``, and the tensor; gives the tensor to go on with."""


@dataclass(frozen=True)
class FloatNetwork:
    """A trained network before quantisation.

    Attributes
    ----------
    layers
        Batch normalisation is folded in.
    limit
        Vectors are clamped to ±limit, as the int8 input does; what that takes away is scored by itself.
    epochs
        Passes that training took.
    """

    layers: tuple[Layer, ...]
    limit: float
    epochs: int

    def run(self, x: Array) -> Array:
        """Outputs, shape (n, outputs), of normalised inputs, shape (n, inputs)."""
        tf = tensorflow.load()
        given = self.clamp(x)
        parts = [np.asarray(forward(tf, self.layers, tf.constant(given[i : i + ROWS]))) for i in range(0, len(x), ROWS)]
        return np.concatenate(parts) if parts else np.empty((0, 0), np.float32)

    def clamp(self, x: Array) -> Array:
        """The nearest values within ±limit."""
        return np.clip(x, -self.limit, self.limit).astype(np.float32)

    def beyond(self, x: Array) -> npt.NDArray[np.float64]:
        """Squared distance, shape (n,), of vectors of shape (n, dim) to what lies within ±limit."""
        return np.asarray((np.maximum(np.abs(x.astype(np.float64)) - self.limit, 0) ** 2).sum(axis=1))


def forward(tf: Any, layers: Sequence[Layer], h: Any, hook: Hook = lambda number, what, tensor: tensor) -> Any:
    """Run `layers` on a batch of vectors; `hook` may replace weights and outputs on the way."""
    for number, layer in enumerate(layers):
        if isinstance(layer, Reshape):
            h = tf.reshape(h, (-1, *layer.shape))
            continue
        weights = hook(number, "weights", tf.convert_to_tensor(layer.weights))
        if isinstance(layer, Dense):
            h = tf.matmul(h, weights)
        elif layer.depthwise:
            h = tf.nn.depthwise_conv2d(h, weights, (1, *layer.strides, 1), "SAME")
        else:
            h = tf.nn.conv2d(h, weights, layer.strides, "SAME")
        h = tf.nn.bias_add(h, tf.convert_to_tensor(layer.bias))
        h = hook(number, "output", tf.nn.relu(h) if layer.relu else h)
    return h


def fold(model: Any) -> tuple[Layer, ...]:
    """Layers of a Keras model, batch normalisation folded into the layer before it.

    Raises
    ------
    ModelError
        Training did not end in finite numbers.
    """
    folded: list[Layer] = []
    for layer in model.layers:
        kind = type(layer).__name__
        values = [np.asarray(v, np.float64) for v in layer.get_weights()]
        if kind in ("Dense", "Conv2D", "DepthwiseConv2D"):
            outputs = values[0].shape[2] if kind == "DepthwiseConv2D" else values[0].shape[-1]
            bias = values[1] if len(values) > 1 else np.zeros(outputs)
            if kind == "Dense":
                folded.append(Dense(values[0], bias))  # type: ignore[arg-type]
            else:
                folded.append(
                    Conv(values[0], bias, strides=tuple(layer.strides), depthwise=kind == "DepthwiseConv2D")  # type: ignore[arg-type]
                )
        elif kind == "BatchNormalization":
            gamma, beta, mean, variance = values
            gain = gamma / np.sqrt(variance + layer.epsilon)
            last = folded.pop()
            assert not isinstance(last, Reshape)
            each = gain[:, None] if isinstance(last, Conv) and last.depthwise else gain
            folded.append(replace(last, weights=last.weights * each, bias=(last.bias - mean) * gain + beta))
        elif kind == "ReLU":
            last = folded.pop()
            assert not isinstance(last, Reshape)
            folded.append(replace(last, relu=True))
        elif kind in ("Reshape", "Flatten"):
            folded.append(Reshape(tuple(int(d) for d in layer.output.shape[1:])))
        else:
            assert kind in ("InputLayer", "GaussianNoise"), kind
    layers = tuple(
        layer
        if isinstance(layer, Reshape)
        else replace(layer, weights=layer.weights.astype(np.float32), bias=layer.bias.astype(np.float32))
        for layer in folded
    )
    check_finite(layers)
    return layers


def check_finite(layers: Sequence[Layer]) -> None:
    """Refuse weights that training drove to infinity.

    Raises
    ------
    ModelError
        A weight or bias is not a finite number.
    """
    for layer in layers:
        if not isinstance(layer, Reshape) and not (np.isfinite(layer.weights).all() and np.isfinite(layer.bias).all()):
            raise ModelError("The network's training diverged. Try a lower --learning-rate.")


def input_limit(x: Array) -> float:
    """Magnitude to which the network's inputs are clamped, by the training vectors."""
    keep = np.quantile(np.abs(x[:: max(1, len(x) // 20000)]), 1 - CLAMPED_SHARE)
    return float(np.clip(keep, *LIMITS))


def representative(x: Array, limit: float, seed: int) -> Array:
    """Vectors whose values and activations span the ranges that int8 must hold."""
    rng = np.random.default_rng(seed)
    some = rng.choice(len(x), min(REPRESENTATIVE, len(x)), replace=False)
    # The loudest ones too: activations that saturate would make a strange vector look well reconstructed.
    extreme = np.argsort(np.abs(x).max(axis=1))[-REPRESENTATIVE // 8 :]
    return np.clip(x[np.union1d(some, extreme)], -limit, limit)


def to_int8(network: FloatNetwork, x: Array, *, seed: int, wide: bool = False, by_channel: bool = True) -> bytes:
    """Quantise to a TFLite flatbuffer, with the training inputs `x` (normalised) to find the ranges.

    Weights are int8 with a scale for each output channel; activations int8 with one scale a tensor. The other ways are
    there to measure what they would bring: int16 activations where `wide`, which firmware does not run, and one scale
    for all weights of a dense layer where not `by_channel`.

    Raises
    ------
    ModelError
        The converter refuses the network.
    """
    tf = tensorflow.load(seed=seed)
    chosen = representative(x, network.limit, seed)
    graph = tf.function(
        lambda h: forward(tf, network.layers, h), input_signature=[tf.TensorSpec([1, x.shape[1]], tf.float32)]
    )

    def rows() -> Iterator[list[Array]]:
        for row in chosen:
            yield [row[None].astype(np.float32)]

    converter = tf.lite.TFLiteConverter.from_concrete_functions([graph.get_concrete_function()], graph)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = rows
    operators = tf.lite.OpsSet
    converter.target_spec.supported_ops = [
        operators.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        if wide
        else operators.TFLITE_BUILTINS_INT8
    ]
    converter._experimental_disable_per_channel_quantization_for_dense_layers = not by_channel
    converter.inference_input_type = converter.inference_output_type = tf.int16 if wide else tf.int8
    try:
        with tensorflow.quiet(), warnings.catch_warnings():
            # It misses the ranges of inputs that are quantised already; these are not.
            warnings.simplefilter("ignore", UserWarning)
            model: bytes = converter.convert()
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"TensorFlow Lite cannot convert the network: {error}") from error
    return model
