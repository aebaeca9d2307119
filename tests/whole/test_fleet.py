"""Receiver and workers as processes of their own, as on more than one host."""

from __future__ import annotations

from pathlib import Path

from bot.sandbox import Sandbox
from tests.whole.fleet import IMPATIENT, PARTS, Fleet, storm

ISSUES = 24


def test_no_issue_is_lost_or_doubled_whichever_process_is_killed(
    box: Sandbox, clean: str, tmp_path: Path
) -> None:
    fleet = Fleet(box, clean, tmp_path, IMPATIENT)
    with fleet.running():
        storm(fleet, ISSUES, list(PARTS), 0.1)
        fleet.settle(30)
        assert dict(fleet.comments()) == {1: ISSUES}
        assert fleet.labelled() == ISSUES
