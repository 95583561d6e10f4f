# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""What a study of transfer found, and the names of ways to another machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NONE = "none"
"""The detector as it came."""

ANEW = "anew"
"""For comparison: the other machine's detector is thrown away, and one is trained on the same few minutes alone."""

OWN = "own"
"""Each machine's own detector, on itself."""


@dataclass(frozen=True)
class Outcome:
    """One detector on one machine.

    Attributes
    ----------
    kind
        Of the model.
    trained, tested
        Machines.
    method
        How the detector was re-baselined, or ``"none"`` or ``"anew"``.
    minutes
        Healthy running of the tested machine that this took; 0 without.
    auc
        None where healthy or anomalous recordings are missing.
    false_alarms, detected
        Shares of the healthy and of the anomalous test recordings that raise an alarm, each streamed by itself
        through the decision stage; None where there are none.
    n_normal, n_anomaly
        Test recordings.
    hours
        Of the healthy test recordings together.
    deaf
        Whether the detector raises no alarm on something that none may miss, see :mod:`tocsin.alarm.deafness`.
    """

    kind: str
    trained: str
    tested: str
    method: str
    minutes: float
    auc: float | None
    false_alarms: float | None
    detected: float | None
    n_normal: int = 0
    n_anomaly: int = 0
    hours: float = 0.0
    deaf: bool = False


@dataclass(frozen=True)
class Summary:
    """Means over all pairs of different machines; fields as of :class:`Outcome`, `pairs` of which each is the mean.

    `n_normal`, `n_anomaly` and `hours` are sums over the pairs; `deaf` counts the detectors that are.
    """

    kind: str
    method: str
    minutes: float
    pairs: int
    auc: float | None
    false_alarms: float | None
    detected: float | None
    n_normal: int = 0
    n_anomaly: int = 0
    hours: float = 0.0
    deaf: int = 0


@dataclass(frozen=True)
class Transfer:
    """The result.

    Attributes
    ----------
    machines
        In the order of rows and columns.
    outcomes
        All.
    summaries
        One for each model, method and length; `method` ``"own"`` is each machine's own detector on itself.
    left_out
        Lengths that not every machine has recordings for, in words.
    per_hour
        Budget of false alarms, an hour.
    """

    machines: list[str]
    outcomes: list[Outcome]
    summaries: list[Summary]
    left_out: list[str]
    per_hour: float

    def matrix(self, kind: str, figure: str) -> npt.NDArray[np.float64]:
        """`figure` (auc, false_alarms, detected) of unchanged detectors, trained (rows) by tested; NaN without."""
        place = {name: i for i, name in enumerate(self.machines)}
        found = np.full((len(place), len(place)), np.nan)
        for item in self.outcomes:
            if item.kind == kind and item.method == NONE and getattr(item, figure) is not None:
                found[place[item.trained], place[item.tested]] = getattr(item, figure)
        return found
