"""GitHub's endpoints for the suggestions of an issue."""

from __future__ import annotations

from starlette.responses import Response

from bot.sandbox import decisions
from bot.sandbox.github.api import REPO, Call, Row, error, success
from bot.sandbox.state import Missing
from bot.sandbox.suggestions import Suggestion

ISSUE = REPO + "/issues/{number:int}"


def list_suggestions(call: Call) -> Response:
    """Return suggestions, by default those that are pending; 404 where the feature is off."""
    repo, issue, query = call.repo(), call.issue(), call.request.query_params
    if repo.automation is None:
        return error(404, "Not Found")
    if issue.is_pull_request:
        return error(422, "Validation Failed: suggestions are for issues only")
    state, action = query.get("state", "pending"), query.get("action")
    listed = [
        one
        for one in issue.suggestions
        if state in ("all", one.state) and action in (None, one.action)
    ]
    page = call.page(listed)
    content = [call.serializer.suggestion(repo, issue, one) for one in page.items]
    return success(content, headers=page.headers)


def dismiss(call: Call) -> Response:
    suggestion = _find_pending(call)
    if suggestion is None:
        return error(422, "Validation Failed: the suggestion is not pending")
    decisions.dismiss(call.state, suggestion, call.caller.login)
    return success(call.serializer.suggestion(call.repo(), call.issue(), suggestion))


def approve(call: Call) -> Response:
    suggestion = _find_pending(call)
    if suggestion is None:
        return error(422, "Validation Failed: the suggestion is not pending")
    login = call.caller.login
    call.send(*decisions.approve(call.state, call.repo_id, call.number, suggestion, login))
    return success(call.serializer.suggestion(call.repo(), call.issue(), suggestion))


def _find_pending(call: Call) -> Suggestion | None:
    """Return a pending suggestion, None for one that is resolved. Raises Missing."""
    if call.repo().automation is None:
        raise Missing("suggestions")
    return decisions.find_pending(call.state, call.repo_id, call.number, int(call.arg("id")))


ROWS = [
    Row("GET", ISSUE + "/suggestions", list_suggestions, "issues:write"),
    Row("POST", ISSUE + "/suggestions/{id:int}/approve", approve, "issues:write"),
    Row("POST", ISSUE + "/suggestions/{id:int}/dismiss", dismiss, "issues:write"),
]
