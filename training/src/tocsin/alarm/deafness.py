# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Can a detector raise an alarm at all? It is played what no healthy machine gives.

A full-scale square wave, full-scale white noise and silence are stranger than any fault. A detector that keeps still on
one of them has been taught by recordings that it should not have had, or its threshold lies beyond everything. It
would be deployed, and nobody would notice.

Silence is a signal that dithers by a digit. Samples that do not change at all are found by the device without any
detector (``STUCK``, see :mod:`tocsin.health`); a microphone that is open but dead may give these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..bundle import Bundle
from ..errors import ModelError
from .operating_point import find_alarms
from .threshold import Rate, Threshold, format_hours, parse_rate

SQUARE, NOISE, SILENCE = "a full-scale square wave", "full-scale white noise", "silence"
# Samples of a square wave's period: 500 Hz at 16 kHz, within the bands of any front end.
_PERIOD = 32
# Windows beyond those that an alarm takes.
_MORE = 3
# Larger budgets that are tried for a detector that is deaf by the one that was asked for.
BUDGETS = ("1/month", "1/week", "1/day", "3/day", "1/hour", "3/hour", "10/hour")

Scores = npt.NDArray[np.float32]
ThresholdOf = Callable[[float], Threshold]
"""Gives the threshold of a budget, false alarms an hour."""


@dataclass(frozen=True)
class Deafness:
    """What a detector misses, and what would change that.

    Attributes
    ----------
    to
        Which of :func:`unmistakable` raise no alarm; empty of a detector that hears.
    budget
        The least of :data:`BUDGETS` by whose threshold it would miss none of them; empty where none would do.
    tried
        The largest budget that was tried; empty where the one that was asked for is larger than all.
    hours
        Of healthy running that the threshold rests on.
    """

    to: tuple[str, ...] = ()
    budget: str = ""
    tried: str = ""
    hours: float = 0.0

    @property
    def complaint(self) -> str:
        """What to tell of it; empty of a detector that hears."""
        if not self.to:
            return ""
        return f"the detector raises no alarm on {' nor on '.join(self.to)}. {self._advice}"

    @property
    def _advice(self) -> str:
        if self.budget:
            return (
                f"Its threshold lies out of reach; it rests on {format_hours(self.hours)} of healthy running. Record"
                f" more, which lets it come down, or allow more false alarms: --false-alarms {self.budget} is enough"
                " for this."
            )
        more = f"More false alarms, up to {self.tried}, would not change that. " if self.tried else ""
        return (
            f"{more}Listen to the recordings that it learned from, and look at them with tocsin data info: a few dead,"
            " clipped or mislabelled ones suffice. Record more healthy running, or train with another --model."
        )


HEARS = Deafness()


def unmistakable(bundle: Bundle, seed: int = 0) -> dict[str, npt.NDArray[np.int16]]:
    """What every detector must find, each long enough for an alarm, int16 of shape (n, channels)."""
    features, decision = bundle.features, bundle.decision
    windows = decision.smooth + decision.min_windows - 1 + _MORE
    shape = (features.window_span + (windows - 1) * features.window_step, features.channels)
    rng = np.random.default_rng(seed)
    square = np.where(np.arange(shape[0]) % _PERIOD < _PERIOD // 2, 32767, -32768).astype(np.int16)
    return {
        SQUARE: np.ascontiguousarray(np.broadcast_to(square[:, None], shape)),
        NOISE: rng.integers(-32768, 32768, shape).astype(np.int16),
        SILENCE: rng.integers(-1, 2, shape).astype(np.int16),
    }


def deaf_to(bundle: Bundle, seed: int = 0) -> tuple[str, ...]:
    """Which of :func:`unmistakable` raise no alarm, by the device's own code; empty of a detector that hears."""
    return _missed(bundle, _scores(bundle, seed))


def recorded_deafness(bundle: Bundle) -> str:
    """What to tell of a bundle that was kept although it is deaf, by its record; empty of one that hears."""
    names = bundle.meta.get("deaf_to")
    if not isinstance(names, list) or not names:
        return ""
    return (
        f"this detector raises no alarm on {' nor on '.join(map(str, names))}, and was kept with --force: that it is"
        " silent says nothing of the machine"
    )


def require_hearing(
    bundle: Bundle, budget: Rate, threshold_of: ThresholdOf, *, force: bool = False, seed: int = 0
) -> Deafness:
    """Refuse a detector that cannot raise an alarm.

    Parameters
    ----------
    budget
        That its threshold is of.
    threshold_of
        Gives the threshold of another one, to find out by which the detector would hear.
    force
        Give what it is deaf to instead of refusing it.

    Raises
    ------
    DeafError
        It is deaf to something unmistakable.
    """
    scores = _scores(bundle, seed)
    deaf = _missed(bundle, scores)
    if not deaf:
        return HEARS
    found = _larger_budget(bundle, scores, deaf, budget, threshold_of)
    if not force:
        text = f"{found.complaint} --force keeps this detector."
        raise DeafError(text[0].upper() + text[1:], found)
    return found


def _scores(bundle: Bundle, seed: int) -> dict[str, Scores]:
    from ..features import Extractor
    from ..twin import Scorer

    extractor, scorer = Extractor(bundle.features), Scorer(bundle)
    played = unmistakable(bundle, seed)
    return {name: scorer.score(extractor.vectors(samples)[0]) for name, samples in played.items()}


def _missed(bundle: Bundle, scores: dict[str, Scores]) -> tuple[str, ...]:
    return tuple(name for name, values in scores.items() if not find_alarms(values, bundle.decision))


def _larger_budget(
    bundle: Bundle, scores: dict[str, Scores], deaf: tuple[str, ...], budget: Rate, threshold_of: ThresholdOf
) -> Deafness:
    """What the detector is deaf to, and the first of :data:`BUDGETS` beyond `budget` by which it would miss nothing."""
    found = Deafness(deaf)
    for text in BUDGETS:
        rate = parse_rate(text).per_hour
        if rate <= budget.per_hour:
            continue
        threshold = threshold_of(rate)
        found = Deafness(deaf, tried=text, hours=threshold.hours)
        decision = replace(bundle.decision, threshold_on=threshold.on, threshold_off=threshold.off)
        if not _missed(replace(bundle, decision=decision), scores):
            return replace(found, budget=text)
    return found


class DeafError(ModelError):
    """A detector that cannot raise an alarm; `deafness` says what it was played and what would help."""

    def __init__(self, text: str, deafness: Deafness) -> None:
        super().__init__(text)
        self.deafness = deafness
