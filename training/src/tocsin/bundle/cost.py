# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What a detector costs on the device: flash, RAM, and instructions a second of samples.

Bytes are those of the bundle and of the memory that the C modules ask for. Instructions come from a model of each
stage, fitted to counts on the emulated Cortex-M4F (``tools/bench/cost.json``, by ``tools/cost_check.py``) and checked
against them and against ``tools/bench/baseline.json``: whole detectors within :data:`TOLERANCE`. They are instructions,
not cycles, see docs/reference/performance.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .. import _core
from ..features import FeatureConfig
from ..tflite.flatbuffer import Convolution, Dense, layers_of, shared_layer
from .bundle import (
    AutoencoderModel,
    Bundle,
    CombinedModel,
    GaussianMixtureModel,
    KMeansModel,
    MahalanobisModel,
    Model,
    NeighboursModel,
    NetworkModel,
    network_of,
)

TOLERANCE = 0.05

# The firmware's defaults: CONFIG_TOCSIN_RING_MS, _VECTOR_SLOTS, _SOURCE_BLOCK_FRAMES; TOCSIN_TFLM_ALIGN.
RING_MS = 128
VECTOR_SLOTS = 2
BLOCK_FRAMES = 128
ALIGN = 16

# Real FFT and power spectrum, counted; odd powers of two take one radix-2 pass more.
_SPECTRUM = {256: 9612, 512: 22044, 1024: 45572, 2048: 102288, 4096: 210990}
_LOAD, _LOAD_AXES, _PAD = 10.62, 12.0, 5.7  # a sample of one channel, of several, a zero of the padding
_MEAN = 1.8  # a sample, of a frame without statistics, which have the sum by the way
_STATS = 7.1  # a sample and statistic
_WEIGHT, _BAND, _LOG = 4.95, 11.0, 47.0  # a weight of a band, a band, its logarithm
_POOL = {"stack": 25.0, "mean": 24.5, "std": 6.0, "max": 20.5}  # a feature and frame
_FRAME, _SAMPLE = 124.0, 1.6  # ring and loops
_NORMALISE = 10.6  # a value
_DECIDE, _SMOOTH = 200.0, 8.0
_WHITEN, _NEIGHBOUR = 6.0, 9.3  # an element of the shared factor, a value of a reference
# int8 dense layers: a product, an output, a layer; quantising a value that the network sees, the squared error of one
# that it gives, or its residual for a head; putting two scores together.
_PRODUCT, _OUTPUT, _LAYER = 1.167, 33.9, 812.0
_QUANTISE, _ERROR, _RESIDUAL, _CALIBRATE = 26.6, 9.0, 14.0, 100.0
# Convolutions, as their loops have it: a product and an output of one over all channels, of a depthwise one. Then a
# position, a value and a row of what the kernel sees of it, and a place in a depthwise kernel's list: what the one
# network that was counted took besides (conv_ad of tools/bench.py).
_CONV_PRODUCT, _CONV_OUTPUT, _DEPTH_PRODUCT, _DEPTH_OUTPUT = 0.94, 11.0, 3.25, 12.0
_POSITION, _SEEN, _SEEN_ROW, _PLACE = 40.0, 1.75, 120.0, 16.0
# What a layer keeps from one window to the next: a value compared, one copied, and a row.
_SAME, _COPY, _ROW = 1.5, 1.0, 60.0


@dataclass(frozen=True)
class Instructions:
    """Instructions of a detector.

    Attributes
    ----------
    frame
        For each frame: window, FFT, bands, logarithms, pooling.
    window
        For each window: score and decision (what pooling does then is in `per_second`).
    per_second
        In all, for a second of samples.
    """

    frame: float
    window: float
    per_second: float


@dataclass(frozen=True)
class Cost:
    """What a bundle needs.

    Attributes
    ----------
    flash
        Bytes of the bundle.
    arena
        Bytes of the tensor arena, part of `ram`.
    ram
        Bytes of working memory, with the firmware's default options: ring, features, vectors, score, decision, arena.
    instructions
        A second of samples.
    """

    flash: int
    arena: int
    ram: int
    instructions: float


