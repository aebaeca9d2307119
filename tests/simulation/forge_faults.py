"""Further faults of the forges, each in the host's own words.

Names that begin with `github-` or `gitlab-` are for that host, as is `token-expired` for GitHub;
all others are for both.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from bot.sandbox.broken_connections import Reset, client_left
from bot.sandbox.demo_faults import (
    BAD_GATEWAY,
    COMMENT_WRITES,
    instead,
    stored,
)
from bot.sandbox.faults import Call, Effect, Fault, Side
from bot.sandbox.github.access import Access
from bot.sandbox.github.api import FORBIDDEN, error
from bot.sandbox.gitlab.api import MINUTE_LIMIT, limit_headers
from bot.sandbox.state import now

HANG_SECONDS = 30.0
RETRY_SECONDS = 60
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes."
ABUSE = "You have triggered an abuse detection mechanism. Please wait a few minutes and try again."
PAGE = "<!DOCTYPE html><title>Sign in</title>"
ADDRESS = "Although you appear to have the correct authorization, your IP address is not permitted."
TOO_QUICKLY = {
    "resource": "IssueComment",
    "code": "unprocessable",
    "field": "data",
    "message": "was submitted too quickly",
}
NOTE_TOO_QUICKLY = "This note has been created too quickly. Try again later."
GITHUB_MESSAGES = {
    401: "Bad credentials",
    403: FORBIDDEN,
    404: "Not Found",
    410: "This issue was deleted",
    422: "Validation Failed",
    429: SECONDARY,
    500: "Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}
GITLAB_MESSAGES = {
    401: "401 Unauthorized",
    403: "403 Forbidden",
    404: "404 Not found",
    410: "410 Gone",
    422: "422 Unprocessable Entity",
    429: "This endpoint has been requested too many times. Try again later.",
    500: "500 Internal Server Error",
    502: "502 Bad Gateway",
    503: "503 Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Patterns:
    """Patterns over "METHOD path" of a host's writes of comments, labels and types, of its lists of
    types, and of calls about suggestions and issues."""

    comments: str
    labels: str
    types: str
    type_lists: str
    suggestions: str
    dismissals: str
    issues: str


IN_REPO = r"/(repos/[^/]+/[^/]+|repositories/\d+)/"
PATTERNS = {
    "github": Patterns(
        comments=r"POST .*/issues/\d+/comments$|PATCH .*/issues/comments/\d+$",
        labels=r"(POST|DELETE) .*/issues/\d+/labels",
        types=r"PATCH .*/issues/\d+$",
        type_lists=r"GET .*/issue-types$",
        suggestions=r".*/issues/\d+/suggestions",
        dismissals=r"POST .*/suggestions/\d+/dismiss$",
        issues=IN_REPO + "issues",
    ),
    "gitlab": Patterns(
        comments=r"POST .*/issues/\d+/notes$|PUT .*/issues/\d+/notes/\d+$",
        labels=r"PUT .*/issues/\d+$",
        types=r"PUT .*/issues/\d+$",
        type_lists=r"GET .*/labels$",
        suggestions=r"(?!)",
        dismissals=r"(?!)",
        issues=r"/api/v4/projects/.+/issues",
    ),
}


class Hang(Response):
    """No answer until the client leaves, `seconds` are over or the sandbox ends."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await client_left(scope, receive, self.seconds)
        await Reset()(scope, receive, send)


LOST_RESPONSES = (
    ("comment-stored-timeout", "stored, never answered", stored(lambda: Hang(HANG_SECONDS))),
    ("comment-stored-reset", "stored, connection cut", stored(Reset)),
    (
        "comment-stored-not-json",
        "stored, 201 with HTML",
        stored(lambda: HTMLResponse(BAD_GATEWAY, 201)),
    ),
)


def refuse(side: Side, status: int, clock: Callable[[], datetime] = now) -> Response:
    """Return the host's own answer with that status."""
    if side == "github":
        return _github_error(status, GITHUB_MESSAGES[status], status == 429)
    response = JSONResponse({"message": GITLAB_MESSAGES[status]}, status)
    if status == 429:
        response.headers.update(_used_up(clock))
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _github_error(status: int, message: str, retry_after: bool = False) -> Response:
    response = error(status, message)
    if retry_after:
        response.headers["retry-after"] = str(RETRY_SECONDS)
    return response


