"""The format of OpenAI's chat completions."""

from __future__ import annotations

import time
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


class OpenAI:
    """https://platform.openai.com/docs/api-reference/chat"""

    name, path = "openai", "/chat/completions"
    KINDS: ClassVar[dict[int, tuple[str, str]]] = {
        401: ("invalid_request_error", "invalid_api_key"),
        404: ("invalid_request_error", "model_not_found"),
        429: ("requests", "rate_limit_exceeded"),
        503: ("server_error", "overloaded"),
    }

    def check(self, headers: Mapping[str, str], body: Any, key: str) -> None:
        """Raises InvalidRequest."""
        if headers.get("authorization") != f"Bearer {key}":
            raise InvalidRequest(401, "Incorrect API key provided.")
        check_body(body, "model", "messages")
        form = body.get("response_format") or {"type": "text"}
        if form.get("type") == "json_schema" and not {"name", "schema"} <= set(
            form.get("json_schema", {})
        ):
            raise InvalidRequest(
                400, "Missing required parameter: 'response_format.json_schema'.", "response_format"
            )

    def answer(self, body: Json, text: str | None, reason: str = "stop") -> Response:
        return self.envelope(body, {"content": text, "refusal": None}, reason)

    def envelope(self, body: Json, content: Json, reason: str) -> Response:
        message = {"role": "assistant", "annotations": [], **content}
        prompt, completion = count_tokens(body["messages"]), count_tokens(content["content"])
        usage = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        return JSONResponse(
            {
                "id": f"chatcmpl-{uuid.uuid4().hex}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": MODEL,
                "choices": [choice],
                "usage": usage,
                "service_tier": "default",
            }
        )

    def error(self, status: int, message: str, param: str | None = None) -> Response:
        default = "server_error" if status >= 500 else "invalid_request_error"
        kind, code = self.KINDS.get(status, (default, None))
        problem = {"message": message, "type": kind, "param": param, "code": code}
        return JSONResponse({"error": problem}, status)
