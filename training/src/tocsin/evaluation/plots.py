# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of an evaluation: ROC curves, histograms of the scores, heat maps of a transfer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError, reason
from ..extras import require
from ..learn.roc import curve
from .evaluate import Scored, figures

if TYPE_CHECKING:
    from .outcomes import Transfer


def save_plots(folder: Path, scored: Sequence[Scored], title: str) -> list[Path]:
    """Write ``roc.png`` and ``scores.png`` to `folder`, which is made where it is missing.

    Raises
    ------
    DataError
        The folder cannot be written to.
    """
    require("matplotlib")
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
        raise DataError(f"The plots cannot be written to {folder}: {reason(error)}.") from error
    return paths


def _roc(pyplot, groups: dict[str, list[Scored]]):  # type: ignore[no-untyped-def]
    figure, axes = pyplot.subplots(figsize=(5, 5), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for name, items in groups.items():
        auc, _, healthy, strange = figures(items)
        if auc is None:
            continue
        truth = [item.clip.label == "anomaly" for item in items]
        false_rate, true_rate = curve(truth, [item.score for item in items])
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


def save_transfer(path: Path, result: Transfer) -> None:
    """Write a row for each model: AUC and false alarms of each detector on each machine, and what minutes win back.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    require("matplotlib")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    kinds = list(dict.fromkeys(item.kind for item in result.outcomes))
    size = max(4.0, 1.2 + 0.7 * len(result.machines))
    figure, rows = pyplot.subplots(
        len(kinds), 3, figsize=(2 * size + 5, size * len(kinds)), layout="constrained", squeeze=False
    )
    for (auc, false, lines), kind in zip(rows, kinds, strict=True):
        _heat_map(auc, result.matrix(kind, "auc"), result.machines, f"{kind}: AUC", "viridis", 1)
        title = f"{kind}: healthy recordings with an alarm, %"
        _heat_map(false, 100 * result.matrix(kind, "false_alarms"), result.machines, title, "magma_r", 100)
        _minutes(lines, [item for item in result.summaries if item.kind == kind])
        lines.set_title(f"{kind}: other machines, re-baselined", fontsize=10)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=100, format="png", metadata={"Software": None})
    except OSError as error:
        raise DataError(f"The heat map cannot be written to {path}: {reason(error)}.") from error
    finally:
        pyplot.close(figure)


def _heat_map(axes: Any, matrix: Any, names: list[str], title: str, colours: str, most: float) -> None:
    """Numbers on colours: trained on (rows), tested on (columns)."""
    image = axes.imshow(matrix, cmap=colours, vmin=0, vmax=most)
    axes.set(xlabel="tested on", ylabel="trained on")
    axes.set_title(title, fontsize=10)
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), names)
    for (row, column), value in np.ndenumerate(matrix):
        if np.isnan(value):
            text, colour = "no data", "black"
        else:
            text = f"{value:.2f}" if most == 1 else f"{value:.0f}"
            red, green, blue, _ = image.cmap(image.norm(value))
            colour = "black" if 0.3 * red + 0.6 * green + 0.1 * blue > 0.5 else "white"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)


def _minutes(axes: Any, summaries: Sequence[Any]) -> None:
    """AUC by minutes, a line for each way to re-baseline."""
    for method in dict.fromkeys(item.method for item in summaries):
        points = [(item.minutes, item.auc) for item in summaries if item.method == method and item.auc is not None]
        if method in ("none", "own"):
            for _, value in points:
                style, label = (":", "as they came") if method == "none" else ("--", "each machine's own detector")
                axes.axhline(value, linestyle=style, color="0.4", label=label)
        elif points:
            style = "--" if method == "anew" else "-"
            label = "trained anew on these minutes" if method == "anew" else method
            axes.plot(*zip(*points, strict=True), marker="o", linestyle=style, label=label)
    axes.set(xlabel="minutes of healthy running", ylabel="AUC, mean over pairs of machines")
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)
