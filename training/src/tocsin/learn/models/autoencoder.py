# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Networks that give back what they are given: dense and convolutional autoencoders, and the interpolating one.

The interpolating network (IDNN; Suefusa et al., "Anomalous sound detection based on interpolation deep neural network",
2020) is shown a window without its middle frame, and predicts that: the frames at a window's edges, which nothing on
one side explains, no longer make healthy scores vary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ModelError
from . import tensorflow
from .network import Array, FloatNetwork, fold, input_limit
from .training import Loss, Progress, Schedule, aware, fit

# Channels of the convolutional autoencoder's stages, and values in its middle.
CHANNELS = (16, 24, 32)
NECK = 16
# Width of its decoder, which is dense.
DECODER = 64
# Vectors that it is trained on: a pass takes some ten times as long as a dense network's.
CONVOLVED = 20_000


@dataclass(frozen=True)
class Reconstruction:
    """A network that predicts the values [first, first + outputs) of vectors of `dim`, all of them or some.

    Where these are some, the network sees the others alone.
    """

    network: FloatNetwork
    dim: int
    first: int
    outputs: int

    def residual(self, x: Array) -> Array:
        """What the network misses, shape (n, outputs), of normalised vectors, shape (n, dim), within its limit."""
        given, target = parts(self.network.clamp(x), self.first, self.outputs)
        return np.asarray(target - self.network.run(given), np.float32)

    def score(self, x: Array) -> Array:
        """Mean square of the residual, shape (n,), and of what lies beyond the network's limit."""
        squares = (self.residual(x) ** 2).sum(axis=1) + self.network.beyond(x)
        return np.asarray(squares / self.outputs, np.float32)


def parts(x: Array, first: int, outputs: int) -> tuple[Array, Array]:
    """What a network is given, and what it is to say, of vectors of shape (n, dim)."""
    if outputs == x.shape[1]:
        return x, x
    return np.delete(x, np.s_[first : first + outputs], axis=1), x[:, first : first + outputs]


