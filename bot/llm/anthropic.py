"""Anthropic's messages.

https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.errors import ModelFailed
from bot.core.prompt import Prompt
from bot.llm.wire import Said, Target, tokens


@dataclass(frozen=True, slots=True)
class Messages:
    path: str = "/v1/messages"

    def headers(self, target: Target) -> Mapping[str, str]:
        return {"x-api-key": target.key, "anthropic-version": "2023-06-01"}

    def body(self, prompt: Prompt, target: Target) -> Mapping[str, Any]:
        return {
            "model": target.model,
            "max_tokens": target.max_output_tokens,
            "system": prompt.system,
            "messages": [{"role": "user", "content": prompt.user}],
            "output_config": {"format": {"type": "json_schema", "schema": prompt.schema}},
        }

    def read(self, data: Mapping[str, Any]) -> Said:
        stop = data.get("stop_reason")
        if stop == "refusal":
            raise ModelFailed("refusal")
        if stop in ("max_tokens", "model_context_window_exceeded"):
            raise ModelFailed("truncated")
        # The first block may be the model's thinking.
        texts = [block["text"] for block in data["content"] if block.get("type") == "text"]
        usage = data.get("usage")
        return Said(
            text="".join(texts),
            tokens_in=tokens(usage, "input_tokens"),
            tokens_out=tokens(usage, "output_tokens"),
        )
