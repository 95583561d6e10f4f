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

import numpy as np
import numpy.typing as npt

from .bundle import Bundle
from .errors import ModelError
from .operating import find_alarms

SQUARE, NOISE, SILENCE = "a full-scale square wave", "full-scale white noise", "silence"
# Samples of a square wave's period: 500 Hz at 16 kHz, within the bands of any front end.
_PERIOD = 32
# Windows beyond those that an alarm takes.
_MORE = 3
_ADVICE = (
    "Listen to the recordings that it learned from, and look at them with tocsin data info: a few dead, clipped or"
    " mislabelled ones suffice. If the threshold lies out of reach, record more healthy running, or allow more false"
    " alarms with --false-alarms. --force keeps this detector."
)


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
    from .features import Extractor
    from .twin import Scorer

    extractor, scorer = Extractor(bundle.features), Scorer(bundle)
    return tuple(
        name
        for name, samples in unmistakable(bundle, seed).items()
        if not find_alarms(scorer.score(extractor.vectors(samples)[0]), bundle.decision)
    )


def complaint(deaf: tuple[str, ...]) -> str:
    """What to tell of a detector that is deaf to `deaf`; empty where that is nothing."""
    return f"the detector raises no alarm on {' nor on '.join(deaf)}. {_ADVICE}" if deaf else ""


def require_hearing(bundle: Bundle, *, force: bool = False, seed: int = 0) -> tuple[str, ...]:
    """Refuse a detector that cannot raise an alarm.

    Parameters
    ----------
    force
        Give what it is deaf to instead of refusing it.

    Raises
    ------
    DeafError
        It is deaf to something unmistakable.
    """
    deaf = deaf_to(bundle, seed)
    if deaf and not force:
        text = complaint(deaf)
        raise DeafError(text[0].upper() + text[1:], deaf)
    return deaf


class DeafError(ModelError):
    """A detector that cannot raise an alarm; `deaf` names what it was played."""

    def __init__(self, text: str, deaf: tuple[str, ...]) -> None:
        super().__init__(text)
        self.deaf = deaf
