"""GitHub's issue types: those of a repository, and the one of an issue.

https://docs.github.com/rest/repos/issue-types
"""

from __future__ import annotations

from starlette.responses import Response

from bot.sandbox.github.api import REPO, Call, Row, error, invalid, success


def list_types(call: Call) -> Response:
    """Return the types, also those that are disabled; a user's own repository has none."""
    repo = call.repo()
    if repo.types is None:
        return error(404, "Not Found")
    return success([call.serializer.issue_type(repo, name) for name in repo.types])


def update_issue(call: Call) -> Response:
    """Set the issue's type by its name, or remove it; nothing else of an issue is simulated.

    Without push access the change is dropped, and the answer is the same.
    https://docs.github.com/rest/issues/issues#update-an-issue
    """
    repo, issue, body = call.repo(), call.issue(), call.json()
    if not isinstance(body, dict) or set(body) - {"type"}:
        return error(422, "Validation Failed: this server changes only the type")
    name = body.get("type", issue.issue_type) or ""
    if not isinstance(name, str):
        return invalid("Issue", "type", "invalid")
    types = {one.lower(): one for one in repo.types or () if one not in repo.disabled_types}
    if name and name.lower() not in types:
        return invalid("Issue", "type", "invalid")
    if call.caller.kind != "user" or call.caller.login in repo.writers:
        name = types.get(name.lower(), "")
        call.send(*call.state.set_type(call.repo_id, call.number, name, call.caller.login))
    return success(call.serializer.issue(repo, issue))


ROWS = [
    Row("GET", REPO + "/issue-types", list_types, "metadata:read"),
    Row("PATCH", REPO + "/issues/{number:int}", update_issue, "issues:write"),
]
