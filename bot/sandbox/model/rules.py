"""The answer by rules: those of the fallback, and labels whose name the issue mentions."""

from __future__ import annotations

import json
import re
from typing import Any

from bot.core.labels import keywords
from bot.core.text import extractive_summary

MODEL = "sandbox-rules"
LONGEST_TITLE = 90


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return summary and labels for a request: title, body, labels and types [{name, …}]."""
    title, body = str(request.get("title") or ""), str(request.get("body") or "")
    offered = [*(request.get("types") or ()), *(request.get("labels") or ())]
    names = [_name(label) for label in offered]
    labels = _by_concept(title, body, names) | _by_mention(f"{title}\n{body}", names)
    return {"summary": _summary(title, body), "labels": list(labels.values())}


def _name(label: Any) -> str:
    return str(label.get("name")) if isinstance(label, dict) else str(label)


def _summary(title: str, body: str) -> str:
    heading = title.strip().rstrip(".")[:LONGEST_TITLE]
    sentence = extractive_summary.extract_summary(title, body)
    if heading and body.strip() and sentence.rstrip(".") == heading:
        return f"The issue reports: {heading}."
    summary = heading if sentence.startswith(heading) else f"{heading}: {sentence}"
    return summary.strip(" :") or "An issue without text."


def _by_concept(title: str, body: str, names: list[str]) -> dict[str, dict[str, str]]:
    labels = {}
    for match in keywords.match(title, body):
        if name := keywords.label_for(match.concept, names):
            reason = f"the text shows {match.evidence}"[:120]
            labels[name] = {"name": name, "certainty": match.certainty, "reason": reason}
    return labels


def _by_mention(text: str, names: list[str]) -> dict[str, dict[str, str]]:
    labels = {}
    for name in names:
        leaf = re.split(r"[/:]+\s*", name)[-1]
        if len(leaf) > 2 and re.search(rf"\b{re.escape(leaf)}\b", text, re.I):
            reason = f'the text names "{leaf}"'[:120]
            labels[name] = {"name": name, "certainty": "likely", "reason": reason}
    return labels


def request_in(texts: list[str]) -> dict[str, Any]:
    """Return the last JSON object with a title in the texts, else the last text as a body."""
    for text in reversed(texts):
        start = max(text.find("{"), 0)
        try:
            request = json.JSONDecoder().raw_decode(text, start)[0]
        except ValueError:
            continue
        if isinstance(request, dict) and "title" in request:
            return request
    return {"title": "", "body": texts[-1] if texts else "", "labels": []}
