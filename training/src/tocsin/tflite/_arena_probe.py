# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Measure the arena of the network on standard input; a process of its own, as TFLM may crash on too small a one.

Each size is tried in a fork: ``python -m tocsin.tflite._arena_probe LIMIT < model.tflite`` prints the least number of
bytes, a multiple of 16, with which the network can be prepared and run.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np

_STEP = 16


def _attempt(runtime: Any, model: bytes, size: int) -> bool:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 2)
            interpreter = runtime.Interpreter.from_bytes(model, arena_size=size)
            shape = interpreter.get_input_details(0)["shape"]
            interpreter.set_input(np.zeros(shape, np.int8), 0)
            interpreter.invoke()
            code = 0
        except Exception:  # told by the exit status; the sizes above decide
            code = 1
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return status == 0


def main() -> int:
    """Bisect and print; exit status 1 where the network does not run at all."""
    from tflite_micro.python.tflite_micro import runtime

    model = sys.stdin.buffer.read()
    low, high = 0, -(-int(sys.argv[1]) // _STEP)
    if not _attempt(runtime, model, high * _STEP):
        return 1
    while high - low > 1:
        middle = (low + high) // 2
        if _attempt(runtime, model, middle * _STEP):
            high = middle
        else:
            low = middle
    print(high * _STEP)
    return 0


if __name__ == "__main__":
    sys.exit(main())
