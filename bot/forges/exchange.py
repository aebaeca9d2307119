"""One request to a forge: an answer within the time for a call, or one of our errors."""

from __future__ import annotations

import httpx

from bot.core.errors import Doubtful, Retry
from bot.http import Client, deadline, send

CALL_SECONDS = 15.0
MAX_BYTES = 16 * 1024 * 1024
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def exchange(forge: str, client: Client, request: httpx.Request) -> httpx.Response:
    """Send a request. Raises `Retry`, or `Doubtful` where a write may have happened."""
    try:
        with deadline(CALL_SECONDS):
            return send(client, request, MAX_BYTES)
    except NOT_SENT as error:
        raise Retry(f"{forge} cannot be reached ({type(error).__name__})") from None
    except httpx.TransportError as error:
        reason = f"{forge}'s answer did not arrive ({type(error).__name__})"
        raise (Retry(reason) if request.method == "GET" else Doubtful(reason)) from None
