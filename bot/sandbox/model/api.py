"""The endpoints of a model API: check the request, then answer by rules."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from bot.core.errors import TaglineError
from bot.sandbox.model import rules, scripted

Json = dict[str, Any]


class InvalidRequest(TaglineError):
    """The vendor refuses the request with `status`."""

    def __init__(self, status: int, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.param = status, message, param


class Vendor(Protocol):
    """The format of a vendor's API."""

    name: str
    path: str

    def check(self, headers: Mapping[str, str], body: Any, key: str) -> None: ...
    def answer(self, body: Json, text: str | None, reason: str = ...) -> Response: ...
    def error(self, status: int, message: str, param: str | None = None) -> Response: ...


def count_tokens(text: object) -> int:
    """Return a rough count of tokens."""
    return max(len(str(text)) // 4, 1)


def plain_text(content: Any) -> str:
    """Return a message's text; its content is a text or a list of parts."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


def user_texts(body: Json) -> list[str]:
    return [plain_text(m.get("content")) for m in body["messages"] if m.get("role") == "user"]


def check_body(body: Any, *names: str) -> None:
    if not isinstance(body, dict):
        raise InvalidRequest(400, "We could not parse the JSON body of your request.")
    for name in names:
        if name not in body:
            raise InvalidRequest(400, f"Missing required parameter: '{name}'.", name)
    if not isinstance(body["messages"], list) or not body["messages"]:
        raise InvalidRequest(400, "messages: at least one message is required", "messages")


@dataclass(slots=True)
class Models:
    """The valid `key`, and the answers."""

    key: str

    def text(self, vendor: Vendor, body: Json) -> str:
        """Return the assistant's text."""
        request = rules.request_in(user_texts(body))
        return json.dumps(scripted.answer(request) or rules.answer(request))


def router(models: Models, vendor: Vendor, others: Sequence[Route] = ()) -> Router:
    """Return the endpoints of a vendor, with others of its own."""

    async def complete(request: Request) -> Response:
        try:
            body = _decode(await request.body())
            vendor.check(request.headers, body, models.key)
        except InvalidRequest as problem:
            return vendor.error(problem.status, problem.message, problem.param)
        return vendor.answer(body, models.text(vendor, body))

    async def unknown(request: Request) -> Response:
        return vendor.error(404, f"Unknown request URL: {request.method} {request.url.path}.")

    return Router(
        [
            Route(vendor.path, complete, methods=["POST"]),
            *others,
            Route("/{rest:path}", unknown, methods=None),
        ]
    )


def _decode(body: bytes) -> Any:
    """Return the request's JSON. Raises InvalidRequest."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise InvalidRequest(400, "We could not parse the JSON body of your request.") from error
