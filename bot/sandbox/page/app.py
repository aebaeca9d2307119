"""The page's routes. For one visitor on this machine: other hosts and other origins are refused."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any
from urllib.parse import parse_qs, urlsplit

import uvicorn
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.sandbox.page import markdown
from bot.sandbox.page.controller import Controller
from bot.sandbox.page.demo_backend import DemoBackend, DemoUnavailable

HERE = Path(__file__).parent
ROOT = "/sandbox"
OURS = ("127.0.0.1", "localhost")
MOST_BYTES = 1024 * 1024  # of a form: the longest body, each character percent-encoded
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
Form = dict[str, str]


class Guard:
    """Answers only to this machine's own names and its own forms; sets the headers of all answers.

    A page elsewhere could otherwise send forms here, or be renamed to this address (DNS rebinding).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        said = Headers(scope=scope)
        here = said.get("host", "")
        if urlsplit(f"//{here}").hostname not in OURS:
            refusal = PlainTextResponse("This demo answers to 127.0.0.1 and localhost only.\n", 421)
            await refusal(scope, receive, sending)
        elif scope["method"] == "POST" and _origin(said) != ("http", here):
            refusal = PlainTextResponse("Only the demo's own page may send this.\n", 403)
            await refusal(scope, receive, sending)
        else:
            await self._app(scope, receive, sending)


def _origin(said: Headers) -> tuple[str, str]:
    """Where a form comes from: every browser sends one of the two."""
    address = urlsplit(said.get("origin") or said.get("referer", ""))
    return address.scheme, address.netloc


class Page:
    """Shows a `Controller`. With htmx only what changed is sent, else the whole page."""

    def __init__(self, play: Controller) -> None:
        self._play = play
        self._words = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
        )
        self._words.filters["markdown"] = lambda text: Markup(markdown.render(text))  # noqa: S704 - made safe there

    def routes(self) -> list[Route | Mount]:
        issue = ROOT + "/issues/{host}/{number:int}"
        return [
            Route("/", lambda _: RedirectResponse(ROOT, 303)),
            Route(ROOT, self.start),
            Route(ROOT + "/issues", self._posted(self._play.open), methods=["POST"]),
            Route(issue, self.issue),
            Route(issue + "/redeliver", self._posted(self._play.redeliver), methods=["POST"]),
            Route(issue + "/unlabel", self._posted(self._play.unlabel), methods=["POST"]),
            Route(ROOT + "/reset", self._posted(self._play.reset), methods=["POST"]),
            Mount(ROOT + "/static", StaticFiles(directory=HERE / "static")),
        ]

    def start(self, request: Request) -> Response:
        return self._render(request, "")

    def issue(self, request: Request) -> Response:
        key = _key(request)
        if key not in self._play.cases:
            return RedirectResponse(ROOT, 303)
        return self._render(request, key)

    def _posted(self, act: Callable[[str, Form], str]) -> Callable[[Request], Any]:
        """Do it, then go to the issue that it was about; `act` returns where that is."""

        async def posted(request: Request) -> Response:
            body = b""
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_BYTES:
                    return PlainTextResponse("That is more than an issue can hold.\n", 413)
            form = {
                key: values[0] for key, values in parse_qs(body.decode(errors="replace")).items()
            }
            try:
                where = await run_in_threadpool(act, _key(request), form)
            except DemoUnavailable:
                where = "?notice=away"
            return RedirectResponse(ROOT + where, 303)

        return posted

    def _render(self, request: Request, key: str) -> Response:
        view = self._play.view(key, request.query_params.get("notice", ""))
        seen = hashlib.sha256(repr(view).encode()).hexdigest()[:16]
        if request.query_params.get("seen") == seen:
            return Response(status_code=204)
        is_part = "hx-request" in request.headers
        template = self._words.get_template("part.html" if is_part else "page.html")
        text = template.render(view=view, seen=seen, root=ROOT)
        return HTMLResponse(text, headers={"Cache-Control": "no-store", "Vary": "HX-Request"})


def _key(request: Request) -> str:
    path = request.path_params
    return f"{path['host']}/{path['number']}" if "host" in path else ""


async def _away(_: Request, error: Exception) -> Response:
    return PlainTextResponse(f"A part of the demo does not answer: {error}\n", 503)


def create(backend: DemoBackend) -> Starlette:
    page = Page(Controller(backend))
    return Starlette(
        routes=page.routes(),
        middleware=[Middleware(Guard)],
        exception_handlers={DemoUnavailable: _away},
    )


@contextmanager
def serving(backend: DemoBackend) -> Iterator[str]:
    """The page on a free port of loopback; gives its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            create(backend),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
    )
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, name="page", daemon=True)
    thread.start()
    try:
        _await(server, thread)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}{ROOT}"
    finally:
        server.should_exit = True
        thread.join()


def _await(server: uvicorn.Server, thread: Thread, seconds: float = 10.0) -> None:
    """Raises `DemoUnavailable`."""
    until = monotonic() + seconds
    while not server.started:
        if not thread.is_alive() or monotonic() > until:
            raise DemoUnavailable("the page did not start")
        sleep(0.005)
