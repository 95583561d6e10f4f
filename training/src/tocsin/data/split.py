# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Which normal recordings a model is fitted on, judged by, and tested with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from .clip import Clip


@dataclass(frozen=True)
class Split:
    """Normal recordings by what they are for; a recording is in one list only.

    Attributes
    ----------
    fit
        The model and the normalisation are fitted on these.
    validation
        The threshold and the time to stop come from these.
    test
        Kept away from training, for ``tocsin eval``.
    """

    fit: list[Clip]
    validation: list[Clip]
    test: list[Clip]


def _hold_out(clips: Sequence[Clip], share: float, rng: np.random.Generator) -> tuple[list[Clip], list[Clip]]:
    """Take `share` of every group's recordings away; return the clips that stay and those taken.

    Clips of one recording stay or go together, whichever group each is in.
    """
    together: dict[str, list[Clip]] = defaultdict(list)
    for clip in sorted(clips, key=lambda clip: clip.name):
        together[clip.recording or f"/{clip.name}"].append(clip)
    groups: dict[tuple[str, str, str], list[list[Clip]]] = defaultdict(list)
    for members in together.values():
        groups[members[0].group].append(members)
    stay: list[Clip] = []
    taken: list[Clip] = []
    for key in sorted(groups):
        units = groups[key]
        count = round(share * len(units))
        if share > 0 and len(units) > 2:
            count = max(count, 1)
        chosen = {int(i) for i in rng.permutation(len(units))[:count]}
        for i, members in enumerate(units):
            (taken if i in chosen else stay).extend(members)
    return stay, taken


def split_clips(clips: Sequence[Clip], *, seed: int, holdout: float = 0.25, validation: float = 0.2) -> Split:
    """Split the normal recordings, group by group, by whole recordings.

    Parameters
    ----------
    clips
        All recordings; anomalies are left out.
    seed
        The same seed and names give the same split.
    holdout
        Share kept for testing where the layout itself has no test recordings, 0 to 0.9.
    validation
        Share of the others that sets the threshold, 0.05 to 0.9.

    Raises
    ------
    DataError
        There are too few normal recordings.
    """
    normal = [clip for clip in clips if clip.label == "normal"]
    rng = np.random.default_rng(seed)
    given = [clip for clip in normal if clip.split == "test"]
    loose = [clip for clip in normal if clip.split == ""]
    train = [clip for clip in normal if clip.split == "train"]
    loose, held = _hold_out(loose, holdout, rng)
    fit, judged = _hold_out(train + loose, validation, rng)
    if len(fit) < 2 or not judged:
        raise DataError(
            f"{len(train) + len(loose)} normal recordings to train on are too few: at least 3 of"
            " a machine are needed, and some hundred make a good model."
        )
    return Split(fit, judged, given + held)
