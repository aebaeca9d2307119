"""Anthropic's messages.

https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.errors import ModelFailed
from bot.core.prompt import unbounded
from bot.llm.protocol import Capabilities, Completion, CompletionRequest, Form, Target, tokens


@dataclass(frozen=True, slots=True)
class Messages:
    path: str = "/v1/messages"
    forms: tuple[Form, ...] = ("json_schema", "plain")

    def headers(self, target: Target) -> Mapping[str, str]:
        return {"x-api-key": target.key, "anthropic-version": "2023-06-01"}

    def optional(self, dialect: Capabilities) -> tuple[str, ...]:
        return ()

    def body(self, question: CompletionRequest, target: Target) -> Mapping[str, Any]:
        form = {"type": "json_schema", "schema": unbounded(question.prompt.schema)}
        strict = question.capabilities.form == "json_schema"
        return {
            "model": target.model,
            "max_tokens": question.limit(target),
            "system": question.system,
            "messages": question.turns(),
            **({"output_config": {"format": form}} if strict else {}),
        }

    def read(self, data: Mapping[str, Any]) -> Completion:
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
            tokens_in=tokens(usage, "input_tokens"),
            tokens_out=tokens(usage, "output_tokens"),
        )
