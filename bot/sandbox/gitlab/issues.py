"""GitLab's issues and labels, members and files of a project, and the caller's user."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from starlette.responses import Response

from bot.sandbox.files import list_folder
from bot.sandbox.gitlab import search
from bot.sandbox.gitlab.access import FORBIDDEN, GUEST, NOT_FOUND, PLANNER, Denied
from bot.sandbox.gitlab.api import Call, Row, list_response, success
from bot.sandbox.state import Event, Issue, Repo, StoredComment

T = TypeVar("T", Issue, StoredComment)
LONGEST_LABEL = 255
COLOR = re.compile(r"#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})")  # GitLab also takes names of colours
LONG_COLOR = 6  # digits
# https://docs.gitlab.com/api/issues/#create-a-new-issue
LONGEST_DESCRIPTION = 1_048_576
FIELDS = {"add_labels", "remove_labels", "labels"}  # all that the sandbox updates


def get_issue(call: Call) -> Response:
    return success(call.serializer.issue(call.repo(), call.issue()))


def list_issues(call: Call) -> Response:
    """Return issues of every state by default, newest first unless `sort=asc`."""
    repo = call.repo()
    if not repo.has_issues:
        raise FORBIDDEN
    if call.query("search"):
        call.count_search()
    found = [issue for issue in repo.issues.values() if _matches(call, repo, issue)]
    page = call.page(sort(call, found))
    return list_response(page, [call.serializer.issue(repo, issue) for issue in page.items])


def sort(call: Call, items: list[T]) -> list[T]:
    """Return the items as `order_by` and `sort` ask: newest first by default."""
    order = "updated_at" if call.query("order_by") == "updated_at" else "created_at"
    newest_first = call.query("sort", "desc") != "asc"
    return sorted(items, key=lambda item: (getattr(item, order), item.id), reverse=newest_first)


FILTERS: dict[str, Callable[[Issue, str], bool]] = {
    "state": lambda issue, state: state == "all" or issue.is_open == (state == "opened"),
    "created_after": lambda issue, at: issue.created_at >= _parse_time(at),
    "updated_after": lambda issue, at: issue.updated_at >= _parse_time(at),
    "created_before": lambda issue, at: issue.created_at <= _parse_time(at),
    "confidential": lambda issue, value: issue.confidential == (value == "true"),
    "labels": lambda issue, names: _has_labels(issue.labels, names),
}


def _matches(call: Call, repo: Repo, issue: Issue) -> bool:
    hidden = issue.deleted or not call.can_see(repo, issue)
    if hidden or not call.state.is_listed(issue):
        return False
    query = call.request.query_params
    numbers = query.getlist("iids[]")
    if numbers and str(issue.number) not in numbers:
        return False
    text = query.get("search")
    if text and not search.matches(issue, text, query.get("in", "")):
        return False
    return all(matches(issue, query[name]) for name, matches in FILTERS.items() if name in query)


def _has_labels(labels: list[str], names: str) -> bool:
    """https://docs.gitlab.com/api/issues/#list-project-issues: None, Any, or names with commas."""
    if names.lower() in ("none", "any"):
        return bool(labels) == (names.lower() == "any")
    return all(name in labels for name in names.split(","))


def _parse_time(text: str) -> datetime:
    """Return the time. Raises Denied(400)."""
    try:
        return datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise Denied(400, "", error="the time is invalid") from error


def update_issue(call: Call) -> Response:
    """Update labels, for planners, higher roles and the author."""
    issue, params = call.issue(), call.params()
    if call.login != issue.author:
        call.require(PLANNER)
    if not set(params) & FIELDS:
        raise Denied(400, "", error=f"{', '.join(sorted(FIELDS))} are missing, at least one")
    call.send(*_update_labels(call, issue, params))
    return success(call.serializer.issue(call.repo(), issue))


def _update_labels(call: Call, issue: Issue, params: dict[str, Any]) -> list[Event]:
    """Add and remove labels; `labels` replaces all of them."""
    add, remove = _label_names(params.get("add_labels")), _label_names(params.get("remove_labels"))
    if "labels" in params:
        add = _label_names(params["labels"])
        remove = [name for name in issue.labels if name not in add]
    add = [name for name in add if name not in remove]
    removed = [name for name in issue.labels if name in remove]
    return call.state.relabel(call.repo().id, issue.number, call.login, add, removed)


def _label_names(value: Any) -> list[str]:
    """Return the names in a list or a text, separated by commas; GitLab drops too long ones."""
    texts = value if isinstance(value, list) else [value or ""]
    names = [name.strip() for text in texts for name in str(text).split(",")]
    return [name for name in names if 0 < len(name) <= LONGEST_LABEL]


def list_label_events(call: Call) -> Response:
    """Return the issue's changes of labels, oldest first, to a caller with a token."""
    call.require_token()
    repo, issue = call.repo(), call.issue()
    page = call.page(issue.label_changes)
    return list_response(page, [call.serializer.label_event(repo, one) for one in page.items])


