"""The ways in which GitHub's face can fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from starlette.responses import HTMLResponse, Response

from bot.sandbox.broken import Hang, Reset
from bot.sandbox.faults import Call, Fault
from bot.sandbox.github.access import Access
from bot.sandbox.github.face import FORBIDDEN, error

Effect = Callable[[Call], Awaitable[Response]]

COMMENTING = r"POST .*/issues/\d+/comments$|PATCH .*/issues/comments/\d+$"
LABELLING = r"(POST|DELETE) .*/issues/\d+/labels"
IN_ISSUES = r"/repos/[^/]+/[^/]+/issues"
IN_REPO = r"/repos/[^/]+/[^/]+/"
SLOW_SECONDS = 2.0
HANG_SECONDS = 30.0
PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"


def instead(status: int, message: str, headers: dict[str, str] | None = None) -> Effect:
    """Answers so, and nothing takes effect."""

    async def effect(_: Call) -> Response:
        response = error(status, message)
        response.headers.update(headers or {})
        return response

    return effect


def stored(make: Callable[[], Response]) -> Effect:
    """Takes effect, but the good answer is lost."""

    async def effect(call: Call) -> Response:
        await call.act()
        return make()

    return effect


async def exhausted(_: Call) -> Response:
    response = error(403, "API rate limit exceeded for installation.")
    response.headers["x-ratelimit-limit"] = "5000"
    response.headers["x-ratelimit-remaining"] = "0"
    response.headers["x-ratelimit-reset"] = str(int(time.time()) + 300)
    return response


async def slow(call: Call) -> Response:
    await asyncio.sleep(SLOW_SECONDS)
    return await call.act()


async def reset(_: Call) -> Response:
    return Reset()


SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes."


def _row(name: str, says: str, effect: Effect, on: str = "") -> Fault:
    return Fault(name, "github", says, effect, on)


def _bad_gateway() -> Response:
    return HTMLResponse(PAGE, 502)


def _hang() -> Response:
    return Hang(HANG_SECONDS)


def _html() -> Response:
    return HTMLResponse(PAGE, 201)


ROWS = [
    _row("comment-stored-502", "stored, then 502", stored(_bad_gateway), COMMENTING),
    _row("comment-stored-timeout", "stored, never answered", stored(_hang), COMMENTING),
    _row("comment-stored-reset", "stored, line cut", stored(Reset), COMMENTING),
    _row("comment-stored-not-json", "stored, 201 with HTML", stored(_html), COMMENTING),
    _row("comment-502", "not stored, 502", instead(502, "Bad Gateway"), COMMENTING),
    _row("comment-403", "commenting refused", instead(403, FORBIDDEN), COMMENTING),
    _row("labels-403", "changing labels refused", instead(403, FORBIDDEN), LABELLING),
    _row("labels-422", "labels found invalid", instead(422, "Validation Failed"), LABELLING),
    _row("github-500", "500 for anything", instead(500, "Server Error")),
    _row("github-502", "502 for anything", instead(502, "Bad Gateway")),
    _row("github-503", "503 for anything", instead(503, "Service Unavailable")),
    _row("github-401", "401 for anything", instead(401, "Bad credentials")),
    _row("github-403-permission", "a permission is missing", instead(403, FORBIDDEN), IN_REPO),
    _row(
        "github-403-secondary",
        "secondary rate limit, Retry-After 60",
        instead(403, SECONDARY, {"retry-after": "60"}),
    ),
    _row("github-403-exhausted", "hourly limit used up, reset in 300 s", exhausted),
    _row(
        "github-429",
        "429 with Retry-After 60",
        instead(429, SECONDARY, {"retry-after": "60"}),
    ),
    _row("github-404", "issue calls: 404", instead(404, "Not Found"), IN_ISSUES),
    Fault(
        "github-404-once",
        "github",
        "issue calls: 404, one time only",
        instead(404, "Not Found"),
        IN_ISSUES,
        once=True,
    ),
    _row("github-410", "issue calls: 410", instead(410, "This issue was deleted"), IN_ISSUES),
    _row("github-422", "issue calls: 422", instead(422, "Validation Failed"), IN_ISSUES),
    _row("github-slow", f"answers after {SLOW_SECONDS:g} s", slow),
    _row("github-reset", "line cut, nothing stored", reset),
]


def rows(access: Access) -> list[Fault]:
    """Every fault of this side."""

    async def expire(call: Call) -> Response:
        access.expire(call.request.headers.get("authorization"))
        return await call.act()

    return [
        *ROWS,
        _row("token-expired", "the token shown is over; a new one works", expire, IN_REPO),
    ]
