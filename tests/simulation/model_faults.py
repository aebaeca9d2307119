"""Further faults of the model APIs, each in the vendor's own words."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse

from bot.sandbox.demo_faults import PROSE, instead
from bot.sandbox.faults import Call, Effect, Fault
from bot.sandbox.model.api import Vendor
from bot.sandbox.model.openai import OpenAI
from tests.simulation.anthropic import Anthropic
from tests.simulation.forge_faults import Hang

OPENAI, ANTHROPIC = OpenAI(), Anthropic()
HANG_SECONDS = 600.0
MEBIBYTE = b" " * 2**20
BIG, BOMB = 50, 100
ELSEWHERE = "/sandbox/elsewhere"
WRONG = {"answer": "fine", "tags": {"bug": True}}
CUT = '{"summary": "The login button does not'


def vendor_of(call: Call) -> Vendor:
    return ANTHROPIC if "/anthropic/" in call.request.url.path else OPENAI


def body_of(call: Call) -> dict[str, Any]:
    """Return the body of a request to a model; one without messages where it is malformed."""
    try:
        body = json.loads(call.body)
    except ValueError:
        body = None
    return body if isinstance(body, dict) and "messages" in body else {"messages": []}


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
    vendor = vendor_of(call)
    reason = {"openai": "length", "anthropic": "max_tokens"}[vendor.name]
    return vendor.answer(body_of(call), CUT, reason)


async def refusal(call: Call) -> Response:
    body = body_of(call)
    if vendor_of(call).name == "openai":
        message = {"content": None, "refusal": "I'm sorry, I can't help with that."}
        return OPENAI.envelope(body, message, "stop")
    details = {"type": "refusal", "category": None, "explanation": None}
    return ANTHROPIC.envelope(body, [], "refusal", details)


async def filtered(call: Call) -> Response:
    if vendor_of(call).name == "openai":
        return OPENAI.answer(body_of(call), "", "content_filter")
    return ANTHROPIC.error(400, "Output blocked by content filtering policy")


async def tool_calls(call: Call) -> Response:
    body = body_of(call)
    if vendor_of(call).name == "openai":
        function = {"name": "close_issue", "arguments": "{}"}
        tool = {"id": "call_sandbox", "type": "function", "function": function}
        message = {"content": None, "refusal": None, "tool_calls": [tool]}
        return OPENAI.envelope(body, message, "tool_calls")
    use = {"type": "tool_use", "id": "toolu_sandbox", "name": "close_issue", "input": {}}
    return ANTHROPIC.envelope(body, [use], "tool_use")


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
        ("model-400", "400 invalid request", model_error(400, "Invalid request.")),
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
        ("model-401", "401 wrong key", model_error(401, "Incorrect API key provided.")),
        ("model-402", "402 no credit", model_error(402, "Your account has no credit left.")),
        ("model-403", "403 not allowed", model_error(403, "Your key may not use this model.")),
        ("model-404", "404 no such model", model_error(404, "The model does not exist.")),
        ("model-413", "413 too large", model_error(413, "Request exceeds the maximum size.")),
        ("model-422", "422 unprocessable", model_error(422, "Unprocessable request.")),
        ("model-429-long", "429, Retry-After 3600", model_error(429, "Quota.", retry_after="3600")),
        ("model-429", "429, Retry-After 2", model_error(429, "Rate limit.", retry_after="2")),
        ("model-500", "500", model_error(500, "The server had an error.")),
        ("model-503", "503", model_error(503, "The engine is overloaded.")),
        ("model-529", "529 overloaded", model_error(529, "Overloaded")),
    ]
    return [Fault(name, "model", text, effect) for name, text, effect in table]


def _wires() -> list[Fault]:
    table: list[tuple[str, str, Effect]] = [
        ("model-timeout", "never answers", instead(lambda: Hang(HANG_SECONDS))),
        ("model-50mb", "50 MiB of blanks", instead(big)),
        ("model-gzip-bomb", "100 MiB of blanks, gzipped small", instead(gzip_bomb)),
        ("model-html", "200 with an HTML page", instead(lambda: HTMLResponse("<h1>Hi</h1>"))),
        ("model-empty", "200 with an empty body", instead(lambda: PlainTextResponse(""))),
        ("model-redirect", f"302 to {ELSEWHERE}, which records the key", redirect),
    ]
    return [Fault(name, "model", text, effect) for name, text, effect in table]


def _contents() -> list[Fault]:
    table: list[tuple[str, str, Effect]] = [
        ("model-rubbish", "prose instead of JSON", model_text(PROSE)),
        ("model-truncated", "cut off at the token limit", truncated),
        (
            "model-wrong-schema",
            "JSON that breaks the schema",
            model_text(json.dumps(WRONG)),
        ),
        ("model-refusal", "the model refuses", refusal),
        ("model-content-filter", "a content filter stops the answer", filtered),
        ("model-tool-calls", "a tool call instead of text", tool_calls),
    ]
    return [Fault(name, "model", text, effect) for name, text, effect in table]
