"""A request to a language model, its completion, and what a vendor's wire format defines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from bot.core.prompt import REPAIR, Prompt, describe_schema

Form = Literal["json_schema", "json_object", "plain"]
Message = Mapping[str, str]

SHORT_OUTPUT_TOKENS = 512
MAX_REJECTED_CHARS = 4000
MAX_TOKEN_COUNT = 100_000_000  # a larger count is a server's error


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address, key and limits of a model. `seconds` bounds a whole call with its retries."""

    base_url: str
    model: str
    key: str = field(repr=False)
    max_output_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server supports: the form of the answer, and optional parameters that it rejects.

    `schema_in_prompt` = it ignores the form, so that the prompt has to describe the schema.
    """

    form: Form = "json_schema"
    unsupported: frozenset[str] = frozenset()
    schema_in_prompt: bool = False


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One request, independent of the wire format.

    `rejected_answer` is the model's answer that it has to repair. `is_short` = the context of the
    model is small: the prompt is shortened and the answer limited.
    """

    prompt: Prompt
    endpoint: Endpoint
    capabilities: Capabilities = Capabilities()
    is_short: bool = False
    rejected_answer: str = ""

    @property
    def system(self) -> str:
        """Return the rules, with the schema if no parameter contains it."""
        capabilities, prompt = self.capabilities, self.prompt
        if capabilities.form == "json_schema" and not capabilities.schema_in_prompt:
            return prompt.system
        return f"{prompt.system}\n{describe_schema(prompt.schema)}"

    @property
    def messages(self) -> list[Message]:
        """Return the messages; the first contains the rules if the server has no system role."""
        prompt = self.prompt
        text = prompt.shorten() if self.is_short and prompt.shorten else prompt.user
        if "system" in self.capabilities.unsupported:
            text = f"{self.system}\n\n{text}"
        messages: list[Message] = [{"role": "user", "content": text}]
        if self.rejected_answer:
            rejected = self.rejected_answer[:MAX_REJECTED_CHARS].strip()
            repair = f"{REPAIR} {describe_schema(prompt.schema)}"
            messages.append({"role": "assistant", "content": rejected})
            messages.append({"role": "user", "content": repair})
        return messages

    @property
    def max_tokens(self) -> int:
        """Return the limit on the tokens of the answer."""
        limit = self.endpoint.max_output_tokens
        return min(limit, SHORT_OUTPUT_TOKENS) if self.is_short else limit


@dataclass(frozen=True, slots=True)
class Completion:
    """The text of an answer, and the tokens that the server counted."""

    text: str
    tokens_in: int
    tokens_out: int


class ModelProtocol(Protocol):
    """A vendor's wire format. `forms` are its ways to ask for JSON, the strictest first."""

    path: ClassVar[str]
    forms: ClassVar[tuple[Form, ...]]

    def list_optional(self, capabilities: Capabilities) -> tuple[str, ...]:
        """Return the parameters of a request that can be left out or replaced."""

    def build_headers(self, key: str) -> Mapping[str, str]: ...

    def build_body(self, request: CompletionRequest) -> Mapping[str, Any]: ...

    def parse_response(self, data: Mapping[str, Any]) -> Completion:
        """Return the completion in a response.

        Raises `ModelFailed` for a refusal or a truncated answer; KeyError, TypeError, IndexError
        or AttributeError for a shape that the format does not have.
        """


def parse_token_count(usage: object, name: str) -> int:
    """Return a token count of a response; 0 where the server does not count."""
    value = usage.get(name) if isinstance(usage, Mapping) else None
    return value if type(value) is int and 0 < value < MAX_TOKEN_COUNT else 0
