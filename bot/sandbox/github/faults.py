"""How GitHub's face refuses, and the faults that only it has."""

from __future__ import annotations

from starlette.responses import Response

from bot.sandbox.faults import Call, Fault
from bot.sandbox.forge_faults import Ways
from bot.sandbox.github.access import Access
from bot.sandbox.github.api import FORBIDDEN, error

IN_REPO = r"/(repos/[^/]+/[^/]+|repositories/\d+)/"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes."
ABUSE = "You have triggered an abuse detection mechanism. Please wait a few minutes and try again."
TOO_QUICKLY = {
    "resource": "IssueComment",
    "code": "unprocessable",
    "field": "data",
    "message": "was submitted too quickly",
}
WORDS = {
    401: "Bad credentials",
    403: FORBIDDEN,
    404: "Not Found",
    409: "Conflict",
    410: "This issue was deleted",
    422: "Validation Failed",
    429: SECONDARY,
    500: "Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}


def refuse(status: int) -> Response:
    response = error(status, WORDS[status])
    if status == 429:
        response.headers["retry-after"] = "60"
    return response


WAYS = Ways(
    refuse=refuse,
    comments=r"POST .*/issues/\d+/comments$|PATCH .*/issues/comments/\d+$",
    labels=r"(POST|DELETE) .*/issues/\d+/labels",
    issues=IN_REPO + "issues",
    repo=IN_REPO,
)


async def secondary(_: Call) -> Response:
    response = error(403, SECONDARY)
    response.headers["retry-after"] = "60"
    return response


async def abuse(_: Call) -> Response:
    return error(403, ABUSE)


async def too_quickly(_: Call) -> Response:
    return error(422, "Validation Failed", errors=[TOO_QUICKLY])


def rows(access: Access) -> list[Fault]:
    """What no other host has."""

    async def expire(call: Call) -> Response:
        access.expire(call.request.headers.get("authorization"))
        return await call.act()

    async def exhausted(_: Call) -> Response:
        response = error(403, "API rate limit exceeded for installation.")
        response.headers["x-ratelimit-limit"] = "5000"
        response.headers["x-ratelimit-remaining"] = "0"
        response.headers["x-ratelimit-reset"] = str(int(access.clock().timestamp()) + 300)
        return response

    says = "the token shown is over; a new one works"
    quick, on = "a comment was submitted too quickly, no Retry-After", WAYS.comments
    return [
        Fault("github-422-quickly", "github", quick, too_quickly, on),
        Fault("github-403-abuse", "github", "abuse detection, no Retry-After", abuse, on),
        Fault("token-expired", "github", says, expire, IN_REPO),
        Fault("github-403-secondary", "github", "secondary rate limit, Retry-After 60", secondary),
        Fault("github-403-exhausted", "github", "hourly limit used up, reset in 300 s", exhausted),
    ]
