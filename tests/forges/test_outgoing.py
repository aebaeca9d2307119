"""Requests go to the configured hosts: never to a URL from a payload or a response."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from bot.core.types import IssueRef
from bot.forges.github.api import GitHub
from bot.forges.github.auth import TokenAuth
from bot.forges.github.client import GitHubClient
from bot.forges.gitlab.api import GitLab
from bot.http import ClientPool
from tests.web.client import GITLAB_PAYLOAD, PAYLOAD, LocalReceiver

BOT = Path(__file__).parents[2] / "bot"
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


class Lure(ThreadingHTTPServer):
    """A forge whose responses are full of URLs of another host."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked: list[str] = []


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Lure)
        self.server.asked.append(self.path)
        page = int(parse_qs(urlsplit(self.path).query).get("page", ["0"])[0])
        body = json.dumps(answer(self.path, page)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Link", f'<{TRAP}?page=2>; rel="next", <{TRAP}?page=9>; rel="last"')
        self.send_header("X-Next-Page", "7")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return None


def answer(path: str, page: int) -> Any:
    lures = dict.fromkeys(URLS, TRAP)
    if page == 0:
        names = {"login": "tagline", "username": "tagline", "full_name": "acme/widget"}
        return {**lures, **names, "id": 7, "iid": 1, "number": 1}
    name = "labels" if "labels" in path else "comments"
    one = {
        **lures,
        "name": "bug",
        "description": "",
        "body": "x",
        "system": False,
        "_links": lures,
        "user": {"login": "ann", "id": 2},
    }
    one["author"] = {"id": 2}
    return [{**one, "id": n, name: TRAP} for n in range(100 if page == 1 else 3)]


@pytest.fixture
def lure() -> Iterator[Lure]:
    server = Lure()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("on", ["github", "gitlab"])
def test_pages_are_requested_by_number_and_links_are_not_followed(lure: Lure, on: str) -> None:
    clients, url = ClientPool("tests"), f"http://127.0.0.1:{lure.server_address[1]}"
    forge: GitHub | GitLab = GitLab(url, "a-token", clients)
    if on == "github":
        rest = GitHubClient(clients, url)
        forge = GitHub(rest, TokenAuth(rest, "a-token"))
    ref = IssueRef(on, "forge.example", "acme/widget", 1, 7)
    assert len(forge.list_labels(ref)) > 0
    forge.list_own_comments(ref)
    clients.close()
    pages = [parse_qs(urlsplit(path).query).get("page") for path in lure.asked]
    assert pages.count(["1"]) == pages.count(["2"]) == 2
    assert not any("trap" in path or path.startswith("http") for path in lure.asked)


def test_no_url_of_a_payload_is_enqueued() -> None:
    lures = dict.fromkeys(URLS, TRAP)

    def lured(value: Any) -> Any:
        if isinstance(value, dict):
            return {**lures, **{key: lured(inner) for key, inner in value.items()}}
        return value

    endpoint = LocalReceiver()
    endpoint.github(lured(PAYLOAD))
    endpoint.gitlab(lured(GITLAB_PAYLOAD))
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
