"""A model's text → a summary and choices of labels. Which labels count is decided elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from bot.core.errors import ModelFailed
from bot.core.types import Certainty, LabelSuggestion

MAX_SUGGESTIONS = 50
MAX_OBJECTS = 50
MAX_DEPTH = 64  # an answer has three; a million braces are none
TOKEN = re.compile(r'"(?:[^"\\]|\\.?)*+"?|[{}]', re.DOTALL)
END_OF_THOUGHT = re.compile(r"</think(?:ing)?>")
DEPTHS = {"{": 1, "}": -1}
CERTAINTIES: dict[str, Certainty] = {"sure": "sure", "likely": "likely", "unsure": "unsure"}


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """What the model says, as plain text that nobody has checked yet."""

    summary: str
    choices: tuple[LabelSuggestion, ...]


def read(text: str) -> ParsedReply:
    """Read an answer: the first whole object in it, whatever stands around.

    Labels may be objects or plain names, under `labels` or `tags`. Raises `ModelFailed` where
    there is no JSON object or no summary in it.
    """
    data = json_object(text)
    summary = data.get("summary")
    if not isinstance(summary, str) or not summary.strip():
        raise ModelFailed("wrong-shape")
    labels = data.get("labels")
    labels = data.get("tags") if labels is None else labels
    entries = labels[:MAX_SUGGESTIONS] if isinstance(labels, list) else []
    return ParsedReply(summary, tuple(choice for entry in entries if (choice := _choice(entry))))


def json_object(text: str) -> dict[str, Any]:
    """Return the first whole JSON object in a model's text. Raises `ModelFailed`."""
    text = _without_thoughts(text).strip()
    start = text.find("{")
    is_list = text[:1] == "[" or text[:start].rstrip()[-1:] == "["
    for _ in range(MAX_OBJECTS):
        end = _end(text, start) if start >= 0 else 0
        if not end:
            break
        try:
            data: dict[str, Any] = msgspec.json.decode(text[start:end])
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            start = text.find("{", end)
            continue
        if is_list:
            raise ModelFailed("wrong-shape")
        return data
    raise ModelFailed("not-json")


def _without_thoughts(text: str) -> str:
    """Some servers leave a model's thinking in front of its answer; it may hold drafts."""
    return text if text.lstrip().startswith("{") else END_OF_THOUGHT.split(text)[-1]


def _end(text: str, start: int) -> int:
    """Where the object that begins at `start` is closed; 0 where it never is."""
    depth = 0
    for token in TOKEN.finditer(text, start):
        depth += DEPTHS.get(token[0], 0)
        if not depth:
            return token.end()
        if depth > MAX_DEPTH:
            break
    return 0


def _choice(entry: object) -> LabelSuggestion | None:
    if isinstance(entry, str):
        return LabelSuggestion(entry, "likely")
    if not isinstance(entry, dict):
        return None
    name, reason = entry.get("name"), entry.get("reason")
    if not isinstance(name, str):
        return None
    return LabelSuggestion(name, _certainty(entry), reason if isinstance(reason, str) else "")


def _certainty(entry: dict[str, Any]) -> Certainty:
    """One in words of its own is a guess: such a label is suggested, not applied."""
    said = entry.get("certainty")
    return "likely" if said is None else CERTAINTIES.get(str(said).strip().lower(), "unsure")
