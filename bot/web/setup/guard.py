"""Refuses requests without the session's cookie and forms of other pages; sets all headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.web.forms import add_headers, read_form, refuse_foreign
from bot.web.pages import POLICY
from bot.web.setup.session import COOKIE, Sessions

PUBLIC = ("/setup/reachable/", "/setup/static/")
LOCKED = "Open the one-time link that `tagline setup` or `tagline run` printed.\n"


class HasOpen(Protocol):
    @property
    def is_open(self) -> bool: ...


def form_action(origin: str) -> Mapping[str, str]:
    """Return the headers of a page whose form goes to another origin."""
    policy = POLICY.replace("form-action 'self'", f"form-action 'self' {origin}")
    return {"Content-Security-Policy": policy, "Referrer-Policy": "strict-origin"}


class Guard:
    """Middleware of all pages below /setup."""

    def __init__(self, app: ASGIApp, setup: HasOpen, sessions: Sessions) -> None:
        self._app, self._setup, self._sessions = app, setup, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message))
            await send(message)

        request = Request(scope, receive)
        app = await self._refuse(request) or self._app
        await app(scope, receive, send_with_headers)

    async def _refuse(self, request: Request) -> Response | None:
        """Return the answer to a request that is refused, else None."""
        if not self._setup.is_open:
            return PlainTextResponse("Not Found\n", 404)
        if request.scope["path"].startswith(PUBLIC):
            return None
        if not self._sessions.has_opened(request.cookies.get(COOKIE, "")):
            return PlainTextResponse(LOCKED, 403)
        return await self._refuse_form(request) if request.method == "POST" else None

    async def _refuse_form(self, request: Request) -> Response | None:
        """Return the answer to a form of another page; keep the fields of the page's own."""
        form = await read_form(request)
        if isinstance(form, Response):
            return form
        if not self._sessions.is_form_token(form.get("form_token", "")):
            return refuse_foreign()
        request.scope["setup_form"] = {
            name: value for name, value in form.items() if name != "form_token"
        }
        return None
