"""GitHub's issues, their labels and their comments."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

from starlette.responses import Response

from bot.sandbox import decisions
from bot.sandbox.changes import LabelChange, TypeChange
from bot.sandbox.comments import add_reaction
from bot.sandbox.github.access import Denied
from bot.sandbox.github.api import FORBIDDEN, REPO, Call, Row, error, invalid, success
from bot.sandbox.paging import link_cursor
from bot.sandbox.state import Issue, StoredComment
from bot.sandbox.suggestions import KEYS, Intent, parse_intent

LONGEST_COMMENT = 65_536
REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")
LONGEST_LABEL = 50
LONGEST_DESCRIPTION = 100  # of a label
COLOR = re.compile(r"[0-9A-Fa-f]{6}")
MOST_LABELS = 100
MOST_BY_NUMBER = 10_000  # items; later pages need the cursor in the link of the page before
TOO_MANY = (
    "Pagination with the page parameter is not supported for large datasets, please use cursor"
    " based pagination (after/before)"
)


def get_issue(call: Call) -> Response:
    return success(call.serializer.issue(call.repo(), call.issue()))


def list_issues(call: Call) -> Response:
    """Return issues and pull requests: open ones by default, newest first.

    The query may have `state`, `since`, `sort` (created, updated), `direction`, and `after`, the
    cursor of the next page's link.
    """
    query, repo = call.request.query_params, call.repo()
    if not repo.has_issues:
        return error(410, "Issues are disabled for this repo")

    def place(issue: Issue) -> tuple[float, int]:
        order = "updated_at" if query.get("sort") == "updated" else "created_at"
        return getattr(issue, order).timestamp(), issue.number

    newest_first = query.get("direction") != "asc"
    matching = (issue for issue in repo.issues.values() if _matches(call, issue))
    issues = sorted(matching, key=place, reverse=newest_first)
    if after := query.get("after"):
        at, number = base64.urlsafe_b64decode(after).decode().split()
        reached = float(at), int(number)
        before = sum(
            place(issue) >= reached if newest_first else place(issue) <= reached for issue in issues
        )
        page = call.page(issues[before:], ignore_number=True)
    else:
        page = call.page(issues)
        if page.number * page.size > MOST_BY_NUMBER:
            return error(422, TOO_MANY)
    headers = page.headers
    if page.items:
        cursor = base64.urlsafe_b64encode("{} {}".format(*place(page.items[-1])).encode()).decode()
        headers = link_cursor(page, cursor)
    content = [call.serializer.issue(repo, issue) for issue in page.items]
    return success(content, headers=headers)


def _matches(call: Call, issue: Issue) -> bool:
    query = call.request.query_params
    if issue.deleted or issue.moved_to or not call.state.is_listed(issue):
        return False
    state, since = query.get("state", "open"), query.get("since")
    if state != "all" and issue.is_open != (state == "open"):
        return False
    return not since or issue.updated_at >= datetime.fromisoformat(since)


def list_labels(call: Call) -> Response:
    repo = call.repo()
    page = call.page(list(repo.labels))
    return success(call.serializer.labels(repo, page.items), headers=page.headers)


def create_label(call: Call) -> Response:
    """https://docs.github.com/rest/issues/labels#create-a-label"""
    fields = call.json()
    given = fields if isinstance(fields, dict) else {}
    name, color = given.get("name"), given.get("color", "ededed")
    description = given.get("description") or ""
    if not isinstance(name, str) or not name.strip():
        return invalid("Label", "name", "missing_field")
    if call.state.known_label(call.repo_id, name):
        return invalid("Label", "name", "already_exists")
    limits = {
        "name": len(name) <= LONGEST_LABEL,
        "color": isinstance(color, str) and COLOR.fullmatch(color),
        "description": isinstance(description, str) and len(description) <= LONGEST_DESCRIPTION,
    }
    for field, holds in limits.items():
        if not holds:
            return invalid("Label", field, "invalid")
    call.state.create_label(call.repo_id, name, description, color.lower())
    repo = call.repo()
    location = f"{call.serializer.repo_url(repo)}/labels/{quote(name, safe='')}"
    return success(call.serializer.label(repo, name), 201, {"Location": location})


