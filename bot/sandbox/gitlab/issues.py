"""GitLab's issues and their labels."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.responses import Response

from bot.sandbox.gitlab.access import FORBIDDEN, GUEST, PLANNER, Denied
from bot.sandbox.gitlab.face import Call, Row, good, paged
from bot.sandbox.world import Change, Event, Issue

LONGEST_LABEL = 255


def get_issue(call: Call) -> Response:
    return good(call.shapes.issue(call.repo(), call.issue(), details=_details(call)))


def list_issues(call: Call) -> Response:
    """Of every state unless `state` says otherwise; newest first unless `sort=asc`."""
    repo = call.repo()
    found = [issue for issue in repo.issues.values() if _listed(call, issue)]
    order = "updated_at" if call.query("order_by") == "updated_at" else "created_at"
    found.sort(
        key=lambda issue: (getattr(issue, order), issue.number),
        reverse=call.query("sort", "desc") != "asc",
    )
    page = paged(call, found)
    shapes = [call.shapes.issue(repo, issue, details=_details(call)) for issue in page.items]
    return good(shapes, headers=page.headers)


def _details(call: Call) -> bool:
    return call.query("with_labels_details") == "true"


FILTERS: dict[str, Callable[[Issue, str], bool]] = {
    "state": lambda issue, state: state == "all" or issue.is_open == (state == "opened"),
    "updated_after": lambda issue, at: issue.updated_at >= _when(at),
    "updated_before": lambda issue, at: issue.updated_at <= _when(at),
    "created_after": lambda issue, at: issue.created_at >= _when(at),
    "created_before": lambda issue, at: issue.created_at <= _when(at),
    "labels": lambda issue, names: set(names.split(",")) <= set(issue.labels),
    "confidential": lambda issue, wanted: issue.confidential == (wanted == "true"),
    "issue_type": lambda issue, kind: issue.type.lower() == kind,
    "author_username": lambda issue, login: issue.author == login,
}


def _listed(call: Call, issue: Issue) -> bool:
    if issue.deleted or not call.sees(call.repo(), issue):
        return False
    words, where = call.query("search").lower(), call.query("in", "title,description")
    text = issue.title if "title" in where else ""
    text += f"\n{issue.body}" if "description" in where else ""
    given = call.request.query_params
    return words in text.lower() and all(
        holds(issue, given[name]) for name, holds in FILTERS.items() if name in given
    )


def _when(text: str) -> datetime:
    """Raises Denied(400)."""
    try:
        return datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise Denied(400, "", error="the time is invalid") from error


def update_issue(call: Call) -> Response:
    """Planners and above, and the author."""
    issue, given = call.issue(), call.params()
    if call.login != issue.author:
        call.need(PLANNER)
    if not set(given) & CHANGES:
        raise Denied(400, "", error=f"{', '.join(sorted(CHANGES))} are missing, at least one")
    call.tell(*_relabel(call, issue, given), *_rewrite(call, issue, given))
    return good(call.shapes.issue(call.repo(), issue))


CHANGES = {
    *("add_labels", "remove_labels", "labels", "title", "description", "state_event"),
    *("discussion_locked", "confidential", "assignee_ids", "milestone_id", "due_date", "weight"),
}

STATES: dict[tuple[str, Any], Change] = {
    ("state_event", "close"): "closed",
    ("state_event", "reopen"): "reopened",
    ("discussion_locked", True): "locked",
    ("confidential", True): "confidential",
}


def _relabel(call: Call, issue: Issue, given: dict[str, Any]) -> list[Event]:
    """`labels` replaces what the issue carries; its use is noted, for nobody should."""
    add, remove = _names(given.get("add_labels")), _names(given.get("remove_labels"))
    if "labels" in given:
        add = _names(given["labels"])
        remove = [name for name in issue.labels if name not in add]
        call.gitlab.replaced.append((call.repo().name, issue.number, add))
    add = [name for name in add if name not in remove]
    gone = [name for name in issue.labels if name in remove]
    return call.world.relabel(call.repo().id, issue.number, call.login, add, gone)


def _names(given: Any) -> list[str]:
    """A list or one text; a comma parts names in either. Too long ones are dropped in silence."""
    texts = given if isinstance(given, list) else [given or ""]
    names = [name.strip() for text in texts for name in str(text).split(",")]
    return [name for name in names if 0 < len(name) <= LONGEST_LABEL]


def _rewrite(call: Call, issue: Issue, given: dict[str, Any]) -> list[Event]:
    place, login = (call.repo().id, issue.number), call.login
    events: list[Event] = []
    fields = {"title": "title", "description": "body"}
    values = {fields[key]: given[key] for key in fields if key in given}
    if values:
        events.append(call.world.edit_issue(*place, login, values))
    events += [
        call.world.set_state(*place, login, change)
        for (name, value), change in STATES.items()
        if given.get(name) == value
    ]
    return events


def list_label_events(call: Call) -> Response:
    """Oldest first."""
    repo, issue = call.repo(), call.issue()
    page = paged(call, issue.label_changes)
    shapes = [call.shapes.label_event(repo, issue, change) for change in page.items]
    return good(shapes, headers=page.headers)


def list_labels(call: Call) -> Response:
    """Those of the groups around the project too, unless told otherwise."""
    repo = call.repo()
    alone = call.query("include_ancestor_groups", "true").lower() in ("false", "0")
    names = sorted(repo.labels if alone else repo.all_labels, key=str.lower)
    words = call.query("search").lower()
    page = paged(call, [name for name in names if words in name.lower()])
    return good([call.shapes.label(repo, name) for name in page.items], headers=page.headers)


def create_label(call: Call) -> Response:
    given, repo = call.params(), call.repo()
    name = given.get("name")
    if not isinstance(name, str) or not name or "," in name:
        raise Denied(400, {"title": ["is invalid"]})
    if name in repo.all_labels:
        raise Denied(409, "Label already exists")
    repo.labels[name] = given.get("description") or ""
    return good(call.shapes.label(repo, name), 201)


def get_member(call: Call) -> Response:
    repo = call.repo()
    for person in list(call.world.people.values()):
        if str(person.id) == call.arg("user"):
            if call.gitlab.access.level(repo, person.login):
                return good(call.shapes.member(repo, person.login))
            break
    raise Denied(404, "404 Not found")


def list_members(call: Call) -> Response:
    """`query` is searched in names and user names."""
    repo, wanted = call.repo(), call.query("query", "").lower()
    level = call.gitlab.access.level
    people = [p.login for p in list(call.world.people.values()) if wanted in p.login.lower()]
    page = paged(call, [login for login in people if level(repo, login)])
    return good([call.shapes.member(repo, x) for x in page.items], headers=page.headers)


def get_file(call: Call) -> Response:
    """Raw. In private projects guests see no files."""
    repo, path = call.repo(), call.arg("path")
    if repo.private and call.level(repo) <= GUEST:
        raise FORBIDDEN
    if call.query("ref", "HEAD") not in ("HEAD", "main"):
        raise Denied(404, "404 Commit Not Found")
    if path not in repo.files:
        raise Denied(404, "404 File Not Found")
    return Response(repo.files[path], media_type="text/plain")


PROJECT = "/projects/{project}"
ISSUE = PROJECT + "/issues/{iid:int}"
ROWS = [
    Row("GET", PROJECT + "/issues", list_issues),
    Row("GET", ISSUE, get_issue),
    Row("PUT", ISSUE, update_issue),
    Row("GET", ISSUE + "/resource_label_events", list_label_events),
    Row("GET", PROJECT + "/labels", list_labels),
    Row("POST", PROJECT + "/labels", create_label, PLANNER),
    Row("GET", PROJECT + "/members/all", list_members),
    Row("GET", PROJECT + "/members/all/{user}", get_member),
    Row("GET", PROJECT + "/repository/files/{path}/raw", get_file),
]
