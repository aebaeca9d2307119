"""OpenAI's chat completions, and the servers that are compatible with them.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from bot.core.errors import ModelFailed
from bot.core.prompt import remove_bounds
from bot.llm.protocol import Capabilities, Completion, CompletionRequest, Form, parse_token_count

THOUGHTS = ("reasoning_content", "reasoning")  # names of the field in a message


@dataclass(frozen=True, slots=True)
class ChatCompletions:
    """`limits` are the names of the limit on output tokens, in the order in which they are tried.

    `has_bounds` = the schema limits the length of each part: without it, small models may never
    stop. OpenAI's subset of JSON Schema does not have it.
    """

    path: ClassVar[str] = "/chat/completions"
    forms: ClassVar[tuple[Form, ...]] = ("json_schema", "json_object", "plain")
    limits: tuple[str, ...] = ("max_completion_tokens", "max_tokens")
    has_bounds: bool = False

    def build_headers(self, key: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {key}"} if key else {}

    def list_optional(self, capabilities: Capabilities) -> tuple[str, ...]:
        in_schema = ("strict", "bounds") if self.has_bounds else ("strict",)
        has_schema = capabilities.form == "json_schema"
        always = (*self._choose_limit(capabilities), "system", "stream")
        sent = (*always, *(in_schema if has_schema else ()))
        return tuple(name for name in sent if name not in capabilities.unsupported)

    def build_body(self, request: CompletionRequest) -> Mapping[str, Any]:
        unsupported = request.capabilities.unsupported
        system = [{"role": "system", "content": request.system}]
        return {
            "model": request.endpoint.model,
            "messages": [*([] if "system" in unsupported else system), *request.messages],
            **({} if "stream" in unsupported else {"stream": False}),
            **self._build_response_format(request),
            **{name: request.max_tokens for name in self._choose_limit(request.capabilities)},
        }

    def _choose_limit(self, capabilities: Capabilities) -> list[str]:
        """Return the name of the first limit that the server supports, if any."""
        return [name for name in self.limits if name not in capabilities.unsupported][:1]

    def _build_response_format(self, request: CompletionRequest) -> Mapping[str, Any]:
        form, unsupported = request.capabilities.form, request.capabilities.unsupported
        if form == "plain":
            return {}
        if form == "json_object":
            return {"response_format": {"type": form}}
        schema = request.prompt.schema
        if not self.has_bounds or "bounds" in unsupported:
            schema = remove_bounds(schema)
        strict = {} if "strict" in unsupported else {"strict": True}
        named = {"name": "enrichment", **strict, "schema": schema}
        return {"response_format": {"type": form, form: named}}

    def parse_response(self, data: Mapping[str, Any]) -> Completion:
        choice = data["choices"][0]
        message, finish = choice["message"], choice.get("finish_reason")
        if message.get("refusal") or finish == "content_filter":
            raise ModelFailed("refusal")
        if finish == "length":
            raise ModelFailed("truncated")
        content = message.get("content") or ""
        if isinstance(content, list):  # parts, the model's thinking among them
            content = "".join(part["text"] for part in content if part.get("type") == "text")
        if not content:  # some servers take a short answer for thoughts
            content = next((text for name in THOUGHTS if (text := message.get(name))), "")
        usage = data.get("usage")
        return Completion(
            text=content,
            tokens_in=parse_token_count(usage, "prompt_tokens"),
            tokens_out=parse_token_count(usage, "completion_tokens"),
        )
