"""GitLab's issues and their labels."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.responses import Response

from bot.sandbox.gitlab.access import FORBIDDEN, GUEST, PLANNER, Denied
from bot.sandbox.gitlab.api import Call, Row, good, paged
from bot.sandbox.state import Event, Issue

LONGEST_LABEL = 255
# https://docs.gitlab.com/api/issues/#create-a-new-issue
LONGEST_DESCRIPTION = 1_048_576
CHANGES = {"add_labels", "remove_labels", "labels", "description"}  # all that it knows to change


def get_issue(call: Call) -> Response:
    return good(call.serializer.issue(call.repo(), call.issue(), details=_details(call)))


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
    serializer = [
        call.serializer.issue(repo, issue, details=_details(call)) for issue in page.items
    ]
    return good(serializer, headers=page.headers)


def _details(call: Call) -> bool:
    return call.query("with_labels_details") == "true"


FILTERS: dict[str, Callable[[Issue, str], bool]] = {
    "state": lambda issue, state: state == "all" or issue.is_open == (state == "opened"),
    "created_after": lambda issue, at: issue.created_at >= _when(at),
    "created_before": lambda issue, at: issue.created_at <= _when(at),
    "confidential": lambda issue, wanted: issue.confidential == (wanted == "true"),
}


def _listed(call: Call, issue: Issue) -> bool:
    if issue.deleted or not call.sees(call.repo(), issue):
        return False
    given = call.request.query_params
    return all(holds(issue, given[name]) for name, holds in FILTERS.items() if name in given)


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
    call.tell(*_described(call, issue, given), *_relabel(call, issue, given))
    return good(call.serializer.issue(call.repo(), issue))


def _described(call: Call, issue: Issue, given: dict[str, Any]) -> list[Event]:
    """Raises Denied(400)."""
    if "description" not in given:
        return []
    text = str(given["description"] or "")
    if len(text) > LONGEST_DESCRIPTION:
        too_long = f"is too long (maximum is {LONGEST_DESCRIPTION} characters)"
        raise Denied(400, {"description": [too_long]})
    return [call.state.edit_issue(call.repo().id, issue.number, call.login, {"body": text})]


def _relabel(call: Call, issue: Issue, given: dict[str, Any]) -> list[Event]:
    """`labels` replaces what the issue carries; its use is noted, for nobody should."""
    add, remove = _names(given.get("add_labels")), _names(given.get("remove_labels"))
    if "labels" in given:
        add = _names(given["labels"])
        remove = [name for name in issue.labels if name not in add]
        call.gitlab.replaced.append((call.repo().name, issue.number, add))
    add = [name for name in add if name not in remove]
    gone = [name for name in issue.labels if name in remove]
    return call.state.relabel(call.repo().id, issue.number, call.login, add, gone)


def _names(given: Any) -> list[str]:
    """A list or one text; a comma parts names in either. Too long ones are dropped in silence."""
    texts = given if isinstance(given, list) else [given or ""]
    names = [name.strip() for text in texts for name in str(text).split(",")]
    return [name for name in names if 0 < len(name) <= LONGEST_LABEL]


def list_label_events(call: Call) -> Response:
    """Oldest first."""
    repo, issue = call.repo(), call.issue()
    page = paged(call, issue.label_changes)
    serializer = [call.serializer.label_event(repo, issue, change) for change in page.items]
    return good(serializer, headers=page.headers)


def list_labels(call: Call) -> Response:
    """Those of the groups around the project too, unless told otherwise."""
    repo = call.repo()
    alone = call.query("include_ancestor_groups", "true").lower() in ("false", "0")
    page = paged(call, sorted(repo.labels if alone else repo.all_labels, key=str.lower))
    return good([call.serializer.label(repo, name) for name in page.items], headers=page.headers)


def get_member(call: Call) -> Response:
    repo = call.repo()
    for person in list(call.state.people.values()):
        if str(person.id) == call.arg("user"):
            if call.gitlab.access.level(repo, person.login):
                return good(call.serializer.member(repo, person.login))
            break
    raise Denied(404, "404 Not found")


def list_members(call: Call) -> Response:
    """`query` is searched in names and user names."""
    repo, wanted = call.repo(), call.query("query", "").lower()
    level = call.gitlab.access.level
    people = [p.login for p in list(call.state.people.values()) if wanted in p.login.lower()]
    page = paged(call, [login for login in people if level(repo, login)])
    return good([call.serializer.member(repo, x) for x in page.items], headers=page.headers)


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
    Row("GET", PROJECT + "/members/all", list_members),
    Row("GET", PROJECT + "/members/all/{user}", get_member),
    Row("GET", PROJECT + "/repository/files/{path}/raw", get_file),
]
