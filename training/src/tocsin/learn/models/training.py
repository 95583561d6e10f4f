# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Training loops that all networks share: in float, then, where asked for, with int8's rounding simulated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from . import tensorflow
from .network import Array, Conv, FloatNetwork, Layer, Reshape, check_finite, forward, representative

# A pass must lower the validation error by this share to count as progress.
MIN_GAIN = 3e-3
# Passes of fine-tuning with simulated rounding, and its learning rate beside that of training in float.
QAT_EPOCHS = 8
QAT_SLOWER = 0.1

Arrays = Sequence[npt.NDArray[Any]]
Loss = Callable[[Sequence[Any], Callable[[Any], Any]], Any]
"""Given the rows of each data array and the network as a function, gives a scalar to make small."""
Progress = Callable[[int, float], None]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How to train.

    Attributes
    ----------
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
    qat
        Fine-tune with int8's rounding simulated ("quantisation-aware training").
    """

    epochs: int = 60
    patience: int = 4
    batch: int = 512
    learning_rate: float = 1e-3
    seed: int = 0
    qat: bool = False


def fit(
    model: Any,
    data: Arrays,
    held: Arrays,
    loss: Loss,
    schedule: Schedule,
    *,
    variables: Sequence[Any] = (),
    progress: Progress | None = None,
) -> int:
    """Train a Keras model until the loss on `held` no longer falls; the best weights stay. Gives the passes it took.

    Parameters
    ----------
    data, held
        Arrays with as many rows each; the loss is given the same rows of all.
    variables
        What is trained besides the model.
    progress
        Called after each pass with its number, from 1, and the validation loss.
    """
    tf = tensorflow.load()
    trained = [*model.trainable_variables, *variables]

    def of(rows: Sequence[Any], training: bool) -> Any:
        return loss(rows, lambda h: model(h, training=training))

    best = [value.numpy().copy() for value in (*model.weights, *variables)]

    def keep() -> None:
        best[:] = [value.numpy().copy() for value in (*model.weights, *variables)]

    passes = _loop(tf, trained, of, data, held, schedule, schedule.epochs, schedule.learning_rate, keep, progress)
    for variable, value in zip((*model.weights, *variables), best, strict=True):
        variable.assign(value)
    return passes


def _loop(
    tf: Any,
    trained: Sequence[Any],
    loss: Callable[[Sequence[Any], bool], Any],
    data: Arrays,
    held: Arrays,
    schedule: Schedule,
    epochs: int,
    rate: float,
    keep: Callable[[], None],
    progress: Progress | None,
) -> int:
    """Passes of Adam over `data`; `keep` is called whenever the loss on `held` is the least so far."""
    optimizer = tf.keras.optimizers.Adam(rate)
    optimizer.build(list(trained))

    # The whole pass is one graph: Keras' own loop spends more time between steps this small than in them.
    @tf.function  # type: ignore[untyped-decorator]
    def train_pass(everything: Sequence[Any], batches: Any) -> None:
        for rows in batches:
            with tf.GradientTape() as tape:
                value = loss([tf.gather(part, rows) for part in everything], True)
            gradients = tape.gradient(value, trained)
            optimizer.apply_gradients(zip(gradients, trained, strict=True))

    judge = tf.function(lambda everything: loss(everything, False))
    constants, judged = [tf.constant(part) for part in data], [tf.constant(part) for part in held]
    count = len(data[0])
    # Batch normalisation needs several steps a pass even where there are few vectors.
    batch = int(np.clip(count // 8, min(8, count), schedule.batch))
    rng = np.random.default_rng(schedule.seed)
    best, since, passes = np.inf, 0, 0
    while passes < epochs and since < schedule.patience:
        order = rng.permutation(count)[: count // batch * batch]
        train_pass(constants, tf.constant(order.reshape(-1, batch)))
        value = float(judge(judged))
        passes, since = passes + 1, since + 1
        if progress is not None:
            progress(passes, value)
        if value < best * (1 - MIN_GAIN):
            best, since = value, 0
            keep()
    return passes


def aware(network: FloatNetwork, data: Arrays, held: Arrays, loss: Loss, schedule: Schedule) -> FloatNetwork:
    """Fine-tune with int8's rounding simulated: weights by output channel, activations by their calibrated ranges.

    Gradients pass through the rounding as if it were not there (Jacob et al., 2018).

    Parameters
    ----------
    data, held, loss
        As for :func:`fit`; the inputs of the network are ``data[0]``.
    """
    tf = tensorflow.load(seed=schedule.seed)
    layers: list[Any] = [
        layer
        if isinstance(layer, Reshape)
        else replace(layer, weights=tf.Variable(layer.weights), bias=tf.Variable(layer.bias))
        for layer in network.layers
    ]
    trained = [part for layer in layers if not isinstance(layer, Reshape) for part in (layer.weights, layer.bias)]
    ranges = _ranges(tf, network, representative(data[0], network.limit, schedule.seed))

    def rounded(number: int, what: str, tensor: Any) -> Any:
        if what == "output":
            return tf.quantization.fake_quant_with_min_max_vars(tensor, *ranges[number])
        layer = layers[number]
        return rounded_weights(tf, tensor, depthwise=isinstance(layer, Conv) and layer.depthwise)

    def run(h: Any) -> Any:
        limit = network.limit
        given = tf.quantization.fake_quant_with_min_max_vars(h, -limit, limit)
        return forward(tf, layers, given, rounded)

    best: list[Layer] = list(network.layers)

    def keep() -> None:
        best[:] = [
            layer
            if isinstance(layer, Reshape)
            else replace(layer, weights=layer.weights.numpy(), bias=layer.bias.numpy())
            for layer in layers
        ]

    passes = _loop(
        tf, trained, lambda rows, _: loss(rows, run), data, held, schedule, QAT_EPOCHS,
        schedule.learning_rate * QAT_SLOWER, keep, None,
    )  # fmt: skip
    check_finite(best)
    return FloatNetwork(tuple(best), network.limit, network.epochs + passes)


def rounded_weights(tf: Any, weights: Any, *, depthwise: bool) -> Any:
    """Weights as int8 holds them, by output channel, which is their last axis, or last but one if depthwise."""
    flat = weights[..., 0] if depthwise else weights
    most = tf.maximum(tf.reduce_max(tf.abs(flat), axis=tuple(range(len(flat.shape) - 1))), 1e-6)
    most = tf.stop_gradient(most)
    found = tf.quantization.fake_quant_with_min_max_vars_per_channel(flat, -most, most, narrow_range=True)
    return tf.reshape(found, tf.shape(weights))


def _ranges(tf: Any, network: FloatNetwork, x: Array) -> dict[int, tuple[float, float]]:
    """Least and greatest output of each layer, 0 between them as int8 needs."""
    found: dict[int, tuple[float, float]] = {}

    def note(number: int, what: str, tensor: Any) -> Any:
        if what == "output":
            found[number] = (min(0.0, float(tf.reduce_min(tensor))), max(1e-6, float(tf.reduce_max(tensor))))
        return tensor

    forward(tf, network.layers, tf.constant(x.astype(np.float32)), note)
    return found
