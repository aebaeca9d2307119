"""The text of a model's answer → a summary and labels, not yet checked against any policy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, get_args

from bot.core.enrichment import CacheEntry
from bot.core.errors import ModelFailed
from bot.core.related import RelatedCandidate
from bot.core.text import placeholders, thoughts
from bot.core.text.lenient_json import DECODE_ERRORS, decode_leniently
from bot.core.types import Certainty, LabelSuggestion, Usage

MAX_SUGGESTIONS = 50
MAX_OBJECTS = 50
MAX_DEPTH = 64  # a valid answer has three levels
MAX_WRAPPERS = 3  # objects around an answer
TOKEN = re.compile(r'"(?:[^"\\]|\\.?)*+"?|[{}]', re.DOTALL)
DEPTHS = {"{": 1, "}": -1}


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """The content of a model's answer, as plain text."""

    summary: str
    labels: tuple[LabelSuggestion, ...]


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """A parsed answer and its usage. `cache_entry` is None for one that is not to be cached.

    `like` is the issue whose answer it is, None for a model's.
    """

    reply: ParsedReply
    usage: Usage
    cache_entry: CacheEntry | None = None
    like: RelatedCandidate | None = None


def parse_reply(text: str) -> ParsedReply:
    """Return the content of the last JSON object in an answer that has a summary.

    The object may be wrapped in others. Labels may be objects or names. Raises `ModelFailed` where
    there is no JSON object, or none has a summary.
    """
    found = [answer for data in extract_objects(text) for answer in _find_answers(data)]
    if not found:
        raise ModelFailed("wrong-shape")
    data = found[-1]
    labels = data.get("labels")
    entries = _list_entries(data.get("tags") if labels is None else labels)[:MAX_SUGGESTIONS]
    return ParsedReply(_get_summary(data), tuple(filter(None, map(_parse_label, entries))))


def require_summary(reply: ParsedReply, title: str) -> ParsedReply:
    """Return the reply. Raises `ModelFailed` for a summary such as "N/A" or the issue's title."""
    if not placeholders.is_summary(reply.summary, title):
        raise ModelFailed("empty-summary")
    return reply


def _find_answers(value: object, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Yield the object itself, or those inside it, that have a summary."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        with suppress(*DECODE_ERRORS):
            value = decode_leniently(value)
    if not isinstance(value, dict):
        return
    if _get_summary(value):
        yield value
    elif depth < MAX_WRAPPERS:
        for inner in value.values():
            yield from _find_answers(inner, depth + 1)


def _get_summary(data: Mapping[str, Any]) -> str:
    summary = data.get("summary")
    return summary if isinstance(summary, str) and summary.strip() else ""


def extract_objects(text: str) -> list[dict[str, Any]]:
    """Return the complete JSON objects in an answer, at least one. Raises `ModelFailed`.

    Those in thoughts do not count. Where only the end of a thought is marked, those before it count
    if none follow.
    """
    objects: list[dict[str, Any]] = []
    drafts: list[dict[str, Any]] = []
    position = outside = 0
    marks = thoughts.marks_or_brace(text)
    for _ in range(MAX_OBJECTS):
        mark = marks.search(text, position)
        if mark is None:
            break
        if mark[0] == "{":
            position = _find_end(text, mark.start())
            if not position:
                break
            _refuse_list(text[outside : mark.start()].strip())
            with suppress(*DECODE_ERRORS):
                objects.append(decode_leniently(text[mark.start() : position]))
        else:
            if thoughts.START.fullmatch(mark[0]):
                mark = thoughts.END.search(text, mark.end())
            else:  # the prompt has opened the thought
                objects, drafts = [], objects or drafts
            position = mark.end() if mark else len(text)
        outside = position
    if not (objects or drafts):
        raise ModelFailed("not-json")
    return objects or drafts


def _refuse_list(before: str) -> None:
    if before[:1] == "[" or before[-1:] == "[":
        raise ModelFailed("wrong-shape")


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


def _list_entries(labels: object) -> list[object]:
    """Return the labels of an answer; they may be a list, a map from names, or names as text."""
    if isinstance(labels, list):
        return labels
    if isinstance(labels, dict):
        return [_name_entry(name, value) for name, value in labels.items() if value]
    if isinstance(labels, str):
        parts = [part.strip() for part in re.split(r"[,;\n]", labels) if part.strip()]
        return [labels, *parts] if len(parts) > 1 else parts  # a name may contain a comma
    return []


def _name_entry(name: str, value: object) -> dict[str, object]:
    if isinstance(value, dict):
        return {**value, "name": name}
    return {"name": name, "certainty": None if value is True else value}


def _parse_label(entry: object) -> LabelSuggestion | None:
    if isinstance(entry, str):
        return LabelSuggestion(entry, "likely")
    if not isinstance(entry, dict):
        return None
    names = (entry.get(key) for key in ("name", "label", "tag", "title", "value"))
    name = next((name for name in names if isinstance(name, str)), None)
    if name is None:
        return None
    reason = entry.get("reason")
    certainty = _parse_certainty(entry.get("certainty"))
    return LabelSuggestion(name, certainty, reason if isinstance(reason, str) else "")


def _parse_certainty(word: object) -> Certainty:
    """Return the certainty; an unknown word counts as unsure, so that the label is not applied."""
    folded = "likely" if word is None else str(word).strip().lower()
    return next((known for known in get_args(Certainty) if known == folded), "unsure")
