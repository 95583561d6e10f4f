# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""A network that tells the conditions of healthy recordings apart; its embedding is scored for anomalies.

The strongest family of DCASE's task 2 (such as Wilkinghoff, "Sub-cluster AdaCos", 2021), in a size for a
microcontroller: dense layers, an embedding, and in training alone one centre a condition. The loss is softmax over
cosines with a margin (Wang et al., "CosFace", 2018) and smoothed labels: names of recordings are not always right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import ModelError
from . import tensorflow
from .autoencoder import dense
from .network import ROWS, Array, Dense, FloatNetwork, fold, input_limit
from .training import Loss, Progress, Schedule, aware, fit

Labels = npt.NDArray[np.int32]

SIZE = 32
HIDDEN = (128, 64)
SCALE = 16.0
MARGIN = 0.1
SMOOTHING = 0.1
# Standard deviation of noise added to inputs, in normalised units: few recordings are soon known by heart.
NOISE = 0.2


def classes_of(conditions: Sequence[str], held: Sequence[str]) -> tuple[list[str], Labels, Labels]:
    """Names of the conditions, and each vector's number; of held-out ones, -1 where training knows no such condition.

    Raises
    ------
    ModelError
        There are fewer than two conditions.
    """
    names = sorted(set(conditions))
    if len(names) < 2:
        raise ModelError(
            "embedding learns to tell conditions apart, and these recordings show only one. Give recordings of several"
            " machines, sections or attributes (speed, load) as their names or a table say, or take"
            " --model neighbours."
        )
    number = {name: i for i, name in enumerate(names)}
    return (
        names,
        np.array([number[name] for name in conditions], np.int32),
        np.array([number.get(name, -1) for name in held], np.int32),
    )


def fit_embedding(
    x: Array,
    conditions: Sequence[str],
    validation: Array,
    held: Sequence[str],
    hidden: Sequence[int],
    schedule: Schedule,
    *,
    progress: Progress | None = None,
) -> FloatNetwork:
    """Train on normalised vectors of healthy running; the output is the embedding, of at most :data:`SIZE` values.

    Parameters
    ----------
    x, validation
        Shape (n, dim); training stops when the loss on `validation` no longer falls.
    conditions, held
        Under what each vector of `x` and of `validation` was recorded.
    hidden
        Widths of the layers before the embedding.
    schedule
        How long and how fast.
    progress
        Called after each pass with its number, from 1, and the validation loss.

    Raises
    ------
    ModelError
        There are fewer than two conditions, or training did not converge.
    """
    tf = tensorflow.load(seed=schedule.seed)
    names, labels, known = classes_of(conditions, held)
    size = min(SIZE, x.shape[1])
    body = dense(tf, x.shape[1], hidden, size)
    model = tf.keras.Sequential([tf.keras.layers.GaussianNoise(NOISE, seed=schedule.seed), *body.layers])
    model.build((None, x.shape[1]))
    limit = input_limit(x)
    data = (np.clip(x, -limit, limit), labels)
    judged = (np.clip(validation, -limit, limit)[known >= 0], known[known >= 0])
    if not len(judged[0]):
        judged = data
    start = np.random.default_rng(schedule.seed).normal(size=(size, len(names))).astype(np.float32)
    centres = tf.Variable(start)
    loss = _margin(tf, centres)
    passes = fit(model, data, judged, loss, schedule, variables=[centres], progress=progress)
    network = FloatNetwork(fold(body), limit, passes)
    network = aware(network, data, judged, loss, schedule) if schedule.qat else network
    return _of_unit_variance(network, x)


def _of_unit_variance(network: FloatNetwork, x: Array) -> FloatNetwork:
    """The same embedding at another size, so that its values vary as normalised ones do: by 1 on average.

    The loss knows directions alone. A head adds how far a vector lies beyond the network's limit to distances between
    embeddings, and both need the same unit.
    """
    last = network.layers[-1]
    assert isinstance(last, Dense)
    some = network.run(x[:: max(1, len(x) // ROWS)])
    gain = np.float32(1 / max(float(np.sqrt(some.var(axis=0).mean())), 1e-6))
    return replace(
        network, layers=(*network.layers[:-1], replace(last, weights=last.weights * gain, bias=last.bias * gain))
    )


def _margin(tf: Any, centres: Any) -> Loss:
    """Cross entropy over scaled cosines between embeddings and centres, the right one's lowered by the margin."""
    count = int(centres.shape[1])

    def loss(rows: Sequence[Any], run: Callable[[Any], Any]) -> Any:
        embedded = tf.math.l2_normalize(run(rows[0]), axis=1)
        cosines = tf.matmul(embedded, tf.math.l2_normalize(centres, axis=0))
        truth = tf.one_hot(rows[1], count)
        smooth = truth * (1 - SMOOTHING) + SMOOTHING / count
        entropy = tf.nn.softmax_cross_entropy_with_logits(smooth, SCALE * (cosines - MARGIN * truth))
        return tf.reduce_mean(entropy)

    return loss
