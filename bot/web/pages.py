"""`/`, the stylesheet of all pages, and the headers that they share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
FILES = {"page.css": "text/css", "icon.svg": "image/svg+xml"}
NOT_SET_UP = ("wait", "Running, but not set up yet: no webhooks are received.")
HEALTHY = ("good", "Running: webhooks are received and queued.")
POLLING = ("good", "Running: Tagline looks for new issues itself; no webhooks are received.")
UNHEALTHY = ("bad", "Redis does not answer, so webhooks are refused: see the log.")
OPEN = '<p><a class="primary" href="/setup">Continue setup</a></p>'
ADMIN = '<p>What happened today and this month: <a href="/admin">admin page</a>.</p>'
CLOSED = "<p>To change the settings: <code>tagline setup</code> on this server.</p>"


@dataclass(frozen=True, slots=True)
class SetupRoutes:
    """The routes of the setup page, which answer while it `is_open`.

    `is_needed` says whether no forge is connected yet.
    """

    routes: Sequence[BaseRoute]
    is_open: Callable[[], bool]
    is_needed: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class OptionalPages:
    """The pages that are not always there: setup, and the routes of the admin page.

    `close` is called at the end.
    """

    setup: SetupRoutes | None = None
    admin: Sequence[BaseRoute] = ()
    close: Callable[[], None] = lambda: None

    @property
    def routes(self) -> list[BaseRoute]:
        return [*(self.setup.routes if self.setup else ()), *self.admin]


def routes(
    ping: Callable[[], Awaitable[bool]], receives: Callable[[], bool], optional: OptionalPages
) -> list[Route]:
    """Return the routes; `ping` says whether Redis answers, `receives` whether webhooks can come.

    Without a secret of webhooks the server only starts if it polls.
    """

    setup = optional.setup

    async def home(_request: Request) -> Response:
        if setup and setup.is_needed():
            state, health = NOT_SET_UP
        elif not await ping():
            state, health = UNHEALTHY
        else:
            state, health = HEALTHY if receives() else POLLING
        links = (OPEN if setup and setup.is_open() else CLOSED) + (ADMIN if optional.admin else "")
        text = _read_home().substitute(state=state, health=health, links=links)
        return HTMLResponse(text, headers={**HEADERS, "Cache-Control": "no-store"})

    return [Route("/", home), *(Route(f"/static/{name}", _file(name)) for name in FILES)]


def _file(name: str) -> Callable[[Request], Any]:
    async def answer(_request: Request) -> Response:
        headers = {**HEADERS, "Cache-Control": "max-age=3600"}
        return Response(_read_file(name), headers=headers, media_type=FILES[name])

    return answer


@cache
def _read_home() -> Template:
    return Template((HERE / "static" / "home.html").read_text())


@cache
def _read_file(name: str) -> bytes:
    return (HERE / "static" / name).read_bytes()
