"""Refuses requests without the session's cookie and forms of other pages; sets all headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.web.pages import HEADERS, POLICY
from bot.web.setup.session import COOKIE, Sessions

MAX_FORM = 64 * 1024
PUBLIC = ("/setup/reachable/", "/setup/static/")
LOCKED = "Open the one-time link that `tagline setup` or `tagline run` printed.\n"
FOREIGN = (
    "Only the setup page itself may send this form: reload it and send the form again. A proxy must"
    " pass on the header Host (nginx: proxy_set_header Host $http_host;).\n"
)


class HasOpen(Protocol):
    @property
    def is_open(self) -> bool: ...


def form_action(origin: str) -> Mapping[str, str]:
    """Return the headers of a page whose form goes to another origin."""
    policy = POLICY.replace("form-action 'self'", f"form-action 'self' {origin}")
    return {"Content-Security-Policy": policy, "Referrer-Policy": "strict-origin"}


def add_headers(headers: MutableHeaders) -> None:
    """Add those of every page, except where the page has its own."""
    for name, value in {**HEADERS, "Cache-Control": "no-store"}.items():
        headers.setdefault(name, value)


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
        # No page of another origin can set these headers.
        hosts = [request.headers.get(name, "") for name in ("host", "x-forwarded-host")]
        origin = urlsplit(request.headers.get("origin", "")).netloc
        if not origin or origin not in hosts:
            return PlainTextResponse(FOREIGN, 403)
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM:
                return PlainTextResponse("The form is too large.\n", 413)
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        if not self._sessions.is_form_token(form.pop("form_token", "")):
            return PlainTextResponse(FOREIGN, 403)
        request.scope["setup_form"] = form
        return None
