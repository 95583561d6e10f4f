# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What to do with a detector on another machine, by the figures of :mod:`tocsin.evaluation.transfer`.

Ways are ranked by what they find at the budget of false alarms. A way keeps the budget unless its false alarms on the
healthy test recordings are more than chance makes of it. Among those that keep it, the one that finds most anomalies
comes first, and of equals the one with the greatest AUC. An AUC tells how well anomalies can be ranked. It does not
tell whether one raises an alarm.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..learn.adapt import METHODS
from ..words import counted
from .outcomes import ANEW, NONE, OWN, Summary, Transfer

EQUAL = 0.005
"""Shares of anomalies found that differ by less count as equal."""

WORTH_IT = 0.01
"""A gain in AUC below this does not justify a deeper change."""

GUESSING = 0.5
"""At this AUC or below it a detector tells nothing."""

HARD = 0.65
"""Below this AUC on its own machine, a detector is little better than chance."""

BY_CHANCE = 0.05
"""Probability below which that many false alarms are called more than the budget."""

# From the least change to the most.
_DEPTH = (NONE, *METHODS, ANEW)


def keeps_budget(item: Summary, per_hour: float) -> bool:
    """Whether the false alarms of `item` can be what a budget of `per_hour` gives, by the Poisson distribution."""
    from scipy.stats import poisson

    if not item.false_alarms or not item.n_normal:
        return True
    count = round(item.false_alarms * item.n_normal)
    return bool(poisson.sf(count - 1, per_hour * item.hours) > BY_CHANCE)


def rank(items: Sequence[Summary], per_hour: float) -> list[Summary]:
    """Ways in the order of what they find at the budget, best first.

    Those that keep the budget come before those that do not. Among the latter, false alarms count against what is
    found.

    Parameters
    ----------
    items
        Of one model and one length of time, with AUC and detections.
    per_hour
        Budget, false alarms an hour.
    """
    left = sorted(items, key=lambda item: _DEPTH.index(item.method))
    ranked: list[Summary] = []
    while left:
        keeping = [item for item in left if keeps_budget(item, per_hour)]
        candidates = keeping or left
        greatest = max(_found(item, bool(keeping)) for item in candidates)
        equal = [item for item in candidates if _found(item, bool(keeping)) > greatest - EQUAL]
        best = equal[0]
        for item in equal[1:]:
            if (item.auc or 0.0) > (best.auc or 0.0) + WORTH_IT:
                best = item
        ranked.append(best)
        left.remove(best)
    return ranked


def _found(item: Summary, keeps: bool) -> float:
    found = item.detected or 0.0
    return found if keeps else found - (item.false_alarms or 0.0)


def recommend(result: Transfer) -> str:
    """What the data say of each model, and which model is the best, a sentence or two each.

    Compared are all ways at the longest time that was tried: the detector as it came, re-baselined, and trained anew on
    the same minutes. Ways that give a detector which cannot raise an alarm are left out.
    """
    lines = []
    winners: list[Summary] = []
    for kind in dict.fromkeys(item.kind for item in result.summaries):
        every = [item for item in result.summaries if item.kind == kind and item.detected is not None]
        came = next((item for item in every if item.method == NONE), None)
        timed = [item for item in every if item.method in (*METHODS, ANEW)]
        if came is None or not timed:
            continue
        longest = max(item.minutes for item in timed)
        ways = [came, *(item for item in timed if item.minutes == longest)]
        ranked = rank([item for item in ways if not item.deaf], result.per_hour)
        if not ranked:
            lines.append(f"{kind}: every way gives detectors that raise no alarm on anything. Choose another model.")
            continue
        winners.append(ranked[0])
        lines.append(_sentence(kind, ranked, longest, result.per_hour) + _deaf(ways) + _own(every))
    if len(winners) > 1:
        best = max(winners, key=lambda w: (keeps_budget(w, result.per_hour), _found(w, True), w.auc or 0.0))
        lines.append(f"Of these models, {best.kind} finds most: {_figures(best)}.")
    return "\n".join(lines) if lines else "Without healthy and anomalous test recordings nothing can be recommended."


def _sentence(kind: str, ranked: Sequence[Summary], minutes: float, per_hour: float) -> str:
    best = ranked[0]
    if not best.detected:
        return (
            f"{kind}: no way finds any anomaly at this budget. Allow more false alarms with --false-alarms, choose"
            f" another model, or record more healthy running. The greatest AUC is"
            f" {max(item.auc or 0.0 for item in ranked):.3f}."
        )
    if not keeps_budget(best, per_hour) and (_found(best, False) <= 0 or (best.auc or 0.0) <= GUESSING):
        return (
            f"{kind}: no way can be recommended: none that can raise an alarm keeps the budget. The best is"
            f" {_name(best)}: {_figures(best)}. Record more healthy running of the other machine, or choose another"
            " model."
        )
    heard = f"{counted(minutes, 'minute')} of the other machine"
    what = {NONE: "use the detectors as they came", ANEW: f"train anew on {heard}"}
    text = f"{kind}: {what.get(best.method, f're-baseline with --method {best.method}')}."
    if best.method in METHODS:
        text += f" With {heard}"
        text += f", {_figures(best)}."
    else:
        figures = _figures(best)
        text += f" {figures[0].upper()}{figures[1:]}."
    if not keeps_budget(best, per_hour):
        text += " No way keeps the budget of false alarms: record more healthy running of the other machine."
    others = ranked[1:]
    if others:
        text += " Next: " + "; ".join(f"{_name(item)}, {_figures(item)}" for item in others[:2]) + "."
    if best.method != NONE and not any(item.method == NONE for item in others[:2]):
        came = next((item for item in ranked if item.method == NONE), None)
        text += f" As the detectors came: {_figures(came)}." if came is not None else ""
    return text


def _deaf(ways: Sequence[Summary]) -> str:
    """Ways that are not recommended because of what they miss."""
    names = [_name(item) for item in ways if item.deaf]
    if not names:
        return ""
    return f" Left out, as detectors raise no alarm on a full-scale square wave, noise or silence: {', '.join(names)}."


def _name(item: Summary) -> str:
    return {NONE: "as they came", ANEW: "trained anew"}.get(item.method, item.method)


def _figures(item: Summary) -> str:
    auc = "" if item.auc is None else f" (AUC {item.auc:.3f})"
    return (
        f"{_percent(item.detected)} of the anomalies and {_percent(item.false_alarms)} of the healthy recordings raise"
        f" an alarm{auc}"
    )


def _own(every: Sequence[Summary]) -> str:
    """A caution where the detectors are poor on their own machines already."""
    for item in every:
        if item.method == OWN and item.auc is not None and item.auc < HARD:
            return (
                f" Even on their own machines these detectors hardly tell anomalies (AUC {item.auc:.3f}): what they win"
                " back here says little."
            )
    return ""


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"
