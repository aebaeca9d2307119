"""The page's routes, for one visitor on this machine: other hosts and origins are refused."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
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
from bot.sandbox.page.controller import AUTHORS, HOSTS, Controller
from bot.sandbox.page.demo_backend import DemoBackend, DemoUnavailable
from bot.sandbox.page.samples import FAULTS, SAMPLES
from bot.sandbox.serving import serving

HERE = Path(__file__).parent
ROOT = "/sandbox"
LOCAL_NAMES = ("127.0.0.1", "localhost")
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
REACTIONS = {"eyes": "\N{EYES}"}  # the hosts' name → its emoji
Form = dict[str, str]


class Guard:
    """Refuses other host names and forms of other pages; sets the headers of all answers.

    Otherwise a foreign page could send forms here (CSRF) or point its name here (DNS rebinding).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        app, headers = self._app, Headers(scope=scope)
        host = headers.get("host", "")
        # Every browser sends one of the two with a form.
        origin = urlsplit(headers.get("origin") or headers.get("referer", ""))
        if urlsplit(f"//{host}").hostname not in LOCAL_NAMES:
            app = PlainTextResponse("Open the demo at 127.0.0.1 or localhost.\n", 421)
        elif scope["method"] == "POST" and (origin.scheme, origin.netloc) != ("http", host):
            app = PlainTextResponse("Only the demo's own page may send this form.\n", 403)
        await app(scope, receive, send_with_headers)


class Page:
    """Shows a `Controller`. htmx gets the changed parts, other clients the whole page."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
        )
        self._templates.globals.update(
            root=ROOT,
            hosts=HOSTS,
            samples=SAMPLES,
            faults=FAULTS,
            authors=AUTHORS,
            reactions=REACTIONS,
        )
        self._templates.filters["markdown"] = lambda text: Markup(markdown.render(text))  # noqa: S704 - escaped there

    def routes(self) -> list[Route | Mount]:
        controller, issue = self._controller, ROOT + "/issues/{host}/{number:int}"
        actions = {
            f"{ROOT}/issues": controller.open,
            f"{issue}/redeliver": controller.redeliver,
            f"{issue}/unlabel": controller.unlabel,
            f"{issue}/suggestions": controller.decide,
            f"{issue}/comments": controller.comment,
            f"{ROOT}/reset": controller.reset,
        }
        return [
            Route("/", lambda _: RedirectResponse(ROOT, 303)),
            Route(ROOT, self.start),
            Route(issue, self.issue),
            *(Route(path, _action(act), methods=["POST"]) for path, act in actions.items()),
            Mount(ROOT + "/static", StaticFiles(directory=HERE / "static")),
        ]

    def start(self, request: Request) -> Response:
        return self._render(request, "")

    def issue(self, request: Request) -> Response:
        key = _key(request)
        if key not in self._controller.issues:
            return RedirectResponse(ROOT, 303)
        return self._render(request, key)

    def _render(self, request: Request, key: str) -> Response:
        view = self._controller.view(key, request.query_params.get("notice", ""))
        seen = hashlib.sha256(repr(view).encode()).hexdigest()[:16]
        if request.query_params.get("seen") == seen:
            return Response(status_code=204)
        is_part = "hx-request" in request.headers
        template = self._templates.get_template("part.html" if is_part else "page.html")
        # A poll leaves the text that the visitor types.
        is_poll = "seen" in request.query_params
        text = template.render(view=view, seen=seen, is_poll=is_poll)
        return HTMLResponse(text, headers={"Cache-Control": "no-store", "Vary": "HX-Request"})


def _action(act: Callable[[str, Form], str]) -> Callable[[Request], Any]:
    """Return an endpoint that acts on the form, then redirects to the path that `act` returns."""

    async def endpoint(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                return PlainTextResponse("The form is larger than an issue can be.\n", 413)
        form = {key: values[0] for key, values in parse_qs(body.decode(errors="replace")).items()}
        try:
            path = await run_in_threadpool(act, _key(request), form)
        except DemoUnavailable:
            path = "?notice=away"
        return RedirectResponse(ROOT + path, 303)

    return endpoint


def _key(request: Request) -> str:
    path = request.path_params
    return f"{path['host']}/{path['number']}" if "host" in path else ""


async def _unavailable(_: Request, error: Exception) -> Response:
    return PlainTextResponse(f"A part of the demo does not answer: {error}\n", 503)


def create(backend: DemoBackend) -> Starlette:
    page = Page(Controller(backend))
    return Starlette(
        routes=page.routes(),
        middleware=[Middleware(Guard)],
        exception_handlers={DemoUnavailable: _unavailable},
    )


@contextmanager
def page_url(backend: DemoBackend) -> Iterator[str]:
    """Serve the page on a free port of loopback and yield its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        create(backend),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    with serving(uvicorn.Server(config), listener, "page"):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{ROOT}"
