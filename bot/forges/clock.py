"""Compare the clock of this host with a forge's: tokens and signatures expire by it."""

from __future__ import annotations

from collections.abc import Callable

from bot.core.diagnostics import Finding
from bot.forges.requests import read_date, send_request
from bot.http import ClientPool, Request

MAX_SKEW_SECONDS = 60


def check_clock(forge: str, clients: ClientPool, url: str, clock: Callable[[], float]) -> Finding:
    """Return the difference to the Date header of a response, also of one with status 401.

    Raises `Retry` without a response.
    """
    response = send_request(forge, clients.get(), Request("GET", url))
    remote = read_date(response.headers)
    if not remote:
        return Finding("its responses have no date to compare the clock with")
    skew = round(clock() - remote)
    if abs(skew) <= MAX_SKEW_SECONDS:
        return Finding("the clocks agree")
    direction = "ahead of" if skew > 0 else "behind"
    what = f"this host's clock is {abs(skew)} s {direction} its"
    return Finding(what, "set the clock, by NTP", wrong=True)