def _aligned(size: int) -> int:
    return -(-size // ALIGN) * ALIGN


def _ring(features: FeatureConfig) -> int:
    """Bytes of the sample ring, as ``app/src/pipeline/plan.c`` sizes it."""
    frame = features.frame_length
    wanted = max(features.sample_rate * RING_MS // 1000, frame + max(frame, 2 * BLOCK_FRAMES))
    return 2 * features.channels * (1 << (wanted - 1).bit_length())


def feature_ram(features: FeatureConfig) -> int:
    """Bytes of ring, features' working memory and vectors: what every detector with `features` needs at least."""
    native = features._native()
    slots = VECTOR_SLOTS * _aligned(4 * features.n_vector)
    return _aligned(_ring(features)) + _aligned(native.memory_size) + slots


def frame_instructions(features: FeatureConfig) -> float:
    """Instructions of a frame, from the ring to the pool."""
    length, channels, bands = features.frame_length, features.channels, len(features.bands)
    total = _STATS * length * len(features.stats)
    if bands:
        total += _MEAN * length if features.remove_mean and not features.stats else 0.0
        total += (_LOAD if channels == 1 else _LOAD_AXES) * length + _PAD * (features.n_fft - length)
        nearest = min(_SPECTRUM, key=lambda n: abs(math.log2(n / features.n_fft)))
        scale = features.n_fft * math.log2(features.n_fft) / (nearest * math.log2(nearest))
        total += scale * _SPECTRUM[nearest]
        total += _WEIGHT * sum(len(band.weights) for band in features.bands)
        total += (_BAND if features.power else _BAND + _LOG) * bands
    pooled = sum(_POOL.get(name, _POOL["mean"]) for name in features.pool)
    return channels * total + pooled * features.n_features + _FRAME


def score_instructions(bundle: Bundle) -> float:
    """Instructions of a window's score, normalisation included."""
    dim = bundle.features.n_vector
    return _model_instructions(bundle.model, dim) + _NORMALISE * dim


def _model_instructions(model: Model, dim: int) -> float:
    """Instructions of a model's score of a normalised vector."""
    if isinstance(model, CombinedModel):
        return sum(_model_instructions(member, dim) for member in model.members) + _CALIBRATE
    if isinstance(model, KMeansModel):
        k = len(model.centroids)
        return 7.0 * k * dim + 20 * k
    if isinstance(model, MahalanobisModel):
        each = 8.9 * dim + 110 if model.covariance == "diagonal" else 2.99 * dim * dim + 22.9 * dim
        return len(model.means) * each
    if isinstance(model, GaussianMixtureModel):
        each = 9.0 * dim + 85 if model.covariance == "diagonal" else 2.99 * dim * dim + 23 * dim + 85
        return len(model.means) * each
    if isinstance(model, NeighboursModel):
        k = len(model.references)
        whiten = 0.0 if model.whiten is None else _WHITEN * dim * (dim + 1) / 2
        return _NEIGHBOUR * k * dim + 40 * k + whiten
    layers, convolutions = layers_of(model.tflite)
    network = sum(layer.rows * _row_instructions(layer) for layer in layers)
    network += sum(_convolution_instructions(layer) for layer in convolutions) - _saved_instructions(model)
    if isinstance(model, AutoencoderModel):
        return network + (_QUANTISE + _ERROR) * dim
    seen = dim - model.outputs if model.use == "predict" else dim
    if model.head is None:
        return network + _QUANTISE * seen + _ERROR * model.outputs
    part = model.outputs // model.fold
    return network + _QUANTISE * seen + _RESIDUAL * model.outputs + _model_instructions(model.head, part)


def _row_instructions(layer: Dense) -> float:
    """Instructions of one run of a fully connected layer in our own kernel."""
    return _LAYER + layer.outputs * (_PRODUCT * layer.inputs + _OUTPUT)


def frames_kept(model: AutoencoderModel | NetworkModel) -> int:
    """Frames whose results a layer that they share has kept, in a window that slid; 0 where it keeps none."""
    layer = shared_layer(model.tflite, model.slide)
    if layer is None:
        return 0
    frames = list(range(layer.rows))
    if isinstance(model, NetworkModel) and model.use == "predict":
        # What is predicted is not seen: of the frames behind it, some come up where the last window saw none.
        first, hidden = model.first // layer.inputs, model.outputs // layer.inputs
        frames[first:] = [frame + hidden for frame in frames[first:]]
    return sum(later == frame + model.slide for frame, later in zip(frames, frames[model.slide :], strict=False))


def _saved_instructions(model: AutoencoderModel | NetworkModel) -> float:
    """Instructions that are saved where windows slide."""
    layer = shared_layer(model.tflite, model.slide)
    if layer is None:
        return 0.0
    kept = frames_kept(model)
    found = kept * (_SAME * layer.inputs + _COPY * layer.outputs + _ROW)
    put = (layer.rows - kept) * (_COPY * (layer.inputs + layer.outputs) + _ROW)
    return kept * _row_instructions(layer) - found - put


def _convolution_instructions(layer: Convolution) -> float:
    """Instructions of a convolution in our own kernels."""
    outputs = layer.positions * layer.channels
    if layer.depthwise:
        each = _DEPTH_PRODUCT * layer.terms + _DEPTH_OUTPUT
        return _LAYER + outputs * each + layer.positions * (_POSITION + _PLACE * layer.terms)
    words = -(-layer.terms // 4) * 4
    # A single place's channels lie in the input as they are needed.
    rows = 0 if layer.height * layer.width == 1 and layer.terms == words else layer.height
    seen = _POSITION + _SEEN * words + _SEEN_ROW * rows
    return _LAYER + outputs * (_CONV_PRODUCT * words + _CONV_OUTPUT) + layer.positions * seen


def instructions(bundle: Bundle) -> Instructions:
    """Instructions of a detector, predicted."""
    features = bundle.features
    frame = frame_instructions(features)
    decibels = _LOG * len(features.bands) * features.channels * len(features.pool) if features.power else 0.0
    window = score_instructions(bundle) + _DECIDE + _SMOOTH * bundle.decision.smooth
    per_second = features.sample_rate * (
        frame / features.hop + (window + decibels) / features.window_step + _SAMPLE * features.channels
    )
    return Instructions(frame, window, per_second)


def measure_cost(bundle: Bundle) -> Cost:
    """Flash, RAM and instructions of a bundle."""
    network = network_of(bundle.model)
    arena = 0 if network is None else network.arena_size
    score = _core.Scorer(bundle.native).memory_size
    decision = 4 * bundle.decision.smooth
    ram = feature_ram(bundle.features) + _aligned(score) + _aligned(decision) + _aligned(arena)
    return Cost(bundle.size, arena, ram, instructions(bundle).per_second)
