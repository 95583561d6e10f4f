# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Rules of commit messages that gitlint itself does not have: an imperative subject, one topic."""

from __future__ import annotations

from pathlib import Path

from gitlint.git import GitCommit
from gitlint.rules import CommitMessageTitle, LineRule, RuleViolation

VERBS = frozenset(Path(__file__).with_name("verbs.txt").read_text().split())


def _subject(title: str) -> str:
    """What follows the prefix `part: `."""
    prefix, colon, rest = title.partition(": ")
    return rest if colon else prefix


class ImperativeSubject(LineRule):  # type: ignore[misc]
    """After the prefix comes a verb in the imperative."""

    name = "title-imperative"
    id = "UT1"
    target = CommitMessageTitle

    def validate(self, title: str, _commit: GitCommit) -> list[RuleViolation]:
        """Complain of a first word that is no verb of verbs.txt."""
        words = _subject(title).split()
        first = words[0].lower() if words else ""
        # "re-read" and "un-share" are as good as their verbs.
        if first in VERBS or first.partition("-")[2] in VERBS:
            return []
        message = f"Begin with a verb in the imperative, not '{first}' (a verb is missing? tools/commits/verbs.txt)"
        return [RuleViolation(self.id, message, title)]


class OneTopic(LineRule):  # type: ignore[misc]
    """A subject names one thing that the commit does."""

    name = "title-one-topic"
    id = "UT2"
    target = CommitMessageTitle

    def validate(self, title: str, _commit: GitCommit) -> list[RuleViolation]:
        """Complain of a semicolon: what follows is a second topic."""
        if ";" in title:
            return [RuleViolation(self.id, "One topic a commit: no semicolon in the subject", title)]
        return []