def default_hidden(dim: int) -> tuple[int, ...]:
    """Widths that narrow from about half of `dim` to about a sixteenth."""
    wide = int(2 ** np.clip(np.round(np.log2(dim / 2)), 4, 7))
    narrow = max(4, wide // 8)
    return (wide, wide // 2, narrow, wide // 2, wide)


@dataclass(frozen=True)
class FrameLayer:
    """A first layer that the frames of a stack share: what it makes of one does not depend on where it stands."""

    frames: int
    width: int


def dense(tf: Any, inputs: int, hidden: Sequence[int], outputs: int, shared: FrameLayer | None = None) -> Any:
    """Keras model: dense, batch normalisation, ReLU; a linear output. Before it, perhaps, a layer for each frame."""
    layers = tf.keras.layers
    model = tf.keras.Sequential([layers.Input((inputs,))])

    def add(width: int) -> None:
        model.add(layers.Dense(width, use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.95))
        model.add(layers.ReLU())

    if shared is not None:
        model.add(layers.Reshape((shared.frames, inputs // shared.frames)))
        add(shared.width)
        model.add(layers.Flatten())
    for width in hidden:
        add(width)
    model.add(layers.Dense(outputs))
    return model


def convolutional(tf: Any, frames: int, bands: int) -> Any:
    """Keras model over (frames, bands): a convolution, depthwise separable ones, and a dense decoder.

    The first stage halves the bands alone, for the frames are few; the others halve both, as depthwise kernels in Keras
    have equal strides.
    """
    layers = tf.keras.layers
    model = tf.keras.Sequential([layers.Input((frames * bands,)), layers.Reshape((frames, bands, 1))])

    def activate() -> None:
        model.add(layers.BatchNormalization(momentum=0.95))
        model.add(layers.ReLU())

    model.add(layers.Conv2D(CHANNELS[0], (3, 5), strides=(1, 2), padding="same", use_bias=False))
    activate()
    for width in CHANNELS[1:]:
        model.add(layers.DepthwiseConv2D((3, 3), strides=(2, 2), padding="same", use_bias=False))
        activate()
        model.add(layers.Conv2D(width, 1, padding="same", use_bias=False))
        activate()
    model.add(layers.Flatten())
    model.add(layers.Dense(NECK, use_bias=False))
    activate()
    model.add(layers.Dense(DECODER, use_bias=False))
    activate()
    model.add(layers.Dense(frames * bands))
    return model


def _squares(tf: Any) -> Loss:
    return lambda rows, run: tf.reduce_mean(tf.square(rows[-1] - run(rows[0])))


def fit_autoencoder(
    x: Array,
    validation: Array,
    hidden: Sequence[int],
    schedule: Schedule,
    *,
    shared: FrameLayer | None = None,
    progress: Progress | None = None,
) -> Reconstruction:
    """Train a dense autoencoder on normalised vectors of healthy running.

    Parameters
    ----------
    x, validation
        Shape (n, dim); training stops when the error on `validation` no longer falls.
    hidden
        Widths of the hidden layers; the output is as wide as the input.
    schedule
        How long and how fast.
    shared
        A layer before the hidden ones, over the frames of a stack.
    progress
        Called after each pass with its number, from 1, and the validation error.

    Raises
    ------
    ModelError
        Training did not converge to finite numbers.
    """
    model = dense(tensorflow.load(seed=schedule.seed), x.shape[1], hidden, x.shape[1], shared)
    return _fit(model, x, validation, 0, x.shape[1], schedule, progress)


def fit_interpolation(
    x: Array,
    validation: Array,
    frames: int,
    hidden: Sequence[int],
    schedule: Schedule,
    *,
    frame_layer: int | None = None,
    progress: Progress | None = None,
) -> Reconstruction:
    """Train an interpolating network on stacks of `frames` frames; as :func:`fit_autoencoder` otherwise.

    The frames that it is shown share a first layer of `frame_layer` outputs, where that is given.

    Raises
    ------
    ModelError
        The frames are fewer than three, their number is even, or training did not converge.
    """
    if frames < 3 or frames % 2 == 0 or x.shape[1] % frames:
        raise ModelError(
            f"idnn predicts the middle one of an odd number of frames, and windows have {frames}:"
            " give --pool stack and --window-frames 3, 5 or 7."
        )
    bands = x.shape[1] // frames
    shared = FrameLayer(frames - 1, frame_layer) if frame_layer else None
    model = dense(tensorflow.load(seed=schedule.seed), x.shape[1] - bands, hidden, bands, shared)
    return _fit(model, x, validation, bands * (frames // 2), bands, schedule, progress)


def fit_convolutional(
    x: Array, validation: Array, frames: int, schedule: Schedule, *, progress: Progress | None = None
) -> Reconstruction:
    """Train a convolutional autoencoder on stacks of `frames` frames; as :func:`fit_autoencoder` otherwise.

    Raises
    ------
    ModelError
        There are too few bands, or training did not converge.
    """
    bands = x.shape[1] // frames
    if x.shape[1] % frames or bands < 8:
        raise ModelError(f"conv slides over frames of at least 8 bands, not {bands}: give more --bands.")
    model = convolutional(tensorflow.load(seed=schedule.seed), frames, bands)
    if len(x) > CONVOLVED:
        x = x[np.sort(np.random.default_rng(schedule.seed).choice(len(x), CONVOLVED, replace=False))]
    return _fit(model, x, validation, 0, x.shape[1], schedule, progress)


def _fit(
    model: Any,
    x: Array,
    validation: Array,
    first: int,
    outputs: int,
    schedule: Schedule,
    progress: Progress | None,
) -> Reconstruction:
    limit = input_limit(x)
    # What is not hidden from the network is one array, not two.
    data, held = (_distinct(*parts(np.clip(v, -limit, limit), first, outputs)) for v in (x, validation))
    loss = _squares(tensorflow.load())
    passes = fit(model, data, held, loss, schedule, progress=progress)
    network = FloatNetwork(fold(model), limit, passes)
    if schedule.qat:
        network = aware(network, data, held, loss, schedule)
    return Reconstruction(network, x.shape[1], first, outputs)


def _distinct(given: Array, target: Array) -> tuple[Array, ...]:
    return (given,) if given is target else (given, target)
