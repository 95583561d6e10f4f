# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The last layer of a bundle's int8 autoencoder, fitted to another machine without the float network.

All but the last layer stay as they are, to the bit. That layer is linear, so the best one for given hidden values has
a closed form (ridge regression towards the old weights) and nothing is trained by gradients. Its weights are then
quantised anew, in place: the flatbuffer keeps its size, its operators and its arena.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..bundle import AutoencoderModel, NetworkModel
from ..errors import ModelError
from ..tflite import flatbuffer as _tflite
from ..tflite.interpreter import BACKEND, Int8Interpreter, _limit, _Lite, _Micro

Array = npt.NDArray[np.float64]
Int8 = npt.NDArray[np.int8]


@dataclass
class _LastLayer:
    """The last fully connected layer, as views into a flatbuffer that can be written to.

    Attributes
    ----------
    weights, bias
        int8 of shape (outputs, inputs), and int32 of shape (outputs,).
    weight_scale, bias_scale
        Their quantisation: one value, or one for each output.
    out_scale, out_zero
        The output's quantisation, one value each.
    input
        Index of the tensor that the layer takes.
    in_scale, in_zero
        That tensor's quantisation.
    """

    weights: Int8
    bias: npt.NDArray[np.int32]
    weight_scale: npt.NDArray[np.float32]
    bias_scale: npt.NDArray[np.float32]
    out_scale: npt.NDArray[np.float32]
    out_zero: npt.NDArray[np.int64]
    input: int
    in_scale: float
    in_zero: int

    def floats(self) -> tuple[Array, Array]:
        """Weights (inputs, outputs) and bias (outputs,) in real numbers."""
        weights = self.weights.astype(np.float64).T * self.weight_scale.astype(np.float64)
        return weights, self.bias.astype(np.float64) * self.bias_scale.astype(np.float64)


def _last_layer(buffer: bytearray) -> _LastLayer:
    """Find the last layer in a flatbuffer.

    Raises
    ------
    ModelError
        It is not a linear fully connected layer in int8.
    """
    schema, graph = _tflite._graph(buffer)  # type: ignore[arg-type]
    root = _tflite._model(schema, buffer)  # type: ignore[arg-type]
    problem = "the network does not end in a linear fully connected layer: choose --method normalisation"
    try:
        operator = graph.Operators(graph.OperatorsLength() - 1)
        code = root.OperatorCodes(operator.OpcodeIndex())
        kind = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        if kind != schema.BuiltinOperator.FULLY_CONNECTED or operator.InputsLength() != 3:
            raise ModelError(problem)
        options = schema.FullyConnectedOptions()
        table = operator.BuiltinOptions()
        options.Init(table.Bytes, table.Pos)
        tensors = [graph.Tensors(operator.Inputs(i)) for i in range(3)]
        hidden, weights, bias = tensors
        output = graph.Tensors(operator.Outputs(0))
        scales = [t.Quantization().ScaleAsNumpy() for t in (hidden, weights, bias, output)]
        kinds = (weights.Type(), bias.Type())
        if options.FusedActivationFunction() != schema.ActivationFunctionType.NONE or kinds != (
            schema.TensorType.INT8,
            schema.TensorType.INT32,
        ):
            raise ModelError(problem)
        values = [root.Buffers(t.Buffer()).DataAsNumpy() for t in (weights, bias)]
        return _LastLayer(
            weights=values[0].view(np.int8).reshape(weights.ShapeAsNumpy()),
            bias=values[1].view(np.int32),
            weight_scale=scales[1],
            bias_scale=scales[2],
            out_scale=scales[3],
            out_zero=output.Quantization().ZeroPointAsNumpy(),
            input=operator.Inputs(0),
            in_scale=float(scales[0][0]),
            in_zero=int(hidden.Quantization().ZeroPoint(0)),
        )
    except (struct.error, IndexError, TypeError, AttributeError, ValueError) as error:
        raise ModelError("the TFLite model is damaged: train again") from error


def quantise(model: AutoencoderModel | NetworkModel, x: Array) -> Int8:
    """Normalised vectors as the network's input: half away from zero, as ``tocsin/score.h`` has it."""
    scaled = x / model.in_scale
    rounded = np.sign(scaled) * np.floor(np.abs(scaled) + 0.5) + model.in_zero
    return np.asarray(np.clip(rounded, -128, 127), np.int8)


