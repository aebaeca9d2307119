"""Send signed pings to PUBLIC_URL for `tagline check`, as large as a long issue's delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bot.core.diagnostics import Finding, excerpt
from bot.http import CONNECTION_LOST, FAILURES, ClientPool, Request, Response, deadline

PING_BYTES = 2 * 1024 * 1024  # nginx refuses more than 1 MB by default
SMALL_BYTES = 64
PING_SECONDS = 20.0
MAX_BYTES = 65_536
ACCEPTED = 202
LIMIT_FIX = "let bodies of 25 MB through; for nginx: client_max_body_size 25m;"
START_FIX = "start the receiver (`tagline run` or `serve`), or correct the proxy in front of it"
FIXES = {
    401: "PUBLIC_URL must lead to a receiver with the webhook secrets that are set here",
    404: "PUBLIC_URL must lead to the receiver, without /webhooks/... at its end",
    405: "PUBLIC_URL must lead to the receiver, without /webhooks/... at its end",
    408: "the connection is too slow, or the proxy holds bodies back",
    411: "the proxy must pass on the body's length",
    413: LIMIT_FIX,
    415: "the proxy must pass on the header Content-Type",
    429: "too many requests with wrong signatures came from here: wait a minute",
}

Sign = Callable[[bytes], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Ping:
    """A delivery that needs no job. `sign` returns the headers for a body."""

    forge: str
    sign: Sign

    def request(self, public_url: str, size: int) -> Request:
        body = b'{"object_kind":"ping","zen":"%s"}' % (b"x" * size)
        headers = {"content-type": "application/json", **self.sign(body)}
        url = f"{public_url}/webhooks/{self.forge}"
        return Request("POST", url, headers, body, PING_SECONDS)


def check_public_url(
    clients: ClientPool, public_url: str, pings: Iterator[Ping]
) -> Iterator[Finding]:
    """Yield a finding about each ping. An address may be reachable for others only: no problem."""
    for ping in pings:
        large = ping.request(public_url, PING_BYTES)
        try:
            response = _send(clients, large)
        except CONNECTION_LOST as error:
            yield _explain_loss(clients, ping, public_url, type(error).__name__)
            continue
        except FAILURES as error:
            yield _unreachable(large.url, type(error).__name__)
            continue
        yield _explain(large.url, response)


def _send(clients: ClientPool, request: Request) -> Response:
    with deadline(PING_SECONDS):
        return clients.get().send(request, MAX_BYTES, truncate=True)


def _explain_loss(clients: ClientPool, ping: Ping, public_url: str, error: str) -> Finding:
    """A proxy may close the connection when it refuses a long body: would it accept a short one?"""
    small = ping.request(public_url, SMALL_BYTES)
    try:
        accepted = _send(clients, small).status == ACCEPTED
    except FAILURES:
        accepted = False
    if accepted:
        return Finding(f"{small.url} closed the connection during a ping of 2 MB", LIMIT_FIX, True)
    return _unreachable(small.url, error)


def _unreachable(url: str, error: str) -> Finding:
    fix = f"{START_FIX}; it may still be reachable for your forge"
    return Finding(f"{url} cannot be reached from here ({error})", fix)


def _explain(url: str, response: Response) -> Finding:
    status = response.status
    if status == ACCEPTED:
        return Finding(f"{url} accepts a signed ping of 2 MB")
    what = f"{url} answers a signed ping with status {status}"
    if 300 <= status < 400:
        location = excerpt(response.headers.get("location", "").partition("?")[0])
        fix = "set PUBLIC_URL and the webhook to that address: no redirect is followed"
        return Finding(f"{what} to {location}", fix, wrong=True)
    if status >= 500:
        return Finding(what, START_FIX, wrong=True)
    fix = FIXES.get(status, "another program answers: PUBLIC_URL must lead to the receiver")
    return Finding(what, fix, wrong=True)
