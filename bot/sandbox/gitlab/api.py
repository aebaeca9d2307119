"""GitLab's REST API: routes, who may call them, and the frame every answer stands in."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import unquote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.sandbox.gitlab.access import FORBIDDEN, GUEST, NOT_FOUND, UNAUTHORIZED, Access, Denied
from bot.sandbox.gitlab.actions import QuickAction
from bot.sandbox.gitlab.hooks import GitLabHooks
from bot.sandbox.gitlab.serializers import Serializer
from bot.sandbox.state import Event, Issue, NotThere, Repo, State

A_MINUTE = 2000
NOBODY = 0


@dataclass(slots=True)
class GitLab:
    """What the handlers share. `replaced` notes every use of `labels`, which drops the others."""

    state: State
    access: Access
    serializer: Serializer
    hooks: GitLabHooks
    quick_actions: list[QuickAction] = field(default_factory=list)
    replaced: list[tuple[str, int, list[str]]] = field(default_factory=list)
    spent: count[int] = field(default_factory=lambda: count(1))


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `login` is empty where nobody showed a token."""

    gitlab: GitLab
    request: Request
    body: bytes
    login: str

    @property
    def state(self) -> State:
        return self.gitlab.state

    @property
    def serializer(self) -> Serializer:
        return self.gitlab.serializer

    def arg(self, name: str) -> str:
        """A part of the path, decoded."""
        return unquote(str(self.request.path_params[name]))

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)

    def params(self) -> dict[str, Any]:
        """The query and the JSON body as one. Raises Denied(400)."""
        try:
            body = json.loads(self.body) if self.body else {}
        except ValueError as error:
            raise Denied(400, "", error="Bad Request") from error
        return {**self.request.query_params, **(body if isinstance(body, dict) else {})}

    def repo(self) -> Repo:
        """Raises Denied(404) for one that the caller does not see."""
        try:
            repo = self.state.repo(self.arg("project"))
        except NotThere:
            raise Denied(404, "404 Project Not Found") from None
        if repo.private and self.level(repo) < GUEST:
            raise Denied(404, "404 Project Not Found")
        return repo

    def level(self, repo: Repo) -> int:
        return self.gitlab.access.level(repo, self.login) if self.login else NOBODY

    def issue(self) -> Issue:
        """Raises Denied(404) for one that is not there or is hidden from the caller."""
        repo, number = self.repo(), int(self.arg("iid"))
        issue = repo.issues.get(number)
        if issue is None or issue.deleted or not self.sees(repo, issue):
            raise NOT_FOUND
        return issue

    def sees(self, repo: Repo, issue: Issue) -> bool:
        return self.gitlab.access.sees(repo, issue, self.login)

    def need(self, level: int) -> None:
        """Raises Denied(401) for nobody, Denied(403) for a lower role."""
        if not self.login:
            raise UNAUTHORIZED
        if self.level(self.repo()) < level:
            raise FORBIDDEN

    def tell(self, *events: Event) -> None:
        for event in events:
            self.gitlab.hooks.later(event)


Handler = Callable[[Call], Response]


@dataclass(frozen=True, slots=True)
class Row:
    """`level` is the least role in the project that the path names."""

    method: str
    path: str
    handler: Handler
    level: int = NOBODY


class Raw:
    """ASGI wrapper: routes see the path as sent, so that `acme%2Fgadget` is one part of it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app({**scope, "path": scope["raw_path"].decode("latin-1")}, receive, send)


def router(gitlab: GitLab, rows: list[Row]) -> ASGIApp:
    routes = [
        Route(f"/api/v4{row.path}", _endpoint(gitlab, row), methods=[row.method]) for row in rows
    ]
    return Raw(Router([*routes, Route("/{rest:path}", _unknown, methods=None)]))


async def _unknown(_: Request) -> Response:
    return JSONResponse({"error": "404 Not Found"}, 404)


def _endpoint(gitlab: GitLab, row: Row) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        response = _answer(gitlab, row, request, await request.body())
        spent = next(gitlab.spent) % A_MINUTE
        response.headers.update(limits(A_MINUTE, spent, gitlab.state.clock().timestamp() + 60))
        response.headers["X-Request-Id"] = f"01SANDBOX{spent:08X}"
        return response

    return endpoint


def limits(most: int, spent: int, reset: float) -> dict[str, str]:
    """https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/"""
    return {
        "RateLimit-Limit": str(most),
        "RateLimit-Observed": str(spent),
        "RateLimit-Remaining": str(most - spent),
        "RateLimit-Reset": str(math.ceil(reset)),
        "RateLimit-Name": "throttle_authenticated_api",
    }


def _answer(gitlab: GitLab, row: Row, request: Request, body: bytes) -> Response:
    try:
        with gitlab.state.lock:
            token = gitlab.access.token(request.headers)
            if token:
                token.check(row.method)
            call = Call(gitlab, request, body, token.login if token else "")
            _admit(call, row)
            return row.handler(call)
    except Denied as denied:
        return JSONResponse(denied.shape, denied.status)
    except NotThere:
        return JSONResponse(NOT_FOUND.shape, 404)


def _admit(call: Call, row: Row) -> None:
    """Raises Denied unless the caller may do this."""
    if "{project}" not in row.path:
        return
    if row.level > NOBODY or row.method != "GET":
        call.need(row.level)
    else:
        call.repo()


def good(shape: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(shape, status, headers)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and the headers that lead to the others."""

    items: list[Any]
    headers: dict[str, str]


def paged(call: Call, items: list[Any]) -> Page:
    """https://docs.gitlab.com/api/rest/#offset-based-pagination"""
    size = min(max(_number(call.query("per_page"), 20), 1), 100)
    page = max(_number(call.query("page"), 1), 1)
    last = max(math.ceil(len(items) / size), 1)
    before, after = page - 1 if page > 1 else None, page + 1 if page < last else None
    path = call.request.url.path.removeprefix(call.request.scope["root_path"])
    links = {"prev": before, "next": after, "first": 1, "last": last}
    headers = {
        "X-Total": str(len(items)),
        "X-Total-Pages": str(last),
        "X-Page": str(page),
        "X-Per-Page": str(size),
        "X-Prev-Page": str(before or ""),
        "X-Next-Page": str(after or ""),
        "Link": ", ".join(
            f'<{call.serializer.base}{path}?{_query(call, number, size)}>; rel="{rel}"'
            for rel, number in links.items()
            if number
        ),
    }
    return Page(items[(page - 1) * size : page * size], headers)


def _query(call: Call, page: int, size: int) -> str:
    others = [
        (name, value)
        for name, value in call.request.query_params.multi_items()
        if name not in ("page", "per_page")
    ]
    return urlencode([*others, ("page", page), ("per_page", size)])


def _number(text: str, default: int) -> int:
    return int(text) if text.isdecimal() else default
