"""The two model endpoints: check the key and the shape, then answer by script or by rule."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from bot.sandbox.model.rules import MODEL, answer, request_in
from bot.sandbox.model.schema import shaped
from bot.sandbox.model.vendors import VENDORS, Complaint, Vendor

PATHS = {"openai": "/chat/completions", "anthropic": "/v1/messages"}
LISTS = {"openai": "/models", "anthropic": "/v1/models"}


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request that reached a model face, struck by a fault or not."""

    api: str
    headers: dict[str, str]
    body: Any


@dataclass(slots=True)
class Models:
    """`replies` are raw assistant texts, used up before the stand-in answers by itself."""

    key: str
    replies: deque[str] = field(default_factory=deque)

    def text(self, vendor: Vendor, body: dict[str, Any]) -> str:
        if self.replies:
            return self.replies.popleft()
        wish = answer(request_in(vendor.texts(body)))
        schema = vendor.schema(body)
        return json.dumps(shaped(schema, wish) if schema else wish)


def router(models: Models, api: str) -> Router:
    vendor = VENDORS[api]

    async def complete(request: Request) -> Response:
        try:
            body = decoded(await request.body())
            vendor.check(request.headers, body, models.key)
        except Complaint as complaint:
            return vendor.error(complaint.status, complaint.message, complaint.param)
        return vendor.answer(body, models.text(vendor, body))

    async def listed(_: Request) -> Response:
        model = {"id": MODEL, "object": "model", "created": 1_767_225_600, "owned_by": "sandbox"}
        return JSONResponse({"object": "list", "data": [model]})

    async def unknown(request: Request) -> Response:
        return vendor.error(404, f"Unknown request URL: {request.method} {request.url.path}.")

    return Router(
        [
            Route(PATHS[api], complete, methods=["POST"]),
            Route(LISTS[api], listed, methods=["GET"]),
            Route("/{rest:path}", unknown, methods=None),
        ]
    )


def decoded(body: bytes) -> Any:
    """The request's JSON. Raises Complaint."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise Complaint(400, "We could not parse the JSON body of your request.") from error
