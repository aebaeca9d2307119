"""The one query of GitHub's GraphQL API that the product sends: how an issue was closed.

https://docs.github.com/en/graphql/reference/objects#closedevent
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from starlette.responses import Response

from bot.sandbox.github.access import Denied
from bot.sandbox.github.api import Call, Row, error, success
from bot.sandbox.github.serializers import Json
from bot.sandbox.state import Issue, Missing, Repo

# The names of the schema that a query may have. GitHub refuses one with any other.
KNOWN = {
    *("query", "fragment", "on", "String", "Int", "owner", "name", "number", "last", "itemTypes"),
    *("CLOSED_EVENT", "MARKED_AS_DUPLICATE_EVENT", "UNMARKED_AS_DUPLICATE_EVENT"),
    *("ClosedEvent", "MarkedAsDuplicateEvent", "Issue", "repository", "issue", "timelineItems"),
    *("nodes", "__typename", "duplicateOf", "canonical", "nameWithOwner"),
}
OWN_NAME = re.compile(r"\$\w+|\.\.\.(?!\s*on\b)\w+|(?<=fragment )\w+")
NAME = re.compile(r"[A-Za-z_]\w*")
MARK = re.compile(r"^Duplicate of #(\d+)\s*$", re.IGNORECASE | re.MULTILINE)


def query(call: Call) -> Response:
    """Return the events of an issue, or GraphQL's errors with status 200."""
    body = call.json()
    text = body.get("query") if isinstance(body, dict) else None
    variables = body.get("variables") if isinstance(body, dict) else None
    if not isinstance(text, str) or not isinstance(variables, Mapping):
        return error(400, "A query attribute must be specified and must be a string.")
    unknown = {*NAME.findall(OWN_NAME.sub("", text))} - KNOWN | call.github.unknown_fields
    if found := sorted(name for name in unknown if name in text):
        return success({"errors": [{"message": f"Field '{found[0]}' doesn't exist"}]})
    try:
        repo = call.state.repo(f"{variables.get('owner')}/{variables.get('repo')}")
        issue = call.state.issue(repo.id, int(variables.get("number") or 0))
        if not call.can_see(repo) or not call.caller.may("issues", "read"):
            raise Missing(repo.name)
    except (Missing, Denied, ValueError):
        problem = {"type": "NOT_FOUND", "message": "Could not resolve to a Repository"}
        return success({"data": {"repository": None}, "errors": [problem]})
    nodes = [*_list_marks(repo, issue), *_list_closings(call, issue)]
    items = {"timelineItems": {"nodes": nodes}}
    return success({"data": {"repository": {"issue": items}}})


def _list_marks(repo: Repo, issue: Issue) -> Iterator[Json]:
    """Yield the events that GitHub makes of members' comments "Duplicate of #1"."""
    for comment in issue.comments:
        match = MARK.search(comment.body)
        if match and (comment.author in repo.writers or comment.author in repo.roles):
            original = _describe(repo, int(match[1]))
            yield {"__typename": "MarkedAsDuplicateEvent", "canonical": original}


def _list_closings(call: Call, issue: Issue) -> Iterator[Json]:
    original = issue.closing.original
    if not issue.is_open:
        found = _describe(call.state.repo(original[0]), original[1]) if original else None
        yield {"__typename": "ClosedEvent", "duplicateOf": found}


def _describe(repo: Repo, number: int) -> Json:
    return {"number": number, "repository": {"nameWithOwner": repo.name}}


ROWS = [Row("POST", "/graphql", query, "token")]
