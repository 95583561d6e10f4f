# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Words of messages that go with a number."""

from __future__ import annotations


def counted(number: float, what: str) -> str:
    """A number with its noun: ``1 window``, ``3 windows``, ``0.5 minutes``."""
    text = str(number) if isinstance(number, int) else f"{number:g}"
    return f"{text} {what}" if text == "1" else f"{text} {what}s"


def are(number: int, what: str) -> str:
    """A number with its noun and verb: ``1 window is``, ``3 windows are``."""
    return f"{counted(number, what)} {verb(number, 'is', 'are')}"


def budget_words(text: str) -> str:
    """A budget of false alarms as people say it: ``1 false alarm a day`` of ``1/day``."""
    number, _, unit = text.replace(" per ", "/").partition("/")
    if not unit:
        return f"{text} false alarms"
    noun = "false alarm" if number.strip() == "1" else "false alarms"
    return f"{number.strip()} {noun} {'an' if unit.strip().lower() == 'hour' else 'a'} {unit.strip()}"


def verb(number: float, one: str, several: str) -> str:
    """The form of a verb that goes with a number: ``verb(1, "is", "are")``."""
    return one if number == 1 else several


def rate_words(rate: float) -> str:
    """A rate in Hz to six digits, without a power of ten: ``1000``, ``333.333``, ``1000000``."""
    return f"{rate:.0f}" if rate >= 1e5 else f"{rate:.6g}"
