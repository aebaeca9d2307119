"""What is asked, how a server wants to be asked, and what a wire format has to say about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from bot.core.prompt import REPAIR, Prompt, in_words

Form = Literal["json_schema", "json_object", "plain"]
Turn = Mapping[str, str]

SHORT_OUTPUT = 512
MAX_UNUSABLE = 4000
MOST_TOKENS = 100_000_000  # more was never counted by anybody


@dataclass(frozen=True, slots=True)
class Target:
    """The model that is asked, and how much it may answer."""

    model: str
    key: str
    max_output_tokens: int


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server takes: a form of answer, and which parameters it `refused` by name.

    `told` = it pays no heed to the form, so that the schema is also told in words.
    """

    form: Form = "json_schema"
    unsupported: frozenset[str] = frozenset()
    schema_in_prompt: bool = False


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One request. `unusable` is the model's own answer that it is asked to mend.

    `short` = the server has little room: the short question is asked, and the answer is limited.
    """

    prompt: Prompt
    capabilities: Capabilities = Capabilities()
    short: bool = False
    rejected_answer: str = ""

    @property
    def system(self) -> str:
        """The rules, with the schema where nothing else brings it to the model."""
        needs_words = self.capabilities.schema_in_prompt or self.capabilities.form != "json_schema"
        rules = self.prompt.system
        return f"{rules}\n{in_words(self.prompt.schema)}" if needs_words else rules

    def turns(self) -> list[Turn]:
        """The conversation after the rules; with them in it where the server has no such role."""
        prompt = self.prompt
        opening = prompt.shorten() if self.short and prompt.shorten else prompt.user
        if "system" in self.capabilities.unsupported:
            opening = f"{self.system}\n\n{opening}"
        turns: list[Turn] = [{"role": "user", "content": opening}]
        if self.rejected_answer:
            mend = f"{REPAIR} {in_words(prompt.schema)}"
            turns.append(
                {"role": "assistant", "content": self.rejected_answer[:MAX_UNUSABLE].strip()}
            )
            turns.append({"role": "user", "content": mend})
        return turns

    def limit(self, target: Target) -> int:
        """How many tokens the answer may have."""
        return (
            min(target.max_output_tokens, SHORT_OUTPUT) if self.short else target.max_output_tokens
        )


@dataclass(frozen=True, slots=True)
class Completion:
    """An assistant's text and what it was counted as."""

    text: str
    tokens_in: int
    tokens_out: int


class ModelProtocol(Protocol):
    """`forms` are the ways to ask for JSON, the strictest first."""

    @property
    def path(self) -> str: ...

    @property
    def forms(self) -> tuple[Form, ...]: ...

    def optional(self, dialect: Capabilities) -> tuple[str, ...]:
        """What is sent now and can be left out or said otherwise."""

    def headers(self, target: Target) -> Mapping[str, str]: ...

    def body(self, question: CompletionRequest, target: Target) -> Mapping[str, Any]: ...

    def read(self, data: Mapping[str, Any]) -> Completion:
        """Raises `ModelFailed` for a refusal or a cut answer; KeyError, TypeError or IndexError for
        a shape that the format does not have."""


def tokens(usage: object, name: str) -> int:
    """A token count, 0 where the server does not count."""
    value = usage.get(name) if isinstance(usage, Mapping) else None
    return value if type(value) is int and 0 < value < MOST_TOKENS else 0
