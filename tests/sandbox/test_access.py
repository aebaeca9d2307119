"""Permissions of the App's JWT, installation tokens, the personal token and no token."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.simulation import GRANTED, Sandbox

from .conftest import REPO, app_token, client, create_token


@pytest.mark.parametrize(
    ("claims", "status"),
    [  # moments in seconds from now
        ({}, 200),
        ({"iss": "Iv23sandbox4711"}, 200),
        ({"iss": "4712"}, 401),
        ({"exp": 1200}, 401),
        ({"exp": -5}, 401),
        ({"iat": 300}, 401),
    ],
)
def test_only_a_good_jwt_is_the_app(box: Sandbox, claims: dict[str, Any], status: int) -> None:
    times = {k: int(time.time()) + v if k in ("exp", "iat") else v for k, v in claims.items()}
    headers = {"authorization": f"Bearer {app_token(box, **times)}"}
    assert httpx.get(f"{box.github_url}/app", headers=headers).status_code == status


def test_a_jwt_of_another_key_is_refused(box: Sandbox) -> None:
    head, claims, signature = app_token(box).split(".")
    forged = f"{head}.{claims}.{signature[::-1]}"
    headers = {"authorization": f"Bearer {forged}"}
    assert httpx.get(f"{box.github_url}/app", headers=headers).status_code == 401


def test_a_token_has_the_long_format_and_the_granted_permissions(box: Sandbox) -> None:
    answer = create_token(box).json()
    assert answer["token"].startswith("ghs_4711_")
    assert len(answer["token"]) > 400
    assert answer["permissions"] == GRANTED


def test_a_token_with_more_permissions_than_granted_is_refused(box: Sandbox) -> None:
    assert create_token(box, permissions={"contents": "write"}).status_code == 422
    assert create_token(box, permissions={"members": "read"}).status_code == 422
    assert create_token(box, repository_ids=[1]).status_code == 422


def test_an_operator_may_grant_less_than_the_manifest_asks() -> None:
    with Sandbox(granted={"issues": "write", "metadata": "read"}).running() as box:
        assert (
            create_token(box, permissions={"issues": "write", "contents": "read"}).status_code
            == 422
        )
        assert create_token(box, permissions={"issues": "write"}).status_code == 201


@pytest.mark.parametrize(
    ("permissions", "method", "path", "status"),
    [
        ({"issues": "write"}, "POST", "/issues/1/comments", 201),
        ({"issues": "read"}, "POST", "/issues/1/comments", 403),
        ({"issues": "read"}, "GET", "/issues/1", 200),
        ({"issues": "write"}, "POST", "/labels", 201),
        ({"issues": "read"}, "POST", "/labels", 403),
        ({"contents": "read"}, "GET", "/issues/1", 403),
        ({"issues": "write"}, "GET", "/contents/.github%2Ftagline.yml", 403),
        ({"contents": "read"}, "GET", "/contents/.github%2Ftagline.yml", 200),
        ({"contents": "read"}, "GET", "/collaborators/octocat/permission", 200),
        ({"issues": "write"}, "GET", "/installation", 401),
    ],
)
def test_a_limited_token_allows_only_its_permissions(
    box: Sandbox, permissions: dict[str, str], method: str, path: str, status: int
) -> None:
    box.add_repo(REPO, {}, {".github/tagline.yml": ""})
    box.open_issue(REPO, "Title", "Body")
    with client(box, create_token(box, permissions=permissions).json()["token"]) as narrowed:
        body = {"body": "words", "name": "api"} if method == "POST" else None
        raw = {"accept": "application/vnd.github.raw+json"}
        assert narrowed.request(method, path, json=body, headers=raw).status_code == status


def test_a_token_for_one_repository_does_not_reach_another(box: Sandbox) -> None:
    box.add_repo("acme/public")
    box.add_repo("acme/hidden", private=True)
    only = box.state.repo(REPO).id
    answer = create_token(box, repository_ids=[only]).json()
    assert [repo["full_name"] for repo in answer["repositories"]] == [REPO]
    headers = {"authorization": f"token {answer['token']}"}
    with httpx.Client(base_url=box.github_url, headers=headers) as narrowed:
        for repo in ("acme/public", "acme/hidden"):
            box.open_issue(repo, "Title", "Body")
        assert narrowed.get("/repos/acme/hidden/issues/1").status_code == 404
        for repo, status in (("acme/public", 403), ("acme/hidden", 404)):
            answer = narrowed.post(f"/repos/{repo}/issues/1/comments", json={"body": "x"})
            assert answer.status_code == status


def test_a_token_expires_after_an_hour() -> None:
    late = timedelta()

    def clock() -> datetime:
        return datetime.now(UTC) + late

    with (
        Sandbox(clock=clock).running() as box,
        client(box, create_token(box).json()["token"]) as bot,
    ):
        assert bot.get("/labels").status_code == 200
        late = timedelta(minutes=61)
        answer = bot.get("/labels")
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


def test_without_a_token_public_issues_can_be_read_only(box: Sandbox) -> None:
    box.open_issue(REPO, "Title", "Body")
    with httpx.Client(base_url=f"{box.github_url}/repos/{REPO}") as anonymous:
        assert anonymous.get("/issues/1").json()["title"] == "Title"
        assert anonymous.post("/issues/1/comments", json={"body": "x"}).status_code == 401
        box.state.repo(REPO).private = True
        assert anonymous.get("/issues/1").status_code == 404


def test_the_personal_token_writes_as_its_owner(box: Sandbox) -> None:
    number = box.open_issue(REPO, "Title", "Body")
    with client(box, box.token) as person:
        written = person.post(f"/issues/{number}/comments", json={"body": "x"}).json()
    assert written["user"]["login"] == box.token_login
    assert written["performed_via_github_app"] is None
    assert [comment.author for comment in box.bot_comments(REPO, number)] == [box.token_login]


def test_a_workflow_s_token_is_for_one_repository_and_no_account(box: Sandbox) -> None:
    box.add_repo("acme/other")
    token = box.access.create_workflow_token(box.state.repo(REPO), {"issues": "write"})
    number = box.open_issue(REPO, "Crash", deliver=False)
    elsewhere = box.open_issue("acme/other", "Crash", deliver=False)
    with client(box, token) as workflow:
        labels = {"labels": ["bug"]}
        assert workflow.post(f"/issues/{number}/labels", json=labels).status_code == 200
        other = f"{box.github_url}/repos/acme/other/issues/{elsewhere}/labels"
        assert workflow.post(other, json=labels).status_code == 403
        for path in ("/user", "/app", "/app/installations", "/app/hook/deliveries"):
            assert workflow.get(f"{box.github_url}{path}").status_code in (401, 403), path
        assert workflow.get("/contents/README.md").status_code == 403  # a permission that is none


def test_a_workflow_writes_as_github_actions(box: Sandbox) -> None:
    token = box.access.create_workflow_token(box.state.repo(REPO), {"issues": "write"})
    number = box.open_issue(REPO, "Crash", deliver=False)
    with client(box, token) as workflow:
        comment = workflow.post(f"/issues/{number}/comments", json={"body": "Hello."}).json()
        assert (comment["user"]["login"], comment["user"]["type"]) == ("github-actions[bot]", "Bot")
        app = comment["performed_via_github_app"]
        assert (app["id"], app["slug"]) == (15368, "github-actions")


def test_the_timeline_shows_deleted_comments_without_their_authors(box: Sandbox) -> None:
    token = box.access.create_workflow_token(box.state.repo(REPO), {"issues": "write"})
    number = box.open_issue(REPO, "Crash", deliver=False)
    with client(box, token) as workflow:
        comment = workflow.post(f"/issues/{number}/comments", json={"body": "Hello."}).json()
        box.delete_comment_by_person(REPO, number, comment["id"], deliver=False)
        box.label_by_person(REPO, number, "bug", deliver=False)
        events = workflow.get(f"/issues/{number}/timeline").json()
    assert [one["event"] for one in events] == ["comment_deleted", "labeled"]
    assert events[0]["actor"]["login"] == "maintainer"
    assert "Hello" not in str(events)
