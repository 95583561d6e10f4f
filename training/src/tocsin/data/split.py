# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Which normal recordings a model is fitted on, judged by, and tested with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import DataError
from .clip import Clip

# Share of a recording that is left out between its blocks, so that they do not sound alike for being neighbours.
GAP_SHARE = 0.02


@dataclass(frozen=True)
class Split:
    """Normal recordings by what they are for; a recording is in one list only, or its clips are blocks of time.

    Attributes
    ----------
    fit
        The model and the normalisation are fitted on these.
    validation
        The threshold and the time to stop come from these.
    test
        Kept away from training, for ``tocsin eval``.
    between
        Clips between two blocks of one recording, which are used for nothing.
    """

    fit: list[Clip]
    validation: list[Clip]
    test: list[Clip]
    between: list[Clip] = field(default_factory=list)


def _blocks(members: Sequence[Clip], share: float) -> tuple[list[Clip], list[Clip], list[Clip]]:
    """Part one recording's clips by time: the beginning stays, the end is taken, and what lies between is lost.

    Files that hold the same recording (several microphones) are parted at the same time.
    """
    starts = sorted({clip.begin for clip in members})
    count = min(max(1, round(share * len(starts))), len(starts) - 1)
    gap = min(max(1, round(GAP_SHARE * len(starts))), len(starts) - count - 1)
    taken_from, lost_from = starts[-count], starts[-count - gap]
    stay = [clip for clip in members if clip.begin < lost_from]
    lost = [clip for clip in members if lost_from <= clip.begin < taken_from]
    return stay, [clip for clip in members if clip.begin >= taken_from], lost


def _hold_out(
    clips: Sequence[Clip], share: float, rng: np.random.Generator
) -> tuple[list[Clip], list[Clip], list[Clip]]:
    """Take `share` of every group's recordings away; return the clips that stay, those taken and those lost between.

    Clips of one recording stay or go together, whichever group each is in. Where a group has no more than two
    recordings that were cut into clips, the end of each is taken.
    """
    together: dict[str, list[Clip]] = defaultdict(list)
    for clip in sorted(clips, key=lambda clip: clip.name):
        together[clip.recording or f"/{clip.name}"].append(clip)
    groups: dict[tuple[str, str, str], list[list[Clip]]] = defaultdict(list)
    for members in together.values():
        groups[members[0].group].append(members)
    stay: list[Clip] = []
    taken: list[Clip] = []
    lost: list[Clip] = []
    for key in sorted(groups):
        units = groups[key]
        count = round(share * len(units))
        if share > 0 and len(units) > 2:
            count = max(count, 1)
        chosen = {int(i) for i in rng.permutation(len(units))[:count]}
        by_time = share > 0 and len(units) <= 2
        for i, members in enumerate(units):
            if by_time and len({clip.begin for clip in members}) > 1:
                for into, part in zip((stay, taken, lost), _blocks(members, share), strict=True):
                    into.extend(part)
            else:
                (taken if i in chosen else stay).extend(members)
    return stay, taken, lost


def split_clips(clips: Sequence[Clip], *, seed: int, holdout: float = 0.25, validation: float = 0.2) -> Split:
    """Split the normal recordings, group by group, by whole recordings where there are several, else by time.

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
    loose, held, between = _hold_out(loose, holdout, rng)
    fit, judged, more = _hold_out(train + loose, validation, rng)
    if len(fit) < 2 or not judged:
        count = len(train) + len(loose)
        raise DataError(
            f"{count} normal recording{'' if count == 1 else 's'} to train on: too few. Give at least 4 of a machine;"
            " some hundred make a good model. One of over a minute will do, as it is cut into clips; for a shorter one,"
            " give --clip-seconds."
        )
    return Split(fit, judged, given + held, between + more)
