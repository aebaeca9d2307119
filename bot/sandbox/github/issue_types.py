"""GitHub's issue types: those of a repository, and the one of an issue.

https://docs.github.com/rest/repos/issue-types
"""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from bot.sandbox import decisions
from bot.sandbox.github.api import REPO, Call, Row, error, invalid, success
from bot.sandbox.suggestions import KEYS, Intent, parse_intent


def list_types(call: Call) -> Response:
    """Return the types, also those that are disabled; a user's own repository has none."""
    repo = call.repo()
    if repo.types is None:
        return error(404, "Not Found")
    return success([call.serializer.issue_type(repo, name) for name in repo.types])


def update_issue(call: Call) -> Response:
    """Set, suggest or remove the issue's type; nothing else of an issue is simulated.

    Without push access the change is dropped, and the answer is the same.
    https://docs.github.com/rest/issues/issues#update-an-issue
    """
    repo, issue, body = call.repo(), call.issue(), call.json()
    if not isinstance(body, dict) or set(body) - {"type"}:
        return error(422, "Validation Failed: this server changes only the type")
    given = body.get("type", issue.issue_type)
    intent = parse_intent(given, "value") if isinstance(given, dict) else None
    name = intent.target if intent else given or ""
    if not isinstance(name, str):
        return invalid("Issue", "type", "invalid")
    types = {one.lower(): one for one in repo.types or () if one not in repo.disabled_types}
    if name and name.lower() not in types:
        return invalid("Issue", "type", "invalid")
    name, login, level = types.get(name.lower(), ""), call.caller.login, repo.automation
    may_write = call.caller.kind != "user" or login in repo.writers
    has_intent = isinstance(given, dict) and not KEYS.isdisjoint(given)
    if may_write and (not has_intent or (level and intent and not intent.is_held(level))):
        call.send(*call.state.set_type(call.repo_id, call.number, name, login))
    elif may_write and level and intent:
        return _suggest(call, replace(intent, target=name))
    return success(call.serializer.issue(repo, issue))


def _suggest(call: Call, intent: Intent) -> Response:
    """Store a type that waits for a person; one that the issue has is only repeated."""
    repo, issue = call.repo(), call.issue()
    given = {"value": intent.target, "rationale": intent.rationale, "confidence": intent.confidence}
    echo: dict[str, object] = {key: value for key, value in given.items() if value is not None}
    echo["suggest"] = intent.suggest
    if issue.issue_type == intent.target:
        echo |= {"ignored": True, "ignored_reason": "already_applied"}
    else:
        login = call.caller.login
        decisions.suggest(call.state, call.repo_id, call.number, "set_type", intent, login)
    return success(call.serializer.issue(repo, issue) | {"suggestions": {"type": [echo]}})


ROWS = [
    Row("GET", REPO + "/issue-types", list_types, "metadata:read"),
    Row("PATCH", REPO + "/issues/{number:int}", update_issue, "issues:write"),
]
