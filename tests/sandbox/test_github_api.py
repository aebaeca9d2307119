"""GitHub's behaviour that the product depends on or has to tolerate."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.simulation import Sandbox

from .conftest import REPO


def test_a_comment_of_the_app_names_the_app(box: Sandbox, bot: httpx.Client) -> None:
    number = box.open_issue(REPO, "Title", "Body")
    comment = bot.post(f"/issues/{number}/comments", json={"body": "Words"}).json()
    assert comment["performed_via_github_app"]["id"] == box.app_id
    assert (comment["user"]["login"], comment["user"]["type"]) == ("tagline-bot[bot]", "Bot")
    assert [c.body for c in box.bot_comments(REPO, number)] == ["Words"]


def test_lists_are_paged_with_links(box: Sandbox, bot: httpx.Client) -> None:
    box.add_repo(REPO, {f"label {n}": "" for n in range(230)})
    seen: list[str] = []
    url: str | None = "/labels?per_page=100"
    while url:
        answer = bot.get(url)
        seen += [label["name"] for label in answer.json()]
        url = answer.links.get("next", {}).get("url")
    assert len(seen) == len(set(seen)) == 230


def test_an_unknown_label_name_is_created_and_recorded(box: Sandbox, bot: httpx.Client) -> None:
    number = box.open_issue(REPO, "Title", "Body")
    answer = bot.post(f"/issues/{number}/labels", json={"labels": ["BUG", "brand new"]})
    assert [label["name"] for label in answer.json()] == ["bug", "brand new"]
    assert box.created_labels(REPO) == ["brand new"]


@pytest.mark.parametrize("name", ["area/login", "good first issue", "a?b#c%", "🐛 bug"])
def test_label_names_survive_the_url(box: Sandbox, bot: httpx.Client, name: str) -> None:
    number = box.open_issue(REPO, "Title", "Body", labels=[name])
    path = f"/issues/{number}/labels/{httpx.QueryParams({'x': name})}".replace("x=", "", 1)
    assert bot.delete(path.replace("+", "%20")).status_code == 200
    assert box.labels(REPO, number) == []


@pytest.mark.parametrize(
    ("label", "problem"),
    [
        ({"name": "api", "color": "5319E7", "description": "x" * 100}, None),
        ({"name": "api"}, None),
        ({"name": "BUG", "color": "5319e7"}, ("name", "already_exists")),
        ({"color": "5319e7"}, ("name", "missing_field")),
        ({"name": " ", "color": "5319e7"}, ("name", "missing_field")),
        ({"name": "x" * 51, "color": "5319e7"}, ("name", "invalid")),
        ({"name": "api", "color": "#5319e7"}, ("color", "invalid")),
        ({"name": "api", "color": "red"}, ("color", "invalid")),
        ({"name": "api", "description": "x" * 101}, ("description", "invalid")),
        (["api"], ("name", "missing_field")),
    ],
)
def test_a_label_is_created_in_githubs_form_only(
    box: Sandbox, bot: httpx.Client, label: Any, problem: tuple[str, str] | None
) -> None:
    box.add_repo(REPO, {"bug": ""})
    answer = bot.post("/labels", json=label)
    if problem is None:
        assert answer.status_code == 201
        assert answer.json()["color"] == label.get("color", "ededed").lower()
        assert answer.headers["location"].endswith("/labels/api")
        assert [x["name"] for x in bot.get("/labels").json()] == ["bug", "api"]
        return
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == problem
    assert [x["name"] for x in bot.get("/labels").json()] == ["bug"]


def test_the_bot_can_change_only_its_own_comments(box: Sandbox, bot: httpx.Client) -> None:
    number = box.open_issue(REPO, "Title", "Body")
    theirs = box.comment_by_person(REPO, number, "Mine")
    assert bot.patch(f"/issues/comments/{theirs}", json={"body": "x"}).status_code == 403
    assert bot.delete(f"/issues/comments/{theirs}").status_code == 403
    bot_accounts = bot.post(f"/issues/{number}/comments", json={"body": "Ours"}).json()["id"]
    box.delete_comment_by_person(REPO, number, bot_accounts)
    assert bot.patch(f"/issues/comments/{bot_accounts}", json={"body": "x"}).status_code == 404
    assert [comment.body for comment in box.comments(REPO, number)] == ["Mine"]


def test_a_transferred_issue_takes_its_comments_along(box: Sandbox, bot: httpx.Client) -> None:
    box.add_repo("acme/other", {"bug": ""})
    number = box.open_issue(REPO, "Title", "Body", labels=["bug", "question"])
    bot.post(f"/issues/{number}/comments", json={"body": "Ours"})
    there = box.transfer_issue(REPO, number, "acme/other")
    assert bot.get(f"/issues/{number}").status_code == 301
    assert box.labels("acme/other", there) == ["bug"]
    assert [comment.body for comment in box.bot_comments("acme/other", there)] == ["Ours"]


def test_pull_requests_are_found_among_the_issues(box: Sandbox, bot: httpx.Client) -> None:
    number = box.open_issue(REPO, "Title", "Body", pull_request=True)
    assert "pull_request" in bot.get(f"/issues/{number}").json()


def test_an_unknown_api_version_is_refused(bot: httpx.Client) -> None:
    for version, status in (("2022-11-28", 200), ("2026-03-10", 200), ("2099-01-01", 400)):
        headers = {"x-github-api-version": version}
        assert bot.get("/labels", headers=headers).status_code == status


def test_answers_carry_the_rate_limit(bot: httpx.Client) -> None:
    first, second = (int(bot.get("/labels").headers["x-ratelimit-remaining"]) for _ in range(2))
    assert first == second + 1
