"""What all pages with forms share: templates, sessions, a form's origin and fields, headers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from bot.core import url_policy
from bot.web.pages import HEADERS

HERE = Path(__file__).parent
MAX_FORM = 64 * 1024
SESSION_SECONDS = 12 * 3600
FOREIGN = (
    "Only the page itself may send this form: reload it and send the form again. A proxy must pass"
    " on the header Host (nginx: proxy_set_header Host $http_host;).\n"
)


def load_templates(folder: Path, page: str, root: str) -> Environment:
    """Return the templates of a folder, which extend `page.html`, for the page with this name.

    `root` is the path below which its addresses are.
    """
    loader = FileSystemLoader([folder, HERE / "templates"])
    templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    templates.globals.update(page=page, root=root)
    return templates


def open_session(
    request: Request, root: str, name: str, cookie: str, samesite: Literal["lax", "strict"]
) -> Response:
    """Return the answer that keeps a session's cookie under its name, and leads to the page."""
    answer = RedirectResponse(root, 303)
    answer.set_cookie(
        name,
        cookie,
        SESSION_SECONDS,
        path=root,
        httponly=True,
        samesite=samesite,
        secure=find_scheme(request) == "https",
    )
    return answer


def add_headers(headers: MutableHeaders) -> None:
    """Add those of every page, except where the page has its own."""
    for name, value in {**HEADERS, "Cache-Control": "no-store"}.items():
        headers.setdefault(name, value)


async def read_form(request: Request) -> Mapping[str, str] | Response:
    """Return the fields of a form of this site, else the answer that refuses it."""
    # No page of another origin can set these headers.
    hosts = [request.headers.get(name, "") for name in ("host", "x-forwarded-host")]
    origin = urlsplit(request.headers.get("origin", "")).netloc
    if not origin or origin not in hosts:
        return refuse_foreign()
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            return PlainTextResponse("The form is too large.\n", 413)
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


def refuse_foreign() -> Response:
    return PlainTextResponse(FOREIGN, 403)


def find_scheme(request: Request) -> str:
    """Return the scheme that the browser sees, as the proxy names it. It decides nothing else."""
    return request.headers.get("x-forwarded-proto", request.url.scheme)


def is_private(request: Request) -> bool:
    """Return whether nobody between could read the form: it came over https, or from nearby."""
    origin = urlsplit(request.headers.get("origin", ""))
    host = origin.hostname or ""
    return origin.scheme == "https" or url_policy.is_loopback(host) or url_policy.is_near(host)
