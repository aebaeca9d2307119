"""GitLab's notes: an event for commands, or why a note is left alone."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from bot.core.events import Event, Ignored
from bot.core.types import IssueRef
from bot.forges.gitlab.webhooks import GitLabWebhooks

NOTE: dict[str, Any] = {
    "object_kind": "note",
    "event_type": "note",
    "user": {"id": 5, "username": "ada"},
    "project": {"id": 77, "path_with_namespace": "acme/gadget"},
    "object_attributes": {
        "id": 900,
        "note": "quokkaberry\n@tagline-bot why",
        "noteable_type": "Issue",
        "action": "create",
        "system": False,
        "internal": False,
        "type": None,
    },
    "issue": {"iid": 41, "type": "Issue", "confidential": False, "labels": []},
}
REF = IssueRef("gitlab", "gitlab.example", "acme/gadget", 41, 77)


def read(event_header: str = "Note Hook", **changes: Any) -> Event | Ignored:
    """Return what the parser makes of the note; a name `a__b` is the field `b` of `a`."""
    payload = copy.deepcopy(NOTE)
    for path, value in changes.items():
        part, _, name = path.partition("__")
        holder = payload[part] if name else payload
        holder[name or part] = value
    parser = GitLabWebhooks("gitlab.example", (), ["a-secret-of-some-length"])
    return parser.parse({"x-gitlab-event": event_header}, json.dumps(payload).encode())


def test_a_note_with_a_command_to_any_name_is_an_event_without_its_text() -> None:
    event = read()
    assert isinstance(event, Event)
    found = (event.kind, event.ref, event.comment, event.commands)
    assert found == ("command", REF, 900, ("why",))
    assert "quokkaberry" not in repr(event)
    assert "tagline-bot" not in repr(event)


def test_the_hooks_of_project_and_group_report_a_note_under_one_id() -> None:
    first, second = read(), read(object_attributes__note="@other redo")
    other = read(object_attributes__id=901)
    assert isinstance(first, Event)
    assert isinstance(second, Event)
    assert isinstance(other, Event)
    assert first.delivery == second.delivery != other.delivery


@pytest.mark.parametrize("type_", [None, "DiscussionNote"])
def test_a_note_in_a_thread_and_one_of_an_old_server_count_too(type_: str | None) -> None:
    notes = (
        read(object_attributes__type=type_),
        read(issue={"iid": 41}),
        read(object_attributes__action=None),
    )
    assert [isinstance(note, Event) and note.kind for note in notes] == ["command"] * 3


IGNORED: list[tuple[dict[str, Any], str]] = [
    ({"object_attributes__note": "I agree"}, "a note without a command"),
    ({"object_attributes__note": None}, "a note without a command"),
    ({"object_attributes__note": "```\n@bot redo\n```"}, "a note without a command"),
    ({"object_attributes__note": "/tagline redo"}, "a note without a command"),
    ({"object_attributes__noteable_type": "MergeRequest"}, "a note that is not on an issue"),
    ({"object_attributes__action": "update"}, "action 'update'"),
    ({"object_attributes__system": True}, "a note by a bot"),
    ({"user": {"username": "project_77_bot_ab12cd34"}}, "a note by a bot"),
    ({"object_attributes__internal": True}, "confidential"),
    ({"issue__confidential": True}, "confidential"),
    ({"event_type": "confidential_note"}, "confidential"),
    ({"event_header": "Confidential Note Hook"}, "confidential"),
    ({"issue__type": "Task"}, "a work item of type 'Task'"),
    ({"project": None}, "no project or number in the payload"),
    ({"issue__iid": None}, "no project or number in the payload"),
    ({"object_attributes__id": None}, "no project or number in the payload"),
    ({"issue": None}, "a note that is not on an issue"),
    ({"object_attributes__id": "900"}, "not the JSON of an issue event"),
]


@pytest.mark.parametrize(("changes", "reason"), IGNORED)
def test_any_other_note_is_ignored(changes: dict[str, Any], reason: str) -> None:
    assert read(**changes) == Ignored(reason)


BY_AUTHOR: dict[str, Any] = {
    "object_attributes__note": "quokkaberry",
    "object_attributes__author_id": 5,
    "issue__author_id": 5,
}


def test_a_note_of_the_issue_s_author_is_an_event_without_its_text() -> None:
    event, command = read(**BY_AUTHOR), read(**{**BY_AUTHOR, "object_attributes__note": "@b why"})
    assert isinstance(event, Event)
    assert isinstance(command, Event)
    assert (event.kind, event.ref, "quokkaberry" in repr(event)) == ("missing", REF, False)
    assert command.kind == "command"


@pytest.mark.parametrize(
    "changes",
    [
        {"issue__author_id": 6},
        {"issue__author_id": None, "object_attributes__author_id": None},
        {"issue__state": "closed"},
        {"issue__confidential": True},
        {"object_attributes__action": "update"},
        {"object_attributes__internal": True},
        {"object_attributes__system": True},
    ],
)
def test_a_note_of_anybody_else_or_on_a_closed_issue_is_ignored(changes: dict[str, Any]) -> None:
    assert isinstance(read(**{**BY_AUTHOR, **changes}), Ignored)
