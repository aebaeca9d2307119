"""GitLab's notes."""

from __future__ import annotations

import re

from starlette.responses import Response

from bot.sandbox.comments import add_reaction
from bot.sandbox.gitlab.access import (
    FORBIDDEN,
    GUEST,
    MAINTAINER_LEVEL,
    NOT_FOUND,
    REPORTER,
    Denied,
)
from bot.sandbox.gitlab.api import Call, Row, list_response, success
from bot.sandbox.gitlab.issues import ISSUE, sort
from bot.sandbox.state import Issue, StoredComment

LONGEST_NOTE = 1_000_000
EMOJI = re.compile(r"[a-z0-9_+-]+")  # without colons
SYSTEM = {"only_comments": (False,), "only_activity": (True,)}


def list_notes(call: Call) -> Response:
    """Return notes, newest first by default; `activity_filter` selects users' or GitLab's own.

    A token is needed on public projects too.
    """
    call.require_token()
    issue = call.issue()
    system = SYSTEM.get(call.query("activity_filter"), (False, True))
    page = call.page(sort(call, [note for note in issue.comments if note.system in system]))
    return list_response(page, [call.serializer.note(note) for note in page.items])


def _find_note(call: Call) -> StoredComment:
    """Return the note. Raises Denied(404), also where the caller may not see an internal one."""
    note = next((n for n in call.issue().comments if n.id == int(call.arg("note"))), None)
    if note is None or (note.internal and call.level(call.repo()) < REPORTER):
        raise NOT_FOUND
    return note


def get_note(call: Call) -> Response:
    call.require_token()
    return success(call.serializer.note(_find_note(call)))


def award_emoji(call: Call) -> Response:
    """React to a note, for everybody who sees it. GitLab refuses a second one of the same kind.

    https://docs.gitlab.com/api/emoji_reactions/#add-a-new-emoji-reaction
    """
    note, name = _find_note(call), call.params().get("name")
    if not name:
        raise Denied(400, "", error="name is missing")
    if not isinstance(name, str) or not EMOJI.fullmatch(name):
        raise Denied(404, "404 Award Emoji Name is not a valid emoji name Not Found")
    writable_issue(call)
    reaction, is_new = add_reaction(note.reactions, name, call.login, call.state.clock())
    if not is_new:
        raise Denied(404, "404 Award Emoji Name has already been taken Not Found")
    return success(call.serializer.award_emoji(note, reaction), 201)


def _own_note(call: Call) -> StoredComment:
    """Return the note. Raises Denied; maintainers may change the notes of others."""
    note = _find_note(call)
    if note.system or (note.author != call.login and call.level(call.repo()) < MAINTAINER_LEVEL):
        raise FORBIDDEN
    return note


def writable_issue(call: Call) -> Issue:
    """Return the issue. Raises Denied; a locked issue is for members."""
    issue = call.issue()
    if issue.locked:
        call.require(GUEST)
    return issue


def create_note(call: Call) -> Response:
    issue, text = writable_issue(call), _text(call)
    event = call.state.comment(call.repo().id, issue.number, text, call.login, None)
    assert event.comment is not None
    call.send(event)
    return success(call.serializer.note(event.comment), 201)


def update_note(call: Call) -> Response:
    note = _own_note(call)
    call.send(call.state.edit_comment(call.repo().id, note.id, _text(call), call.login))
    return success(call.serializer.note(note))


def _text(call: Call) -> str:
    """Return the note's text. Raises Denied(400)."""
    body = call.params().get("body")
    if not isinstance(body, str) or not body.strip():
        raise Denied(400, "", error="body is empty" if body == "" else "body is missing")
    if len(body) > LONGEST_NOTE:
        raise Denied(400, {"note": ["is too long (maximum is 1000000 characters)"]})
    return body.replace("\r", "")


def delete_note(call: Call) -> Response:
    call.state.delete_comment(call.repo().id, _own_note(call).id, call.login)
    return Response(status_code=204)


NOTES = ISSUE + "/notes"
NOTE = NOTES + "/{note:int}"
ROWS = [
    Row("GET", NOTES, list_notes),
    Row("POST", NOTES, create_note),
    Row("GET", NOTE, get_note),
    Row("POST", NOTE + "/award_emoji", award_emoji),
    Row("PUT", NOTE, update_note),
    Row("DELETE", NOTE, delete_note),
]