def add_labels(call: Call) -> Response:
    body, issue = call.json(), call.issue()
    listed = body.get("labels") if isinstance(body, dict) else body
    if not isinstance(listed, list) or not listed:
        return invalid("Label", "labels", "missing_field")
    intents = [_parse_label(item) for item in listed]
    sent = [intent for intent in intents if intent and len(intent.target) <= LONGEST_LABEL]
    if len(sent) < len(listed):
        return invalid("Label", "name", "invalid")
    if len(issue.labels) + len(sent) > MOST_LABELS:
        return invalid("Issue", "labels", "too_many")
    names, held = _sort_out(sent, listed, call.repo().automation)
    if not all(call.state.known_label(call.repo_id, intent.target) for intent in held):
        return invalid("Label", "name", "invalid")
    login = call.caller.login
    for intent in held:
        known = call.state.known_label(call.repo_id, intent.target) or ""
        if known not in issue.labels:
            asked = replace(intent, target=known)
            decisions.suggest(call.state, call.repo_id, call.number, "add_label", asked, login)
    call.send(*call.state.add_labels(call.repo_id, call.number, names, login))
    return success(call.serializer.labels(call.repo(), issue.labels))


def _sort_out(
    sent: list[Intent], listed: list[object], level: str | None
) -> tuple[list[str], list[Intent]]:
    """Return the labels to add, and those that wait for a person.

    Where suggestions are off, a label with an intent is dropped, and the answer is the same.
    """
    names, held = [], []
    for intent, item in zip(sent, listed, strict=True):
        has_intent = isinstance(item, dict) and not KEYS.isdisjoint(item)
        if not has_intent or (level and not intent.is_held(level)):
            names.append(intent.target)
        elif level:
            held.append(intent)
    return names, held


def _parse_label(item: object) -> Intent | None:
    return parse_intent(item if isinstance(item, dict) else {"name": item}, "name")


def remove_label(call: Call) -> Response:
    issue, name = call.issue(), call.arg("name")
    if name.lower() not in map(str.lower, issue.labels):
        return error(404, "Label does not exist")
    call.send(call.state.remove_label(call.repo_id, call.number, name, call.caller.login))
    return success(call.serializer.labels(call.repo(), issue.labels))


def list_events(call: Call) -> Response:
    """Return the issue's changes of labels and type, oldest first; GitHub lists more events."""
    repo, issue, serializer = call.repo(), call.issue(), call.serializer
    changes: list[LabelChange | TypeChange] = [*issue.label_changes, *issue.type_changes]
    page = call.page(sorted(changes, key=lambda change: change.id))
    app = call.github.access.app_id
    content = [
        serializer.type_event(repo, change, app)
        if isinstance(change, TypeChange)
        else serializer.label_event(repo, change, app)
        for change in page.items
    ]
    return success(content, headers=page.headers)


def list_timeline(call: Call) -> Response:
    """Return changes of labels, comments and deletions of comments; GitHub lists other events too.

    https://docs.github.com/rest/issues/timeline
    """
    repo, issue, serializer = call.repo(), call.issue(), call.serializer
    app = call.github.access.app_id
    events = [
        *(serializer.label_event(repo, change, app) for change in issue.label_changes),
        *(serializer.comment_event(repo, issue, comment) for comment in issue.comments),
        *(serializer.deletion_event(repo, deletion) for deletion in issue.deleted_comments),
    ]
    page = call.page(sorted(events, key=lambda event: (event["created_at"], event["id"])))
    return success(page.items, headers=page.headers)