def list_labels(call: Call) -> Response:
    """Return the labels of the project and, by default, of its groups."""
    repo = call.repo()
    own = call.query("include_ancestor_groups", "true").lower() in ("false", "0")
    page = call.page(sorted(repo.labels if own else repo.all_labels, key=str.lower))
    return list_response(page, [call.serializer.label(repo, name) for name in page.items])


def create_label(call: Call) -> Response:
    """https://docs.gitlab.com/api/labels/#create-a-new-label"""
    repo, params = call.repo(), call.params()
    missing = [field for field in ("name", "color") if not params.get(field)]
    if missing:
        raise Denied(400, "", error=", ".join(f"{field} is missing" for field in missing))
    call.require(PLANNER)
    name, color = str(params["name"]).strip(), str(params["color"])
    if call.state.known_label(repo.id, name):
        raise Denied(409, "Label already exists")
    if not name or "," in name or len(name) > LONGEST_LABEL:
        raise Denied(400, {"title": ["is invalid"]})
    if not COLOR.fullmatch(color):
        raise Denied(400, {"color": ["must be a valid color code"]})
    digits = color[1:].lower()
    digits = digits if len(digits) == LONG_COLOR else "".join(digit * 2 for digit in digits)
    call.state.create_label(repo.id, name, str(params.get("description") or ""), digits)
    return success(call.serializer.label(repo, name), 201)


def list_members(call: Call) -> Response:
    """Return members whose user name contains `query`."""
    repo, text = call.repo(), call.query("query").lower()
    level = call.gitlab.access.level
    logins = [login for login in call.state.users if text in login.lower() and level(repo, login)]
    page = call.page(logins)
    return list_response(page, [call.serializer.member(repo, login) for login in page.items])


def get_member(call: Call) -> Response:
    """Return a member of the project or its groups, to a caller with a token."""
    call.require_token()
    repo = call.repo()
    for user in list(call.state.users.values()):
        if str(user.id) == call.arg("user") and call.gitlab.access.level(repo, user.login):
            return success(call.serializer.member(repo, user.login))
    raise NOT_FOUND


def get_file(call: Call) -> Response:
    """Return a raw file. Guests see no files of a private project."""
    repo, path = call.repo(), call.arg("path")
    if repo.private and call.level(repo) <= GUEST:
        raise FORBIDDEN
    if call.query("ref", "HEAD") not in ("HEAD", "main"):
        raise Denied(404, "404 Commit Not Found")
    if path not in repo.files:
        raise Denied(404, "404 File Not Found")
    return Response(repo.files[path], media_type="text/plain")


def list_tree(call: Call) -> Response:
    """Return the entries of a folder. https://docs.gitlab.com/api/repositories/"""
    repo, path = call.repo(), call.query("path").strip("/")
    if repo.private and call.level(repo) <= GUEST:
        raise FORBIDDEN
    entries = list_folder(repo.files, path)
    if call.query("ref", "HEAD") not in ("HEAD", "main") or not entries:
        raise Denied(404, "404 Tree Not Found")
    page = call.page([call.serializer.tree_entry(repo, *entry) for entry in entries])
    return list_response(page, page.items)


def get_project(call: Call) -> Response:
    repo = call.repo()
    content = call.serializer.project(repo)
    if call.login:
        access = {"access_level": call.level(repo), "notification_level": 3}
        content["permissions"] = {"project_access": access, "group_access": None}
    return success(content)


def get_user(call: Call) -> Response:
    call.require_token()
    return success(call.serializer.user(call.login))


def get_user_by_id(call: Call) -> Response:
    """https://docs.gitlab.com/api/users/#retrieve-a-user"""
    for user in list(call.state.users.values()):
        if str(user.id) == call.arg("id"):
            return success(call.serializer.user(user.login) | {"bot": user.is_bot})
    raise NOT_FOUND


PROJECT = "/projects/{project}"
ISSUE = PROJECT + "/issues/{iid:int}"
ROWS = [
    Row("GET", "/user", get_user),
    Row("GET", "/users/{id:int}", get_user_by_id),
    Row("GET", PROJECT, get_project),
    Row("GET", PROJECT + "/issues", list_issues),
    Row("GET", ISSUE, get_issue),
    Row("PUT", ISSUE, update_issue),
    Row("GET", ISSUE + "/resource_label_events", list_label_events),
    Row("GET", PROJECT + "/labels", list_labels),
    Row("POST", PROJECT + "/labels", create_label),
    Row("GET", PROJECT + "/members/all", list_members),
    Row("GET", PROJECT + "/members/all/{user}", get_member),
    Row("GET", PROJECT + "/repository/tree", list_tree),
    Row("GET", PROJECT + "/repository/files/{path}/raw", get_file),
]
