# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Write random int8 networks and inputs for them.

    python make_networks.py networks.bin --seed 1

Dense networks of one to four layers with odd widths, scales by tensor and by channel, any zero points, every fused
activation, with and without bias, one vector at a time and several; and small networks of convolutions. They are put
together tensor by tensor, as no converter would: whatever the format allows. Layout of the file: see ``pack``.
"""

from __future__ import annotations

import argparse
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

DENSE, CONVOLUTIONS = 80, 24
TRIES = 6
NONE, RELU, RELU6 = 0, 1, 3
INT8, INT32 = schema.TensorType.INT8, schema.TensorType.INT32
SAME, VALID = 0, 1


class Network:
    """A network under construction; `last` is the number of the tensor that its next operator takes."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, ...]) -> None:
        self.rng = rng
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.subgraphs = [self.graph]
        self.model.operatorCodes = []
        self.model.buffers = [schema.BufferT()]
        self.last = self.values(shape)
        self.graph.inputs = [self.last]

    def tensor(self, shape: tuple[int, ...], kind: int, scales: Any, zero: int, data: Any = None, axis: int = 0) -> int:
        """Add a tensor, constant where there is `data`; its number."""
        tensor = schema.TensorT()
        tensor.shape, tensor.type = list(shape), kind
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = [float(s) for s in np.atleast_1d(np.asarray(scales, np.float32))]
        tensor.quantization.zeroPoint = [zero] * len(tensor.quantization.scale)
        tensor.quantization.quantizedDimension = axis
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def values(self, shape: tuple[int, ...], scale: float | None = None, zero: int | None = None) -> int:
        """Add what an operator writes, with some quantisation; its number."""
        scale = float(np.float32(2.0 ** self.rng.uniform(-8, 2))) if scale is None else scale
        zero = int(self.rng.integers(-128, 128)) if zero is None else zero
        return self.tensor(shape, INT8, scale, zero)

    def shape(self, number: int | None = None) -> tuple[int, ...]:
        """Of a tensor; by default the last."""
        return tuple(self.graph.tensors[self.last if number is None else number].shape)

    def scale(self, number: int) -> float:
        """Of a tensor."""
        return float(self.graph.tensors[number].quantization.scale[0])

    def add(self, code: int, inputs: list[int], output: int, kind: int = 0, options: Any = None) -> None:
        """Add an operator."""
        entry = schema.OperatorCodeT()
        entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = code, min(code, 127), 1
        self.model.operatorCodes.append(entry)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes) - 1
        operator.inputs, operator.outputs = inputs, [output]
        operator.builtinOptionsType, operator.builtinOptions = kind, options
        self.graph.operators.append(operator)
        self.last = output

    def weights(
        self, shape: tuple[int, ...], axis: int, per_channel: bool, terms: int, bias: bool
    ) -> tuple[list[int], float]:
        """Add weights and bias of a layer; their numbers, and a scale for its outputs that uses most of eight bits."""
        rng, channels = self.rng, shape[axis]
        extreme = rng.random() < 0.1
        data = rng.choice([-127, 127], shape) if extreme else rng.integers(-127, 128, shape)
        scales = 2.0 ** rng.uniform(-10, -1, channels if per_channel else 1)
        if per_channel and rng.random() < 0.7:
            scales = scales[0] * 2.0 ** rng.uniform(-1, 1, channels)
        scales = scales.astype(np.float32)
        zero = (
            int(rng.integers(-20, 21))
            if not per_channel and axis == 0 and len(shape) == 2 and rng.random() < 0.15
            else 0
        )
        numbers = [self.tensor(shape, INT8, scales, zero, data.astype(np.int8), axis)]
        product = (np.float32(self.scale(self.last)) * scales).astype(np.float32)
        if bias:
            spread = 4000 * np.sqrt(terms)
            values = rng.integers(-int(spread), int(spread) + 1, channels).astype(np.int32)
            numbers.append(self.tensor((channels,), INT32, product, 0, values))
        typical = float(np.median(product)) * 5400 * np.sqrt(terms)
        return numbers, float(np.float32(typical / 50 * 2.0 ** rng.uniform(-2.5, 1.5)))

    def activation(self) -> int:
        """Some fused activation."""
        return int(self.rng.choice([NONE, RELU, RELU6], p=[0.5, 0.3, 0.2]))

    def dense(self, width: int) -> None:
        """Add a fully connected layer."""
        *batch, columns = self.shape()
        numbers, scale = self.weights(
            (width, columns), 0, bool(self.rng.random() < 0.4), columns, bool(self.rng.random() < 0.8)
        )
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = self.activation()
        self.add(
            schema.BuiltinOperator.FULLY_CONNECTED,
            [self.last, *numbers] if len(numbers) == 2 else [self.last, *numbers, -1],
            self.values((*batch, width), scale),
            schema.BuiltinOptions.FullyConnectedOptions,
            options,
        )

    def convolution(self, channels: int, depthwise: bool) -> None:
        """Add a convolution; `channels` is the multiplier of a depthwise one."""
        rng, (batch, height, width, depth) = self.rng, self.shape()
        kernel = (int(rng.integers(1, min(4, height + 1))), int(rng.integers(1, min(4, width + 1))))
        stride, padding = int(rng.integers(1, 3)), int(rng.integers(0, 2))
        out = depth * channels if depthwise else channels
        shape = (1, *kernel, out) if depthwise else (out, *kernel, depth)
        terms = kernel[0] * kernel[1] * (1 if depthwise else depth)
        numbers, scale = self.weights(shape, 3 if depthwise else 0, True, terms, True)
        options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
        options.padding, options.strideH, options.strideW = padding, stride, stride
        options.dilationHFactor = options.dilationWFactor = 1
        options.fusedActivationFunction = self.activation()
        if depthwise:
            options.depthMultiplier = channels
        over = [
            (n - (k if padding == VALID else 1)) // stride + 1 for n, k in zip((height, width), kernel, strict=True)
        ]
        name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        self.add(
            getattr(schema.BuiltinOperator, name),
            [self.last, *numbers],
            self.values((batch, *over, out), scale),
            getattr(schema.BuiltinOptions, "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"),
            options,
        )

    def residual(self) -> None:
        """Add what the last operator took to what it gave, where both have one shape."""
        before = self.graph.operators[-1].inputs[0]
        if self.shape(before) == self.shape():
            options = schema.AddOptionsT()
            options.fusedActivationFunction = self.activation()
            scale = float(np.float32((self.scale(before) + self.scale(self.last)) * self.rng.uniform(0.4, 1.2)))
            self.add(
                schema.BuiltinOperator.ADD, [before, self.last], self.values(self.shape(), scale),
                schema.BuiltinOptions.AddOptions, options,
            )  # fmt: skip

    def pool(self, name: str) -> None:
        """Add a pooling of two by two; input and output of it are quantised alike."""
        batch, height, width, depth = self.shape()
        options = schema.Pool2DOptionsT()
        options.padding, options.strideH, options.strideW = VALID, 2, 2
        options.filterHeight = options.filterWidth = 2
        params = self.graph.tensors[self.last].quantization
        output = self.values((batch, height // 2, width // 2, depth), params.scale[0], params.zeroPoint[0])
        self.add(
            getattr(schema.BuiltinOperator, name), [self.last], output, schema.BuiltinOptions.Pool2DOptions, options
        )

    def mean(self) -> None:
        """Add the mean over height and width."""
        batch, _, _, depth = self.shape()
        axes = self.tensor((2,), INT32, [], 0, np.array([1, 2], np.int32))
        self.graph.tensors[axes].quantization = None
        options = schema.ReducerOptionsT()
        options.keepDims = False
        scale = float(np.float32(self.scale(self.last) * self.rng.uniform(0.2, 1.1)))
        self.add(
            schema.BuiltinOperator.MEAN, [self.last, axes], self.values((batch, depth), scale),
            schema.BuiltinOptions.ReducerOptions, options,
        )  # fmt: skip

    def reshape(self, shape: tuple[int, ...] | None = None) -> None:
        """Add another shape; by default a flattening."""
        before = self.shape()
        shape = (before[0], int(np.prod(before[1:]))) if shape is None else shape
        params = self.graph.tensors[self.last].quantization
        options = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        self.add(
            schema.BuiltinOperator.RESHAPE, [self.last], self.values(shape, params.scale[0], params.zeroPoint[0]),
            schema.BuiltinOptions.ReshapeOptions, options,
        )  # fmt: skip

    def finish(self) -> tuple[bytes, int]:
        """The flatbuffer, and how many values it takes."""
        self.graph.outputs = [self.last]
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output()), int(np.prod(self.shape(self.graph.inputs[0])))


def width(rng: np.random.Generator) -> int:
    """A layer's width: small, odd, or around where the kernel's loops end."""
    if rng.random() < 0.4:
        return max(1, int(rng.integers(0, 7) * 32 + rng.integers(-5, 6)))
    return int(rng.integers(1, 201))


def random_dense(rng: np.random.Generator) -> tuple[bytes, int]:
    """One to four dense layers."""
    network = Network(rng, (int(rng.choice([1, 1, 1, 2, 5])), width(rng)))
    for _ in range(rng.integers(1, 5)):
        network.dense(width(rng))
    return network.finish()


def random_convolutions(rng: np.random.Generator) -> tuple[bytes, int]:
    """A small separable network as one would have it: convolution, depthwise ones, pool, dense."""
    network = Network(rng, (1, int(rng.integers(5, 14)), int(rng.integers(5, 14)), int(rng.integers(1, 4))))
    network.convolution(int(rng.integers(1, 13)), depthwise=False)
    for _ in range(rng.integers(1, 3)):
        network.convolution(int(rng.integers(1, 3)), depthwise=True)
        network.convolution(network.shape()[3] if rng.random() < 0.7 else int(rng.integers(1, 13)), depthwise=False)
        network.residual()
    if min(network.shape()[1:3]) >= 2 and rng.random() < 0.6:
        network.pool(str(rng.choice(["AVERAGE_POOL_2D", "MAX_POOL_2D"])))
    if rng.random() < 0.5:
        network.mean()
    else:
        network.reshape()
    network.dense(int(rng.integers(1, 20)))
    return network.finish()


def padded(data: bytes) -> bytes:
    """To a multiple of 16 bytes."""
    return data + bytes(-len(data) % 16)


def pack(rng: np.random.Generator, model: bytes, size: int, dense: bool) -> bytes:
    """A network of the file: sizes of model and input, number of inputs, 1 for a dense one; the model; the inputs.

    Every part is padded to 16 bytes; numbers are 32 bits, little-endian.
    """
    inputs = rng.integers(-128, 128, (TRIES, size), np.int8)
    inputs[0] = rng.choice(np.array([-128, 127], np.int8), size)
    head = struct.pack("<4I", len(model), size, TRIES, int(dense))
    return b"".join(padded(part) for part in (head, model, inputs.tobytes()))


def write(description: str, made: Callable[[np.random.Generator], Iterator[bytes]], head: int) -> None:
    """Write a file as the command line says; a `head` of zeros ends it."""
    parser = argparse.ArgumentParser(description=description, epilog="Example: make_networks.py out.bin")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.write_bytes(b"".join(made(np.random.default_rng(options.seed))) + bytes(head))


def networks(rng: np.random.Generator) -> Iterator[bytes]:
    """All networks of the file."""
    for _ in range(DENSE):
        yield pack(rng, *random_dense(rng), True)
    for _ in range(CONVOLUTIONS):
        yield pack(rng, *random_convolutions(rng), False)


if __name__ == "__main__":
    write(__doc__.split("\n", 1)[0], networks, 16)
