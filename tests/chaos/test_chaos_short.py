"""Short scenarios on both hosts: killed workers and Redis, lost responses, repeated deliveries; and
trainings of classifiers beside the issues."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.scenarios import SCENARIOS

SEED = 5


@pytest.mark.slow
def test_a_short_storm_ends_with_one_comment_on_every_issue(tmp_path: Path) -> None:
    outcome = SCENARIOS["short"](tmp_path, SEED, 1.0, None)
    assert outcome.passed, "\n".join(outcome.lines)


@pytest.mark.slow
def test_issues_are_answered_while_classifiers_are_trained_and_workers_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.chaos.training.MAX_RATIO", 20)  # of times, on a busy machine
    monkeypatch.setattr("tests.chaos.training.HISTORY", 300)
    outcome = SCENARIOS["training"](tmp_path, SEED, 0.25, None)
    assert outcome.passed, "\n".join(outcome.lines)
