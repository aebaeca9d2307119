"""GitLab's notes with their quick actions."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from bot.sandbox.gitlab.access import FORBIDDEN, GUEST, MAINTAINER_LEVEL, NOT_FOUND, Denied
from bot.sandbox.gitlab.actions import QuickAction, extract
from bot.sandbox.gitlab.api import Call, Row, list_response, success
from bot.sandbox.gitlab.issues import ISSUE, sort
from bot.sandbox.state import StoredComment

LONGEST_NOTE = 1_000_000
SYSTEM = {"only_comments": (False,), "only_activity": (True,)}


def list_notes(call: Call) -> Response:
    """Return notes, newest first by default; `activity_filter` selects users' or GitLab's own."""
    issue = call.issue()
    system = SYSTEM.get(call.query("activity_filter"), (False, True))
    page = call.page(sort(call, [note for note in issue.comments if note.system in system]))
    return list_response(page, [call.serializer.note(note) for note in page.items])


def _own_note(call: Call) -> StoredComment:
    """Return the note. Raises Denied; maintainers may change the notes of others."""
    note = next((n for n in call.issue().comments if n.id == int(call.arg("note"))), None)
    if note is None:
        raise NOT_FOUND
    if note.system or (note.author != call.login and call.level(call.repo()) < MAINTAINER_LEVEL):
        raise FORBIDDEN
    return note


def create_note(call: Call) -> Response:
    """Create a note. A locked issue is for members; quick actions alone are answered with 202."""
    issue = call.issue()
    if issue.locked:
        call.require(GUEST)
    text = _without_actions(call, call.params().get("body"))
    if not text.strip():
        return _only_commands()
    event = call.state.comment(call.repo().id, issue.number, text, call.login, None)
    assert event.comment is not None
    call.send(event)
    return success(call.serializer.note(event.comment), 201)


def update_note(call: Call) -> Response:
    """Update a note; one with nothing but quick actions is deleted."""
    note = _own_note(call)
    text = _without_actions(call, call.params().get("body"))
    if not text.strip():
        call.state.delete_comment(call.repo().id, note.id, call.login)
        return _only_commands()
    call.send(call.state.edit_comment(call.repo().id, note.id, text, call.login))
    return success(call.serializer.note(note))


def _without_actions(call: Call, body: Any) -> str:
    """Return the text without its quick actions, and record these. Raises Denied(400)."""
    if not isinstance(body, str) or not body.strip():
        raise Denied(400, "", error="body is empty" if body == "" else "body is missing")
    if len(body) > LONGEST_NOTE:
        raise Denied(400, {"note": ["is too long (maximum is 1000000 characters)"]})
    text, actions = extract(body)
    issue = (call.repo().name, call.issue().number, call.login)
    call.gitlab.quick_actions += [QuickAction(*issue, *action) for action in actions]
    return text


def _only_commands() -> Response:
    return success({"commands_changes": {}, "summary": ["Applied."]}, 202)


def delete_note(call: Call) -> Response:
    call.state.delete_comment(call.repo().id, _own_note(call).id, call.login)
    return Response(status_code=204)


NOTE = ISSUE + "/notes/{note:int}"
ROWS = [
    Row("GET", ISSUE + "/notes", list_notes),
    Row("POST", ISSUE + "/notes", create_note),
    Row("PUT", NOTE, update_note),
    Row("DELETE", NOTE, delete_note),
]
