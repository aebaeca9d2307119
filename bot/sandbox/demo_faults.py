"""The faults that the demo offers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from starlette.responses import HTMLResponse, Response

from bot.sandbox.broken_connections import Drip, Reset
from bot.sandbox.faults import Call, Effect, Fault
from bot.sandbox.model.vendors import VENDORS, Vendor

SLOW_SECONDS = 2.0
BAD_GATEWAY = "<html><body><h1>502 Bad Gateway</h1></body></html>"
PROSE = "Certainly! I had a look at this issue and I think it is a bug, maybe in the login."
COMMENT_WRITES = (
    r"POST .*/issues/\d+/(comments|notes)$"
    r"|PATCH .*/issues/comments/\d+$|PUT .*/issues/\d+/notes/\d+$"
)


def vendor_of(call: Call) -> Vendor:
    return VENDORS["anthropic" if "/anthropic/" in call.request.url.path else "openai"]


def body_of(call: Call) -> dict[str, Any]:
    """Return the body of a request to a model; one without messages where it is malformed."""
    try:
        body = json.loads(call.body)
    except ValueError:
        body = None
    return body if isinstance(body, dict) and "messages" in body else {"messages": []}


async def slow(call: Call) -> Response:
    await asyncio.sleep(SLOW_SECONDS)
    return await call.act()


async def drip(call: Call) -> Response:
    return Drip(await call.act())


def stored(answer: Callable[[], Response]) -> Effect:
    """Return an effect: the request is carried out, but gets another answer."""

    async def effect(call: Call) -> Response:
        await call.act()
        return answer()

    return effect


def instead(answer: Callable[[], Response]) -> Effect:
    """Return an effect: the request is not carried out and gets this answer."""

    async def effect(_: Call) -> Response:
        return answer()

    return effect


def model_error(status: int, message: str, **headers: str) -> Effect:
    async def effect(call: Call) -> Response:
        response = vendor_of(call).error(status, message)
        response.headers.update({name.replace("_", "-"): text for name, text in headers.items()})
        return response

    return effect


def model_text(text: str) -> Effect:
    """Return an effect: this text in a correct envelope."""

    async def effect(call: Call) -> Response:
        return vendor_of(call).answer(body_of(call), text)

    return effect


def bad_gateway() -> Response:
    return HTMLResponse(BAD_GATEWAY, 502)


RATE_LIMITED = model_error(429, "Rate limit.", retry_after="2")
FAULTS = (
    Fault("forge-slow", "forge", f"answers after {SLOW_SECONDS:g} s", slow),
    Fault("comment-stored-502", "forge", "stored, then 502", stored(bad_gateway), COMMENT_WRITES),
    Fault("model-429", "model", "429, Retry-After 2", RATE_LIMITED),
    Fault("model-drip", "model", "a correct answer, one byte a second", drip),
    Fault("model-reset", "model", "connection cut before any answer", instead(Reset)),
    Fault("model-rubbish", "model", "prose instead of JSON", model_text(PROSE)),
)
