"""GitHub's GraphQL API, as far as the product uses it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bot.forges.github.duplicates import QUERY
from tests.simulation import Sandbox

from .conftest import REPO, WEB


def ask(box: Sandbox, bot: httpx.Client, query: str = QUERY, **more: Any) -> Any:
    owner, repo = REPO.split("/")
    variables = {"owner": owner, "repo": repo, "number": 1, **more}
    body = {"query": query, "variables": variables}
    answer = bot.post(f"{box.github_url}/graphql", json=body)
    assert answer.status_code == 200
    return answer.json()


def test_events_name_the_original_in_their_order(box: Sandbox, bot: httpx.Client) -> None:
    first, second = (box.open_issue(REPO, "Title", "Body") for _ in range(2))
    box.comment_by_person(REPO, second, f"Duplicate of #{first}")
    box.comment_by_person(REPO, second, f"Duplicate of #{first}", login="a-stranger")
    box.close_issue(REPO, second, duplicate_of=first)
    issue = ask(box, bot, number=second)["data"]["repository"]["issue"]
    original = {"number": first, "repository": {"nameWithOwner": REPO}}
    assert issue["timelineItems"]["nodes"] == [
        {"__typename": "MarkedAsDuplicateEvent", "canonical": original},
        {"__typename": "ClosedEvent", "duplicateOf": original},
    ]


def test_a_query_with_an_unknown_field_is_refused(box: Sandbox, bot: httpx.Client) -> None:
    wrong = ask(box, bot, QUERY.replace("canonical", "original_issue"))
    assert "data" not in wrong
    assert "original_issue" in wrong["errors"][0]["message"]
    box.github.unknown_fields = frozenset({"duplicateOf"})
    assert "duplicateOf" in ask(box, bot)["errors"][0]["message"]


@pytest.mark.parametrize("more", [{"repo": "gone"}, {"number": 99}, {"number": "x"}])
def test_what_does_not_exist_is_an_error(
    box: Sandbox, bot: httpx.Client, more: dict[str, Any]
) -> None:
    found = ask(box, bot, **more)
    assert found["data"] == {"repository": None}
    assert found["errors"][0]["type"] == "NOT_FOUND"


def test_a_token_and_a_query_are_required(box: Sandbox, bot: httpx.Client) -> None:
    url = f"{box.github_url}/graphql"
    assert WEB.post(url, json={"query": QUERY, "variables": {}}).status_code == 401
    assert bot.post(url, json={"query": 5}).status_code == 400
