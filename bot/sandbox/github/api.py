"""GitHub's REST API: routes, who may call them, and the frame every answer stands in."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from bot.core.errors import TaglineError
from bot.sandbox.github.access import Access, Caller, Denied
from bot.sandbox.github.hooks import GitHubHooks
from bot.sandbox.github.serializers import Serializer
from bot.sandbox.state import Event, Issue, NotThere, Repo, State

DOCS = "https://docs.github.com/rest"
VERSIONS = ("2022-11-28", "2026-03-10")
HOURLY = 5000
REPO = "/repos/{owner}/{repo}"
BY_ID = "/repositories/{repo_id:int}"
FORBIDDEN = "Resource not accessible by integration"


@dataclass(slots=True)
class GitHub:
    """What the handlers share."""

    state: State
    access: Access
    serializer: Serializer
    hooks: GitHubHooks
    spent: count[int] = field(default_factory=lambda: count(1))


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a known caller."""

    github: GitHub
    request: Request
    body: bytes
    caller: Caller

    @property
    def state(self) -> State:
        return self.github.state

    @property
    def serializer(self) -> Serializer:
        return self.github.serializer

    def arg(self, name: str) -> str:
        return str(self.request.path_params[name])

    @property
    def place(self) -> str:
        """The repository's name or its id, as the path has it."""
        path = self.request.path_params
        return str(path["repo_id"]) if "repo_id" in path else f"{path['owner']}/{path['repo']}"

    @property
    def number(self) -> int:
        return int(self.arg("number"))

    def repo(self) -> Repo:
        """Raises Moved for a former name, Missing."""
        if renamed := self.state.renamed(self.place):
            if not self.sees(renamed):
                raise NotThere(self.place)
            raise Moved(f"{self.serializer.api}/repositories/{renamed.id}{self._below_repo()}")
        return self.state.repo(self.place)

    def _below_repo(self) -> str:
        """What follows the repository's name in the address, as it was sent."""
        scope = self.request.scope
        path = scope["raw_path"].decode("latin-1").removeprefix(scope["root_path"])
        rest = "".join(f"/{part}" for part in path.split("/", 4)[4:])
        query = self.request.url.query
        return f"{rest}?{query}" if query else rest

    def sees(self, repo: Repo) -> bool:
        caller = self.caller
        return not repo.private or caller.kind in ("app", "user") or self.reaches(repo)

    def reaches(self, repo: Repo) -> bool:
        """Whether an installation token is meant for that repository."""
        access, caller = self.github.access, self.caller
        narrowed = caller.repos is not None and repo.id not in caller.repos
        covering = access.installation_of(repo)
        return bool(covering and covering.id == caller.installation and not narrowed)

    def issue(self) -> Issue:
        """Raises Moved, Denied(410) or Missing."""
        issue = self.state.issue(self.repo().id, self.number)
        if issue.moved_to:
            home, number = issue.moved_to
            raise Moved(f"{self.serializer.repo_url(self.state.repo(home))}/issues/{number}")
        if issue.deleted:
            raise Denied(410, "This issue was deleted")
        return issue

    def json(self) -> Any:
        """The decoded body, None where there is none. Raises Denied(400)."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError as error:
            raise Denied(400, "Problems parsing JSON") from error

    def tell(self, *events: Event) -> None:
        for event in events:
            self.github.hooks.later(event)


class Moved(TaglineError):
    """Answered with 301, or 307 where something is written, and the new place."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


Handler = Callable[[Call], Response]


@dataclass(frozen=True, slots=True)
class Row:
    """`needs` is "jwt", "token", "anyone" or a permission with its level, as in "issues:write"."""

    method: str
    path: str
    handler: Handler
    needs: str


def router(github: GitHub, rows: list[Row]) -> Router:
    """What is under a repository's name is under its id as well."""
    routes = [
        Route(path, _endpoint(github, row), methods=[row.method])
        for row in rows
        for path in dict.fromkeys((row.path, row.path.replace(REPO, BY_ID)))
    ]
    return Router([*routes, Route("/{rest:path}", _unknown, methods=None)])


async def _unknown(_: Request) -> Response:
    return error(404, "Not Found")


