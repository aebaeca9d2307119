"""The endpoints of both model APIs: check the request, then answer by rules."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from bot.sandbox.model.rules import MODEL, answer, request_in
from bot.sandbox.model.schema import fit
from bot.sandbox.model.vendors import VENDORS, InvalidRequest, Vendor, user_texts

PATHS = {"openai": "/chat/completions", "anthropic": "/v1/messages"}
MODEL_PATHS = {"openai": "/models", "anthropic": "/v1/models"}


@dataclass(slots=True)
class Models:
    """What both APIs share: the valid `key`, and the answers."""

    key: str

    def text(self, vendor: Vendor, body: dict[str, Any]) -> str:
        """Return the assistant's text, which follows the schema of the request."""
        reply = answer(request_in(user_texts(body)))
        schema = vendor.schema(body)
        return json.dumps(fit(schema, reply) if schema else reply)


def router(models: Models, api: str) -> Router:
    vendor = VENDORS[api]

    async def complete(request: Request) -> Response:
        try:
            body = _decode(await request.body())
            vendor.check(request.headers, body, models.key)
        except InvalidRequest as problem:
            return vendor.error(problem.status, problem.message, problem.param)
        return vendor.answer(body, models.text(vendor, body))

    async def list_models(_: Request) -> Response:
        model = {"id": MODEL, "object": "model", "created": 1_767_225_600, "owned_by": "sandbox"}
        return JSONResponse({"object": "list", "data": [model]})

    async def unknown(request: Request) -> Response:
        return vendor.error(404, f"Unknown request URL: {request.method} {request.url.path}.")

    return Router(
        [
            Route(PATHS[api], complete, methods=["POST"]),
            Route(MODEL_PATHS[api], list_models, methods=["GET"]),
            Route("/{rest:path}", unknown, methods=None),
        ]
    )


def _decode(body: bytes) -> Any:
    """Return the request's JSON. Raises InvalidRequest."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise InvalidRequest(400, "We could not parse the JSON body of your request.") from error
