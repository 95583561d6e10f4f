# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The autoencoder: trained in Keras, kept as plain matrices, quantised to int8 for the device."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..bundle import AutoencoderModel
from ..errors import ModelError
from . import tensorflow

Array = npt.NDArray[np.float32]
Layer = tuple[Array, Array]

# Normalised values beyond this share of the training values' magnitudes are clamped at the network's input.
# int8 has 256 steps: a range as wide as the heaviest tail would leave few for the values that are common.
CLAMPED_SHARE = 2e-4
LIMITS = (3.0, 10.0)
REPRESENTATIVE = 512
# A pass must lower the validation error by this share to count as progress.
MIN_GAIN = 3e-3


@dataclass(frozen=True, kw_only=True)
class AutoencoderOptions:
    """How to train.

    Attributes
    ----------
    hidden
        Widths of the hidden layers; the output is as wide as the input.
    epochs
        At most so many passes over the vectors.
    patience
        Passes without a better validation loss after which training stops.
    batch
        Vectors a step.
    learning_rate
        Of Adam.
    seed
        The same seed, vectors and machine give the same network.
    """

    hidden: tuple[int, ...]
    epochs: int = 60
    patience: int = 4
    batch: int = 512
    learning_rate: float = 1e-3
    seed: int = 0


@dataclass(frozen=True)
class FloatAutoencoder:
    """A trained network before quantisation.

    Attributes
    ----------
    layers
        Weights (inputs, outputs) and biases; ReLU follows each but the last.
    limit
        Inputs are clamped to ±limit, as the int8 input does.
    epochs
        Passes that training took.
    """

    layers: tuple[Layer, ...]
    limit: float
    epochs: int

    def score(self, x: Array) -> Array:
        """Mean squared error of normalised vectors of shape (n, dim), as the int8 model's score is defined."""
        h = np.clip(x, -self.limit, self.limit)
        for i, (weights, bias) in enumerate(self.layers):
            h = h @ weights + bias
            if i + 1 < len(self.layers):
                h = np.maximum(h, 0)
        return np.asarray(np.mean((x - h) ** 2, axis=1), np.float32)


