"""The formats of OpenAI's chat completions and of Anthropic's messages."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from starlette.responses import JSONResponse, Response

from bot.core.errors import TaglineError
from bot.sandbox.model.rules import MODEL
from bot.sandbox.model.schema import schema_in

Json = dict[str, Any]
ANTHROPIC_FIELDS = {
    *("cache_control", "max_tokens", "messages", "metadata", "model", "output_config"),
    *("service_tier", "stop_sequences", "stream", "system", "thinking"),
}


class InvalidRequest(TaglineError):
    """The vendor refuses the request with `status`."""

    def __init__(self, status: int, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.param = status, message, param


class Vendor(Protocol):
    name: str

    def check(self, headers: Mapping[str, str], body: Any, key: str) -> None: ...
    def schema(self, body: Json) -> Json | None: ...
    def answer(self, body: Json, text: str | None, reason: str = ...) -> Response: ...
    def error(self, status: int, message: str, param: str | None = None) -> Response: ...


def count_tokens(text: object) -> int:
    """Return a rough count of tokens."""
    return max(len(str(text)) // 4, 1)


def _plain(content: Any) -> str:
    """Return a message's text; its content is a text or a list of parts."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


def user_texts(body: Json) -> list[str]:
    return [_plain(m.get("content")) for m in body["messages"] if m.get("role") == "user"]


def schema_at(form: object, *path: str) -> Json | None:
    """Return the schema at `path` of an output format of type json_schema, else None."""
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        return None
    schema: Any = form
    for name in path:
        schema = schema.get(name) if isinstance(schema, dict) else None
    return schema if isinstance(schema, dict) else None


def check_body(body: Any, *names: str) -> None:
    if not isinstance(body, dict):
        raise InvalidRequest(400, "We could not parse the JSON body of your request.")
    for name in names:
        if name not in body:
            raise InvalidRequest(400, f"Missing required parameter: '{name}'.", name)
    if not isinstance(body["messages"], list) or not body["messages"]:
        raise InvalidRequest(400, "messages: at least one message is required", "messages")


class OpenAI:
    """https://platform.openai.com/docs/api-reference/chat"""

    name = "openai"
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

    def schema(self, body: Json) -> Json | None:
        """Return the schema of the answer: a parameter, else one in the messages."""
        texts = [_plain(message.get("content")) for message in body["messages"]]
        return schema_at(body.get("response_format"), "json_schema", "schema") or schema_in(texts)

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


class Anthropic:
    """https://docs.anthropic.com/en/api/messages"""

    name = "anthropic"
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
        if extra := sorted(set(body) - ANTHROPIC_FIELDS):
            raise InvalidRequest(400, f"{extra[0]}: Extra inputs are not permitted", extra[0])
        if any(m.get("role") not in ("user", "assistant") for m in body["messages"]):
            raise InvalidRequest(400, "messages: role must be 'user' or 'assistant'", "messages")

    def schema(self, body: Json) -> Json | None:
        """Return the schema of the answer: a parameter, else one in the messages."""
        output = body.get("output_config") or {}
        texts = [_plain(body.get("system")), *user_texts(body)]
        return schema_at(output.get("format"), "schema") or schema_in(texts)

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


VENDORS: dict[str, Vendor] = {"openai": OpenAI(), "anthropic": Anthropic()}
