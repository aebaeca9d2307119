"""Twenty labels with the longest names at once, and the answer to the comment gets lost."""

from __future__ import annotations

import json

import pytest

from tests.whole.app import App
from tests.whole.faults.conftest import posted

LONGEST = {"github": 50, "gitlab": 255}
SIGNS = {"emoji": "\U0001f4a5", "cyrillic": "ж", "marks": "e\u0301", "quotes": '"', "ticks": "`"}
AT_ONCE = 20
LOST = ("comment-stored-502", "comment-stored-reset", "comment-stored-not-json")


def names_of(app: App, sign: str) -> list[str]:
    """As many labels of the greatest length as one run may set; the repository has them."""
    room = LONGEST[app.on] - 3
    names = [f"x{n:02d}{(sign * room)[:room]}" for n in range(AT_ONCE)]
    app.repo += "-long"
    app.host.add_repo(app.repo, dict.fromkeys(names, ""))
    return names


def reply(names: list[str]) -> str:
    labels = [{"name": n, "certainty": "sure", "reason": "It crashed"} for n in names]
    return json.dumps({"summary": "The login crashed.", "labels": labels})


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("fault", LOST)
def test_twenty_of_the_longest_labels_and_a_lost_answer_leave_one_comment(
    app: App, sign: str, fault: str
) -> None:
    names = names_of(app, SIGNS[sign])
    app.configure("version: 1\non: [opened, edited]\nlabels: {max: 20}\n")
    app.box.replies.append(reply(names))
    app.strike(fault, "comments")
    number = app.issue()
    job = app.over()
    assert (job.state, job.outcome) == ("done", "answered")
    assert sorted(app.labels(number)) == sorted(names)
    assert posted(app) == len(app.comments(number)) == 1
    _taken_off_stays_off(app, number, names)


def _taken_off_stays_off(app: App, number: int, names: list[str]) -> None:
    """Also where Redis has lost everything: the comment's marker tells."""
    app.host.unlabel_by_person(app.repo, number, names[0])
    app.redis.flushdb()
    app.quiet()
    app.box.replies.append(reply(names))
    app.host.edit_issue(app.repo, number, body="It crashed again with another exception.")
    assert app.over().outcome == "answered"
    assert sorted(app.labels(number)) == sorted(names[1:])
    assert posted(app) == len(app.comments(number)) == 1
