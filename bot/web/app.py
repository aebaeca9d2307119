"""The receiver: queues webhooks and responds within milliseconds."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot import log
from bot.core.config import docs
from bot.core.errors import QueueUnavailable, Rejected
from bot.core.events import Ignored
from bot.core.ports import Metrics, Queue, SignatureVerifier, WebhookParser
from bot.flow.receive import ReceiveResult, WebhookRequest, receive
from bot.web import metrics, pages
from bot.web.limits import MAX_REFUSALS, RefusalLimiter, Upload, Uploads
from bot.web.pages import OptionalPages

MAX_BODY = 25 * 1024 * 1024  # GitHub sends no more
MAX_IN_FLIGHT = 64 * 1024 * 1024
BODY_SECONDS = 10.0
SECRET_WARNING_SECONDS = 600.0  # anybody can send a wrong signature
UNVERIFIED = (401, 408, 413, 415)  # refusals of a sender that may not be a forge
CONTENT_TYPES = ("application/json", "application/x-www-form-urlencoded")
UNPRINTABLE = re.compile(r"[^ -~]")
NO_PAGES = OptionalPages()
# An editor that runs in a browser may read the schema.
SCHEMA_HEADERS = {"Cache-Control": "max-age=3600", "Access-Control-Allow-Origin": "*"}


class ReceiverQueue(Queue, Protocol):
    async def ping(self) -> bool: ...

    async def close(self) -> None: ...


def create(
    parsers: Mapping[str, Callable[[], WebhookParser | None]],
    queue: ReceiverQueue,
    counters: Metrics,
    metrics_tokens: Callable[[], Sequence[str]] = tuple,
    clock: Callable[[], float] = time.time,
    optional: OptionalPages = NO_PAGES,
) -> Starlette:
    """Return the web application.

    `parsers` maps a forge's name to its current parser, None as long as it has no secret.
    """
    endpoint = WebhookEndpoint(queue, counters, clock)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await queue.close()
        await asyncio.to_thread(counters.close)
        await asyncio.to_thread(optional.close)

    async def readyz(_request: Request) -> Response:
        if not await queue.ping():
            return PlainTextResponse("Redis does not answer\n", 503)
        if optional.setup and optional.setup.is_needed():
            return PlainTextResponse("not set up yet\n", 503)
        return PlainTextResponse("ok\n")

    routes = [
        *(
            Route(path, endpoint.handler(name, parser), methods=["POST"])
            for name, parser in parsers.items()
            for path in (f"/webhooks/{name}", f"/webhooks/{name}/")  # people write either
        ),
        Route("/healthz", _send_health),
        Route("/readyz", readyz),
        Route(docs.SCHEMA_PATH, _send_schema),
        Route("/metrics", metrics.page(counters, metrics_tokens)),
        *pages.routes(queue.ping, lambda: any(parser() for parser in parsers.values()), optional),
        *optional.routes,
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.router.redirect_slashes = False  # a redirect would go to any Host that a request names
    return app


async def _send_health(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _send_schema(_request: Request) -> Response:
    return Response(_encode_schema(), headers=SCHEMA_HEADERS, media_type="application/json")


class WebhookEndpoint:
    """Reads a webhook within limits, passes it to `flow/receive.py`, and responds."""

    def __init__(self, queue: Queue, counters: Metrics, clock: Callable[[], float]) -> None:
        self._queue = queue
        self._metrics = counters
        self._clock = clock
        self._uploads = Uploads(MAX_IN_FLIGHT)
        self._refusals = RefusalLimiter()
        self._warned_at: dict[str, float] = {}  # forge → when its secret was last warned of

    def handler(
        self, forge: str, current: Callable[[], WebhookParser | None]
    ) -> Callable[[Request], Any]:
        """Return the endpoint of a forge; `current` returns its parser with the current secrets."""

        async def handle(request: Request) -> Response:
            started, parser = self._clock(), current()
            if parser is None:
                return Response(status_code=404)
            headers = _join_headers(request)
            fields = {"forge": forge, "delivery": _make_loggable(headers.get(parser.id_header, ""))}
            try:
                verifier = parser.check_headers(headers)
                chunks = await self._read(request, headers, verifier)
                webhook = WebhookRequest(headers, chunks, verifier, started)
                result = await receive(webhook, parser, self._queue)
            except Rejected as refusal:
                self._metrics.count("deliveries", forge, f"refused-{refusal.status}")
                return self._refuse(request, refusal, fields, parser.secret_name)
            except QueueUnavailable as error:
                self._metrics.count("deliveries", forge, "not-queued")
                event = (
                    "Redis did not confirm, so nothing was queued; redeliver it when Redis answers"
                )
                log.get().error(event, why=str(error), **fields)
                return Response(status_code=503, headers={"Retry-After": "30"})
            return self._accept(result, fields)

        return handle

    def _accept(self, result: ReceiveResult, fields: Mapping[str, str]) -> Response:
        event, headers = result.event, {}
        if isinstance(event, Ignored):
            result_label = "ignored"
            log.get().info("ignored", **fields, why=event.reason)
        elif not result.job:
            result_label = "left-to-the-sweep"
            issue = str(event.ref)
            log.get().warning("too many deliveries of one installation", **fields, issue=issue)
        else:
            result_label = "queued"
            log.get().info("accepted", **fields, job=result.job, issue=str(event.ref))
            headers = {"X-Tagline-Job": result.job}
        self._metrics.count("deliveries", fields["forge"], result_label)
        return Response(status_code=202, headers=headers)

    def _refuse(
        self, request: Request, refusal: Rejected, fields: Mapping[str, str], secret_name: str
    ) -> Response:
        """Return the response to a refused request: 429, and no log event, if an address has many.

        One wrong signature in ten minutes is a warning that names the secret's variable.
        Only unverified requests are counted, and every request is read: behind a proxy, valid and
        forged requests come from one address.
        """
        source, count = request.client.host if request.client else "", 0
        if refusal.status in UNVERIFIED:
            count = self._refusals.count(source, self._clock())
        if count > MAX_REFUSALS:
            return Response(status_code=429, headers={"Retry-After": "60", "Connection": "close"})
        line = {"status": refusal.status, "why": str(refusal), **fields}
        if refusal.status == 401 and self._is_warning_due(fields["forge"]):
            fix = f"if your forge sent it, set {secret_name} to the secret of its webhook"
            log.get().warning("refused", **line, fix=fix)
        else:
            log.get().info("refused", **line)
        if count == MAX_REFUSALS:
            log.get().warning(
                "this address sends many requests without a valid signature: 429 and no lines for"
                " the rest of the minute; if it is your forge, check the webhook's secret",
                address=source,
            )
        return Response(status_code=refusal.status)

    def _is_warning_due(self, forge: str) -> bool:
        now, last = self._clock(), self._warned_at.get(forge)
        if last is not None and 0 <= now - last < SECRET_WARNING_SECONDS:
            return False
        self._warned_at[forge] = now
        return True

    async def _read(
        self, request: Request, headers: Mapping[str, str], verifier: SignatureVerifier
    ) -> list[bytes]:
        """Return the body, with limits on its size, its time and the bytes of all bodies together.

        The time starts after the first chunk, since most bodies have only one; `server.py` limits
        the wait for the first.
        """
        _check_form(headers)
        chunks: list[bytes] = []
        upload = self._uploads.start()
        try:
            if await self._read_chunk(request, upload, verifier, chunks):
                async with asyncio.timeout(BODY_SECONDS) as upload.timeout:
                    while await self._read_chunk(request, upload, verifier, chunks):
                        pass
        except TimeoutError:
            if upload.cancelled:
                raise Rejected(503, "too many large requests at once") from None
            raise Rejected(408, "too slow") from None
        finally:
            self._uploads.end(upload)
        return chunks

    async def _read_chunk(
        self, request: Request, upload: Upload, verifier: SignatureVerifier, chunks: list[bytes]
    ) -> bool:
        """Read the next chunk; return whether there are more."""
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Rejected(408, "the client disconnected")
        chunk: bytes = message.get("body", b"")
        if upload.size + len(chunk) > MAX_BODY:
            raise Rejected(413, "too long")
        self._uploads.grow(upload, len(chunk))
        verifier.update(chunk)
        chunks.append(chunk)
        return bool(message.get("more_body"))


@cache
def _encode_schema() -> bytes:
    return json.dumps(docs.schema()).encode()


def _make_loggable(delivery: str) -> str:
    """Return a delivery's id for the log; before it is verified it may hold anything."""
    return UNPRINTABLE.sub("?", delivery[:64])


def _check_form(headers: Mapping[str, str]) -> None:
    if not headers.get("content-type", "").lower().startswith(CONTENT_TYPES):
        raise Rejected(415, "content type")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Rejected(415, "content encoding")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:20]) > MAX_BODY:
        raise Rejected(413, "too long")


def _join_headers(request: Request) -> dict[str, str]:
    """Return headers by lower-case name. A repeated one is joined: no check may read half of it."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in request.scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
