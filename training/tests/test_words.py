# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers and nouns of messages agree, and notes of threads are the same in every run."""

from __future__ import annotations

import pytest

from builders import bundle_of
from tocsin.cli.eval import _alarms
from tocsin.data import Issues
from tocsin.evaluation.evaluate import Row
from tocsin.words import are, budget_words, counted, verb


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 minutes"), (1, "1 minute"), (1.0, "1 minute"), (2, "2 minutes"), (0.5, "0.5 minutes")]
)
def test_counted(number: float, text: str) -> None:
    assert counted(number, "minute") == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1/day", "1 false alarm a day"),
        ("2 per week", "2 false alarms a week"),
        ("1/hour", "1 false alarm an hour"),
        ("0.5/month", "0.5 false alarms a month"),
        ("?", "? false alarms"),
    ],
)
def test_budgets(text: str, words: str) -> None:
    assert budget_words(text) == words


def test_verbs() -> None:
    assert (are(1, "window"), are(3, "window"), verb(1, "has", "have")) == ("1 window is", "3 windows are", "has")


def test_notes_name_the_first_recording_whichever_thread_comes_first() -> None:
    for names in (("b", "a", "c"), ("c", "b", "a")):
        issues = Issues()
        issues.note("d", "silent")
        for name in names:
            issues.note(name, "clipped")
        assert issues.lines() == ["3 recordings clipped (first: a)", "1 recording silent (first: d)"]
    assert issues.lines("file") == ["3 files clipped (first: a)", "1 file silent (first: d)"]


def test_alarms_of_an_evaluation_agree_with_their_verb() -> None:
    bundle = bundle_of("kmeans")

    def told(normal: tuple[int, int], anomaly: tuple[int, int]) -> str:
        row = Row("all", "", "", None, None, None, None, normal[1], anomaly[1], normal[0], anomaly[0])
        return _alarms(bundle, row)

    assert "0 of 10 normal recordings and 1 of 6 anomalous recordings raise an alarm" in told((0, 10), (1, 6))
    assert "1 of 6 anomalous recordings raises an alarm" in told((0, 0), (1, 6))
    assert "2 of 6 anomalous recordings raise an alarm" in told((0, 0), (2, 6))
