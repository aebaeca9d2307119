"""Labels about the work on an issue are told from those about its subject."""

from __future__ import annotations

import pytest

from bot.core.labels.process import is_process_label


@pytest.mark.parametrize(
    "name",
    [
        "good first issue", "help wanted", "wontfix", "won't fix", "duplicate", "status: confirmed",
        "needs triage", "Needs: Author Feedback", "triage/accepted", "in progress", "priority/high",
        "High Priority", "stale", "waiting for reporter", "hacktoberfest", "Difficulty: Easy",
        "assigned", "beginner friendly", "up-for-grabs", "can't reproduce", "more info",
        "pre-release", "S-blocked", "on_hold",
    ],
)  # fmt: skip
def test_a_label_about_the_work_is_a_process_label(name: str) -> None:
    assert is_process_label(name)


@pytest.mark.parametrize(
    "name",
    [
        "bug", "enhancement", "question", "area/scheduler", "kind/regression", "documentation",
        "layout", "goods", "triangle", "easing", "staleness",
        "preview", "hardware", "backlogs", "reviewers", "confirmed bug", "need4speed",
    ],
)  # fmt: skip
def test_a_label_about_the_subject_is_none(name: str) -> None:
    assert not is_process_label(name)
