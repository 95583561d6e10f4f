# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Is a threshold still within reach? What it would find of healthy recordings that were made plainly strange.

A threshold for rare false alarms that rests on little healthy running may lie so high that hardly any fault reaches it:
a detector that never raises an alarm, which nobody notices. There are no anomalies to try it on, so it is tried on
pseudo-anomalies (:mod:`tocsin.alarm.pseudo`) at their full strength. How many of these a detector finds depends on what
it listens to, so they are counted twice: at the threshold, and at the level that healthy running reached about once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..bundle import Bundle, Decision
from ..data import Clip, Dataset, Issues
from ..data.extract import in_threads
from ..errors import DataError
from .operating_point import find_alarms
from .pseudo import KINDS, MIX, pseudo_anomaly

if TYPE_CHECKING:
    from ..features import FeatureConfig

Vectors = npt.NDArray[np.float32]

VERSIONS = 84
"""Strange versions that are made: twelve of each kind. Of fewer, the share is not known to a tenth."""
# What a mixture gives at full strength is another healthy recording, which is no anomaly.
PLAIN = tuple(kind for kind in KINDS if kind != MIX)
# Of a recording, no more than this is made strange: an alarm comes within seconds.
SECONDS_MAX = 30
# The user is warned where extrapolation takes more than half of what would be found without.
LOST = 0.5
# And where it finds fewer than this share, at any threshold that healthy running allows.
LITTLE = 0.1


@dataclass(frozen=True)
class Alertness:
    """What a threshold finds of plainly strange versions of healthy recordings.

    Attributes
    ----------
    strange
        Versions that were judged; 0 where none was long enough.
    found
        Those of them that raise an alarm.
    found_heard
        Those that would at the level `heard`, if that is lower.
    heard
        Level that healthy running reached about once in all that was heard.
    """

    strange: int
    found: int
    found_heard: int
    heard: float

    @property
    def warning(self) -> str:
        """What the user should know before relying on an alarm; empty where there is nothing."""
        if not self.strange:
            return (
                "the threshold could not be tried on strange versions of the recordings: none is as long as an alarm"
                " takes. Record longer ones, or lower --smooth and --min-windows."
            )
        if not self.found:
            return (
                f"NOTHING RAISES AN ALARM: of {self.strange} plainly strange versions of healthy recordings not one is"
                f" found{self._would}. Do not rely on this detector. Listen to the recordings that it learned from,"
                " record more healthy running, which lets the threshold come down, or allow more false alarms with"
                " --false-alarms."
            )
        if self.found >= LOST * self.found_heard:
            return "" if self.found >= LITTLE * self.strange else self._hardly
        return (
            f"the threshold is so high that of {self.strange} plainly strange versions of healthy recordings only"
            f" {self.found} {self._raise} an alarm; at {self.heard:.4g}, which healthy running reached about once,"
            f" {self.found_heard} would. This detector may stay silent on a plain fault. Record more healthy running,"
            " which lets the threshold come down, or allow more false alarms with --false-alarms."
        )

    @property
    def _hardly(self) -> str:
        return (
            f"of {self.strange} plainly strange versions of healthy recordings only {self.found} {self._raise} an"
            f" alarm, and no more than {max(self.found, self.found_heard)} would at any threshold that healthy running"
            " allows. This detector may stay silent on a plain fault. Choose another --model, or train a network"
            " longer."
        )

    @property
    def _would(self) -> str:
        if not self.found_heard:
            return ", at any threshold"
        return f"; at {self.heard:.4g}, which healthy running reached about once, {self.found_heard} would be"

    @property
    def _raise(self) -> str:
        return "raises" if self.found == 1 else "raise"

    def describe(self) -> str:
        """What was counted, in a line."""
        text = f"{self.found} of {self.strange} plainly strange versions of healthy recordings {self._raise} an alarm"
        if self.found_heard > self.found:
            text += f"; {self.found_heard} would at {self.heard:.5g}, reached about once in what was heard"
        return text


def recorded_alertness(bundle: Bundle) -> Alertness | None:
    """What the record of a bundle says of its threshold's reach; None where it says nothing that can be read."""
    said = bundle.meta.get("alertness")
    names = [field.name for field in fields(Alertness)]
    if not isinstance(said, dict) or not all(isinstance(said.get(name), int | float) for name in names):
        return None
    return Alertness(**{name: said[name] for name in names})


def strange_vectors(
    dataset: Dataset, clips: Sequence[Clip], features: FeatureConfig, *, versions: int = VERSIONS, seed: int = 0
) -> list[Vectors]:
    """Feature vectors of strange versions of healthy recordings, all kinds in turn.

    Parameters
    ----------
    dataset
        That reads the recordings.
    clips
        Healthy recordings that can be read; each is used several times where they are few.
    features
        Of the detector.
    versions
        How many to make, 0 or more.
    seed
        Decides on frequencies, signs and moments.

    Returns
    -------
    One array of shape (windows, values) for each version; those of recordings that cannot be read are missing
    """
    from ..features import Extractor

    local = threading.local()
    if not clips:
        return []
    # Spread over all recordings where these are more than enough, else each of them several times.
    apart = max(1, len(clips) // max(1, versions))
    chosen = [clips[i * apart % len(clips)] for i in range(versions)]

    def work(number: int) -> Vectors | None:
        if not hasattr(local, "extractor"):
            local.extractor = Extractor(features)
        rng = np.random.default_rng([seed, number])
        try:
            samples = dataset.read(chosen[number], Issues())[: SECONDS_MAX * features.sample_rate]
            strange = pseudo_anomaly(samples, features.sample_rate, rng, PLAIN[number % len(PLAIN)], strength=1.0)
            return np.asarray(local.extractor.vectors(strange)[0], np.float32)
        except DataError:
            return None

    return [vectors for vectors in in_threads(work, range(len(chosen))) if vectors is not None]


def measure(scores: Iterable[npt.NDArray[np.float32]], decision: Decision, heard: float) -> Alertness:
    """Count the strange versions that raise an alarm, by the device's decision stage.

    Parameters
    ----------
    scores
        Of the windows of each version, in order.
    decision
        Smoothing, persistence and thresholds.
    heard
        Level that healthy running reached about once, see :class:`tocsin.alarm.threshold.Threshold`.
    """
    able = [s for s in scores if len(s) >= decision.smooth + decision.min_windows - 1]
    low = min(heard, decision.threshold_on)
    lower = replace(decision, threshold_on=low, threshold_off=min(low, decision.threshold_off))
    found, more = (sum(bool(find_alarms(s, d)) for s in able) for d in (decision, lower))
    return Alertness(len(able), found, more, heard)
