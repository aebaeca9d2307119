"""A model's server behind the HTTP transport: it rejects by rules, else it sends replies."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bot.core.config.schema import RepoConfig
from bot.core.errors import ModelFailed
from bot.core.prompt import Choices, build
from bot.core.reply import parse_reply
from bot.core.text.condense import condense
from bot.core.types import Label
from bot.llm.anthropic import Messages
from bot.llm.client import ModelClient
from bot.llm.openai import ChatCompletions
from bot.llm.protocol import Endpoint, ModelProtocol
from tests.fakes import make_issue, model_reply
from tests.scripted_web import ScriptedWeb

OPENAI = ChatCompletions()
COMPATIBLE = ChatCompletions(limits=("max_tokens", "max_completion_tokens"), has_bounds=True)
ANTHROPIC = Messages()
PROTOCOLS: dict[str, ModelProtocol] = {
    "openai": OPENAI,
    "compatible": COMPATIBLE,
    "anthropic": ANTHROPIC,
}
GOOD = model_reply("The login page crashes.", ("bug", "sure", "crashed"))
BODY = "\n".join(f"It crashed with {chr(97 + n % 26) * (n // 26 + 1)} too." for n in range(400))
PROMPT = build(
    make_issue("Login crashes", BODY),
    condense(BODY),
    Choices([Label("bug", "Something is broken")], ["api"]),
    RepoConfig(),
)
ENDPOINT = Endpoint("http://127.0.0.1:8080/v1", "llama", "", 2000, 5.0)
Json = dict[str, Any]
Rule = Callable[[Json], httpx.Response | None]


def chat(content: object, **changes: Any) -> Json:
    """Return a response in OpenAI's format."""
    message = {"role": "assistant", "content": content, "refusal": None, **changes}
    finish = message.pop("finish_reason", "stop")
    usage = {"prompt_tokens": 700, "completion_tokens": 60}
    return {"choices": [{"message": message, "finish_reason": finish}], "usage": usage}


def messages(*texts: str, stop: str = "end_turn") -> Json:
    """Return a response in Anthropic's format."""
    content = [{"type": "text", "text": text} for text in texts]
    usage = {"input_tokens": 700, "output_tokens": 60}
    return {"content": content, "stop_reason": stop, "usage": usage}


class Server:
    """Rejects what its rules reject, else sends its replies, the last one repeatedly."""

    def __init__(
        self,
        protocol: ModelProtocol,
        *rules: Rule,
        replies: tuple[str, ...] | Callable[[Json], str] = (GOOD,),
    ) -> None:
        self.protocol, self.rules = protocol, rules
        self.replies = replies if callable(replies) else list(replies)
        self.bodies: list[Json] = []
        self.answered = 0
        self.model = ModelClient(ScriptedWeb(self._answer), protocol, ENDPOINT)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        body: Json = json.loads(request.content)
        self.bodies.append(body)
        assert len(self.bodies) < 20, "the negotiation does not end"
        for rule in self.rules:
            if refused := rule(body):
                return refused
        self.answered += 1
        if callable(self.replies):
            text = self.replies(body)
        else:
            text = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        shaped = messages(text) if isinstance(self.protocol, Messages) else chat(text)
        return httpx.Response(200, json=shaped)

    def ask(self) -> int:
        """Return how many requests a good answer took."""
        before = len(self.bodies)
        assert self.model.complete(PROMPT, parse_reply)[0] == parse_reply(GOOD)
        return len(self.bodies) - before

    def failure(self) -> ModelFailed:
        with pytest.raises(ModelFailed) as failure:
            self.model.complete(PROMPT, parse_reply)
        return failure.value


def reject(message: str, status: int = 400) -> httpx.Response:
    return httpx.Response(status, json={"error": {"message": message}})


def sent(body: Json) -> Json:
    """Return what a request contains of the parts that a server may reject."""
    form = body.get("response_format") or body.get("output_config", {}).get("format") or {}
    return {
        "form": form.get("type"),
        "strict": "strict" in form.get("json_schema", {}),
        "limit": next((k for k in ("max_tokens", "max_completion_tokens") if k in body), None),
        "roles": [message["role"] for message in body["messages"]],
    }
