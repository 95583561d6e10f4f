# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What a TFLite flatbuffer says of itself: its two ends, and how much memory it can need at most."""

from __future__ import annotations

import math
import struct
from typing import Any, NamedTuple

from tocsin.errors import ModelError
from tocsin.extras import require

_IDENTIFIER = b"TFL3"
_ALIGN = 16

# Greatest sizes of TFLM's records on a 64-bit host, with room to spare; a 32-bit target needs about half.
_TENSOR_BYTES = 32
_OPERATOR_BYTES = 512
_FIXED_BYTES = 2048

End = tuple[float, int, int]


def ends(model: bytes) -> tuple[End, End]:
    """Scale, zero point and length of the network's input and of its output.

    Raises
    ------
    ModelError
        Where the bytes are no TFLite model, or an end is not one int8 tensor, quantised per tensor.
    """
    schema, graph = _graph(model)
    try:
        inputs = [graph.Inputs(i) for i in range(graph.InputsLength())]
        outputs = [graph.Outputs(i) for i in range(graph.OutputsLength())]
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(
                f"the network has {len(inputs)} inputs and {len(outputs)} outputs: a device scores with one of each"
            )
        return _end(schema, graph.Tensors(inputs[0]), "input"), _end(schema, graph.Tensors(outputs[0]), "output")
    except (struct.error, IndexError, TypeError, AttributeError) as error:
        raise ModelError("the TFLite model is damaged: convert it again") from error


