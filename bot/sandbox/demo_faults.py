"""The faults that the demo offers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from starlette.responses import HTMLResponse, Response

from bot.sandbox.broken_connections import Drip, Reset
from bot.sandbox.faults import Call, Effect, Fault
from bot.sandbox.model.openai import OpenAI

SLOW_SECONDS = 2.0
BAD_GATEWAY = "<html><body><h1>502 Bad Gateway</h1></body></html>"
PROSE = "Certainly! I had a look at this issue and I think it is a bug, maybe in the login."
COMMENT_WRITES = (
    r"POST .*/issues/\d+/(comments|notes)$"
    r"|PATCH .*/issues/comments/\d+$|PUT .*/issues/\d+/notes/\d+$"
)


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


def bad_gateway() -> Response:
    return HTMLResponse(BAD_GATEWAY, 502)


def rate_limited() -> Response:
    response = OpenAI().error(429, "Rate limit.")
    response.headers["Retry-After"] = "2"
    return response


async def prose(call: Call) -> Response:
    return OpenAI().answer(json.loads(call.body), PROSE)


FAULTS = (
    Fault("forge-slow", "forge", f"answers after {SLOW_SECONDS:g} s", slow),
    Fault("comment-stored-502", "forge", "stored, then 502", stored(bad_gateway), COMMENT_WRITES),
    Fault("model-429", "model", "429, Retry-After 2", instead(rate_limited)),
    Fault("model-drip", "model", "a correct answer, one byte a second", drip),
    Fault("model-reset", "model", "connection cut before any answer", instead(Reset)),
    Fault("model-rubbish", "model", "prose instead of JSON", prose),
)
