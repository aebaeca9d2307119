"""One request to a forge: an answer within the time for a call, or one of our errors."""

from __future__ import annotations

import httpx

from bot.core.errors import LockContended, Retry, WriteUncertain
from bot.footprint import NoPermit, await_permit
from bot.http import FAILURES, NOT_SENT, Client, Response, deadline, seconds_left

CALL_SECONDS = 15.0
PATIENT_SECONDS = 120.0  # for a large answer, where a job has no end of its own
MAX_BYTES = 16 * 1024 * 1024


def send_request(forge: str, client: Client, request: httpx.Request, head: int = 0) -> Response:
    """Send a request. Raises `Retry`, or `WriteUncertain` where a write may have happened.

    `head` is how many bytes of the answer are wanted, 0 for all of it. Raises `LockContended` where
    other threads read large answers for as long as this one has time.
    """
    try:
        return _exchange(forge, client, request, head)
    except NoPermit:
        if request.method != "GET":
            raise WriteUncertain(f"{forge}'s answer had to wait for too long") from None
    # Nothing is lost, and a server need not wait, if it is asked again once its answer can be read.
    left = seconds_left()
    try:
        await_permit(PATIENT_SECONDS if left is None else left / 2)
    except NoPermit:
        raise LockContended("too many large answers are being read") from None
    return _exchange(forge, client, request, head)


def _exchange(forge: str, client: Client, request: httpx.Request, head: int) -> Response:
    """As `send_request`. Raises `NoPermit` too."""
    try:
        with deadline(CALL_SECONDS):
            return client.send(request, head or MAX_BYTES, truncate=head > 0)
    except NOT_SENT as error:
        raise Retry(f"{forge} cannot be reached ({type(error).__name__})") from None
    except FAILURES as error:
        reason = f"{forge}'s answer did not arrive ({type(error).__name__})"
        raise (Retry(reason) if request.method == "GET" else WriteUncertain(reason)) from None
