"""Requests without credentials: their limits, and what they may not read, as on the real hosts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx

from tests.simulation import Sandbox

from .conftest import REPO

START = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


def test_github_accepts_sixty_requests_an_hour_from_an_address() -> None:
    clock = Clock()
    with Sandbox(clock=clock).running() as box, httpx.Client(base_url=box.github_url) as anonymous:
        first = anonymous.get(f"/repos/{REPO}")
        for _ in range(58):
            anonymous.get("/repos/acme/none")
        last, refused = anonymous.get(f"/repos/{REPO}"), anonymous.get(f"/repos/{REPO}/labels")
        with_token = anonymous.get(
            f"/repos/{REPO}", headers={"authorization": f"token {box.token}"}
        )
        clock.now += timedelta(hours=1)
        again = anonymous.get(f"/repos/{REPO}")

    reset = str(int((START + timedelta(hours=1)).timestamp()))
    answers = [
        (x.status_code, *(x.headers[f"x-ratelimit-{y}"] for y in ("limit", "remaining", "reset")))
        for x in (first, last, refused)
    ]
    assert answers == [
        (200, "60", "59", reset),
        (200, "60", "0", reset),
        (403, "60", "0", reset),
    ]
    assert refused.json()["message"].startswith("API rate limit exceeded for 127.0.0.1. (But")
    assert (with_token.status_code, with_token.headers["x-ratelimit-limit"]) == (200, "15000")
    assert (again.status_code, again.headers["x-ratelimit-remaining"]) == (200, "59")


def test_gitlab_accepts_five_hundred_requests_a_minute_from_an_address() -> None:
    clock = Clock()
    with Sandbox(clock=clock).running() as box, httpx.Client(base_url=box.gitlab_url) as anonymous:
        path = "/api/v4/projects/acme%2Fgadget"
        assert box.gitlab.anonymous.requests == 500
        box.gitlab.anonymous.requests = 2
        allowed = [anonymous.get(path).status_code for _ in range(2)]
        refused = anonymous.get(path)
        with_token = anonymous.get(path, headers={"private-token": box.gitlab.token})
        clock.now += timedelta(minutes=1)
        again = anonymous.get(path)

    assert allowed == [200, 200]
    assert (refused.status_code, refused.text) == (429, "Retry later\n")
    assert refused.headers["retry-after"] == "60"
    assert refused.headers["ratelimit-name"] == "throttle_unauthenticated_api"
    assert refused.headers["ratelimit-remaining"] == "0"
    assert (with_token.status_code, with_token.headers["ratelimit-limit"]) == (200, "2000")
    assert again.status_code == 200


def test_a_conditional_request_without_a_token_counts() -> None:
    with Sandbox(clock=Clock()).running() as box, httpx.Client() as anonymous:
        left = {
            f"{box.github_url}/repos/{REPO}/issues": "x-ratelimit-remaining",
            f"{box.gitlab_url}/api/v4/projects/acme%2Fgadget/issues": "ratelimit-remaining",
        }
        for url, header in left.items():
            first = anonymous.get(url)
            again = anonymous.get(url, headers={"if-none-match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
            assert int(again.headers[header]) == int(first.headers[header]) - 1


def test_a_private_repository_does_not_exist_for_a_caller_without_a_token() -> None:
    with Sandbox().running() as box:
        box.add_repo("acme/secret", private=True)
        box.gitlab.add_repo("acme/secret", private=True)
        urls = [
            f"{box.github_url}/repos/acme/secret",
            f"{box.github_url}/repos/acme/secret/issues",
            f"{box.gitlab_url}/api/v4/projects/acme%2Fsecret",
            f"{box.gitlab_url}/api/v4/projects/acme%2Fsecret/issues",
        ]
        assert [httpx.get(url).status_code for url in urls] == [404] * 4


def test_some_reads_need_a_token_on_public_repositories_too() -> None:
    with Sandbox().running() as box:
        number = box.gitlab.open_issue("acme/gadget", "Title", deliver=False)
        issue = f"{box.gitlab_url}/api/v4/projects/acme%2Fgadget/issues/{number}"
        person = f"{box.github_url}/repos/{REPO}/collaborators/octocat/permission"
        urls = [issue, f"{issue}/notes", f"{issue}/resource_label_events", person]
        assert [httpx.get(url).status_code for url in urls] == [200, 401, 401, 401]
