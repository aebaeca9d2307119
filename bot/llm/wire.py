"""What a wire format has to say about a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bot.core.prompt import Prompt


@dataclass(frozen=True, slots=True)
class Target:
    """The model that is asked, and how much it may answer."""

    model: str
    key: str
    max_output_tokens: int


@dataclass(frozen=True, slots=True)
class Said:
    """An assistant's text and what it was counted as."""

    text: str
    tokens_in: int
    tokens_out: int


class Wire(Protocol):
    @property
    def path(self) -> str: ...

    def headers(self, target: Target) -> Mapping[str, str]: ...

    def body(self, prompt: Prompt, target: Target) -> Mapping[str, Any]: ...

    def read(self, data: Mapping[str, Any]) -> Said:
        """Raises `ModelFailed` for a refusal or a cut answer; KeyError, TypeError or IndexError for
        a shape that the format does not have."""


def tokens(usage: object, name: str) -> int:
    """A token count, 0 where the server does not count."""
    value = usage.get(name) if isinstance(usage, Mapping) else None
    return value if isinstance(value, int) and value > 0 else 0
