"""The ways in which the model faces can fail, each in the vendor's own words."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from typing import Any

from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse

from bot.sandbox.broken_connections import Drip, Hang, Reset
from bot.sandbox.faults import Call, Fault
from bot.sandbox.model.vendors import VENDORS, Vendor

Effect = Callable[[Call], Awaitable[Response]]
HANG_SECONDS = 600.0
MEBIBYTE = b" " * 2**20
BIG, BOMB = 50, 100
ELSEWHERE = "/sandbox/elsewhere"
WRONG = {"answer": "fine", "tags": {"bug": True}}
UNKNOWN = {
    "summary": "The stand-in names labels that nobody offered.",
    "labels": [
        {"name": "made-up-by-the-model", "certainty": "sure", "reason": "it sounds right"},
        {"name": "ok-to-test", "certainty": "sure", "reason": "please"},
        {"name": "@everyone", "certainty": "sure", "reason": "hello"},
    ],
}
RUBBISH = "Certainly! I had a look at this issue and I think it is a bug, maybe in the login."
CUT = '{"summary": "The login button does not'


def vendor_of(call: Call) -> Vendor:
    return VENDORS["anthropic" if "/anthropic/" in call.request.url.path else "openai"]


def body_of(call: Call) -> dict[str, Any]:
    try:
        body = json.loads(call.body)
    except ValueError:
        body = None
    return body if isinstance(body, dict) and "messages" in body else {"messages": []}


def status(code: int, message: str, **headers: str) -> Effect:
    async def effect(call: Call) -> Response:
        response = vendor_of(call).error(code, message)
        response.headers.update({name.replace("_", "-"): text for name, text in headers.items()})
        return response

    return effect


def saying(text: str) -> Effect:
    """A good envelope around this text."""

    async def effect(call: Call) -> Response:
        return vendor_of(call).answer(body_of(call), text)

    return effect


def plainly(make: Callable[[], Response]) -> Effect:
    async def effect(_: Call) -> Response:
        return make()

    return effect


def refusing(word: str, *params: str) -> Effect:
    """400 for a request with one of these parameters; others are answered."""

    async def effect(call: Call) -> Response:
        for param in params:
            if param in body_of(call):
                message = f"Unsupported parameter: '{param}' {word} is not supported."
                return vendor_of(call).error(400, message, param)
        return await call.act()

    return effect


async def truncated(call: Call) -> Response:
    return vendor_of(call).answer(body_of(call), CUT, "length")


async def refusal(call: Call) -> Response:
    return vendor_of(call).refusal(body_of(call))


async def filtered(call: Call) -> Response:
    return vendor_of(call).filtered(body_of(call))


async def tool_calls(call: Call) -> Response:
    return vendor_of(call).tool_calls(body_of(call))


async def drip(call: Call) -> Response:
    return Drip(await call.act())


async def redirect(call: Call) -> Response:
    base = str(call.request.base_url)
    origin = base.removesuffix("/").removesuffix(call.request.scope.get("root_path", ""))
    return Response(status_code=302, headers={"Location": origin + ELSEWHERE})


def big() -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(BIG):
            yield MEBIBYTE

    return StreamingResponse(pieces(), media_type="application/json")


def gzip_bomb() -> Response:
    return Response(_bomb(), headers={"Content-Encoding": "gzip"}, media_type="application/json")


@cache
def _bomb() -> bytes:
    packer = zlib.compressobj(level=1, wbits=31)
    return b"".join(packer.compress(MEBIBYTE) for _ in range(BOMB)) + packer.flush()


def rows() -> list[Fault]:
    return [*_statuses(), *_wires(), *_contents()]


def _statuses() -> list[Fault]:
    table: list[tuple[str, str, Effect]] = [
        ("model-400", "400 invalid request", status(400, "Invalid request.")),
        (
            "model-400-response-format",
            "400 while the request asks for a JSON format",
            refusing("(response_format of type json_schema)", "response_format", "output_config"),
        ),
        (
            "model-400-max-tokens",
            "400 while the request limits its answer",
            refusing("with this model", "max_completion_tokens", "max_tokens"),
        ),
        ("model-401", "401 wrong key", status(401, "Incorrect API key provided.")),
        ("model-403", "403 not allowed", status(403, "Your key may not use this model.")),
        ("model-404", "404 no such model", status(404, "The model does not exist.")),
        ("model-413", "413 too large", status(413, "Request exceeds the maximum size.")),
        ("model-422", "422 unprocessable", status(422, "Unprocessable request.")),
        ("model-429", "429, Retry-After 2", status(429, "Rate limit.", retry_after="2")),
        ("model-429-long", "429, Retry-After 3600", status(429, "Quota.", retry_after="3600")),
        ("model-500", "500", status(500, "The server had an error.")),
        ("model-503", "503", status(503, "The engine is overloaded.")),
        ("model-529", "529 overloaded", status(529, "Overloaded")),
    ]
    return [Fault(name, "model", says, effect) for name, says, effect in table]


def _wires() -> list[Fault]:
    table: list[tuple[str, str, Effect]] = [
        ("model-timeout", "never answers", plainly(lambda: Hang(HANG_SECONDS))),
        ("model-drip", "a good answer, one byte a second", drip),
        ("model-reset", "line cut before any answer", plainly(Reset)),
        ("model-50mb", "50 MiB of blanks", plainly(big)),
        ("model-gzip-bomb", "100 MiB of blanks, gzipped small", plainly(gzip_bomb)),
        ("model-html", "200 with an HTML page", plainly(lambda: HTMLResponse("<h1>Hi</h1>"))),
        ("model-empty", "200 with an empty body", plainly(lambda: PlainTextResponse(""))),
        ("model-redirect", f"302 to {ELSEWHERE}, which notes the key", redirect),
    ]
    return [Fault(name, "model", says, effect) for name, says, effect in table]


def _contents() -> list[Fault]:
    table: list[tuple[str, str, Effect]] = [
        ("model-rubbish", "prose instead of JSON", saying(RUBBISH)),
        ("model-truncated", "cut off at the token limit", truncated),
        ("model-wrong-schema", "JSON of another shape", saying(json.dumps(WRONG))),
        ("model-unknown-labels", "labels nobody offered", saying(json.dumps(UNKNOWN))),
        ("model-refusal", "the model refuses", refusal),
        ("model-content-filter", "a content filter steps in", filtered),
        ("model-tool-calls", "a tool call instead of text", tool_calls),
    ]
    return [Fault(name, "model", says, effect) for name, says, effect in table]
