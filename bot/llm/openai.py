"""OpenAI's chat completions, and the many servers that speak them.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.errors import ModelFailed
from bot.core.prompt import unbounded
from bot.llm.protocol import Capabilities, Completion, CompletionRequest, Form, Target, tokens


@dataclass(frozen=True, slots=True)
class ChatCompletions:
    """`limits` are the names of the bound on the answer, the one to try first in front.

    `bounded` = the schema says how long each part may be, without which small models never end;
    OpenAI's own subset of JSON Schema lacks that.
    """

    limits: tuple[str, ...] = ("max_completion_tokens", "max_tokens")
    bounded: bool = False
    path: str = "/chat/completions"
    forms: tuple[Form, ...] = ("json_schema", "json_object", "plain")

    def headers(self, target: Target) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {target.key}"} if target.key else {}

    def optional(self, dialect: Capabilities) -> tuple[str, ...]:
        bounds = ("bounds",) if self.bounded else ()
        in_schema = (*bounds, "strict") if dialect.form == "json_schema" else ()
        sent = (*self._limit(dialect), *reversed(in_schema), "system")
        return tuple(name for name in sent if name not in dialect.unsupported)

    def body(self, question: CompletionRequest, target: Target) -> Mapping[str, Any]:
        dialect = question.capabilities
        system = [{"role": "system", "content": question.system}]
        return {
            "model": target.model,
            "messages": [*([] if "system" in dialect.unsupported else system), *question.turns()],
            **self._form(question),
            **{name: question.limit(target) for name in self._limit(dialect)},
        }

    def _limit(self, dialect: Capabilities) -> list[str]:
        return [name for name in self.limits if name not in dialect.unsupported][:1]

    def _form(self, question: CompletionRequest) -> Mapping[str, Any]:
        form, refused = question.capabilities.form, question.capabilities.unsupported
        if form == "plain":
            return {}
        if form == "json_object":
            return {"response_format": {"type": form}}
        bounds = self.bounded and "bounds" not in refused
        prompt = question.prompt
        schema = prompt.schema if bounds else unbounded(prompt.schema)
        strict = {} if "strict" in refused else {"strict": True}
        return {
            "response_format": {
                "type": form,
                form: {"name": prompt.name, **strict, "schema": schema},
            }
        }

    def read(self, data: Mapping[str, Any]) -> Completion:
        choice = data["choices"][0]
        message, finish = choice["message"], choice.get("finish_reason")
        if message.get("refusal") or finish == "content_filter":
            raise ModelFailed("refusal")
        if finish == "length":
            raise ModelFailed("truncated")
        usage = data.get("usage")
        return Completion(
            text=_text(message.get("content")),
            tokens_in=tokens(usage, "prompt_tokens"),
            tokens_out=tokens(usage, "completion_tokens"),
        )


def _text(content: Any) -> str:
    """Some servers answer in parts, the model's thinking among them."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return content or ""
