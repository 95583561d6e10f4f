# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Do healthy recordings choose the detector that real faults would? Synthetic machines, whose faults are known, say.

For each machine: some specimens of it, named as conditions, healthy and faulty recordings of each. Many detectors get
three figures: against pseudo-anomalies and against conditions left out of training, as `tocsin tune` compares
candidates, by healthy recordings alone; and the AUC on faults that no training and no comparing has heard.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from tocsin.alarm.threshold import parse_rate
from tocsin.data import Dataset, Issues, ReadOptions, open_dataset
from tocsin.evaluation.evaluate import evaluate, labels_and_scores, read_options
from tocsin.features.frontend import FrontEnd
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import train
from tocsin.learn.tune.judge import FOLDS, Judge, make_judge
from tocsin.synth import write_dataset

KINDS = ("neighbours", "kmeans", "gmm", "mahalanobis")
# FFT, bands, frames of a window: 2 s, 4 s, 8 s.
FRAMES = ((1024, 64, 62), (1024, 128, 124), (2048, 128, 124))
# Of the healthy recordings of a specimen, how many are for testing: one in five.
HELD_OUT = 5


def lay_out(raw: Path, into: Path, machine: str) -> None:
    """Name recordings as DCASE does, so that a specimen is a condition, and a part of the healthy ones for testing."""
    number = itertools.count()
    for specimen in sorted((raw / machine).glob("id_*")):
        for label, word in (("normal", "normal"), ("abnormal", "anomaly")):
            for i, file in enumerate(sorted((specimen / label).glob("*.wav"))):
                split = "train" if label == "normal" and i % HELD_OUT else "test"
                name = f"section_00_source_{split}_{word}_{next(number):04d}_specimen_{specimen.name[3:]}.wav"
                target = into / machine / split / name
                target.parent.mkdir(parents=True, exist_ok=True)
                file.rename(target)


def detectors(seed: int) -> Iterator[tuple[str, TrainOptions]]:
    """Classical kinds on all sorts of averaged bands, with their names."""
    for kind, average, spacing, (n_fft, bands, frames) in itertools.product(
        KINDS, ("decibel", "power"), ("mel", "linear"), FRAMES
    ):
        front = FrontEnd(
            n_fft=n_fft, bands=bands, spacing=spacing, average=average, window_frames=frames, window_hop=frames // 2
        )  # type: ignore[arg-type]
        budget = parse_rate("1/day")
        options = TrainOptions(kind=kind, budget=budget, seed=seed, front_end=front, strange=0, hearing=False)
        yield f"{kind}, {average}, {spacing}, {n_fft}/{bands}/{frames}", options


def figure(judge: Judge, options: TrainOptions) -> float:
    """By healthy recordings alone."""
    return float(np.mean([judge.fold(number, options)[0] for number in range(FOLDS)]))


def on_faults(dataset: Dataset, root: Path, options: TrainOptions) -> float:
    """AUC over the recordings for testing."""
    bundle = train(dataset, None, options).bundle
    judged = open_dataset(root, read_options(bundle, {}))
    return float(roc_auc_score(*labels_and_scores(evaluate(bundle, judged, issues=Issues()).scored)))


def compare(machine: str, given: argparse.Namespace) -> dict[str, dict[str, float]]:
    """The three figures of each detector."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "set"
        write_dataset(
            Path(folder) / "raw", machine=machine, domain="audio", ids=given.specimens, normal=given.normal,
            abnormal=given.abnormal, seconds=10, seed=given.seed, snr_db=given.snr,
        )  # fmt: skip
        lay_out(Path(folder) / "raw", root, machine)
        dataset = open_dataset(root, ReadOptions())
        found = {}
        judges: dict[str, Judge] = {}
        for name, options in detectors(given.seed):
            if not judges:
                judges["pseudo"] = make_judge(dataset, options, against="pseudo")
                judges["conditions"] = make_judge(dataset, options, against="conditions")
            row = {how: figure(judge, options) for how, judge in judges.items()}
            found[name] = row | {"faults": on_faults(dataset, root, options)}
            print(f"{machine}: {name}: {', '.join(f'{k} {v:.3f}' for k, v in found[name].items())}", file=sys.stderr)
    return found


def summary(machine: str, found: dict[str, dict[str, float]]) -> list[str]:
    """How each figure ranks detectors, and which it chooses."""
    faults = np.array([row["faults"] for row in found.values()])
    lines = [
        f"{machine}: {len(found)} detectors, AUC on faults {faults.max():.3f} best, {np.median(faults):.3f} median"
    ]
    for how in ("pseudo", "conditions"):
        values = np.array([row[how] for row in found.values()])
        chosen = int(values.argmax())
        lines.append(
            f"  by {how}: rank correlation {spearmanr(values, faults)[0]:.2f}; chooses {list(found)[chosen]},"
            f" {faults[chosen]:.3f} on faults"
        )
    return lines


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", 1)[0], epilog="Example: python tools/compare_criteria.py --machines fan,pump"
    )
    parser.add_argument("--machines", default="fan,pump,motor", help="kinds of tocsin synth (fan,pump,motor)")
    parser.add_argument("--specimens", type=int, default=6, help="machines of each kind, the conditions (6)")
    parser.add_argument("--normal", type=int, default=40, help="healthy recordings of each (40)")
    parser.add_argument("--abnormal", type=int, default=16, help="faulty recordings of each (16)")
    parser.add_argument("--snr", type=float, default=-6, help="dB (-6)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = {machine: compare(machine, given) for machine in given.machines.split(",")}
    if given.json:
        print(json.dumps(found, indent=1))
    else:
        print("\n".join(line for machine, rows in found.items() for line in summary(machine, rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