def default_hidden(dim: int) -> tuple[int, ...]:
    """Widths that narrow from about half of `dim` to about a sixteenth."""
    wide = int(2 ** np.clip(np.round(np.log2(dim / 2)), 4, 7))
    narrow = max(4, wide // 8)
    return (wide, wide // 2, narrow, wide // 2, wide)


def _network(tf: Any, dim: int, hidden: Sequence[int]) -> Any:
    """Keras model: dense, batch normalisation, ReLU; a linear output."""
    layers = tf.keras.layers
    model = tf.keras.Sequential([layers.Input((dim,))])
    for width in hidden:
        model.add(layers.Dense(width, use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.95))
        model.add(layers.ReLU())
    model.add(layers.Dense(dim))
    return model


def _steps(tf: Any, model: Any, learning_rate: float) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Graphs for one pass over the data and for the validation error.

    The whole pass is one graph: Keras' own loop spends more time between steps this small than in them.
    """
    optimizer = tf.keras.optimizers.Adam(learning_rate)
    optimizer.build(model.trainable_variables)

    def train_pass(data: Any, batches: Any) -> None:
        for rows in batches:
            x = tf.gather(data, rows)
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(x - model(x, training=True)))
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

    def loss_of(data: Any) -> Any:
        return tf.reduce_mean(tf.square(data - model(data, training=False)))

    return tf.function(train_pass), tf.function(loss_of)


def _fold(model: Any) -> tuple[Layer, ...]:
    """Matrices of the network, batch normalisation folded into the dense layer before it."""
    folded: list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]] = []
    for layer in model.layers:
        kind = type(layer).__name__
        values = [np.asarray(v, np.float64) for v in layer.get_weights()]
        if kind == "Dense":
            weights = values[0]
            bias = values[1] if len(values) > 1 else np.zeros(weights.shape[1])
        elif kind == "BatchNormalization":
            gamma, beta, mean, variance = values
            gain = gamma / np.sqrt(variance + layer.epsilon)
            weights, bias = folded.pop()
            weights, bias = weights * gain, (bias - mean) * gain + beta
        else:
            continue
        folded.append((weights, bias))
    return tuple((weights.astype(np.float32), bias.astype(np.float32)) for weights, bias in folded)


def fit_autoencoder(
    x: Array,
    validation: Array,
    options: AutoencoderOptions,
    *,
    progress: Callable[[int, float], None] | None = None,
) -> FloatAutoencoder:
    """Train on normalised vectors of healthy running.

    Parameters
    ----------
    x, validation
        Shape (n, dim); training stops when the error on `validation` no longer falls.
    progress
        Called after each pass with its number, from 1, and the validation error.

    Raises
    ------
    ModelError
        Training did not converge to finite numbers.
    """
    tf = tensorflow.load(seed=options.seed)
    keep = np.quantile(np.abs(x[:: max(1, len(x) // 20000)]), 1 - CLAMPED_SHARE)
    limit = float(np.clip(keep, *LIMITS))
    model = _network(tf, x.shape[1], options.hidden)
    train_pass, loss_of = _steps(tf, model, options.learning_rate)
    data, held = (tf.constant(np.clip(v, -limit, limit)) for v in (x, validation))
    # Batch normalisation needs several steps a pass even where there are few vectors.
    batch = int(np.clip(len(x) // 8, 8, options.batch))
    rng = np.random.default_rng(options.seed)
    best, best_weights, since, passes = np.inf, model.get_weights(), 0, 0
    while passes < options.epochs and since < options.patience:
        order = rng.permutation(len(x))[: max(1, len(x) // batch) * batch]
        train_pass(data, tf.constant(order.reshape(-1, min(batch, len(x)))))
        loss = float(loss_of(held))
        passes, since = passes + 1, since + 1
        if progress is not None:
            progress(passes, loss)
        if loss < best * (1 - MIN_GAIN):
            best, best_weights, since = loss, model.get_weights(), 0
    model.set_weights(best_weights)
    layers = _fold(model)
    if not all(np.isfinite(part).all() for layer in layers for part in layer):
        raise ModelError("The autoencoder's training diverged. Try a lower --learning-rate.")
    return FloatAutoencoder(layers, limit, passes)


def _representative(x: Array, limit: float, seed: int) -> Array:
    """Vectors whose values and activations span the ranges that int8 must hold."""
    rng = np.random.default_rng(seed)
    some = rng.choice(len(x), min(REPRESENTATIVE, len(x)), replace=False)
    # The loudest ones too: activations that saturate would make a strange vector look well reconstructed.
    extreme = np.argsort(np.abs(x).max(axis=1))[-REPRESENTATIVE // 8 :]
    return np.clip(x[np.union1d(some, extreme)], -limit, limit)


def to_int8(network: FloatAutoencoder, x: Array, *, seed: int) -> AutoencoderModel:
    """Quantise to full int8, with the training vectors `x` (normalised) to find the ranges.

    Raises
    ------
    ModelError
        The converter refuses the network.
    """
    tf = tensorflow.load(seed=seed)
    chosen = _representative(x, network.limit, seed)
    dim = x.shape[1]

    def forward(h: Any) -> Any:
        for i, (weights, bias) in enumerate(network.layers):
            h = tf.nn.bias_add(tf.matmul(h, tf.constant(weights)), tf.constant(bias))
            if i + 1 < len(network.layers):
                h = tf.nn.relu(h)
        return h

    graph = tf.function(forward, input_signature=[tf.TensorSpec([1, dim], tf.float32)])

    def rows() -> Iterator[list[Array]]:
        for row in chosen:
            yield [row[None].astype(np.float32)]

    converter = tf.lite.TFLiteConverter.from_concrete_functions([graph.get_concrete_function()], graph)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = rows
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    # Scales by output channel are not in every microcontroller's fully connected kernel.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    try:
        with tensorflow.quiet(), warnings.catch_warnings():
            # It misses the ranges of inputs that are quantised already; these are not.
            warnings.simplefilter("ignore", UserWarning)
            model: bytes = converter.convert()
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"TensorFlow Lite cannot convert the autoencoder: {error}") from error
    return AutoencoderModel.from_tflite(model)
