"""How GitLab's face refuses, and the faults that only it has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from starlette.responses import JSONResponse, Response

from bot.sandbox.faults import Call, Fault
from bot.sandbox.forge_faults import Ways
from bot.sandbox.gitlab.api import A_MINUTE, limits

RESET_SECONDS = 60
QUICKLY = "This note has been created too quickly. Try again later."
WORDS = {
    401: "401 Unauthorized",
    403: "403 Forbidden",
    404: "404 Not found",
    409: "409 Conflict",
    410: "410 Gone",
    422: "422 Unprocessable Entity",
    429: "This endpoint has been requested too many times. Try again later.",
    500: "500 Internal Server Error",
    502: "502 Bad Gateway",
    503: "503 Service Unavailable",
}


PROJECT = r"/api/v4/projects/.+/"
Clock = Callable[[], datetime]


def ways(clock: Clock) -> Ways:
    def refuse(status: int) -> Response:
        response = JSONResponse({"message": WORDS[status]}, status)
        if status == 429:
            response.headers.update(_used_up(clock))
            response.headers["Retry-After"] = str(RESET_SECONDS)
        return response

    return Ways(
        refuse=refuse,
        comments=r"POST .*/issues/\d+/notes$|PUT .*/issues/\d+/notes/\d+$",
        labels=r"PUT .*/issues/\d+$",
        issues=PROJECT + "issues",
        repo=PROJECT,
    )


def _used_up(clock: Clock) -> dict[str, str]:
    return limits(A_MINUTE, A_MINUTE, clock().timestamp() + RESET_SECONDS)


def rows(clock: Clock) -> list[Fault]:
    """What no other host has."""

    async def no_retry_after(_: Call) -> Response:
        return JSONResponse({"message": WORDS[429]}, 429, _used_up(clock))

    async def too_quickly(_: Call) -> Response:
        return JSONResponse({"message": {"base": [QUICKLY]}}, 422)

    says, on = "429 that tells only when the limit is reset", ways(clock).comments
    return [
        Fault("gitlab-429-reset", "gitlab", says, no_retry_after),
        Fault("gitlab-422-quickly", "gitlab", "a note was made too quickly", too_quickly, on),
    ]
