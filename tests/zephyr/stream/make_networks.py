# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Write random int8 networks whose first layer the frames of a stack share.

    python make_networks.py networks.bin --seed 1

Put together as those of tests/zephyr/networks are: odd widths, any quantisation, every fused activation. Layout of the
file: see ``pack``.
"""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path
from typing import Any

import numpy as np

NETWORKS = 40


def parts() -> Any:
    """The module that puts networks together, which has this one's name."""
    spec = importlib.util.spec_from_file_location("networks", Path(__file__).parents[1] / "networks/make_networks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def end(tensor: Any) -> bytes:
    """Scale and zero point."""
    return struct.pack("<fi", tensor.quantization.scale[0], tensor.quantization.zeroPoint[0])


def pack(make: Any, rng: np.random.Generator) -> bytes:
    """A network of the file: a head of 48 bytes, and the model, padded to 16.

    The head: size of the model; frames, values of a frame, frames by which windows slide; where the shared layer's
    weights begin in the model, and their size; values that the network gives; zero; scale and zero point of both ends.
    """
    frames, bands = int(rng.integers(2, 8)), make.width(rng)
    bands = min(bands, 600 // frames)
    network = make.Network(rng, (1, frames * bands))
    network.reshape((1, frames, bands))
    network.dense(min(make.width(rng), 400 // frames))
    weights = network.model.buffers[network.graph.tensors[network.graph.operators[-1].inputs[1]].buffer].data
    if rng.random() < 0.3:
        # One more that they share: it keeps nothing.
        network.dense(int(rng.integers(1, 20)))
    network.reshape()
    for _ in range(rng.integers(1, 3)):
        network.dense(make.width(rng))
    ends = end(network.graph.tensors[network.graph.inputs[0]]) + end(network.graph.tensors[network.last])
    outputs = int(np.prod(network.shape()))
    model, _ = network.finish()
    slide = int(rng.integers(1, min(frames, 4)))
    head = struct.pack(
        "<8I", len(model), frames, bands, slide, model.index(weights.tobytes()), len(weights), outputs, 0
    )
    return head + ends + make.padded(model)


if __name__ == "__main__":
    make = parts()
    make.write(__doc__.split("\n", 1)[0], lambda rng: (pack(make, rng) for _ in range(NETWORKS)), 48)
