"""A short storm on both hosts: killed workers and Redis, lost responses, repeated deliveries."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.scenarios import SCENARIOS

SEED = 5


@pytest.mark.slow
def test_a_short_storm_ends_with_one_comment_on_every_issue(tmp_path: Path) -> None:
    outcome = SCENARIOS["short"](tmp_path, SEED, 1.0, None)
    assert outcome.passed, "\n".join(outcome.lines)
