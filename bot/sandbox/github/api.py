"""The frame of GitHub's REST API: routes, permissions, headers and errors."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from bot.core.errors import TaglineError
from bot.sandbox.conditional import answer_conditionally
from bot.sandbox.github.access import ACTIONS_APP, Access, Caller, Denied
from bot.sandbox.github.hooks import GitHubHooks
from bot.sandbox.github.serializers import Serializer
from bot.sandbox.paging import Page, paginate
from bot.sandbox.rate_limit import AddressLimit, find_address
from bot.sandbox.search_server import SearchServer
from bot.sandbox.state import Event, Issue, Missing, Repo, State

DOCS = "https://docs.github.com/rest"
VERSIONS = ("2022-11-28", "2026-03-10")
HOURLY_LIMIT = 15_000  # as for an organisation on GitHub Enterprise Cloud
EXCEEDED = (
    "API rate limit exceeded for {address}. (But here's the good news: Authenticated requests get a"
    " higher rate limit. Check out the documentation for more details.)"
)
REPO = "/repos/{owner}/{repo}"
REPO_BY_ID = "/repositories/{repo_id:int}"
FORBIDDEN = "Resource not accessible by integration"
ARCHIVED = "Repository was archived so is read-only."
NO_RIGHT = "Must have admin rights to Repository."
MEDIA_TYPE = "application/json; charset=utf-8"


@dataclass(slots=True)
class GitHub:
    """What the handlers share. `used` counts towards the hourly limit of all tokens.

    `unknown_fields` are those of GraphQL that an older server lacks.
    """

    state: State
    access: Access
    serializer: Serializer
    hooks: GitHubHooks
    anonymous: AddressLimit
    searches: SearchServer = field(default_factory=SearchServer)
    used: int = 0
    unknown_fields: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Call:
    """One request and its caller."""

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
    def repo_id(self) -> str:
        """The repository's name or its id, as the path has it."""
        path = self.request.path_params
        return str(path["repo_id"]) if "repo_id" in path else f"{path['owner']}/{path['repo']}"

    @property
    def number(self) -> int:
        return int(self.arg("number"))

    def repo(self) -> Repo:
        """Return the repository. Raises Moved for a former name, Missing."""
        if renamed := self.state.renamed(self.repo_id):
            if not self.can_see(renamed):
                raise Missing(self.repo_id)
            raise Moved(f"{self.serializer.api}/repositories/{renamed.id}{self._path_in_repo()}")
        return self.state.repo(self.repo_id)

    def _path_in_repo(self) -> str:
        """Return what follows the repository's name in the address, encoded as it was sent."""
        scope = self.request.scope
        path = scope["raw_path"].decode("latin-1").removeprefix(scope["root_path"])
        rest = "".join(f"/{part}" for part in path.split("/", 4)[4:])
        query = self.request.url.query
        return f"{rest}?{query}" if query else rest

    def can_see(self, repo: Repo) -> bool:
        return not repo.private or self.caller.kind in ("app", "user") or self.covers(repo)

    def covers(self, repo: Repo) -> bool:
        """Return whether an installation token is valid for that repository."""
        caller, installation = self.caller, self.github.access.installation_of(repo)
        excluded = caller.repos is not None and repo.id not in caller.repos
        if caller.app == ACTIONS_APP:
            return not excluded
        return bool(installation and installation.id == caller.installation and not excluded)

    def issue(self) -> Issue:
        """Return the issue. Raises Moved, Denied(410), Missing."""
        issue = self.state.issue(self.repo().id, self.number)
        if issue.moved_to:
            repo, number = issue.moved_to
            raise Moved(f"{self.serializer.repo_url(self.state.repo(repo))}/issues/{number}")
        if issue.deleted:
            raise Denied(410, "This issue was deleted")
        return issue

    def json(self) -> Any:
        """Return the decoded body, None for an empty one. Raises Denied(400)."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError as error:
            raise Denied(400, "Problems parsing JSON") from error

    def send(self, *events: Event) -> None:
        for event in events:
            self.github.hooks.send_later(event)

    def page(self, items: list[Any], *, ignore_number: bool = False) -> Page:
        """Return the page that the query asks for, or the first one."""
        return paginate(
            self.request,
            self.serializer.api,
            items,
            30,
            link_current=False,
            ignore_number=ignore_number,
        )


class Moved(TaglineError):
    """The resource has another address: answered with 301, or 307 for a write."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


Handler = Callable[[Call], Response]


