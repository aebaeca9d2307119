"""The ways in which either forge can fail.

Rows called `github-…` or `gitlab-…` strike that host, `forge-…` and the others whichever is called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.responses import HTMLResponse, Response

from bot.sandbox.broken_connections import Hang, Reset
from bot.sandbox.faults import Call, Fault, Side

Effect = Callable[[Call], Awaitable[Response]]
SLOW_SECONDS = 2.0
HANG_SECONDS = 30.0
PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Ways:
    """One host's answers by status, and patterns over "METHOD path" for its places."""

    refuse: Callable[[int], Response]
    comments: str
    labels: str
    issues: str
    repo: str


def instead(ways: Mapping[Side, Ways], status: int) -> Effect:
    """Answers so in the host's own words, and nothing takes effect."""

    async def effect(call: Call) -> Response:
        return ways[call.side].refuse(status)

    return effect


def stored(make: Callable[[], Response]) -> Effect:
    """Takes effect, but the good answer is lost."""

    async def effect(call: Call) -> Response:
        await call.act()
        return make()

    return effect


async def slow(call: Call) -> Response:
    await asyncio.sleep(SLOW_SECONDS)
    return await call.act()


async def reset(_: Call) -> Response:
    return Reset()


def rows(ways: Mapping[Side, Ways]) -> list[Fault]:
    """`ways` by host."""
    sides: list[Side] = [*ways, "forge"]
    return [*_commenting(ways), *(row for side in sides for row in _anything(ways, side))]


def _pattern(ways: Mapping[Side, Ways], side: Side, place: str) -> str:
    hosts = ways.values() if side == "forge" else [ways[side]]
    return "|".join(getattr(host, place) for host in hosts) if place else ""


def _commenting(ways: Mapping[Side, Ways]) -> list[Fault]:
    table: list[tuple[str, str, Effect, str]] = [
        ("comment-stored-502", "stored, then 502", stored(_bad_gateway), "comments"),
        ("comment-stored-timeout", "stored, never answered", stored(_hang), "comments"),
        ("comment-stored-reset", "stored, line cut", stored(Reset), "comments"),
        ("comment-stored-not-json", "stored, 201 with HTML", stored(_html), "comments"),
        ("comment-502", "not stored, 502", instead(ways, 502), "comments"),
        ("comment-403", "commenting refused", instead(ways, 403), "comments"),
        ("labels-403", "changing labels refused", instead(ways, 403), "labels"),
        ("labels-422", "labels found invalid", instead(ways, 422), "labels"),
    ]
    return [
        Fault(name, "forge", says, effect, _pattern(ways, "forge", place))
        for name, says, effect, place in table
    ]


# What follows the host's name → what it says, the status, the places it strikes.
STATUSES: dict[str, tuple[str, int, str]] = {
    "500": ("500 for anything", 500, ""),
    "502": ("502 for anything", 502, ""),
    "503": ("503 for anything", 503, ""),
    "401": ("401 for anything", 401, ""),
    "403": ("403 for anything in a repository", 403, "repo"),
    "403-permission": ("a permission or role is missing", 403, "repo"),
    "404": ("issue calls: 404", 404, "issues"),
    "404-once": ("issue calls: 404, one time only", 404, "issues"),
    "409": ("issue calls: 409", 409, "issues"),
    "410": ("issue calls: 410", 410, "issues"),
    "422": ("issue calls: 422", 422, "issues"),
    "429": ("429 with Retry-After 60", 429, ""),
}


def _anything(ways: Mapping[Side, Ways], side: Side) -> list[Fault]:
    by_status = [
        Fault(
            f"{side}-{suffix}",
            side,
            says,
            instead(ways, status),
            _pattern(ways, side, place),
            once=suffix.endswith("-once"),
        )
        for suffix, (says, status, place) in STATUSES.items()
    ]
    return [
        *by_status,
        Fault(f"{side}-slow", side, f"answers after {SLOW_SECONDS:g} s", slow),
        Fault(f"{side}-reset", side, "line cut, nothing stored", reset),
    ]


def _bad_gateway() -> Response:
    return HTMLResponse(PAGE, 502)


def _hang() -> Response:
    return Hang(HANG_SECONDS)


def _html() -> Response:
    return HTMLResponse(PAGE, 201)
