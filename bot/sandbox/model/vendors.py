"""The envelopes of OpenAI's chat completions and of Anthropic's messages."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Protocol

from starlette.responses import JSONResponse, Response

from bot.core.errors import TaglineError
from bot.sandbox.model.rules import MODEL
from bot.sandbox.model.schema import schema_in

Json = dict[str, Any]
Stop = Literal["end", "length", "filter"]
ANTHROPIC_KNOWS = frozenset(
    {
        "cache_control",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "output_config",
        "service_tier",
        "stop_sequences",
        "stream",
        "system",
        "thinking",
    }
)


class Complaint(TaglineError):
    """A request that the vendor refuses with `status`."""

    def __init__(self, status: int, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.param = status, message, param


class Vendor(Protocol):
    name: str

    def check(self, headers: Mapping[str, str], body: Any, key: str) -> None: ...
    def texts(self, body: Json) -> list[str]: ...
    def schema(self, body: Json) -> Json | None: ...
    def answer(self, body: Json, text: str | None, stop: Stop = "end") -> Response: ...
    def refusal(self, body: Json) -> Response: ...
    def filtered(self, body: Json) -> Response: ...
    def tool_calls(self, body: Json) -> Response: ...
    def error(self, status: int, message: str, param: str | None = None) -> Response: ...


def tokens(text: object) -> int:
    """A rough count; the stand-in has no tokenizer."""
    return max(len(str(text)) // 4, 1)


def _plain(content: Any) -> str:
    """A message's text, given as text or as a list of parts."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


def user_texts(body: Json) -> list[str]:
    return [_plain(m.get("content")) for m in body["messages"] if m.get("role") == "user"]


def asked_form(form: object, *path: str) -> Json | None:
    """Return the schema at `path` of a form whose type is json_schema, else None."""
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        return None
    found: Any = form
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def require(body: Any, *names: str) -> None:
    if not isinstance(body, dict):
        raise Complaint(400, "We could not parse the JSON body of your request.")
    for name in names:
        if name not in body:
            raise Complaint(400, f"Missing required parameter: '{name}'.", name)
    if not isinstance(body["messages"], list) or not body["messages"]:
        raise Complaint(400, "messages: at least one message is required", "messages")


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
        """Raises Complaint."""
        if headers.get("authorization") != f"Bearer {key}":
            raise Complaint(401, "Incorrect API key provided.")
        require(body, "model", "messages")
        form = body.get("response_format") or {"type": "text"}
        if form.get("type") == "json_schema" and not {"name", "schema"} <= set(
            form.get("json_schema", {})
        ):
            raise Complaint(
                400, "Missing required parameter: 'response_format.json_schema'.", "response_format"
            )

    def texts(self, body: Json) -> list[str]:
        return user_texts(body)

    def schema(self, body: Json) -> Json | None:
        """Return the schema of the answer: as a parameter, else as told in the words."""
        told = [_plain(message.get("content")) for message in body["messages"]]
        return asked_form(body.get("response_format"), "json_schema", "schema") or schema_in(told)

    def answer(self, body: Json, text: str | None, stop: Stop = "end") -> Response:
        reason = {"end": "stop", "length": "length", "filter": "content_filter"}[stop]
        return self._envelope(body, {"content": text, "refusal": None}, reason)

    def refusal(self, body: Json) -> Response:
        said = {"content": None, "refusal": "I'm sorry, I can't help with that."}
        return self._envelope(body, said, "stop")

    def filtered(self, body: Json) -> Response:
        return self.answer(body, "", "filter")

    def tool_calls(self, body: Json) -> Response:
        function = {"name": "close_issue", "arguments": "{}"}
        call = {"id": "call_sandbox", "type": "function", "function": function}
        said = {"content": None, "refusal": None, "tool_calls": [call]}
        return self._envelope(body, said, "tool_calls")

    def _envelope(self, body: Json, said: Json, reason: str) -> Response:
        message = {"role": "assistant", "annotations": [], **said}
        prompt, completion = tokens(body["messages"]), tokens(said["content"])
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
        """Raises Complaint."""
        if headers.get("x-api-key") != key:
            raise Complaint(401, "invalid x-api-key")
        if "anthropic-version" not in headers:
            raise Complaint(400, "anthropic-version: header is required")
        require(body, "max_tokens", "messages", "model")
        if extra := sorted(set(body) - ANTHROPIC_KNOWS):
            raise Complaint(400, f"{extra[0]}: Extra inputs are not permitted", extra[0])
        if any(m.get("role") not in ("user", "assistant") for m in body["messages"]):
            raise Complaint(400, "messages: role must be 'user' or 'assistant'", "messages")

    def texts(self, body: Json) -> list[str]:
        return user_texts(body)

    def schema(self, body: Json) -> Json | None:
        """Return the schema of the answer: as a parameter, else as told in the words."""
        output = body.get("output_config") or {}
        told = [_plain(body.get("system")), *user_texts(body)]
        return asked_form(output.get("format"), "schema") or schema_in(told)

    def answer(self, body: Json, text: str | None, stop: Stop = "end") -> Response:
        reason = {"end": "end_turn", "length": "max_tokens", "filter": "refusal"}[stop]
        thought = {
            "type": "thinking",
            "thinking": "Rules, not thought.",
            "signature": "c2FuZGJveA==",
        }
        said = [] if text is None else [{"type": "text", "text": text}]
        return self._envelope(body, [thought, *said], reason)

    def refusal(self, body: Json) -> Response:
        details = {"type": "refusal", "category": None, "explanation": None}
        return self._envelope(body, [], "refusal", details)

    def filtered(self, body: Json) -> Response:
        return self.error(400, "Output blocked by content filtering policy")

    def tool_calls(self, body: Json) -> Response:
        use = {"type": "tool_use", "id": "toolu_sandbox", "name": "close_issue", "input": {}}
        return self._envelope(body, [use], "tool_use")

    def _envelope(
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
                    "input_tokens": tokens(body["messages"]),
                    "output_tokens": tokens(content),
                    "cache_creation_input_tokens": 0,
                    "cache_read_input_tokens": 0,
                },
            }
        )

    def error(
        self,
        status: int,
        message: str,
        param: str | None = None,
    ) -> Response:
        default = "api_error" if status >= 500 else "invalid_request_error"
        problem = {"type": self.KINDS.get(status, default), "message": message}
        envelope = {"type": "error", "error": problem, "request_id": f"req_{uuid.uuid4().hex}"}
        return JSONResponse(envelope, status)


VENDORS: dict[str, Vendor] = {"openai": OpenAI(), "anthropic": Anthropic()}
