# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What ways to quantise a network cost: AUC in float, in int8 and with int16 activations, with and without fine-tuning.

Networks are trained once in float, fine-tuned with int8's rounding simulated, and each of the two is quantised in all
ways. All are run by TensorFlow Lite on the desk, as the firmware runs int8 alone; `tools/compare_models.py --float`
compares the device's own scores with those in float.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score

from tocsin.alarm.threshold import parse_rate
from tocsin.data import Issues, ReadOptions, extract, open_dataset, split_clips
from tocsin.errors import TocsinError
from tocsin.evaluation.evaluate import candidates
from tocsin.learn.models.autoencoder import (
    Reconstruction,
    default_hidden,
    fit_autoencoder,
    fit_convolutional,
    fit_interpolation,
    parts,
)
from tocsin.learn.models.network import Array, to_int8
from tocsin.learn.models.training import Schedule
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import choose_features, fit_normalisation, is_stacked, normalise

WAYS = {
    "int8 by channel": {},
    "int8 by tensor": {"by_channel": False},
    "int16x8": {"wide": True},
}


def run(tflite: bytes, x: Array) -> Array:
    """Outputs of a quantised network, in float."""
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(model_content=tflite)
    given, told = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    interpreter.resize_tensor_input(given["index"], x.shape)
    interpreter.allocate_tensors()
    scale, zero = given["quantization"]
    limits = np.iinfo(given["dtype"])
    digits = np.clip(np.rint(x / scale) + zero, limits.min, limits.max).astype(given["dtype"])
    interpreter.set_tensor(given["index"], digits)
    interpreter.invoke()
    scale, zero = told["quantization"]
    return np.asarray((interpreter.get_tensor(told["index"]).astype(np.float32) - zero) * scale, np.float32)


def auc_of(truth: list[bool], scores: list[float]) -> float:
    """Area under the ROC curve."""
    return float(roc_auc_score(truth, scores))


def scored(network: Reconstruction, tflite: bytes, recordings: list[Array]) -> list[float]:
    """Mean score of each recording by the quantised network."""
    found = []
    for x in recordings:
        given, target = parts(x, network.first, network.outputs)
        found.append(float(np.mean((target - run(tflite, given)) ** 2)))
    return found


def fitted(kind: str, x: Array, held: Array, frames: int, schedule: Schedule) -> Reconstruction:
    """Train a network of the kind."""
    hidden = default_hidden(x.shape[1])
    if kind == "idnn":
        return fit_interpolation(x, held, frames, hidden, schedule)
    if kind == "conv":
        return fit_convolutional(x, held, frames, schedule)
    return fit_autoencoder(x, held, hidden, schedule)


def rows_of(kind: str, options: Any) -> list[tuple[str, str, float, dict[str, tuple[int, float]]]]:
    """For float training and for fine-tuning: AUC in float, and bytes and AUC by way to quantise."""
    given = {name: getattr(options, name) for name in ("rate", "unit") if getattr(options, name) is not None}
    dataset = open_dataset(options.data, ReadOptions(**given))
    chosen = TrainOptions(kind=kind, budget=parse_rate("1/day"), seed=options.seed, hearing=False)
    split = split_clips(dataset.clips, seed=options.seed, holdout=chosen.holdout, validation=chosen.validation)
    dataset = dataset.settle(split.fit + split.validation)
    features = choose_features(dataset, split.fit, chosen, stacked=is_stacked(chosen))
    used = {clip.name for clip in split.fit + split.validation}
    tests = [clip for clip in candidates(dataset) if clip.name not in used]
    fit, held, test = (
        list(extract(dataset, clips, features, issues=Issues())) for clips in (split.fit, split.validation, tests)
    )
    vectors = np.concatenate([item.vectors for item in fit])
    normalisation = fit_normalisation(vectors)
    x, judged = (normalise(v, normalisation) for v in (vectors, np.concatenate([item.vectors for item in held])))
    recordings = [normalise(item.vectors, normalisation) for item in test]
    truth = [item.clip.label == "anomaly" for item in test]
    rows = []
    for qat in (False, True):
        network = fitted(kind, x, judged, features.window_frames, Schedule(qat=qat, seed=options.seed))
        exact = auc_of(truth, [float(network.score(v).mean()) for v in recordings])
        inputs, _ = parts(x, network.first, network.outputs)
        ways = {}
        for name, how in WAYS.items():
            tflite = to_int8(network.network, inputs, seed=options.seed, **how)
            ways[name] = (len(tflite), auc_of(truth, scored(network, tflite, recordings)))
        rows.append((kind, "fine-tuned" if qat else "as trained", exact, ways))
    return rows


def main() -> int:
    """Train, quantise, judge, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", 1)[0],
        epilog="Example: python tools/compare_quantisation.py --data DATA/toycar --models autoencoder conv",
    )
    parser.add_argument("--data", type=Path, required=True, help="a data set with healthy and strange test recordings")
    parser.add_argument("--models", nargs="+", choices=("autoencoder", "idnn", "conv"), default=["autoencoder"])
    parser.add_argument("--rate", type=int, help="samples a second, of recordings that do not say")
    parser.add_argument("--unit", help="of vibration: g, mg or ug (g)")
    parser.add_argument("--seed", type=int, default=0, help="of splits and fits (0)")
    options = parser.parse_args()
    table = Table("network", "weights", "float", *(f"{name}: AUC, loss, bytes" for name in WAYS))
    try:
        for kind in options.models:
            for name, weights, exact, ways in rows_of(kind, options):
                cells = [f"{auc:.4f}, {exact - auc:+.4f}, {size:,}" for size, auc in ways.values()]
                table.add_row(name, weights, f"{exact:.4f}", *cells)
    except TocsinError as error:
        print(f"compare_quantisation: {error}", file=sys.stderr)
        return 1
    Console(width=160).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
