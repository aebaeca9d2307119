"""How GitHub names the original of a duplicate: events of GraphQL, and words in comments."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from bot.core.related import Duplicate
from bot.core.types import IssueRef
from bot.forges.github.api import GitHub
from bot.forges.github.auth import Auth
from bot.forges.github.client import Credential, GitHubClient
from bot.forges.github.duplicates import choose_original, find_original
from tests.scripted_web import ScriptedWeb

NAME, WEB = "acme/widget", "https://github.com"


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("Duplicate of #5", 5),
        ("Thanks! Closing as duplicate of #5.", 5),
        ("duplicate of: #5", 5),
        ("DUPLICATE OF acme/widget#5", 5),
        ("a duplicate of https://github.com/acme/widget/issues/5#issuecomment-1", 5),
        ("> Duplicate of #5\n\nNo, it is not.", 0),
        ("Duplicate of acme/gadget#5", 0),
        ("Duplicate of https://github.com/acme/gadget/issues/5", 0),
        ("Duplicate of https://evil.example/acme/widget/issues/5", 0),
        ("Duplicate of #5000000000000", 0),
        ("Not a duplicate, see #5", 0),
        ("duplicate of # 5", 0),
        ("nonduplicate of #5", 0),
        ("", 0),
    ],
)
def test_a_comment_names_an_issue_of_its_repository(comment: str, expected: int) -> None:
    assert find_original(comment, WEB, NAME) == expected


def to(number: int, name: str = NAME) -> dict[str, Any]:
    return {"number": number, "repository": {"nameWithOwner": name}}


def marked(number: int, name: str = NAME) -> dict[str, Any]:
    return {"__typename": "MarkedAsDuplicateEvent", "canonical": to(number, name)}


def closed(number: int = 0, name: str = NAME) -> dict[str, Any]:
    return {"__typename": "ClosedEvent", "duplicateOf": to(number, name) if number else None}


UNMARKED = {"__typename": "UnmarkedAsDuplicateEvent"}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], None),
        ([closed()], None),
        ([closed(5)], 5),
        ([marked(5), closed()], 5),
        ([marked(3), closed(5)], 5),
        ([closed(3), closed()], None),
        ([closed(3), UNMARKED, closed(5)], 5),
        ([marked(3), UNMARKED, closed()], None),
        ([closed(5, "Acme/Widget")], 5),
        ([closed(5, "acme/gadget")], 0),
        ([{"__typename": "MarkedAsDuplicateEvent", "canonical": {}}, closed()], None),
        ([None, "x", {}, {"__typename": 1, "canonical": {"number": "5"}}], None),
    ],
)
def test_the_newest_event_that_names_one_counts(events: list[Any], expected: int | None) -> None:
    assert choose_original(events, NAME) == expected


@pytest.mark.parametrize(
    ("api", "expected"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql"),
        ("https://ghe.example/api/v3", "https://ghe.example/api/graphql"),
    ],
)
def test_the_query_goes_to_the_server_s_own_address(api: str, expected: str) -> None:
    web = ScriptedWeb(httpx.Response(200, json={"data": {"repository": None}}))
    found = GitHubClient(web, api).query("query {x}", {"number": 5}, Credential(token="t"))
    assert found == {"repository": None}
    (request,) = web.requests
    assert (request.method, str(request.url)) == ("POST", expected)
    assert json.loads(request.content) == {"query": "query {x}", "variables": {"number": 5}}


@pytest.mark.parametrize(
    "answer", [{"errors": [{"message": "Field 'duplicateOf' doesn't exist"}]}, {}, [], None]
)
def test_a_server_that_does_not_know_the_query_gives_no_data(answer: object) -> None:
    rest = GitHubClient(ScriptedWeb(httpx.Response(200, json=answer)), "https://api.github.com")
    assert rest.query("query {x}", {}, Credential(token="t")) is None


@pytest.mark.parametrize("status", [403, 404, 422])
def test_a_server_that_refuses_the_query_leaves_comments(status: int) -> None:
    issue = {"number": 2, "state": "closed", "state_reason": "duplicate", "comments": 250}
    issue |= {"closed_by": {"login": "maintainer", "type": "User"}}
    member = {"author_association": "MEMBER", "user": {"login": "maintainer", "type": "User"}}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/graphql":
            return httpx.Response(status, json={"message": "no"})
        if request.url.path.endswith("/comments"):
            assert request.url.params["page"] == "3"
            return httpx.Response(200, json=[member | {"body": "Duplicate of #5"}])
        return httpx.Response(200, json=issue)

    github = GitHub(GitHubClient(ScriptedWeb(answer), "https://api.github.com"), Auth())
    ref = IssueRef("github", "github.com", NAME, 2)
    assert github.related.find_duplicate(ref) == Duplicate(5, "maintainer")