def expected_by(model: NetworkModel, x: Array) -> Array:
    """What a network that reconstructs or predicts expects of normalised vectors of shape (n, dim).

    Values that it does not predict are expected as they are.
    """
    if model.use == "reconstruct":
        return reconstruct(model, x)
    target = slice(model.first, model.first + model.outputs)
    expected = np.array(x)
    expected[:, target] = reconstruct(model, np.delete(x, np.r_[target], axis=1))
    return expected


def reconstruct(model: AutoencoderModel | NetworkModel, x: Array) -> Array:
    """What the int8 network gives, (n, outputs), for normalised values of shape (n, inputs)."""
    output = Int8Interpreter(model.tflite, model.arena_size).run(quantise(model, x))
    return np.asarray((output.astype(np.float64) - model.out_zero) * model.out_scale)


def _hidden(model: AutoencoderModel, inputs: Int8, tensor: int) -> Int8:
    """Values of a tensor inside the network for each input, shape (n, values): the network, told to give them out."""
    buffer = bytearray(model.tflite)
    _, graph = _tflite._graph(buffer)  # type: ignore[arg-type]
    graph.OutputsAsNumpy()[0] = tensor
    network = bytes(buffer)
    runner = _Micro(network, _limit(network)) if BACKEND == "tflite-micro" else _Lite(network)
    return np.asarray([runner.run(vector).copy() for vector in inputs], np.int8)


def adapt_decoder(model: AutoencoderModel, x: Array, *, prior: float) -> tuple[AutoencoderModel, dict[str, Any]]:
    """Fit the last layer to normalised vectors of shape (n, dim).

    Parameters
    ----------
    model
        The network; stays as it is.
    x
        Healthy windows.
    prior
        Windows that the old weights are worth.

    Returns
    -------
    model : the network with another last layer
    details : mean squared error of `x` before and after, through the int8 networks

    Raises
    ------
    ModelError
        The network ends in something else than a linear layer.
    """
    buffer = bytearray(model.tflite)
    layer = _last_layer(buffer)
    inputs = quantise(model, x)
    target = (inputs.astype(np.float64) - model.in_zero) * model.in_scale
    hidden = (_hidden(model, inputs, layer.input).astype(np.float64) - layer.in_zero) * layer.in_scale
    weights, bias = layer.floats()
    # The bias as one more input that is always 1, with its own prior: `prior` windows at which nothing was wrong.
    h = np.column_stack([hidden, np.ones(len(hidden))])
    old = np.vstack([weights, bias])
    power = (h**2).mean(axis=0)
    penalty = np.diag(prior * np.maximum(power, 1e-6 * power.max()))
    new = old + np.linalg.solve(h.T @ h + penalty, h.T @ (target - h @ old))
    _write(layer, new[:-1], new[-1], h @ new)
    adapted = AutoencoderModel.from_tflite(bytes(buffer), arena_size=model.arena_size, slide=model.slide)
    error = [float(np.mean((target - reconstruct(m, x)) ** 2)) for m in (model, adapted)]
    return adapted, {"error_before": error[0], "error_after": error[1]}


def _write(layer: _LastLayer, weights: Array, bias: Array, output: Array) -> None:
    """Quantise the layer into its flatbuffer; the output's range grows where the new machine needs it."""
    least = (-128 - int(layer.out_zero[0])) * float(layer.out_scale[0])
    most = (127 - int(layer.out_zero[0])) * float(layer.out_scale[0])
    least, most = min(least, float(output.min())), max(most, float(output.max()))
    scale = (most - least) / 255
    layer.out_scale[0] = scale
    layer.out_zero[0] = int(np.clip(round(-128 - least / scale), -128, 127))
    greatest = np.abs(weights).max(axis=0) if len(layer.weight_scale) > 1 else np.abs(weights).max()
    layer.weight_scale[:] = np.maximum(greatest, 1e-9) / 127
    layer.bias_scale[:] = layer.weight_scale * np.float32(layer.in_scale)
    layer.weights[:] = np.clip(np.rint(weights.T / layer.weight_scale.astype(np.float64)[:, None]), -127, 127)
    limit = 2**31 - 1
    layer.bias[:] = np.clip(np.rint(bias / layer.bias_scale.astype(np.float64)), -limit, limit)
