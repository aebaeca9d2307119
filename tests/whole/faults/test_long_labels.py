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


def names_of(house: App, sign: str) -> list[str]:
    """As many labels of the greatest length as one run may set; the repository has them."""
    room = LONGEST[house.on] - 3
    names = [f"x{n:02d}{(sign * room)[:room]}" for n in range(AT_ONCE)]
    house.repo += "-long"
    house.host.add_repo(house.repo, dict.fromkeys(names, ""))
    return names


def reply(names: list[str]) -> str:
    labels = [{"name": n, "certainty": "sure", "reason": "It crashed"} for n in names]
    return json.dumps({"summary": "The login crashed.", "labels": labels})


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("fault", LOST)
def test_twenty_of_the_longest_labels_and_a_lost_answer_leave_one_comment(
    house: App, sign: str, fault: str
) -> None:
    names = names_of(house, SIGNS[sign])
    house.configure("version: 1\non: [opened, edited]\nlabels: {max: 20}\n")
    house.box.replies.append(reply(names))
    house.strike(fault, "comments")
    number = house.issue()
    job = house.over()
    assert (job.state, job.outcome) == ("done", "answered")
    assert sorted(house.labels(number)) == sorted(names)
    assert posted(house) == len(house.comments(number)) == 1
    _taken_off_stays_off(house, number, names)


def _taken_off_stays_off(house: App, number: int, names: list[str]) -> None:
    """Also where Redis has lost everything: the comment's marker tells."""
    house.host.unlabel_by_person(house.repo, number, names[0])
    house.redis.flushdb()
    house.quiet()
    house.box.replies.append(reply(names))
    house.host.edit_issue(house.repo, number, body="It crashed again with another exception.")
    assert house.over().outcome == "answered"
    assert sorted(house.labels(number)) == sorted(names[1:])
    assert posted(house) == len(house.comments(number)) == 1
