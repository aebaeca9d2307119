"""GitLab's notes with their quick actions, and emoji on issues and notes."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from bot.sandbox.gitlab.access import FORBIDDEN, GUEST, MAINTAINING, NOT_FOUND, PLANNER, Denied
from bot.sandbox.gitlab.actions import Place, carry_out, extract
from bot.sandbox.gitlab.face import Call, Row, good, paged
from bot.sandbox.gitlab.issues import ISSUE
from bot.sandbox.gitlab.shapes import iso
from bot.sandbox.world import Comment, Event, Issue

LONGEST_NOTE = 1_000_000


def list_notes(call: Call) -> Response:
    """Newest first unless `sort=asc`; `activity_filter` parts comments from GitLab's own lines."""
    issue = call.issue()
    shown = {"only_comments": (False,), "only_activity": (True,)}
    wanted = shown.get(call.query("activity_filter"), (False, True))
    found = [note for note in _visible(call, issue) if note.system in wanted]
    order = "updated_at" if call.query("order_by") == "updated_at" else "created_at"
    found.sort(
        key=lambda note: (getattr(note, order), note.id),
        reverse=call.query("sort", "desc") != "asc",
    )
    page = paged(call, found)
    shapes = [call.shapes.note(call.repo(), issue, note) for note in page.items]
    return good(shapes, headers=page.headers)


def _visible(call: Call, issue: Issue) -> list[Comment]:
    member = call.level(call.repo()) >= PLANNER
    return [note for note in issue.comments if member or not note.internal]


def get_note(call: Call) -> Response:
    return good(call.shapes.note(call.repo(), call.issue(), _note(call)))


def _note(call: Call) -> Comment:
    """Raises Denied(404)."""
    for note in _visible(call, call.issue()):
        if note.id == int(call.arg("note")):
            return note
    raise NOT_FOUND


def _own_note(call: Call) -> Comment:
    """Raises Denied: others' notes are in maintainers' hands only."""
    note = _note(call)
    if note.system or (note.author != call.login and call.level(call.repo()) < MAINTAINING):
        raise FORBIDDEN
    return note


def create_note(call: Call) -> Response:
    """202 where the text was nothing but quick actions. Members may write in a locked issue."""
    issue, given = call.issue(), call.params()
    if issue.locked:
        call.need(GUEST)
    text, done = _act(call, given.get("body"))
    if not text.strip():
        return _only_commands(done)
    event = call.world.comment(call.repo().id, issue.number, text, call.login, None)
    assert event.comment is not None
    event.comment.internal = bool(given.get("internal") or given.get("confidential"))
    call.tell(event)
    return good(call.shapes.note(call.repo(), issue, event.comment), 201)


def update_note(call: Call) -> Response:
    """Quick actions are carried out here too; one that is nothing else vanishes."""
    note = _own_note(call)
    text, done = _act(call, call.params().get("body"))
    if not text.strip():
        call.world.delete_comment(call.repo().id, note.id, call.login)
        return _only_commands(done)
    call.tell(call.world.edit_comment(call.repo().id, note.id, text, call.login))
    return good(call.shapes.note(call.repo(), call.issue(), note))


def _act(call: Call, body: Any) -> tuple[str, list[Event]]:
    """The text without its quick actions, which are carried out. Raises Denied(400)."""
    if not isinstance(body, str) or not body.strip():
        raise Denied(400, "", error="body is empty" if body == "" else "body is missing")
    if len(body) > LONGEST_NOTE:
        raise Denied(400, {"note": ["is too long (maximum is 1000000 characters)"]})
    text, found = extract(body)
    place = Place(call.world, call.repo().name, call.issue().number, call.login)
    done, events = carry_out(place, found)
    call.gitlab.quick_actions += done
    call.tell(*events)
    return text, events


def _only_commands(done: list[Event]) -> Response:
    summary = [f"Applied: {event.what}." for event in done] or ["Could not apply the command."]
    return good({"commands_changes": {}, "summary": summary}, 202)


def delete_note(call: Call) -> Response:
    call.world.delete_comment(call.repo().id, _own_note(call).id, call.login)
    return Response(status_code=204)


def _awarded(call: Call) -> list[dict[str, Any]]:
    """The emoji on the note that the path names, else on the issue."""
    issue = call.issue()
    if "note" in call.request.path_params:
        return call.gitlab.awards.setdefault(("Note", _note(call).id), [])
    return call.gitlab.awards.setdefault(("Issue", issue.id), [])


def award(call: Call) -> Response:
    """A second one of the same name by the same user is a 404, as GitLab has it."""
    awarded, name = _awarded(call), call.params().get("name")
    if not isinstance(name, str) or not name:
        raise Denied(400, "", error="name is missing")
    user = call.shapes.user(call.login)
    if any(one["name"] == name and one["user"]["id"] == user["id"] for one in awarded):
        raise Denied(404, "404 Award Emoji Name has already been taken Not Found")
    on_note = "note" in call.request.path_params
    at = iso(call.world.clock())
    made = {
        "id": next(call.gitlab.ids),
        "name": name.strip(":"),
        "user": user,
        "created_at": at,
        "updated_at": at,
        "awardable_id": _note(call).id if on_note else call.issue().id,
        "awardable_type": "Note" if on_note else "Issue",
        "url": None,
    }
    awarded.append(made)
    return good(made, 201)


NOTE = ISSUE + "/notes/{note:int}"
ROWS = [
    Row("GET", ISSUE + "/notes", list_notes),
    Row("POST", ISSUE + "/notes", create_note),
    Row("GET", NOTE, get_note),
    Row("PUT", NOTE, update_note),
    Row("DELETE", NOTE, delete_note),
    Row("POST", ISSUE + "/award_emoji", award),
    Row("POST", NOTE + "/award_emoji", award),
]
