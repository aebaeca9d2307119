"""One request to a forge: an answer within the time for a call, or one of our errors."""

from __future__ import annotations

from bot.core.errors import Busy, Doubtful, Retry
from bot.footprint import NoPermit
from bot.http import FAILURES, NOT_SENT, Client, Request, Response, deadline

CALL_SECONDS = 15.0
MAX_BYTES = 16 * 1024 * 1024


def exchange(forge: str, client: Client, request: Request) -> Response:
    """Send a request. Raises `Retry`, or `Doubtful` where a write may have happened.

    `Busy` where this process reads too many large answers.
    """
    try:
        with deadline(CALL_SECONDS):
            return client.send(request, MAX_BYTES)
    except NOT_SENT as error:
        raise Retry(f"{forge} cannot be reached ({type(error).__name__})") from None
    except NoPermit:
        reason = "too many large answers are being read"
        raise (Busy(reason) if request.method == "GET" else Doubtful(reason)) from None
    except FAILURES as error:
        reason = f"{forge}'s answer did not arrive ({type(error).__name__})"
        raise (Retry(reason) if request.method == "GET" else Doubtful(reason)) from None