def arena_bound(model: bytes) -> int:
    """Bytes of tensor arena that suffice for the network: every activation kept, every record at its largest.

    Raises
    ------
    ModelError
        Where the bytes are no TFLite model.
    """
    _, graph = _graph(model)
    try:
        total: int = _FIXED_BYTES + _OPERATOR_BYTES * graph.OperatorsLength()
        constants = _constants(model)
        for i in range(graph.TensorsLength()):
            tensor = graph.Tensors(i)
            quantization = tensor.Quantization()
            channels = quantization.ScaleLength() if quantization else 0
            total += _TENSOR_BYTES + 8 * channels
            if tensor.Buffer() not in constants:
                size: int = 4 * math.prod(abs(tensor.Shape(d)) for d in range(tensor.ShapeLength()))
                total += -(-size // _ALIGN) * _ALIGN
    except (struct.error, IndexError, TypeError, AttributeError) as error:
        raise ModelError("the TFLite model is damaged: convert it again") from error
    return total


def work_space(model: bytes) -> int:
    """Bytes of work space that Tocsin's own kernels ask for, in the layer that asks for the most.

    As ``tocsin_dense_needed_size()``, ``tocsin_conv_needed_size()`` and ``tocsin_depthwise_needed_size()`` of
    ``modules/tflm`` have it.

    Raises
    ------
    ModelError
        Where the bytes are no TFLite model.
    """
    schema, graph = _graph(model)
    root = _model(schema, model)
    builtin = schema.BuiltinOperator
    most = 0
    try:
        for i in range(graph.OperatorsLength()):
            operator = graph.Operators(i)
            code = root.OperatorCodes(operator.OpcodeIndex())
            kind = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            if kind not in (builtin.FULLY_CONNECTED, builtin.CONV_2D, builtin.DEPTHWISE_CONV_2D):
                continue
            weights = graph.Tensors(operator.Inputs(1))
            extents = [abs(int(weights.Shape(d))) for d in range(weights.ShapeLength())]
            if kind == builtin.FULLY_CONNECTED:
                size = 2 * _padded(extents[-1], 4)
            elif kind == builtin.CONV_2D:
                size = 10 * _padded(math.prod(extents[1:]), 4) + 4
            else:
                size = 8 * extents[1] * extents[2]
            most = max(most, size)
    except (struct.error, IndexError, TypeError, AttributeError) as error:
        raise ModelError("the TFLite model is damaged: convert it again") from error
    return most


class Dense(NamedTuple):
    """Of a fully connected layer: how many times it is run, and how many values it takes and gives each time."""

    rows: int
    inputs: int
    outputs: int


class Convolution(NamedTuple):
    """Of a convolution: output positions and channels, the kernel's extents, and the products in an output's sum."""

    depthwise: bool
    positions: int
    channels: int
    height: int
    width: int
    terms: int


def layers_of(model: bytes) -> tuple[list[Dense], list[Convolution]]:
    """Fully connected layers and convolutions.

    Raises
    ------
    ModelError
        Where the bytes are no TFLite model.
    """
    schema, graph = _graph(model)
    root = _model(schema, model)
    builtin = schema.BuiltinOperator
    dense, convolutions = [], []

    def shape(tensor: Any) -> list[int]:
        return [abs(int(tensor.Shape(d))) for d in range(tensor.ShapeLength())]

    try:
        for i in range(graph.OperatorsLength()):
            operator = graph.Operators(i)
            code = root.OperatorCodes(operator.OpcodeIndex())
            kind = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            if kind not in (builtin.FULLY_CONNECTED, builtin.CONV_2D, builtin.DEPTHWISE_CONV_2D):
                continue
            weights = shape(graph.Tensors(operator.Inputs(1)))
            out = math.prod(shape(graph.Tensors(operator.Outputs(0))))
            if kind == builtin.FULLY_CONNECTED:
                dense.append(Dense(out // weights[0], weights[-1], weights[0]))
            else:
                # Each output is a sum over the kernel, and over the input's channels unless these go by themselves.
                depthwise = kind == builtin.DEPTHWISE_CONV_2D
                channels = weights[3] if depthwise else weights[0]
                terms = weights[1] * weights[2] * (1 if depthwise else weights[3])
                convolutions.append(Convolution(depthwise, out // channels, channels, weights[1], weights[2], terms))
    except (struct.error, IndexError, TypeError, AttributeError) as error:
        raise ModelError("the TFLite model is damaged: convert it again") from error
    return dense, convolutions


def shared_layer(model: bytes, slide: int) -> Dense | None:
    """The layer that keeps rows from one window to the next, as ``modules/tflm/src/fully_connected.cc`` finds it."""
    return next((layer for layer in layers_of(model)[0] if layer.rows > slide > 0), None)


def kept_size(model: bytes, slide: int) -> int:
    """Bytes that keeping rows takes, as ``tocsin_kept_needed_size()`` has it; 0 where none are kept."""
    layer = shared_layer(model, slide)
    return 0 if layer is None else layer.rows * (layer.inputs + layer.outputs)


def _padded(size: int, to: int) -> int:
    return -(-size // to) * to


def _schema() -> Any:
    try:
        from tflite_micro.tensorflow.lite.micro.python import schema_py_generated
    except ImportError:
        require("tensorflow")
        from tensorflow.lite.python import schema_py_generated
    return schema_py_generated


def _model(schema: Any, model: bytes) -> Any:
    if len(model) < 8 or model[4:8] != _IDENTIFIER:
        raise ModelError("these bytes are no TFLite model: give the .tflite file that TensorFlow's converter wrote")
    return schema.Model.GetRootAs(model, 0)


def _graph(model: bytes) -> tuple[Any, Any]:
    schema = _schema()
    try:
        root = _model(schema, model)
        if root.SubgraphsLength() != 1:
            raise ModelError(f"the network has {root.SubgraphsLength()} subgraphs: a device runs networks with one")
        return schema, root.Subgraphs(0)
    except (struct.error, IndexError, TypeError) as error:
        raise ModelError("the TFLite model is damaged: convert it again") from error


def _constants(model: bytes) -> set[int]:
    root = _model(_schema(), model)
    return {i for i in range(root.BuffersLength()) if root.Buffers(i).DataLength() > 0}


def _end(schema: Any, tensor: Any, name: str) -> End:
    if tensor.Type() != schema.TensorType.INT8:
        raise ModelError(
            f"the network's {name} is not int8: convert it with full integer quantisation and "
            f"inference_{name}_type=tf.int8"
        )
    quantization = tensor.Quantization()
    if quantization is None or quantization.ScaleLength() != 1 or quantization.ZeroPointLength() != 1:
        raise ModelError(f"the network's {name} is not quantised per tensor: convert it with full integer quantisation")
    shape = [tensor.Shape(d) for d in range(tensor.ShapeLength())]
    if not shape or any(size < 1 for size in shape) or shape[0] != 1:
        raise ModelError(f"the network's {name} has the shape {shape}: convert it for a batch of one vector")
    return float(quantization.Scale(0)), int(quantization.ZeroPoint(0)), math.prod(shape)
