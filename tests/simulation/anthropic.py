"""The format of Anthropic's messages."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from starlette.responses import JSONResponse, Response

from bot.sandbox.model.api import (
    InvalidRequest,
    Json,
    check_body,
    count_tokens,
)
from bot.sandbox.model.rules import MODEL

FIELDS = {
    *("cache_control", "max_tokens", "messages", "metadata", "model", "output_config"),
    *("service_tier", "stop_sequences", "stream", "system", "thinking"),
}


class Anthropic:
    """https://docs.anthropic.com/en/api/messages"""

    name, path = "anthropic", "/v1/messages"
    KINDS: ClassVar[dict[int, str]] = {
        401: "authentication_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        529: "overloaded_error",
    }

    def check(self, headers: Mapping[str, str], body: Any, key: str) -> None:
        """Raises InvalidRequest."""
        if headers.get("x-api-key") != key:
            raise InvalidRequest(401, "invalid x-api-key")
        if "anthropic-version" not in headers:
            raise InvalidRequest(400, "anthropic-version: header is required")
        check_body(body, "max_tokens", "messages", "model")
        if extra := sorted(set(body) - FIELDS):
            raise InvalidRequest(400, f"{extra[0]}: Extra inputs are not permitted", extra[0])
        if any(m.get("role") not in ("user", "assistant") for m in body["messages"]):
            raise InvalidRequest(400, "messages: role must be 'user' or 'assistant'", "messages")

    def answer(self, body: Json, text: str | None, reason: str = "end_turn") -> Response:
        thinking = {"type": "thinking", "thinking": "None.", "signature": "c2FuZGJveA=="}
        texts = [] if text is None else [{"type": "text", "text": text}]
        return self.envelope(body, [thinking, *texts], reason)

    def envelope(
        self, body: Json, content: list[Json], reason: str, details: Json | None = None
    ) -> Response:
        return JSONResponse(
            {
                "id": f"msg_{uuid.uuid4().hex}",
                "type": "message",
                "role": "assistant",
                "model": MODEL,
                "content": content,
                "stop_reason": reason,
                "stop_sequence": None,
                "stop_details": details,
                "usage": {
                    "input_tokens": count_tokens(body["messages"]),
                    "output_tokens": count_tokens(content),
                    "cache_creation_input_tokens": 0,
                    "cache_read_input_tokens": 0,
                },
            }
        )

    def error(self, status: int, message: str, param: str | None = None) -> Response:
        default = "api_error" if status >= 500 else "invalid_request_error"
        problem = {"type": self.KINDS.get(status, default), "message": message}
        envelope = {"type": "error", "error": problem, "request_id": f"req_{uuid.uuid4().hex}"}
        return JSONResponse(envelope, status)
