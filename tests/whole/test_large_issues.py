"""Issues of the largest size are processed like others and leave a worker's memory as it was."""

from __future__ import annotations

import sys
import time

import pytest

from tests.bench.largest import measure_memory
from tests.whole.app import TITLE, App

LONGEST = {"github": 65_536, "gitlab": 1_048_576}  # characters of a body
JOBS = 12
# Measured: 70; a job that keeps its text until it ends adds 16, a copy in its response 12.
GROWTH_MIB, RETAINED_MIB = 110, 50


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_many_of_the_largest_issues_at_once_take_little_memory_and_give_it_back() -> None:
    idle, peak, after = measure_memory("gitlab", "emoji", JOBS, settled=1, model=1)
    assert peak - idle <= GROWTH_MIB
    assert after - idle <= RETAINED_MIB


@pytest.mark.slow
@pytest.mark.parametrize("character", ["\U0001f4a5", "ж", "\u200b", "\x1b[0m"])
def test_the_largest_issue_of_a_platform_is_answered(app: App, character: str) -> None:
    start, end = "The login crashed with an exception. ", " It is a bug."
    length = LONGEST[app.on] - len(start) - len(end)
    number = app.issue(TITLE, start + (character * length)[:length] + end)
    assert app.wait_for_job().outcome == "answered"
    assert "bug" in app.labels(number)
    assert len(app.comments(number)) == 1


@pytest.mark.slow
def test_an_edit_in_the_middle_of_the_largest_body_is_noticed(app: App) -> None:
    app.configure("version: 1\non: [opened, edited]\n")
    half = "It crashed. " * ((LONGEST[app.on] - 1) // 24)
    number = app.issue(TITLE, f"{half}a{half}")
    app.host.edit_issue(app.repo, number, body=f"{half}b{half}")
    assert app.wait_for_job().outcome == "answered"
    time.sleep(1)  # GitLab distinguishes edits by the second
    app.host.edit_issue(app.repo, number, body=f"{half}b{half}")
    assert app.wait_for_job().outcome == "unchanged"
