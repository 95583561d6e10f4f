# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Train several detectors on one data set and print one table: AUC by machine and over all, with bootstrap intervals.

Every score comes from the device's own code (the twin, int8 where the model is). The detectors of docs/detection.md are
built in: the kinds with their defaults, and nearest neighbours on band powers averaged over a whole clip.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score

from tocsin.data import Issues, ReadOptions, open_dataset
from tocsin.errors import TocsinError
from tocsin.evaluate import Scored, auc_interval, evaluate, labels_and_scores
from tocsin.frontend import FrontEnd
from tocsin.threshold import parse_rate
from tocsin.train import TrainOptions, train

CLIP = {"spacing": "linear", "average": "power", "window_frames": 374, "window_hop": 187}
DETECTORS: dict[str, tuple[str, FrontEnd]] = {
    "k-means": ("kmeans", FrontEnd()),
    "mixture": ("gmm", FrontEnd()),
    "Mahalanobis": ("mahalanobis", FrontEnd()),
    "dense autoencoder": ("autoencoder", FrontEnd()),
    "neighbours, 64 bands": ("neighbours", FrontEnd(bands=64, **CLIP)),  # type: ignore[arg-type]
    "neighbours, 128 bands": ("neighbours", FrontEnd(bands=128, **CLIP)),  # type: ignore[arg-type]
}


def measured(scored: list[Scored], seed: int) -> tuple[float, float, float]:
    """AUC of recordings and its 95 % bootstrap interval."""
    low, high = auc_interval(scored, seed=seed) or (float("nan"), float("nan"))
    return float(roc_auc_score(*labels_and_scores(scored))), low, high


def main() -> int:
    """Train, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True, help="a data set with healthy and strange test recordings")
    parser.add_argument("--seed", type=int, default=0, help="of splits, fits and the bootstrap (0)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    found: dict[str, dict[str, object]] = {}
    try:
        dataset = open_dataset(options.data, ReadOptions())
        for name, (kind, front) in DETECTORS.items():
            chosen = TrainOptions(kind=kind, budget=parse_rate("1/day"), front_end=front, seed=options.seed)
            bundle = train(dataset, None, chosen).bundle
            scored = evaluate(bundle, dataset, issues=Issues()).scored
            machines = sorted({item.clip.machine for item in scored})
            groups = {m: [item for item in scored if item.clip.machine == m] for m in machines} | {"all": scored}
            found[name] = {"bytes": bundle.size} | {m: measured(items, options.seed) for m, items in groups.items()}
            print(f"{name} done", file=sys.stderr)
    except TocsinError as error:
        print(f"compare_models: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    columns = list(next(iter(found.values())))
    table = Table("detector", *columns)
    for name, row in found.items():
        cells = [f"{v:,}" if isinstance(v, int) else "{:.3f} ({:.2f} to {:.2f})".format(*v) for v in row.values()]  # type: ignore[misc]
        table.add_row(name, *cells)
    Console(width=140).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
