"""What an issue on GitHub was closed as a duplicate of.

REST says that it was, by whom, and not of which. GraphQL has that since people can choose the other
issue while they close one; older servers refuse the query. There, and where nobody chose, a comment
of a member may name it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from bot.core.errors import PermanentError
from bot.core.related import Duplicate
from bot.core.types import IssueRef
from bot.footprint import large_responses
from bot.forges.github.client import Credential
from bot.forges.github.errors import Unauthorized
from bot.forges.github.issue import MEMBERS, is_by_person
from bot.forges.github.paths import COMMENTS, ISSUE, Variables, join_name
from bot.forges.github.repository_requests import RepositoryRequests
from bot.forges.values import comment_count, require_object, require_objects, text

COMMENTS_PAGE = COMMENTS + "?per_page={per_page}&page={page}"
PAGE = 100
# https://docs.github.com/en/graphql/reference/objects#closedevent, `duplicateOf`
QUERY = """\
query($owner: String!, $repo: String!, $number: Int!) {
  repository(owner: $owner, name: $repo) {
    issue(number: $number) {
      timelineItems(
        last: 20
        itemTypes: [CLOSED_EVENT, MARKED_AS_DUPLICATE_EVENT, UNMARKED_AS_DUPLICATE_EVENT]
      ) {
        nodes {
          __typename
          ... on ClosedEvent { duplicateOf { ...original } }
          ... on MarkedAsDuplicateEvent { canonical { ...original } }
        }
      }
    }
  }
}
fragment original on Issue { number repository { nameWithOwner } }"""


def find_duplicate(ref: IssueRef, api: RepositoryRequests) -> Duplicate | None:
    """Return as `RelatedIssues.find_duplicate`."""

    def read_issue(values: Variables, credential: Credential) -> dict[str, Any]:
        with large_responses():
            answer = api.rest.call("GET", ISSUE, values, credential)
            data = require_object("GitHub", answer, "number")
            wanted = ("state", "state_reason", "closed_by", "comments", "pull_request")
            return {name: data[name] for name in wanted if name in data}

    issue = api.send_about(ref, ISSUE, read_issue)
    is_duplicate = issue.get("state") == "closed" and issue.get("state_reason") == "duplicate"
    if not is_duplicate or "pull_request" in issue:
        return None
    closer = issue.get("closed_by") or {}
    closed_by = "" if closer.get("type") == "Bot" else text(closer.get("login"))
    original = _query_original(ref, api)
    if original is None:
        page = max(ceil(comment_count(issue.get("comments")) / PAGE), 1)
        original = _read_comments(ref, page, api)
    return Duplicate(original, closed_by)


def _query_original(ref: IssueRef, api: RepositoryRequests) -> int | None:
    """Return the original's number, 0 for one in another repository, None if it is not known."""

    def send(values: Variables, credential: Credential) -> int | None:
        variables = {**values, "number": ref.number}
        data = api.rest.query(QUERY, variables, credential)
        nodes = data
        for name in ("repository", "issue", "timelineItems", "nodes"):
            nodes = nodes.get(name) if isinstance(nodes, Mapping) else None
        name = join_name(values)
        return choose_original(nodes if isinstance(nodes, list) else [], name)

    try:
        return api.send_about(ref, ISSUE, send)
    except (PermanentError, Unauthorized):
        return None


def choose_original(nodes: Sequence[Any], name: str) -> int | None:
    """Return the original by the newest event that says something of it."""
    is_closing = True
    for node in reversed(nodes):
        if not isinstance(node, Mapping):
            continue
        kind = node.get("__typename")
        if kind == "UnmarkedAsDuplicateEvent":
            return None
        original = node.get("canonical")
        if kind == "ClosedEvent":  # former closings say nothing of this one
            original, is_closing = node.get("duplicateOf") if is_closing else None, False
        if isinstance(original, Mapping) and isinstance(original.get("number"), int):
            repository = original.get("repository") or {}
            same = text(repository.get("nameWithOwner")).lower() == name.lower()
            return int(original["number"]) if same else 0
    return None


def _read_comments(ref: IssueRef, page: int, api: RepositoryRequests) -> int:
    """Return the original that the newest of a page of comments names, 0 for none."""

    def send(values: Variables, credential: Credential) -> int:
        path_values = {**values, "per_page": PAGE, "page": page}
        name = join_name(values)
        with large_responses():
            listed = require_objects(
                "GitHub", api.rest.call("GET", COMMENTS_PAGE, path_values, credential)
            )
            bodies = (
                text(comment.get("body"))
                for comment in reversed(listed)
                if is_by_person(comment) and comment.get("author_association") in MEMBERS
            )
            originals = (find_original(body, api.rest.web_url, name) for body in bodies)
            return next(filter(None, originals), 0)

    return api.send_about(ref, COMMENTS_PAGE, send)


def find_original(comment: str, web_url: str, name: str) -> int:
    """Return the issue of this repository that a comment says another one is a duplicate of, 0 for
    none. Quotes do not count."""
    full = re.escape(name)
    places = rf"(?:(?:{full})?#|{re.escape(web_url)}/{full}/issues/)"
    lines = "\n".join(x for x in comment.splitlines() if not x.lstrip().startswith(">"))
    match = re.search(rf"\bduplicate of:?\s+{places}(\d{{1,9}})\b", lines, re.IGNORECASE)
    return int(match[1]) if match else 0
