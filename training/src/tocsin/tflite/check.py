# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a firmware can run a network that was made elsewhere.

Our own converter writes what the firmware has. A network of others may hold anything, and TensorFlow Lite Micro does
not verify it. What is checked here is what ``modules/tflm/src/model_check.cc`` and ``model_shapes.cc`` refuse.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from tocsin.errors import ModelError
from tocsin.tflite import flatbuffer

OPERATORS = {
    "FULLY_CONNECTED": "CONFIG_TOCSIN_TFLM_OP_FULLY_CONNECTED",
    "RESHAPE": "CONFIG_TOCSIN_TFLM_OP_RESHAPE",
    "QUANTIZE": "CONFIG_TOCSIN_TFLM_OP_QUANTIZE",
    "DEQUANTIZE": "CONFIG_TOCSIN_TFLM_OP_QUANTIZE",
    "CONV_2D": "CONFIG_TOCSIN_TFLM_OP_CONV_2D",
    "DEPTHWISE_CONV_2D": "CONFIG_TOCSIN_TFLM_OP_DEPTHWISE_CONV_2D",
    "AVERAGE_POOL_2D": "CONFIG_TOCSIN_TFLM_OP_POOL_2D",
    "MAX_POOL_2D": "CONFIG_TOCSIN_TFLM_OP_POOL_2D",
    "ADD": "CONFIG_TOCSIN_TFLM_OP_ADD",
    "MEAN": "CONFIG_TOCSIN_TFLM_OP_MEAN",
}
"""Operators that the firmware has, and the Kconfig option that compiles each in."""

DEFAULT = frozenset({"FULLY_CONNECTED", "RESHAPE", "QUANTIZE", "DEQUANTIZE"})
"""Those that are compiled in where nobody says otherwise."""

TENSORS_MAX = 64
"""Tensors of a network by default, ``CONFIG_TOCSIN_TFLM_TENSORS_MAX``."""

_INT8_ONLY = frozenset(OPERATORS) - {"RESHAPE", "QUANTIZE", "DEQUANTIZE"}


def check_network(model: bytes) -> list[str]:
    """Refuse a network that no firmware can run.

    Parameters
    ----------
    model : bytes
        The TFLite flatbuffer.

    Returns
    -------
    list of str
        What the firmware's configuration has to have besides its defaults, such as
        ``"CONFIG_TOCSIN_TFLM_OP_CONV_2D=y"``.

    Raises
    ------
    ModelError
        It is damaged, float, dynamic, has several ends, or operators that the firmware has not; the message names
        them and says what to do.
    """
    try:
        return _check(model)
    except (struct.error, IndexError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise ModelError("the TFLite model is damaged: convert it again, or copy it again in binary mode") from error


def _check(model: bytes) -> list[str]:
    schema, graph = flatbuffer._graph(model)
    root = flatbuffer._model(schema, model)
    _check_buffers(root, len(model))
    _check_dynamic(graph)
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    used = [(operator, _name(root, operator, names)) for operator in _operators(graph)]
    if not used:
        raise ModelError("the network has no operator: give one that computes something")
    unknown = sorted({name for _, name in used} - set(OPERATORS))
    if unknown:
        raise ModelError(
            f"the firmware has no operator {', '.join(unknown)}. Use {', '.join(OPERATORS)}. A batch that is fixed to"
            " one when the network is converted leaves out SHAPE, STRIDED_SLICE and PACK."
        )
    flatbuffer.ends(model)
    for number, (operator, name) in enumerate(used):
        _check_operator(schema, root, graph, operator, f"{name} (operator {number})", name)
    needed = {f"{OPERATORS[name]}=y" for _, name in used if name not in DEFAULT}
    if graph.TensorsLength() > TENSORS_MAX:
        needed.add(f"CONFIG_TOCSIN_TFLM_TENSORS_MAX={graph.TensorsLength()}")
    return sorted(needed)


def _operators(graph: Any) -> Iterator[Any]:
    return (graph.Operators(i) for i in range(graph.OperatorsLength()))


def _name(root: Any, operator: Any, names: dict[int, str]) -> str:
    code = root.OperatorCodes(operator.OpcodeIndex())
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    name = names.get(number, f"number {number}")
    return (code.CustomCode() or b"custom").decode(errors="replace") if name == "CUSTOM" else name


def _check_buffers(root: Any, size: int) -> None:
    """Data of every buffer lies within the bytes: a file that was cut short has some that does not."""
    if root.Version() != 3:
        raise ModelError(f"the model's schema has version {root.Version()}, a device reads 3: convert it again")
    for i in range(root.BuffersLength()):
        buffer = root.Buffers(i)
        count = buffer.DataLength()
        if count and (count > size or len(buffer.DataAsNumpy()) != count):
            raise ValueError(f"buffer {i} ends behind the file")
    for i in range(root.MetadataLength()):
        if root.Metadata(i).Name() == b"OfflineMemoryAllocation":
            raise ModelError("the model brings a memory plan of its own, which a device refuses: convert it without")


def _check_dynamic(graph: Any) -> None:
    """Shapes that are known only when the network runs; the batch alone is taken as one."""
    for i in range(graph.TensorsLength()):
        tensor = graph.Tensors(i)
        signature = [int(tensor.ShapeSignature(d)) for d in range(tensor.ShapeSignatureLength())]
        if -1 in signature[1:]:
            raise ModelError(
                f"the network has the dynamic shape {signature} (tensor {(tensor.Name() or b'').decode()}): convert it"
                " from a function with a fixed input, such as tf.TensorSpec([1, n], tf.float32)"
            )


def _check_operator(schema: Any, root: Any, graph: Any, operator: Any, where: str, name: str) -> None:
    inputs = [graph.Tensors(i) for i in operator.InputsAsNumpy() if i >= 0]
    outputs = [graph.Tensors(i) for i in operator.OutputsAsNumpy()]
    types = schema.TensorType
    # Bias and axes are int32, all else is int8.
    values = (inputs[:1] if name == "MEAN" else inputs[:2]) + outputs
    if name in _INT8_ONLY and any(tensor.Type() != types.INT8 for tensor in values):
        raise ModelError(
            f"{where} does not compute in int8: convert with full integer quantisation"
            " (representative_dataset, supported_ops = [TFLITE_BUILTINS_INT8])"
        )
    if any(tensor.Type() not in (types.INT8, types.INT32, types.FLOAT32) for tensor in (*inputs, *outputs)):
        raise ModelError(f"{where} has a tensor that is not int8, int32 or float32: convert with full integer")
    if any(tensor.IsVariable() or tensor.Sparsity() for tensor in inputs):
        raise ModelError(f"{where} has state or sparse weights, which a device has not: convert without")
    for i, tensor in enumerate(inputs[1:2] if name in ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D") else []):
        if not root.Buffers(tensor.Buffer()).DataLength():
            raise ModelError(f"{where} has weights (input {i + 1}) that are computed: a device takes constants")
    if name == "ADD" and len({_shape(tensor) for tensor in (*inputs, *outputs)}) != 1:
        raise ModelError(f"{where} adds tensors of different shapes: a device adds those of one shape")
    if name == "MEAN":
        axes = root.Buffers(inputs[1].Buffer()).DataAsNumpy()
        if len(_shape(inputs[0])) != 4 or list(axes.view("<i4")) != [1, 2]:
            raise ModelError(f"{where} is not over height and width (axes 1, 2), the only mean that a device takes")


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(int(tensor.Shape(d)) for d in range(tensor.ShapeLength()))
