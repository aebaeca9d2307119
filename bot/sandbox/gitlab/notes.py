"""GitLab's notes with their quick actions."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from bot.sandbox.gitlab.access import FORBIDDEN, GUEST, MAINTAINING, NOT_FOUND, Denied
from bot.sandbox.gitlab.actions import QuickAction, extract
from bot.sandbox.gitlab.api import Call, Row, good, paged
from bot.sandbox.gitlab.issues import ISSUE
from bot.sandbox.state import StoredComment

LONGEST_NOTE = 1_000_000


def list_notes(call: Call) -> Response:
    """Newest first unless `sort=asc`; `activity_filter` parts comments from GitLab's own lines."""
    issue = call.issue()
    shown = {"only_comments": (False,), "only_activity": (True,)}
    wanted = shown.get(call.query("activity_filter"), (False, True))
    found = [note for note in issue.comments if note.system in wanted]
    order = "updated_at" if call.query("order_by") == "updated_at" else "created_at"
    found.sort(
        key=lambda note: (getattr(note, order), note.id),
        reverse=call.query("sort", "desc") != "asc",
    )
    page = paged(call, found)
    serializer = [call.serializer.note(call.repo(), issue, note) for note in page.items]
    return good(serializer, headers=page.headers)


def _note(call: Call) -> StoredComment:
    """Raises Denied(404)."""
    for note in call.issue().comments:
        if note.id == int(call.arg("note")):
            return note
    raise NOT_FOUND


def _own_note(call: Call) -> StoredComment:
    """Raises Denied: others' notes are in maintainers' hands only."""
    note = _note(call)
    if note.system or (note.author != call.login and call.level(call.repo()) < MAINTAINING):
        raise FORBIDDEN
    return note


def create_note(call: Call) -> Response:
    """202 where the text was nothing but quick actions. Members may write in a locked issue."""
    issue = call.issue()
    if issue.locked:
        call.need(GUEST)
    text = _act(call, call.params().get("body"))
    if not text.strip():
        return _only_commands()
    event = call.state.comment(call.repo().id, issue.number, text, call.login, None)
    assert event.comment is not None
    call.tell(event)
    return good(call.serializer.note(call.repo(), issue, event.comment), 201)


def update_note(call: Call) -> Response:
    """Quick actions count here too; a note that is nothing else vanishes."""
    note = _own_note(call)
    text = _act(call, call.params().get("body"))
    if not text.strip():
        call.state.delete_comment(call.repo().id, note.id, call.login)
        return _only_commands()
    call.tell(call.state.edit_comment(call.repo().id, note.id, text, call.login))
    return good(call.serializer.note(call.repo(), call.issue(), note))


def _act(call: Call, body: Any) -> str:
    """The text without its quick actions, which are noted. Raises Denied(400)."""
    if not isinstance(body, str) or not body.strip():
        raise Denied(400, "", error="body is empty" if body == "" else "body is missing")
    if len(body) > LONGEST_NOTE:
        raise Denied(400, {"note": ["is too long (maximum is 1000000 characters)"]})
    text, found = extract(body)
    place = (call.repo().name, call.issue().number, call.login)
    call.gitlab.quick_actions += [QuickAction(*place, *action) for action in found]
    return text


def _only_commands() -> Response:
    return good({"commands_changes": {}, "summary": ["Applied."]}, 202)


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
