"""The frame of GitLab's REST API: routes, permissions, headers and errors."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.core.errors import TaglineError
from bot.sandbox.conditional import answer_conditionally
from bot.sandbox.gitlab.access import (
    FORBIDDEN,
    GUEST,
    NOT_FOUND,
    UNAUTHORIZED,
    Access,
    Denied,
    has_token,
)
from bot.sandbox.gitlab.hooks import GitLabHooks
from bot.sandbox.gitlab.serializers import Serializer
from bot.sandbox.paging import Page, paginate
from bot.sandbox.rate_limit import AddressLimit, find_address
from bot.sandbox.search_server import SearchServer
from bot.sandbox.state import Event, Issue, Missing, Repo, State

MINUTE_LIMIT = 2000
TOO_OFTEN = "This endpoint has been requested too many times. Try again later."
MOVED = "405 Method Not Allowed - Non GET methods are not allowed for moved projects"


@dataclass(slots=True)
class GitLab:
    """What the handlers share. `requests` counts those of each minute by all tokens."""

    state: State
    access: Access
    serializer: Serializer
    hooks: GitLabHooks
    anonymous: AddressLimit
    searches: SearchServer = field(default_factory=SearchServer)
    requests: Counter[int] = field(default_factory=Counter)

    def count_request(self) -> dict[str, str]:
        """Count a request; return the headers that say how many are left in this minute."""
        minute = int(self.state.clock().timestamp() // 60)
        self.requests[minute] += 1
        return limit_headers(self.requests[minute], 60.0 * (minute + 1))


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `login` is empty without a token."""

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
        """Return a part of the path, decoded."""
        return unquote(str(self.request.path_params[name]))

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)

    def params(self) -> dict[str, Any]:
        """Return the query and the JSON body as one. Raises Denied(400)."""
        try:
            body = json.loads(self.body) if self.body else {}
        except ValueError as error:
            raise Denied(400, "", error="Bad Request") from error
        return {**self.request.query_params, **(body if isinstance(body, dict) else {})}

    def repo(self) -> Repo:
        """Return the project. Raises Moved, Denied(404), also where the caller may not see it."""
        path = self.arg("project")
        repo = self.state.renamed(path)
        if repo and not (repo.private and self.level(repo) < GUEST):
            raise Moved(self._url_with_id(repo))
        try:
            repo = self.state.repo(path)
        except Missing:
            raise Denied(404, "404 Project Not Found") from None
        if repo.private and self.level(repo) < GUEST:
            raise Denied(404, "404 Project Not Found")
        return repo

    def _url_with_id(self, repo: Repo) -> str:
        request = self.request
        path = request.scope["raw_path"].decode("latin-1").removeprefix(request.scope["root_path"])
        rest = "".join(f"/{part}" for part in path.split("/")[5:])  # "", api, v4, projects, path
        query = f"?{request.url.query}" if request.url.query else ""
        return f"{self.serializer.base}/api/v4/projects/{repo.id}{rest}{query}"

    def level(self, repo: Repo) -> int:
        return self.gitlab.access.level(repo, self.login) if self.login else 0

    def issue(self) -> Issue:
        """Return the issue. Raises Denied(404), also where the caller may not see it."""
        repo, number = self.repo(), int(self.arg("iid"))
        issue = repo.issues.get(number)
        if issue is None or issue.deleted or not self.can_see(repo, issue):
            raise NOT_FOUND
        return issue

    def can_see(self, repo: Repo, issue: Issue) -> bool:
        return self.gitlab.access.can_see(repo, issue, self.login)

    def require(self, level: int) -> None:
        """Raises Denied(401) without a token, Denied(403) for a lower role."""
        self.require_token()
        if self.level(self.repo()) < level:
            raise FORBIDDEN

    def require_token(self) -> None:
        if not self.login:
            raise UNAUTHORIZED

    def send(self, *events: Event) -> None:
        for event in events:
            self.gitlab.hooks.send_later(event)

    def count_search(self) -> None:
        """Raises Denied(429) where the caller has searched too often in this minute."""
        caller = self.login or find_address(self.request)
        if self.gitlab.searches.count(caller, self.state.clock(), by_meaning=False).left < 0:
            raise Denied(429, {"error": TOO_OFTEN})

    def page(self, items: list[Any]) -> Page:
        return paginate(self.request, self.serializer.base, items, 20, link_current=True)


