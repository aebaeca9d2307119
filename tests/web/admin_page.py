"""The admin page over HTTP, and a person with a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from starlette.applications import Starlette

from bot.web.admin.app import AdminPages
from bot.web.admin.session import AdminSessions
from bot.wiring_admin import RedisAdmin
from tests.clock import Clock
from tests.serving import served
from tests.web.client import FakeMetrics

TOKEN, NEXT_TOKEN = "an-admin-token-of-some-length", "the-next-token-of-some-length"


class AdminVisitor:
    """A person whose forms carry the page's token and its origin, as a browser sends them."""

    def __init__(self, url: str, token: str = TOKEN) -> None:
        self.url, self.token = url, token
        self.web = httpx.Client(base_url=url, trust_env=False, timeout=30)

    def log_in(self, token: str | None = None, **headers: str) -> httpx.Response:
        sent = self.token if token is None else token
        sent_headers = {"origin": self.url, **headers}
        return self.web.post("/admin/login", data={"token": sent}, headers=sent_headers)

    def get(self, query: str = "") -> httpx.Response:
        return self.web.get(f"/admin{query}")

    def find_form_token(self) -> str:
        found: list[str] = re.findall(r'name="form_token" value="(\w+)"', self.get().text)
        return found[0]

    def post(self, action: str, **fields: str) -> httpx.Response:
        """Send a form of the page, and return the page to which it leads."""
        data = {"form_token": self.find_form_token(), **fields}
        return self.web.post(
            f"/admin/{action}", data=data, headers={"origin": self.url}, follow_redirects=True
        )


@contextmanager
def visiting(redis_url: str, clock: Clock, tokens: list[str]) -> Iterator[AdminVisitor]:
    """Serve the page with a clock that the test moves."""
    actions = RedisAdmin(redis_url, FakeMetrics(), clock)
    pages = AdminPages(actions, AdminSessions(lambda: tokens, clock), clock)
    try:
        with served(Starlette(routes=pages.routes())) as url:
            visitor = AdminVisitor(url)
            with visitor.web:
                yield visitor
    finally:
        actions.close()


@contextmanager
def logged_in(url: str) -> Iterator[AdminVisitor]:
    """Open a session on the page of a running receiver."""
    visitor = AdminVisitor(url)
    with visitor.web:
        assert visitor.log_in().status_code == 303
        yield visitor