def list_comments(call: Call) -> Response:
    issue, since = call.issue(), call.request.query_params.get("since")
    least = datetime.fromisoformat(since) if since else None
    page = call.page([one for one in issue.comments if not least or one.updated_at >= least])
    content = [call.serializer.comment(call.repo(), issue, comment) for comment in page.items]
    return success(content, headers=page.headers)


def get_comment(call: Call) -> Response:
    issue, comment = call.state.find_comment(call.repo_id, int(call.arg("id")))
    return _comment(call, issue, comment)


def create_reaction(call: Call) -> Response:
    """https://docs.github.com/rest/reactions/reactions#create-reaction-for-an-issue-comment"""
    issue, comment = call.state.find_comment(call.repo_id, int(call.arg("id")))
    body = call.json()
    content = body.get("content") if isinstance(body, dict) else None
    if content not in REACTIONS:
        return invalid("Reaction", "content", "invalid")
    if issue.locked and call.caller.login not in call.repo().writers:
        return error(403, FORBIDDEN)
    at = call.state.clock()
    reaction, is_new = add_reaction(comment.reactions, content, call.caller.login, at)
    return success(call.serializer.reaction(reaction), 201 if is_new else 200)


def create_comment(call: Call) -> Response:
    issue = call.issue()
    if issue.locked:
        return error(403, "Unable to create comment because issue is locked.")
    text = _comment_text(call)
    event = call.state.comment(call.repo_id, call.number, text, call.caller.login, call.caller.app)
    call.send(event)
    return _comment(call, issue, event.comment, 201)


def edit_comment(call: Call) -> Response:
    comment_id, login = _own_comment(call), call.caller.login
    event = call.state.edit_comment(call.repo_id, comment_id, _comment_text(call), login)
    call.send(event)
    return _comment(call, event.issue, event.comment)


def delete_comment(call: Call) -> Response:
    call.send(call.state.delete_comment(call.repo_id, _own_comment(call), call.caller.login))
    return Response(status_code=204)


def _own_comment(call: Call) -> int:
    """Return the comment's id. Raises Missing, Denied(403) for another user's comment."""
    comment = call.state.find_comment(call.repo_id, int(call.arg("id")))[1]
    if comment.author != call.caller.login:
        raise Denied(403, FORBIDDEN)
    return comment.id


def _comment(
    call: Call, issue: Issue, comment: StoredComment | None, status: int = 200
) -> Response:
    assert comment is not None
    content = call.serializer.comment(call.repo(), issue, comment)
    return success(content, status, {"Location": content["url"]} if status == 201 else None)


def _comment_text(call: Call) -> str:
    body = call.json()
    text = body.get("body") if isinstance(body, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise Denied(422, "Validation Failed: body can't be blank")
    if len(text) > LONGEST_COMMENT:
        raise Denied(422, "Validation Failed: body is too long (maximum is 65536 characters)")
    return text


ISSUE = REPO + "/issues/{number:int}"
COMMENT = REPO + "/issues/comments/{id:int}"
ROWS = [
    Row("GET", REPO + "/labels", list_labels, "issues:read"),
    Row("POST", REPO + "/labels", create_label, "issues:write"),
    Row("GET", REPO + "/issues", list_issues, "issues:read"),
    Row("GET", ISSUE, get_issue, "issues:read"),
    Row("POST", ISSUE + "/labels", add_labels, "issues:write"),
    Row("DELETE", ISSUE + "/labels/{name:path}", remove_label, "issues:write"),
    Row("GET", ISSUE + "/events", list_events, "issues:read"),
    Row("GET", ISSUE + "/timeline", list_timeline, "issues:read"),
    Row("GET", ISSUE + "/comments", list_comments, "issues:read"),
    Row("POST", ISSUE + "/comments", create_comment, "issues:write"),
    Row("GET", COMMENT, get_comment, "issues:read"),
    Row("POST", COMMENT + "/reactions", create_reaction, "issues:write"),
    Row("PATCH", COMMENT, edit_comment, "issues:write"),
    Row("DELETE", COMMENT, delete_comment, "issues:write"),
]
