"""Faults of the sandbox for one case: the model's response, and changed responses of an API."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from bot.sandbox.broken_connections import client_left
from bot.sandbox.faults import Armed, Call, Fault, Side
from bot.sandbox.model.api import user_texts
from bot.sandbox.model.rules import request_in
from tests.outside.second import Json
from tests.simulation import Sandbox
from tests.simulation.model_faults import body_of, vendor_of

Effect = Callable[[Call], Awaitable[Response]]
GOOD_REPLY = {
    "summary": "Someone describes what does not work, so that it can be looked into.",
    "labels": [{"name": "bug", "certainty": "sure", "reason": "it does not work"}],
}
LABEL_ORDER = re.compile(r"LABEL\[([^\]]+)\]")
CASE_FAULT, STEP_FAULT = "second-case", "second-step"
KEPT_HEADERS = ("link", "x-next-page", "x-total")  # of a response whose body is changed


def arm(
    box: Sandbox,
    side: Side,
    effect: Effect,
    on: str = "",
    times: int | None = None,
    name: str = CASE_FAULT,
) -> None:
    """Apply the effect to every request of a side whose "METHOD path" matches `on`."""
    fault = Fault(name, side, "a fault of the case", effect, on)
    box.faults.armed.append(Armed(fault, times, None))


def replace_step_faults(box: Sandbox, faults: list[Json]) -> None:
    """Replace the faults of the story's previous step."""
    box.faults.armed = [armed for armed in box.faults.armed if armed.fault.name != STEP_FAULT]
    for fault in faults:
        side: Side = "gitlab" if "/gitlab/" in fault["match"] else "github"
        arm(box, side, _status(fault), fault["match"], fault.get("times"), STEP_FAULT)


def _status(fault: Json) -> Effect:
    """Return an effect that responds with a status; with `after` the request still takes effect."""

    async def effect(call: Call) -> Response:
        if fault.get("after"):
            await call.act()
        return HTMLResponse("<html>not the answer</html>", fault["status"])

    return effect


@dataclass(frozen=True, slots=True)
class ModelReply:
    """An effect that responds with a case's `reply`, or by default with a good reply."""

    reply: Mapping[str, Any]

    async def __call__(self, call: Call) -> Response:
        """Return the response, or the vendor's refusal."""
        checked = await call.act()
        if checked.status_code != 200:
            return checked
        await asyncio.sleep(self.reply.get("delay", 0))
        if "wire" in self.reply:
            return RawResponse(self.reply["wire"])
        if "body_b64" in self.reply:
            raw = base64.b64decode(self.reply["body_b64"])
            return Response(raw, media_type="application/json")
        return self._envelope(call)

    def _envelope(self, call: Call) -> Response:
        """Return the vendor's envelope with the text and other parts of the case."""
        vendor, reply = vendor_of(call), self.reply
        shape = json.loads(bytes(vendor.answer(body_of(call), "").body))
        if vendor.name == "anthropic":
            shape["content"][-1]["text"] = self._text(call)
            return ascii_json(shape)
        choice = shape["choices"][0]
        choice["message"]["content"] = self._text(call)
        choice["message"] = reply.get("message", choice["message"])
        choice["finish_reason"] = reply.get("finish", choice["finish_reason"])
        shape["usage"] = reply.get("usage", shape["usage"])
        return ascii_json(shape)

    def _text(self, call: Call) -> str:
        if self.reply.get("parrot"):
            return parrot(request_in(user_texts(body_of(call))))
        return str(self.reply.get("content", json.dumps(GOOD_REPLY)))


def parrot(request: Mapping[str, Any]) -> str:
    """Return a manipulated model's reply: the whole input, and every label that it names."""
    text = f"{request.get('title') or ''} {request.get('body') or ''}"
    offered = [label if isinstance(label, str) else label["name"] for label in request["labels"]]
    named = [name for name in offered if name.casefold() in text.casefold()]
    return json.dumps({"summary": text, "labels": [*named, *LABEL_ORDER.findall(text)]})


def ascii_json(shape: Any) -> Response:
    """Return a JSON response in ASCII, which can contain lone surrogates."""
    return Response(json.dumps(shape), media_type="application/json")


class RawResponse(Response):
    """Bytes on the wire instead of a response. Steps of the script: send, b64 (a text each),
    repeat (text, times, seconds between) and sleep (seconds)."""

    def __init__(self, script: list[list[Any]]) -> None:
        super().__init__()
        self.script = script

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport: asyncio.Transport = scope["state"]["transport"]
        for action, *rest in self.script:
            if action == "sleep":
                await client_left(scope, receive, rest[0])
                continue
            text, times, pause = [*rest, 1, 0][:3] if action == "repeat" else (rest[0], 1, 0)
            part = base64.b64decode(text) if action == "b64" else text.encode("latin-1")
            for _ in range(times):
                if transport.is_closing():
                    break
                transport.write(part)
                if pause and await client_left(scope, receive, pause):
                    break
        transport.close()
        await client_left(scope, receive, 1.0)


@dataclass(slots=True)
class ApiOverlay:
    """Changes of the API's responses about one issue.

    `raw` are other fields, `flip` others after a number of reads, `absent` the names of missing
    ones; `comments` are other fields of comments, by id.
    """

    raw: Json = field(default_factory=dict)
    flip: list[Json] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    comments: dict[int, Json] = field(default_factory=dict)
    reads: int = 0

    def arm(self, box: Sandbox, side: Side, number: int) -> None:
        issue = rf"GET .*/issues/{number}"
        arm(box, side, _changed(self._issue), f"{issue}$")
        arm(box, side, _changed(self._comments), f"{issue}/(comments|notes)$")

    def _issue(self, shape: Json) -> Json:
        shape = {**shape, **self.raw}
        for turn in self.flip:
            if self.reads >= turn["after_reads"]:
                shape |= turn["set"]
        self.reads += 1
        return {key: value for key, value in shape.items() if key not in self.absent}

    def _comments(self, serializer: list[Json]) -> list[Json]:
        return [_merged(shape, self.comments.get(shape["id"], {})) for shape in serializer]


def _changed(change: Callable[[Any], Any]) -> Effect:
    async def effect(call: Call) -> Response:
        response = await call.act()
        if response.status_code != 200:
            return response
        changed = ascii_json(change(json.loads(bytes(response.body))))
        kept = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        changed.headers.update(kept)
        return changed

    return effect


def _merged(shape: Json, more: Json) -> Json:
    inner = {k: {**shape[k], **v} if isinstance(v, dict) else v for k, v in more.items()}
    return {**shape, **inner}
