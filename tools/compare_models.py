# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Train several detectors on one data set and print one table: AUC by machine and over all, with bootstrap intervals.

Every score comes from the device's own code (the twin, int8 where the model is). The detectors of
docs/explanation/detection.md are built in: each kind with its defaults, and those that work on band powers averaged
over a whole clip.

--float adds the AUC of the same detectors before quantisation, and --cross-validate prints, instead of all that, what
healthy recordings alone say of each detector: its AUC against conditions left out of training, or against
pseudo-anomalies, cross-validated as `tocsin tune` does it. With that, no test recording is read.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score

from tocsin.alarm.threshold import parse_rate
from tocsin.data import Dataset, Issues, ReadOptions, extract, open_dataset
from tocsin.errors import TocsinError
from tocsin.evaluation.evaluate import Scored, auc_interval, evaluate, labels_and_scores, read_options
from tocsin.features.frontend import FrontEnd
from tocsin.learn.options import TrainOptions
from tocsin.learn.train import Trained, normalise, train
from tocsin.learn.tune.judge import FOLDS, Judge, make_judge


@dataclass(frozen=True)
class Detector:
    """What is trained: a kind, its front end, and what else is not by default."""

    kind: str
    front_end: FrontEnd = field(default_factory=FrontEnd)
    options: dict[str, Any] = field(default_factory=dict)


def clip_powers(bands: int, spacing: Literal["linear", "mel"] = "linear") -> FrontEnd:
    """Band powers averaged over a clip of 12 s at 16 kHz."""
    return FrontEnd(bands=bands, spacing=spacing, average="power", window_frames=374, window_hop=187)


SELECTIVE = {"head": "mahalanobis"}
SOUND: dict[str, Detector] = {
    "k-means": Detector("kmeans"),
    "mixture": Detector("gmm"),
    "Mahalanobis": Detector("mahalanobis"),
    "dense autoencoder": Detector("autoencoder"),
    "dense autoencoder, selective Mahalanobis": Detector("autoencoder", options=SELECTIVE),
    "idnn": Detector("idnn"),
    "idnn, selective Mahalanobis": Detector("idnn", options=SELECTIVE),
    "conv": Detector("conv"),
    "conv, selective Mahalanobis": Detector("conv", options=SELECTIVE),
    "k-means, 128 bands": Detector("kmeans", clip_powers(128)),
    "mixture, 128 bands": Detector("gmm", clip_powers(128)),
    "Mahalanobis, 128 bands": Detector("mahalanobis", clip_powers(128)),
    "neighbours": Detector("neighbours"),
    "neighbours, 64 mel bands": Detector("neighbours", clip_powers(64, "mel")),
    "neighbours, 128 mel bands": Detector("neighbours", clip_powers(128, "mel")),
    "neighbours, 64 bands": Detector("neighbours", clip_powers(64)),
    "neighbours, 128 bands": Detector("neighbours", clip_powers(128)),
    "dense autoencoder, 128 bands": Detector("autoencoder", clip_powers(128)),
    "embedding, 128 bands": Detector("embedding", clip_powers(128)),
    "embedding, 128 bands, selective Mahalanobis": Detector("embedding", clip_powers(128), SELECTIVE),
    "neighbours + mixture, 128 bands": Detector("combined", clip_powers(128), {"members": ("neighbours", "gmm")}),
    "neighbours + autoencoder, 128 bands": Detector(
        "combined", clip_powers(128), {"members": ("neighbours", "autoencoder")}
    ),
    "neighbours + embedding, 128 bands": Detector(
        "combined", clip_powers(128), {"members": ("neighbours", "embedding")}
    ),
}
RMS = FrontEnd(stats=("rms",), bands=0)
VIBRATION: dict[str, Detector] = {
    "k-means": Detector("kmeans"),
    "mixture": Detector("gmm"),
    "Mahalanobis": Detector("mahalanobis"),
    "neighbours": Detector("neighbours"),
    "dense autoencoder": Detector("autoencoder"),
    "idnn": Detector("idnn"),
    "conv": Detector("conv"),
    "embedding": Detector("embedding"),
    "k-means, RMS": Detector("kmeans", RMS),
    "mixture, RMS": Detector("gmm", RMS),
    "neighbours, RMS": Detector("neighbours", RMS),
    "neighbours + mixture, RMS": Detector("combined", RMS, {"members": ("neighbours", "gmm")}),
}


def measured(scored: list[Scored], seed: int) -> tuple[float, float, float]:
    """AUC of recordings and its 95 % bootstrap interval."""
    low, high = auc_interval(scored, seed=seed) or (float("nan"), float("nan"))
    return float(roc_auc_score(*labels_and_scores(scored))), low, high


