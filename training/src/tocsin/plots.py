# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of an evaluation: ROC curves, and histograms of the scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .errors import DataError
from .evaluate import Scored, figures


def save_plots(folder: Path, scored: Sequence[Scored], title: str) -> list[Path]:
    """Write ``roc.png`` and ``scores.png`` to `folder`, which is made where it is missing.

    Raises
    ------
    DataError
        The folder cannot be written to.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    machines = sorted({item.clip.machine for item in scored})
    groups = {name: [item for item in scored if item.clip.machine == name] for name in machines}
    if len(groups) > 1:
        groups["all"] = list(scored)
    paths = [folder / "roc.png", folder / "scores.png"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, draw in zip(paths, (_roc, _histograms), strict=True):
            figure = draw(pyplot, groups)
            figure.suptitle(title)
            figure.savefig(path, dpi=120, metadata={"Software": None})
            pyplot.close(figure)
    except OSError as error:
        raise DataError(f"The plots cannot be written to {folder} ({error}).") from error
    return paths


def _roc(pyplot, groups: dict[str, list[Scored]]):  # type: ignore[no-untyped-def]
    from sklearn.metrics import roc_curve

    figure, axes = pyplot.subplots(figsize=(5, 5), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for name, items in groups.items():
        auc, _, healthy, strange = figures(items)
        if auc is None:
            continue
        truth = [item.clip.label == "anomaly" for item in items]
        false_rate, true_rate, _ = roc_curve(truth, [item.score for item in items])
        axes.step(false_rate, true_rate, where="post", label=f"{name}: {auc:.3f} ({healthy} / {strange})")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right", title="AUC (normal / anomaly)")
    return figure


def _histograms(pyplot, groups: dict[str, list[Scored]]):  # type: ignore[no-untyped-def]
    figure, rows = pyplot.subplots(
        len(groups), 1, figsize=(6, 1 + 1.8 * len(groups)), layout="constrained", squeeze=False
    )
    for axes, (name, items) in zip(rows[:, 0], groups.items(), strict=True):
        scores = np.array([item.score for item in items])
        # A faulty machine can score a thousand times a healthy one; beyond that, linear bins would show two bars.
        wide = scores.min() > 0 and scores.max() > 30 * np.median(scores)
        if wide:
            axes.set_xscale("log")
        edges = np.geomspace(scores.min(), scores.max(), 41) if wide else np.histogram_bin_edges(scores, 40)
        for label, colour in (("normal", "tab:blue"), ("anomaly", "tab:red")):
            chosen = [item.score for item in items if item.clip.label == label]
            axes.hist(chosen, bins=edges, alpha=0.6, color=colour, label=f"{label} ({len(chosen)})")
        axes.set(title=name, ylabel="recordings")
        axes.legend()
    rows[-1, 0].set_xlabel("anomaly score of a recording")
    return figure
