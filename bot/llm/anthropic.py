"""Anthropic's messages.

https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from bot.core.errors import ModelFailed
from bot.core.prompt import remove_bounds
from bot.llm.protocol import Capabilities, Completion, CompletionRequest, Form, parse_token_count


class Messages:
    path: ClassVar[str] = "/v1/messages"
    forms: ClassVar[tuple[Form, ...]] = ("json_schema", "plain")

    def build_headers(self, key: str) -> Mapping[str, str]:
        return {"x-api-key": key, "anthropic-version": "2023-06-01"}

    def list_optional(self, capabilities: Capabilities) -> tuple[str, ...]:
        return ()

    def build_body(self, request: CompletionRequest) -> Mapping[str, Any]:
        schema = {"type": "json_schema", "schema": remove_bounds(request.prompt.schema)}
        has_schema = request.capabilities.form == "json_schema"
        return {
            "model": request.endpoint.model,
            "max_tokens": request.max_tokens,
            "system": request.system,
            "messages": request.messages,
            **({"output_config": {"format": schema}} if has_schema else {}),
        }

    def parse_response(self, data: Mapping[str, Any]) -> Completion:
        stop = data.get("stop_reason")
        if stop == "refusal":
            raise ModelFailed("refusal")
        if stop in ("max_tokens", "model_context_window_exceeded"):
            raise ModelFailed("truncated")
        # The first block may be the model's thinking.
        texts = [block["text"] for block in data["content"] if block.get("type") == "text"]
        usage = data.get("usage")
        return Completion(
            text="".join(texts),
            tokens_in=parse_token_count(usage, "input_tokens"),
            tokens_out=parse_token_count(usage, "output_tokens"),
        )
