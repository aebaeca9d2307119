"""Reuses the answer of an issue with the same, or nearly the same, text in the same repository.

The cache stores no text: label names, the number of the issue whose comment has the summary, and a
digest of that summary. People may edit the comment or hide the issue later, so both are read again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from bot.core.enrichment import CachedAnswer, CacheEntry
from bot.core.errors import PermanentError
from bot.core.ports import ModelCall, Store
from bot.core.prompt import Prompt
from bot.core.related import RelatedCandidate
from bot.core.reply import ParsedReply
from bot.core.text.bounded import drop_body
from bot.core.text.grounding import Grounding
from bot.core.text.sketch import Sketch, is_near, make_sketch
from bot.core.types import Issue
from bot.flow.load_history import find_own_comment
from bot.flow.render import digest_summary, read_summary

NEAR_KEYS = 2  # two texts that are nearly the same share at least one of them
NEAR_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Question:
    """What an answer has to fit: the issue's text, and a model with its instructions and labels.

    `key` finds the same text, `near_keys` one with the same title and nearly the same body: by its
    `sketch`.
    """

    key: str
    sketch: Sketch
    near_keys: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.key, *self.near_keys)


def make_question(model: str, prompt: Prompt) -> Question:
    """Return the question; its keys have 32 hex digits of SHA-256."""
    title, _, body = prompt.issue.partition("\n")
    rest, sketch = f"{model}\0{prompt.options}", make_sketch(body)
    near = f"{rest}\0{' '.join(title.casefold().split())}"
    near_keys = tuple(_digest(f"{near}\0{number}") for number in sketch[:NEAR_KEYS])
    return Question(_digest(f"{rest}\0{prompt.issue}"), sketch, near_keys)


def find_reply(
    question: Question, prompt: Prompt, call: ModelCall, store: Store
) -> tuple[ParsedReply, RelatedCandidate] | None:
    """Return the cached answer and the issue that has it; None without one.

    None too if the other issue is confidential or gone by now, its summary is not as published, or
    says what this issue does not.
    """
    issue, forge = call.issue, call.forge
    if forge is None:
        return None
    found = store.cached_answers(issue.ref.repo_key, question.keys)
    usable = (one for one in found if _may_reuse(one, question, issue))
    cached = next(usable, None)
    if cached is None:
        return None
    other = replace(issue.ref, number=cached.number)
    try:
        comment = find_own_comment(other, forge)
        if comment is None or digest_summary(comment.body) != cached.digest:
            return None
        first = drop_body(forge.get_issue(other))
        if first.confidential:
            return None
    except PermanentError:
        return None
    summary = read_summary(comment.body)
    if Grounding(prompt.issue).drop_ungrounded(summary) != " ".join(summary.split()):
        return None
    url = forge.related.make_link(other)
    like = RelatedCandidate(cached.number, first.title, url=url, is_open=first.is_open)
    return ParsedReply(summary, cached.choices), like


def make_entry(question: Question, call: ModelCall, reply: ParsedReply) -> CacheEntry:
    """Return the part of an answer that may be stored once its comment is published."""
    labels = tuple(replace(label, reason="") for label in reply.labels)
    issue = call.issue
    answer = CachedAnswer(
        issue.ref.number, labels, sketch=question.sketch, opened_at=issue.created_at
    )
    return CacheEntry(question.keys, answer)


def _may_reuse(cached: CachedAnswer, question: Question, issue: Issue) -> bool:
    if not cached.digest or cached.number == issue.ref.number:
        return False
    if cached.sketch == question.sketch:
        return True
    is_recent = abs(issue.created_at - cached.opened_at) <= NEAR_SECONDS
    return is_recent and is_near(cached.sketch, question.sketch)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