class Moved(TaglineError):
    """The project has another path: a GET is answered with 301."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


Handler = Callable[[Call], Response]


@dataclass(frozen=True, slots=True)
class Row:
    """A route."""

    method: str
    path: str
    handler: Handler


class RawPath:
    """ASGI wrapper: routes match the path as sent, so that `acme%2Fgadget` is one part of it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app({**scope, "path": scope["raw_path"].decode("latin-1")}, receive, send)


def router(gitlab: GitLab, rows: list[Row]) -> ASGIApp:
    routes = [
        Route(f"/api/v4{row.path}", _endpoint(gitlab, row), methods=[row.method]) for row in rows
    ]
    return RawPath(Router([*routes, Route("/{rest:path}", _unknown, methods=None)]))


async def _unknown(_: Request) -> Response:
    return JSONResponse({"error": "404 Not Found"}, 404)


def _endpoint(gitlab: GitLab, row: Row) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        body, now = await request.body(), gitlab.state.clock()
        if has_token(request.headers):
            response = answer_conditionally(request, _answer(gitlab, row, request, body))
            response.headers.update(gitlab.count_request())
            response.headers["X-Request-Id"] = f"01SANDBOX{sum(gitlab.requests.values()):08X}"
            return response
        window, most = gitlab.anonymous.count(request, now), gitlab.anonymous.requests
        headers = limit_headers(window.used, window.reset, most, "unauthenticated")
        if gitlab.anonymous.is_exceeded(window):
            headers["Retry-After"] = str(math.ceil(window.reset - now.timestamp()))
            response = PlainTextResponse("Retry later\n", 429)
        else:
            response = answer_conditionally(request, _answer(gitlab, row, request, body))
        response.headers.update(headers)
        response.headers["X-Request-Id"] = f"01SANDBOX{window.used:08X}"
        return response

    return endpoint


def limit_headers(
    used: int, reset: float, limit: int = MINUTE_LIMIT, callers: str = "authenticated"
) -> dict[str, str]:
    """https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/"""
    return {
        "RateLimit-Limit": str(limit),
        "RateLimit-Observed": str(used),
        "RateLimit-Remaining": str(max(0, limit - used)),
        "RateLimit-Reset": str(math.ceil(reset)),
        "RateLimit-Name": f"throttle_{callers}_api",
    }


def _answer(gitlab: GitLab, row: Row, request: Request, body: bytes) -> Response:
    try:
        with gitlab.state.lock:
            token = gitlab.access.token(request.headers)
            if token:
                token.check(row.method)
            call = Call(gitlab, request, body, token.login if token else "")
            _check_permission(call, row)
            return row.handler(call)
    except Denied as denied:
        return JSONResponse(denied.content, denied.status)
    except Moved as moved:
        if row.method != "GET":
            return JSONResponse({"message": MOVED}, 405)
        return JSONResponse({"message": "301 Moved"}, 301, {"Location": moved.location})
    except Missing:
        return JSONResponse(NOT_FOUND.content, 404)


def _check_permission(call: Call, row: Row) -> None:
    """Raises Denied unless the caller may do this."""
    if row.method != "GET":
        call.require_token()
    if "{project}" in row.path:
        repo = call.repo()
        if row.method != "GET" and repo.archived:
            raise FORBIDDEN


def success(content: Any, status: int = 200) -> Response:
    return JSONResponse(content, status)


def list_response(page: Page, content: list[Any]) -> Response:
    """https://docs.gitlab.com/api/rest/#offset-based-pagination"""
    headers = {
        "X-Total": str(page.total),
        "X-Total-Pages": str(page.links["last"]),
        "X-Page": str(page.number),
        "X-Per-Page": str(page.size),
        "X-Prev-Page": str(page.links.get("prev", "")),
        "X-Next-Page": str(page.links.get("next", "")),
    }
    return JSONResponse(content, headers=headers | page.headers)
