"""A model's text → a summary and choices of labels. Which labels count is decided elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from bot.core.errors import ModelFailed
from bot.core.model import Certainty, Choice

MAX_CHOICES = 50
CERTAINTIES: dict[object, Certainty] = {"sure": "sure", "likely": "likely", "unsure": "unsure"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says, as plain text that nobody has checked yet."""

    summary: str
    choices: tuple[Choice, ...]


def read(text: str) -> Reply:
    """Read an answer, with or without a code fence around it.

    Labels may be objects or plain names, under `labels` or `tags`. Raises `ModelFailed` where
    there is no JSON object or no summary in it.
    """
    data = _json_object(text)
    summary = data.get("summary")
    if not isinstance(summary, str) or not summary.strip():
        raise ModelFailed("wrong-shape")
    labels = data.get("labels", data.get("tags"))
    entries = labels[:MAX_CHOICES] if isinstance(labels, list) else []
    return Reply(summary, tuple(choice for entry in entries if (choice := _choice(entry))))


def _json_object(text: str) -> dict[str, Any]:
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        raise ModelFailed("not-json")
    try:
        data = msgspec.json.decode(text[start : end + 1])
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        raise ModelFailed("not-json") from None
    if text.lstrip()[:1] == "[" or not isinstance(data, dict):
        raise ModelFailed("wrong-shape")
    return data


def _choice(entry: object) -> Choice | None:
    if isinstance(entry, str):
        return Choice(entry, "likely")
    if not isinstance(entry, dict):
        return None
    name, reason = entry.get("name"), entry.get("reason")
    if not isinstance(name, str):
        return None
    certainty = CERTAINTIES.get(_hashable(entry.get("certainty")), "likely")
    return Choice(name, certainty, reason if isinstance(reason, str) else "")


def _hashable(value: object) -> object:
    return value if isinstance(value, str) else None