def before_quantisation(trained: Trained, dataset: Dataset, scored: list[Scored]) -> float:
    """AUC over the same recordings by the model's scores in float."""
    norm = trained.bundle.normalisation
    items = extract(dataset, [item.clip for item in scored], trained.bundle.features, issues=Issues())
    exact = [Scored(item.clip, float(np.mean(trained.exact(normalise(item.vectors, norm))))) for item in items]
    return float(roc_auc_score(*labels_and_scores(exact)))


def row_of(dataset: Dataset, chosen: TrainOptions, root: Path, in_float: bool) -> dict[str, object]:
    """Train a detector and judge it by the test recordings."""
    trained = train(dataset, None, chosen)
    judged = open_dataset(root, read_options(trained.bundle, {}))
    scored = evaluate(trained.bundle, judged, issues=Issues()).scored
    machines = sorted({item.clip.machine for item in scored})
    groups = {m: [item for item in scored if item.clip.machine == m] for m in machines} | {"all": scored}
    row: dict[str, object] = {"bytes": trained.bundle.size}
    row |= {m: measured(items, chosen.seed) for m, items in groups.items()}
    if in_float:
        exact = before_quantisation(trained, judged, scored)
        row |= {"float": exact, "loss": exact - measured(scored, chosen.seed)[0]}
    return row


def crossed(judge: Judge, chosen: TrainOptions) -> dict[str, object]:
    """Judge a detector by healthy recordings alone, fold by fold."""
    folds = [judge.fold(number, chosen) for number in range(FOLDS)]
    row: dict[str, object] = {"bytes": max(bundle.size for _, bundle in folds)}
    row["mean"] = float(np.mean([auc for auc, _ in folds]))
    return row | {f"fold {number + 1}": auc for number, (auc, _) in enumerate(folds)}


def text_of(value: object) -> str:
    """A cell."""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4f}"
    return "{:.3f} ({:.2f} to {:.2f})".format(*value)  # type: ignore[misc]


def main() -> int:
    """Train, judge, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", 1)[0],
        epilog="Example: python tools/compare_models.py --data DATA/toycar --float --only neighbours",
    )
    parser.add_argument("--data", type=Path, required=True, help="a data set with healthy and strange test recordings")
    parser.add_argument("--rate", type=int, help="samples a second, of recordings that do not say")
    parser.add_argument("--unit", help="of vibration: g, mg or ug (g)")
    parser.add_argument("--seed", type=int, default=0, help="of splits, fits and the bootstrap (0)")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="detectors whose name holds one of these words")
    parser.add_argument("--float", action="store_true", help="the AUC before quantisation, too")
    parser.add_argument("--qat", action="store_true", help="fine-tune networks with int8's rounding simulated")
    parser.add_argument("--cross-validate", action="store_true", help="judge by healthy recordings alone")
    parser.add_argument(
        "--against", choices=["pseudo", "conditions"], default="pseudo", help="what stands in for anomalies there"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    given = {name: getattr(options, name) for name in ("rate", "unit") if getattr(options, name) is not None}
    found: dict[str, dict[str, object]] = {}
    failed = False
    try:
        dataset = open_dataset(options.data, ReadOptions(**given))
        detectors = SOUND if dataset.kind == "audio" else VIBRATION
        names = [name for name in detectors if not options.only or any(word in name for word in options.only)]
        if not names:
            parser.error(f"no detector has such a name: choose words of {'; '.join(detectors)}")
        base = TrainOptions(kind="kmeans", budget=parse_rate("1/day"), seed=options.seed)
        judge = make_judge(dataset, base, against=options.against) if options.cross_validate else None
        for name in names:
            detector = detectors[name]
            chosen = TrainOptions(
                kind=detector.kind, budget=base.budget, front_end=detector.front_end, seed=options.seed,
                qat=options.qat, hearing=False, **detector.options,
            )  # fmt: skip
            try:
                found[name] = crossed(judge, chosen) if judge else row_of(dataset, chosen, options.data, options.float)
                print(f"{name}: {', '.join(map(text_of, found[name].values()))}", file=sys.stderr)
            except TocsinError as error:
                failed = True
                print(f"{name}: {error}", file=sys.stderr)
    except TocsinError as error:
        print(f"compare_models: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(found, indent=2))
        return int(failed)
    table = Table("detector", *next(iter(found.values()), ()))
    for name, row in found.items():
        table.add_row(name, *map(text_of, row.values()))
    Console(width=160).print(table)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
