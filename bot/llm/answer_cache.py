"""Reuses the answer of an issue with the same text in the same repository.

The cache stores no text: label names, the number of the issue whose comment has the summary, and a
digest of that summary. People may edit the comment or hide the issue later, so both are read again.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from bot.core.errors import PermanentError
from bot.core.ports import ModelCall, Store
from bot.core.prompt import Prompt
from bot.core.reply import ParsedReply
from bot.core.types import CachedAnswer, CacheEntry
from bot.flow.publish import own_comment
from bot.flow.render import digest_summary, summary_of


def compute_key(model: str, prompt: Prompt) -> str:
    """Return the first 32 hex digits of the SHA-256 of a model's name and its prompt."""
    text = f"{model}\0{prompt.system}\0{prompt.user}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def find_reply(key: str, call: ModelCall, store: Store) -> ParsedReply | None:
    """Return the cached answer; None without one.

    None too if the other issue is confidential or gone by now, or its summary is not as published.
    """
    ref = call.issue.ref
    cached = store.cached_answer(ref.repo_key, key)
    if cached is None or not cached.digest or call.forge is None or cached.number == ref.number:
        return None
    other = replace(ref, number=cached.number)
    try:
        comment = own_comment(other, call.forge)
        if comment is None or digest_summary(comment.body) != cached.digest:
            return None
        if call.forge.get_issue(other).confidential:
            return None
    except PermanentError:
        return None
    return ParsedReply(summary_of(comment.body), cached.choices)


def make_entry(key: str, call: ModelCall, reply: ParsedReply) -> CacheEntry:
    """Return the part of an answer that may be stored once its comment is published."""
    labels = tuple(replace(label, reason="") for label in reply.labels)
    return CacheEntry(key, CachedAnswer(call.issue.ref.number, labels))
