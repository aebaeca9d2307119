"""Send one request to a forge, with a time limit, and map transport errors to Tagline's."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from bot.core.config import yaml_nodes
from bot.core.diagnostics import excerpt
from bot.core.errors import (
    LockContended,
    Retry,
    TaglineError,
    Unreachable,
    WriteUncertain,
)
from bot.footprint import NoPermit, await_permit
from bot.http import (
    FAILURES,
    NOT_SENT,
    Client,
    Request,
    Response,
    TooLarge,
    deadline,
    seconds_left,
)

CALL_SECONDS = 15.0
PERMIT_SECONDS = 120.0  # for a large response, if the job has no deadline
MAX_BYTES = 16 * 1024 * 1024
MAX_FILE = yaml_nodes.MAX_BYTES + 1  # one more than allowed shows that a file is too long


class NotModified(TaglineError):
    """The list with the given ETag is unchanged (status 304)."""


class TooLong(Retry):
    """A response to a read is longer than its caller allows."""


def send_request(
    forge: str,
    client: Client,
    request: Request,
    first_bytes: int = 0,
    *,
    max_bytes: int = MAX_BYTES,
) -> Response:
    """Return the response, cut to its `first_bytes` unless 0.

    Raises `Retry`, `TooLong` for more than `max_bytes` in response to a read, `WriteUncertain` for
    a write that may have happened, and `LockContended` if other threads hold all permits for large
    responses until the time limit.
    """
    is_read = request.method == "GET"
    while True:
        try:
            with deadline(CALL_SECONDS):
                return client.send(request, first_bytes or max_bytes, truncate=first_bytes > 0)
        except NOT_SENT as error:
            reason = excerpt(str(error)) or type(error).__name__
            raise Unreachable(f"{forge} cannot be reached at {_host(request)}: {reason}") from None
        except TooLarge as error:
            reason = f"{forge}'s response is too long ({error})"
            raise (TooLong(reason) if is_read else WriteUncertain(reason)) from None
        except FAILURES as error:
            kind = type(error).__name__
            reason = f"{forge}'s response did not arrive from {_host(request)} ({kind})"
            raise (Unreachable(reason) if is_read else WriteUncertain(reason)) from None
        except NoPermit:
            if not is_read:
                reason = f"{forge}'s response had to wait for too long"
                raise WriteUncertain(reason) from None
        # The connection is closed: no server waits while this thread waits for its permit.
        left = seconds_left()
        try:
            await_permit(PERMIT_SECONDS if left is None else left / 2)
        except NoPermit:
            raise LockContended("too many large responses are being read") from None


def read_date(headers: Mapping[str, str]) -> float:
    """Return a response's time in seconds since the epoch, 0 if it has none."""
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError):
        return 0.0


def _host(request: Request) -> str:
    return urlsplit(request.url).hostname or ""
