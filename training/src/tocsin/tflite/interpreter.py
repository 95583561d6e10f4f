# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The int8 network on the desk, run by the microcontroller's own interpreter.

Where ``tflite-micro`` is installed (its wheels are for x86-64 Linux), that is TensorFlow Lite Micro with its
reference kernels, which give what a device gives, bit for bit. Elsewhere it is TensorFlow Lite with its reference
kernels: they round once where a device rounds twice when a sum is scaled to the output, so a value is now and then a
step off, and an autoencoder's scores are close to the device's but not the same. :data:`BACKEND` says which.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import warnings
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import ModelError
from tocsin.extras import require
from tocsin.tflite import flatbuffer as _tflite

__all__ = ["ARENA_MARGIN", "BACKEND", "Int8Interpreter", "ModelIo", "measure_arena", "model_io"]

Backend = Literal["tflite-micro", "tensorflow-lite"]

BACKEND: Backend = "tflite-micro" if importlib.util.find_spec("tflite_micro") else "tensorflow-lite"
"""Which interpreter runs the networks here."""

ARENA_MARGIN = 1024
"""Bytes that :func:`measure_arena` adds for what a device's kernels ask for beyond the reference kernels.

It covers the records of their requests. What Tocsin's own kernels work in (two bytes an input of a fully connected
layer, ten for each product in an output of a convolution) is added besides; CMSIS-NN's fully connected one asks for
nothing on cores with the DSP extension (Cortex-M4, M7, M33), its convolutions for no more than ours. On cores with MVE
(Cortex-M55, M85) that one keeps 4 bytes an output value: give such a target's arena size to
:meth:`tocsin.bundle.AutoencoderModel.from_tflite`. A firmware checks the size at load.
"""

_ALIGN = 16
_PROBE_SECONDS = 120


class ModelIo(NamedTuple):
    """The two ends of a network: ``real = scale * (q - zero)``, `inputs` and `outputs` values."""

    in_scale: float
    in_zero: int
    out_scale: float
    out_zero: int
    inputs: int
    outputs: int

    @property
    def range(self) -> tuple[float, float]:
        """Least and greatest value that the input can tell apart."""
        return self.in_scale * (-128 - self.in_zero), self.in_scale * (127 - self.in_zero)


class Int8Interpreter:
    """Run an int8 network, vector by vector, as a device does.

    Not thread-safe: use one for each thread.

    Parameters
    ----------
    model : bytes
        The TFLite flatbuffer. It must come from a converter: TensorFlow Lite Micro does not verify it.
    arena_size : int, optional
        Bytes of tensor arena, at least. A desk has room and gives more, as TensorFlow Lite Micro may end the
        process where it is too small; to find the least, use :func:`measure_arena`.
    backend : {"tflite-micro", "tensorflow-lite"}, optional
        By default :data:`BACKEND`.

    Raises
    ------
    ModelError
        Where the network is none that a device can score with.
    """

    def __init__(self, model: bytes, arena_size: int | None = None, *, backend: Backend = BACKEND) -> None:
        self.io = model_io(model)
        self.backend: Backend = backend
        try:
            if backend == "tflite-micro":
                self._runner: _Micro | _Lite = _Micro(model, max(arena_size or 0, _limit(model)))
            else:
                self._runner = _Lite(model)
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{backend} cannot run the network ({error}): use operators that it supports") from error

    def run(self, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
        """Outputs, int8 of shape (n, outputs), for inputs, int8 of shape (n, inputs).

        Raises
        ------
        ModelError
            Where the inputs have another type or shape, or the network fails.
        """
        dim = self.io.inputs
        if inputs.dtype != np.int8 or inputs.ndim != 2 or inputs.shape[1] != dim:
            raise ModelError(f"inputs are {inputs.dtype} {inputs.shape}, the network takes int8 of shape (n, {dim})")
        outputs = np.empty((len(inputs), self.io.outputs), dtype=np.int8)
        try:
            for row, vector in enumerate(inputs):
                outputs[row] = self._runner.run(vector)
        except RuntimeError as error:
            raise ModelError(f"the network failed on input {row} ({error})") from error
        return outputs


class _Micro:
    """TensorFlow Lite Micro."""

    def __init__(self, model: bytes, arena_size: int) -> None:
        from tflite_micro.python.tflite_micro import runtime

        self._interpreter: Any = runtime.Interpreter.from_bytes(model, arena_size=arena_size)
        self._shape = tuple(self._interpreter.get_input_details(0)["shape"])

    def run(self, vector: NDArray[np.int8]) -> Any:
        self._interpreter.set_input(vector.reshape(self._shape), 0)
        self._interpreter.invoke()
        return self._interpreter.get_output(0).ravel()


class _Lite:
    """TensorFlow Lite with its reference kernels."""

    def __init__(self, model: bytes) -> None:
        require("tensorflow")
        import tensorflow as tf

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tells to use a successor that has no reference kernels
            self._interpreter: Any = tf.lite.Interpreter(
                model_content=model,
                experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
            )
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def run(self, vector: NDArray[np.int8]) -> Any:
        self._interpreter.set_tensor(self._input["index"], vector.reshape(self._input["shape"]))
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output).ravel()


def model_io(model: bytes) -> ModelIo:
    """Quantisation and length of the network's two ends.

    Parameters
    ----------
    model : bytes
        The TFLite flatbuffer.

    Raises
    ------
    ModelError
        Where it is no TFLite model, or does not have one int8 input and one int8 output, quantised per tensor.
    """
    (in_scale, in_zero, in_dim), (out_scale, out_zero, out_dim) = _tflite.ends(model)
    return ModelIo(in_scale, in_zero, out_scale, out_zero, in_dim, out_dim)


def measure_arena(model: bytes, slide: int = 0) -> int:
    """Bytes of tensor arena that a device needs for the network.

    The least with which TensorFlow Lite Micro here can prepare and run it, found by bisection in a process of its
    own, plus what Tocsin's own kernels work in and keep, and :data:`ARENA_MARGIN`; a multiple of 16. TFLM's
    records hold pointers, 8 bytes here and 4 on a microcontroller, so a 32-bit target needs less. Without
    ``tflite-micro``, an upper bound is computed instead.

    Parameters
    ----------
    model : bytes
        The TFLite flatbuffer.
    slide : int
        Frames by which windows slide, where a layer that they share keeps the others; 0: none does.

    Raises
    ------
    ModelError
        Where the network does not run.
    """
    model_io(model)
    needed = _bisect(model) if BACKEND == "tflite-micro" else _tflite.arena_bound(model)
    # The arena rounds what a kernel asks for up to its alignment.
    own = sum(-(-size // _ALIGN) * _ALIGN for size in (_tflite.work_space(model), _tflite.kept_size(model, slide)))
    return -(-(needed + own + ARENA_MARGIN) // _ALIGN) * _ALIGN


def _limit(model: bytes) -> int:
    return 2 * _tflite.arena_bound(model) + 10 * len(model)


def _bisect(model: bytes) -> int:
    command = [sys.executable, "-m", "tocsin.tflite._arena_probe", str(_limit(model))]
    try:
        done = subprocess.run(command, input=model, capture_output=True, timeout=_PROBE_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"the network did not run within {_PROBE_SECONDS} s: use a smaller one") from error
    if done.returncode != 0:
        detail = done.stderr.decode(errors="replace").strip().splitlines()
        raise ModelError(
            "TensorFlow Lite Micro cannot run the network: use operators that it supports"
            + (f" ({detail[-1]})" if detail else "")
        )
    return int(done.stdout)
