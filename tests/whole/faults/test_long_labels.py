"""Twenty labels with the longest names at once, and a lost response to the comment."""

from __future__ import annotations

import pytest

from tests.fakes import model_reply
from tests.whole.app import App
from tests.whole.faults.conftest import count_posts

LONGEST = {"github": 50, "gitlab": 255}
CHARACTERS = {
    "emoji": "\U0001f4a5",
    "cyrillic": "ж",
    "marks": "e\u0301",
    "quotes": '"',
    "ticks": "`",
}
COUNT = 20
LOST_RESPONSES = ("comment-stored-502", "comment-stored-reset", "comment-stored-not-json")


def add_labels(app: App, character: str) -> list[str]:
    """Add as many of the longest labels as one job may set; return their names."""
    length = LONGEST[app.on] - 3
    names = [f"x{n:02d}{(character * length)[:length]}" for n in range(COUNT)]
    app.repo += "-long"
    app.host.add_repo(app.repo, dict.fromkeys(names, ""))
    return names


@pytest.mark.slow
@pytest.mark.parametrize("character", CHARACTERS)
@pytest.mark.parametrize("fault", LOST_RESPONSES)
def test_twenty_of_the_longest_labels_and_a_lost_response_leave_one_comment(
    app: App, character: str, fault: str
) -> None:
    names = add_labels(app, CHARACTERS[character])
    answer = model_reply("The login crashed.", *((name, "sure", "It crashed") for name in names))
    app.configure("version: 1\non: [opened, edited]\nlabels: {max: 20}\n")
    app.box.replies.append(answer)
    app.arm_fault(fault, "comments")
    number = app.issue()
    job = app.wait_for_end()
    assert (job.state, job.outcome) == ("done", "answered")
    assert sorted(app.labels(number)) == sorted(names)
    assert count_posts(app) == len(app.comments(number)) == 1
    _check_that_a_removed_label_stays_off(app, number, names, answer)


def _check_that_a_removed_label_stays_off(
    app: App, number: int, names: list[str], answer: str
) -> None:
    """The comment's marker shows it even when Redis has lost its data."""
    app.host.unlabel_by_person(app.repo, number, names[0])
    app.redis.flushdb()
    app.clear_schedules()
    app.box.replies.append(answer)
    app.host.edit_issue(app.repo, number, body="It crashed again with another exception.")
    assert app.wait_for_end().outcome == "answered"
    assert sorted(app.labels(number)) == sorted(names[1:])
    assert count_posts(app) == len(app.comments(number)) == 1