def _used_up(clock: Callable[[], datetime]) -> dict[str, str]:
    return limit_headers(MINUTE_LIMIT, clock().timestamp() + RETRY_SECONDS)


def rows(access: Access, gitlab_clock: Callable[[], datetime]) -> list[Fault]:
    def refused(status: int) -> Effect:
        async def effect(call: Call) -> Response:
            return refuse(call.side, status, gitlab_clock)

        return effect

    issues = "|".join(pattern.issues for pattern in PATTERNS.values())
    return [
        *(
            Fault(f"forge-{status}", "forge", f"{status} for anything", refused(status))
            for status in GITLAB_MESSAGES
        ),
        *(
            Fault(name, "forge", text, effect, COMMENT_WRITES)
            for name, text, effect in LOST_RESPONSES
        ),
        Fault("forge-https", "forge", "redirects everything to https", _to_https),
        Fault("forge-sign-in", "forge", "redirects everything to a page", _to_sign_in),
        Fault("forge-web-page", "forge", "a web page with status 200", instead(_web_page)),
        Fault("forge-403-address", "forge", "this address is not allowed", _refuse_address, issues),
        *_of_github(access),
        Fault(
            "gitlab-429-reset",
            "gitlab",
            "429 with only the time of the reset",
            instead(
                lambda: JSONResponse({"message": GITLAB_MESSAGES[429]}, 429, _used_up(gitlab_clock))
            ),
        ),
        Fault(
            "gitlab-422-quickly",
            "gitlab",
            "a note was created too quickly",
            instead(lambda: JSONResponse({"message": {"base": [NOTE_TOO_QUICKLY]}}, 422)),
            PATTERNS["gitlab"].comments,
        ),
    ]


async def _to_https(call: Call) -> Response:
    """As a proxy does that accepts only https."""
    return Response(
        status_code=301, headers={"Location": str(call.request.url.replace(scheme="https"))}
    )


async def _to_sign_in(call: Call) -> Response:
    """As a proxy does that lets only people with a session in."""
    return Response(status_code=302, headers={"Location": "https://sso.example/sign_in?rd=/api"})


def _web_page() -> Response:
    return HTMLResponse(PAGE)


async def _refuse_address(call: Call) -> Response:
    if call.side == "github":
        return error(403, ADDRESS)
    content = {"error": "insufficient_scope", "error_description": ADDRESS}
    return JSONResponse(content, 403)


async def _unnamed(call: Call) -> Response:
    response = await call.act()
    comments = json.loads(bytes(response.body))
    unnamed = [{**comment, "performed_via_github_app": None} for comment in comments]
    return JSONResponse(unnamed, response.status_code)


def _of_github(access: Access) -> list[Fault]:
    async def expire(call: Call) -> Response:
        token = call.request.headers.get("authorization", "").partition(" ")[2].strip()
        access.tokens.pop(token, None)
        return await call.act()

    def exhausted() -> Response:
        response = error(403, "API rate limit exceeded for installation.")
        response.headers["x-ratelimit-limit"] = "5000"
        response.headers["x-ratelimit-remaining"] = "0"
        response.headers["x-ratelimit-reset"] = str(int(access.clock().timestamp()) + 300)
        return response

    quickly = instead(lambda: error(422, "Validation Failed", errors=[TOO_QUICKLY]))
    abuse, on = instead(lambda: error(403, ABUSE)), PATTERNS["github"].comments
    comments = r"GET .*/issues/\d+/comments$"
    secondary = instead(lambda: _github_error(403, SECONDARY, retry_after=True))
    table: list[tuple[str, str, Effect, str]] = [
        ("github-422-quickly", "a comment was submitted too quickly, no Retry-After", quickly, on),
        ("github-403-abuse", "abuse detection, no Retry-After", abuse, on),
        ("github-app-unnamed", "comments do not name the App that wrote them", _unnamed, comments),
        ("token-expired", "the token is expired; a new one works", expire, IN_REPO),
        ("github-403-secondary", "secondary rate limit, Retry-After 60", secondary, ""),
        ("github-403-exhausted", "hourly limit used up, reset in 300 s", instead(exhausted), ""),
    ]
    return [Fault(name, "github", text, effect, on) for name, text, effect, on in table]
