"""The parser of GitHub's webhooks for comments: which of them have commands."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.core.errors import Rejected
from bot.core.events import Event, Ignored
from tests.forges.test_github_webhooks import ID, OPENED, changed, headers, parser


def commented(**given: Any) -> Event | Ignored:
    """Return what the parser makes of a new comment; `given` are its fields."""
    event: dict[str, Any] = {
        name: given.pop(name)
        for name in ("action", "sender", "issue__user", "issue__state")
        if name in given
    }
    if given.pop("pull_request", False):
        event["issue__pull_request"] = {"url": "x"}
    comment = {"id": 77, "user": {"login": "ada", "type": "User"}, **given}
    body = json.dumps(changed(**{"action": "created", "comment": comment, **event}))
    return parser().parse(headers(x_github_event="issue_comment"), body.encode())


def test_a_comment_with_commands_is_an_event_with_their_names_and_no_text() -> None:
    event = commented(body="quokkaberry\n/Tagline WHY\n> /tagline undo\n\n/tagline redo")
    assert event == Event("command", ID, OPENED.ref, comment=77, commands=("why", "redo"))
    assert "quokkaberry" not in repr(event)


BOT = {"login": "x[bot]", "type": "Bot"}
# Fields of a comment → why it is left alone.
COMMENTS: list[tuple[dict[str, Any], str]] = [
    ({"body": "Same here."}, "a comment without a command"),
    ({"body": None}, "a comment without a command"),
    ({}, "a comment without a command"),
    ({"body": "> /tagline redo"}, "a comment without a command"),
    ({"body": "@tagline redo"}, "a comment without a command"),
    ({"body": "/tagline redo", "action": "edited"}, "action 'edited'"),
    ({"body": "/tagline redo", "action": "deleted"}, "action 'deleted'"),
    ({"body": "/tagline redo", "user": BOT}, "a comment by a bot"),
    ({"body": "/tagline redo", "sender": BOT}, "a comment by a bot"),
    ({"body": "/tagline redo", "performed_via_github_app": {"id": 1}}, "a comment by a bot"),
    ({"body": "/tagline redo", "pull_request": True}, "a pull request"),
    ({"body": "/tagline redo", "issue__user": BOT}, "opened by a bot"),
]


@pytest.mark.parametrize(("comment", "reason"), COMMENTS)
def test_any_other_comment_is_ignored(comment: dict[str, Any], reason: str) -> None:
    assert commented(**comment) == Ignored(reason)


AUTHOR = {"id": 5, "login": "ada", "type": "User"}


def test_a_comment_of_the_issue_s_author_is_an_event_without_its_text() -> None:
    event = commented(body="quokkaberry", user=AUTHOR, issue__user=AUTHOR)
    assert event == Event("missing", ID, OPENED.ref)
    both = commented(body="/tagline why", user=AUTHOR, issue__user=AUTHOR)
    assert both == Event("command", ID, OPENED.ref, comment=77, commands=("why",))


@pytest.mark.parametrize(
    "changes",
    [
        {"user": {**AUTHOR, "id": 6}},
        {"user": {**AUTHOR, "id": None}, "issue__user": {**AUTHOR, "id": None}},
        {"issue__user": None},
        {"issue__state": "closed"},
        {"action": "edited"},
        {"pull_request": True},
        {"performed_via_github_app": {"id": 1}},
    ],
)
def test_a_comment_of_anybody_else_or_on_a_closed_issue_is_ignored(changes: dict[str, Any]) -> None:
    given = {"body": "Words", "user": AUTHOR, "issue__user": AUTHOR, **changes}
    assert isinstance(commented(**given), Ignored)


@pytest.mark.parametrize("comment", [{"id": 0}, {"id": "7"}, {"id": True}, {"body": ["/tagline"]}])
def test_a_comment_in_another_form_is_rejected(comment: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as refusal:
        commented(**{"body": "/tagline redo", **comment})
    assert refusal.value.status == 400


def test_a_comment_event_without_a_comment_is_rejected() -> None:
    body = json.dumps(changed(action="created")).encode()
    with pytest.raises(Rejected) as refusal:
        parser().parse(headers(x_github_event="issue_comment"), body)
    assert refusal.value.status == 400