def _endpoint(github: GitHub, row: Row) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        response = _answer(github, row, request, await request.body())
        spent = next(github.spent) % HOURLY
        reset = github.state.clock().timestamp() + 3600
        response.headers["x-ratelimit-limit"] = str(HOURLY)
        response.headers["x-ratelimit-remaining"] = str(HOURLY - spent)
        response.headers["x-ratelimit-used"] = str(spent)
        response.headers["x-ratelimit-reset"] = str(math.ceil(reset))
        response.headers["x-ratelimit-resource"] = "core"
        response.headers["x-github-request-id"] = f"SBOX:{spent:06X}"
        return response

    return endpoint


def _answer(github: GitHub, row: Row, request: Request, body: bytes) -> Response:
    try:
        _check_headers(request)
        caller = github.access.caller(request.headers.get("authorization"))
        call = Call(github, request, body, caller)
        with github.state.lock:
            _admit(call, row.needs)
            return row.handler(call)
    except Denied as denied:
        return error(denied.status, denied.message)
    except Moved as moved:
        reading = row.method == "GET"
        says = "Moved Permanently" if reading else "Temporary Redirect"
        shape = {"message": says, "url": moved.location, "documentation_url": DOCS}
        return JSONResponse(shape, 301 if reading else 307, {"Location": moved.location})
    except NotThere:
        return error(404, "Not Found")


def _check_headers(request: Request) -> None:
    """https://docs.github.com/rest/about-the-rest-api/api-versions"""
    if not request.headers.get("user-agent"):
        raise Denied(403, "Request forbidden by administrative rules: no User-Agent header.")
    if request.headers.get("x-github-api-version", VERSIONS[0]) not in VERSIONS:
        raise Denied(400, "The API version in X-GitHub-Api-Version is not supported.")


def _admit(call: Call, needs: str) -> None:
    """Raises Denied or Missing, as GitHub does, unless the caller may do this."""
    kind = call.caller.kind
    if needs == "jwt":
        if kind != "app":
            raise Denied(401, "A JSON web token could not be decoded")
        return
    if kind == "app":
        raise Denied(403, FORBIDDEN)
    if needs == "token":
        if kind == "nobody":
            raise Denied(401, "Requires authentication")
        return
    permission, _, level = needs.partition(":")
    _admit_to_repo(call, level)
    if not call.caller.may(permission, level):
        raise Denied(401, "Requires authentication") if kind == "nobody" else Denied(403, FORBIDDEN)


def _admit_to_repo(call: Call, level: str) -> None:
    repo, caller = call.repo(), call.caller
    if not call.sees(repo):
        raise NotThere(repo.name)
    if caller.via_app and level == "write" and not call.reaches(repo):
        raise Denied(403, FORBIDDEN)


def error(status: int, message: str, **more: Any) -> Response:
    shape = {"message": message, "documentation_url": DOCS, "status": str(status), **more}
    return JSONResponse(shape, status, media_type="application/json; charset=utf-8")


def invalid(resource: str, name: str, code: str) -> Response:
    """422 as GitHub words it."""
    problem = {"resource": resource, "field": name, "code": code}
    return error(422, "Validation Failed", errors=[problem])


def good(shape: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(shape, status, headers, media_type="application/json; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and the Link header that leads to the others."""

    items: list[Any]
    headers: dict[str, str]


def paged(call: Call, items: list[Any]) -> Page:
    query = call.request.query_params
    size = min(max(_number(query.get("per_page"), 30), 1), 100)
    page = max(_number(query.get("page"), 1), 1)
    last = max(math.ceil(len(items) / size), 1)
    links = {
        "prev": page - 1 if page > 1 else None,
        "next": page + 1 if page < last else None,
        "last": last if page < last else None,
        "first": 1 if page > 1 else None,
    }
    base = call.serializer.api + call.request.url.path.removeprefix(call.request.scope["root_path"])
    text = ", ".join(
        f'<{base}?{urlencode({**query, "per_page": size, "page": number})}>; rel="{rel}"'
        for rel, number in links.items()
        if number
    )
    return Page(items[(page - 1) * size : page * size], {"Link": text} if text else {})


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default