@dataclass(frozen=True, slots=True)
class Row:
    """A route.

    `needs` is "nothing", "jwt", "token" or a permission with its level, as in "issues:write".
    """

    method: str
    path: str
    handler: Handler
    needs: str


def router(github: GitHub, rows: list[Row]) -> Router:
    """Return the routes; those of a repository's name also exist for its id."""
    routes = [
        Route(path, _endpoint(github, row), methods=[row.method])
        for row in rows
        for path in dict.fromkeys((row.path, row.path.replace(REPO, REPO_BY_ID)))
    ]
    return Router([*routes, Route("/{rest:path}", _unknown, methods=None)])


async def _unknown(_: Request) -> Response:
    return error(404, "Not Found")


def _endpoint(github: GitHub, row: Row) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        body, now = await request.body(), github.state.clock()
        if token := request.headers.get("authorization"):
            response = answer_conditionally(request, _answer(github, row, request, body), token)
            # https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
            if response.status_code != 304:
                github.used += 1
            used, reset = github.used % HOURLY_LIMIT, now.timestamp() + 3600
            return _add_limit(response, HOURLY_LIMIT, used, reset)
        window = github.anonymous.count(request, now)
        if github.anonymous.is_exceeded(window):
            response = error(403, EXCEEDED.format(address=find_address(request)))
        else:
            response = answer_conditionally(request, _answer(github, row, request, body))
        return _add_limit(response, github.anonymous.requests, window.used, window.reset)

    return endpoint


def _add_limit(response: Response, limit: int, used: int, reset: float) -> Response:
    """https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"""
    response.headers["x-github-request-id"] = f"SBOX:{used:06X}"
    if "x-ratelimit-resource" in response.headers:  # a limit of its own
        return response
    response.headers["x-ratelimit-limit"] = str(limit)
    response.headers["x-ratelimit-remaining"] = str(max(limit - used, 0))
    response.headers["x-ratelimit-used"] = str(min(used, limit))
    response.headers["x-ratelimit-reset"] = str(math.ceil(reset))
    response.headers["x-ratelimit-resource"] = "core"
    return response


def _answer(github: GitHub, row: Row, request: Request, body: bytes) -> Response:
    try:
        _check_headers(request)
        caller = github.access.caller(request.headers.get("authorization"))
        call = Call(github, request, body, caller)
        with github.state.lock:
            _check_permission(call, row.needs)
            return row.handler(call)
    except Denied as denied:
        return error(denied.status, denied.message)
    except Moved as moved:
        status = 301 if row.method == "GET" else 307
        message = "Moved Permanently" if status == 301 else "Temporary Redirect"
        content = {"message": message, "url": moved.location, "documentation_url": DOCS}
        return JSONResponse(content, status, {"Location": moved.location})
    except Missing:
        return error(404, "Not Found")


def _check_headers(request: Request) -> None:
    """https://docs.github.com/rest/about-the-rest-api/api-versions"""
    if not request.headers.get("user-agent"):
        raise Denied(403, "Request forbidden by administrative rules: no User-Agent header.")
    if request.headers.get("x-github-api-version", VERSIONS[0]) not in VERSIONS:
        raise Denied(400, "The API version in X-GitHub-Api-Version is not supported.")


def _check_permission(call: Call, needs: str) -> None:
    """Raises Denied or Missing, as GitHub does, unless the caller may do this."""
    kind = call.caller.kind
    if needs == "nothing":
        return
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
    _check_repo_permission(call, *needs.split(":"))


def _check_repo_permission(call: Call, permission: str, level: str) -> None:
    repo, kind = call.repo(), call.caller.kind
    if not call.can_see(repo):
        raise Missing(repo.name)
    if kind == "installation" and level == "write" and not call.covers(repo):
        raise Denied(403, FORBIDDEN)
    if level == "write" and repo.archived:
        raise Denied(403, ARCHIVED)
    if level == "write" and kind == "user" and repo.read_only:
        raise Denied(403, NO_RIGHT)
    if not call.caller.may(permission, level):
        raise Denied(401, "Requires authentication") if kind == "nobody" else Denied(403, FORBIDDEN)


def error(status: int, message: str, **more: Any) -> Response:
    content = {"message": message, "documentation_url": DOCS, "status": str(status), **more}
    return JSONResponse(content, status, media_type=MEDIA_TYPE)


def invalid(resource: str, name: str, code: str) -> Response:
    """Return GitHub's 422 about one field."""
    problem = {"resource": resource, "field": name, "code": code}
    return error(422, "Validation Failed", errors=[problem])


def success(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(content, status, headers, media_type=MEDIA_TYPE)
