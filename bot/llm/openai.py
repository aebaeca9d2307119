"""OpenAI's chat completions, and the many servers that speak them.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.errors import ModelFailed
from bot.core.prompt import Prompt
from bot.llm.wire import Said, Target, tokens


@dataclass(frozen=True, slots=True)
class ChatCompletions:
    """`token_limit` is what the server calls the bound on its answer."""

    token_limit: str = "max_completion_tokens"
    path: str = "/chat/completions"

    def headers(self, target: Target) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {target.key}"} if target.key else {}

    def body(self, prompt: Prompt, target: Target) -> Mapping[str, Any]:
        schema = {"name": "enrichment", "strict": True, "schema": prompt.schema}
        return {
            "model": target.model,
            "messages": [
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
            "response_format": {"type": "json_schema", "json_schema": schema},
            self.token_limit: target.max_output_tokens,
        }

    def read(self, data: Mapping[str, Any]) -> Said:
        choice = data["choices"][0]
        message, finish = choice["message"], choice.get("finish_reason")
        if message.get("refusal") or finish == "content_filter":
            raise ModelFailed("refusal")
        if finish == "length":
            raise ModelFailed("truncated")
        usage = data.get("usage")
        return Said(
            text=message.get("content") or "",
            tokens_in=tokens(usage, "prompt_tokens"),
            tokens_out=tokens(usage, "completion_tokens"),
        )
