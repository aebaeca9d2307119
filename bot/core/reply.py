"""The text of a model's answer → a summary and labels, not yet checked against any policy."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from bot.core.errors import ModelFailed
from bot.core.types import CacheEntry, Certainty, LabelSuggestion, Usage

MAX_SUGGESTIONS = 50
MAX_OBJECTS = 50
MAX_DEPTH = 64  # a valid answer has three levels
TOKEN = re.compile(r'"(?:[^"\\]|\\.?)*+"?|[{}]', re.DOTALL)
THINKING_END = re.compile(r"</think(?:ing)?>")
DEPTHS = {"{": 1, "}": -1}
CERTAINTIES: dict[str, Certainty] = {"sure": "sure", "likely": "likely", "unsure": "unsure"}


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """The content of a model's answer, as plain text."""

    summary: str
    labels: tuple[LabelSuggestion, ...]


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """A parsed answer and its usage. `cache_entry` is None for one that is not to be cached."""

    reply: ParsedReply
    usage: Usage
    cache_entry: CacheEntry | None = None


def parse_reply(text: str) -> ParsedReply:
    """Return the content of the last JSON object in an answer that has a summary.

    Labels may be objects or plain names, under `labels` or `tags`. Raises `ModelFailed` where
    there is no JSON object or no summary in it.
    """
    data = next(filter(_get_summary, reversed(extract_objects(text))), None)
    if data is None:
        raise ModelFailed("wrong-shape")
    labels = data.get("labels")
    labels = data.get("tags") if labels is None else labels
    entries = labels[:MAX_SUGGESTIONS] if isinstance(labels, list) else []
    return ParsedReply(_get_summary(data), tuple(filter(None, map(_parse_label, entries))))


def _get_summary(data: dict[str, Any]) -> str:
    summary = data.get("summary")
    return summary if isinstance(summary, str) and summary.strip() else ""


def extract_objects(text: str) -> list[dict[str, Any]]:
    """Return the complete JSON objects in an answer, at least one. Raises `ModelFailed`."""
    text = _strip_thinking(text).strip()
    start = text.find("{")
    is_list = text[:1] == "[" or text[:start].rstrip()[-1:] == "["
    objects: list[dict[str, Any]] = []
    for _ in range(MAX_OBJECTS):
        end = _find_end(text, start) if start >= 0 else 0
        if not end:
            break
        with suppress(msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            objects.append(msgspec.json.decode(text[start:end]))
        start = text.find("{", end)
    if not objects:
        raise ModelFailed("not-json")
    if is_list:
        raise ModelFailed("wrong-shape")
    return objects


def _strip_thinking(text: str) -> str:
    """Return the answer without the model's thinking, which may hold drafts of it."""
    return text if text.lstrip().startswith("{") else THINKING_END.split(text)[-1]


def _find_end(text: str, start: int) -> int:
    """Return the end of the object that begins at `start`; 0 where it is not closed."""
    depth = 0
    for token in TOKEN.finditer(text, start):
        depth += DEPTHS.get(token[0], 0)
        if not depth:
            return token.end()
        if depth > MAX_DEPTH:
            break
    return 0


def _parse_label(entry: object) -> LabelSuggestion | None:
    if isinstance(entry, str):
        return LabelSuggestion(entry, "likely")
    if not isinstance(entry, dict):
        return None
    name, reason = entry.get("name"), entry.get("reason")
    if not isinstance(name, str):
        return None
    return LabelSuggestion(name, _parse_certainty(entry), reason if isinstance(reason, str) else "")


def _parse_certainty(entry: dict[str, Any]) -> Certainty:
    """Return the certainty; an unknown word counts as unsure, so that the label is not applied."""
    word = entry.get("certainty")
    return "likely" if word is None else CERTAINTIES.get(str(word).strip().lower(), "unsure")
