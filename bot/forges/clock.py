"""Whether this host's clock agrees with a forge's: tokens and signatures end by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

from bot.core.diagnostics import Finding
from bot.forges.requests import send_request
from bot.http import ClientPool

MOST_SECONDS = 60


def about_clock(
    forge: str,
    clients: ClientPool,
    url: str,
    headers: Mapping[str, str],
    clock: Callable[[], float],
) -> Finding:
    """Compare with the Date header of any answer, a refusal too. Raises `Retry` without one."""
    client = clients.get()
    answer = send_request(forge, client, client.build_request("GET", url, headers=headers))
    try:
        there = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return Finding("its answers carry no date to compare the clock with")
    seconds = round(clock() - there)
    if abs(seconds) <= MOST_SECONDS:
        return Finding("the clocks agree")
    way = "ahead of" if seconds > 0 else "behind"
    return Finding(
        f"this host's clock is {abs(seconds)} s {way} its", "set the clock, by NTP", wrong=True
    )
