"""Requests go to the configured hosts: never to a URL from a payload or a response."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from bot.core.types import IssueRef
from bot.forges.github.api import GitHub
from bot.forges.github.auth import TokenAuth
from bot.forges.github.client import GitHubClient
from bot.forges.gitlab.api import GitLab
from tests.scripted_web import ScriptedWeb
from tests.web.client import GITLAB_PAYLOAD, PAYLOAD, LocalReceiver

BOT = Path(__file__).parents[2] / "bot"
URL = "https://forge.example"
TRAP = "http://127.0.0.1:9/trap"
URLS = (
    "url",
    "html_url",
    "comments_url",
    "labels_url",
    "repository_url",
    "web_url",
    "next",
    "self",
)
CLIENTS = re.compile(
    r"httpx\.(?:Client\(|AsyncClient|get|post|put|patch|delete|request|stream)(?!\w)|\brequests\b\."
    r"|urllib\.request|http\.client|create_connection|aiohttp|\burlopen\b"
)


def answer(path: str, page: int) -> Any:
    traps = dict.fromkeys(URLS, TRAP)
    if page == 0:
        names = {"login": "tagline", "username": "tagline", "full_name": "acme/widget"}
        return {**traps, **names, "id": 7, "iid": 1, "number": 1}
    name = "labels" if "labels" in path else "comments"
    one = {
        **traps,
        "name": "bug",
        "description": "",
        "body": "x",
        "system": False,
        "_links": traps,
        "user": {"login": "ann", "id": 2},
    }
    one["author"] = {"id": 2}
    return [{**one, "id": n, name: TRAP} for n in range(100 if page == 1 else 3)]


def respond(request: httpx.Request) -> httpx.Response:
    page = int(request.url.params.get("page", "0"))
    headers = {"Link": f'<{TRAP}?page=2>; rel="next", <{TRAP}?page=9>; rel="last"'}
    return httpx.Response(
        200, headers={**headers, "X-Next-Page": "7"}, json=answer(request.url.path, page)
    )


@pytest.mark.parametrize("on", ["github", "gitlab"])
def test_pages_are_requested_by_number_and_links_are_not_followed(on: str) -> None:
    web = ScriptedWeb(respond)
    forge: GitHub | GitLab = GitLab(URL, "a-token", web)
    if on == "github":
        rest = GitHubClient(web, URL)
        forge = GitHub(rest, TokenAuth(rest, "a-token"))
    ref = IssueRef(on, "forge.example", "acme/widget", 1, 7)
    assert len(forge.list_labels(ref)) > 0
    forge.list_own_comments(ref)
    pages = [request.url.params.get("page") for request in web.requests]
    assert pages.count("1") == pages.count("2") == 2
    assert not any("trap" in str(request.url) for request in web.requests)
    assert {request.url.host for request in web.requests} == {"forge.example"}


def test_no_url_of_a_payload_is_enqueued() -> None:
    traps = dict.fromkeys(URLS, TRAP)

    def with_traps(value: Any) -> Any:
        if isinstance(value, dict):
            return {**traps, **{key: with_traps(inner) for key, inner in value.items()}}
        return value

    endpoint = LocalReceiver()
    endpoint.github(with_traps(PAYLOAD))
    endpoint.gitlab(with_traps(GITLAB_PAYLOAD))
    assert len(endpoint.queue.jobs) == 2
    assert b"http" not in msgspec.json.encode(list(endpoint.queue.jobs.values()))


def test_only_the_http_modules_open_connections() -> None:
    """They handle redirects, deadlines and forbidden addresses."""
    apart = {"http.py", "transport.py"}
    found = {
        f"{path.relative_to(BOT)}: {hit[0]}"
        for path in BOT.rglob("*.py")
        if path.name not in apart and "sandbox" not in path.parts
        for hit in CLIENTS.finditer(path.read_text())
    }
    assert found == set()
