"""Reduces a very long issue body to the head and tail that a job keeps in memory.

These hold all that `redact_excerpt` reads, so its result is the same as for the whole body.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.core.history import fingerprint
from bot.core.text.condense import HEAD_CHARS, INVISIBLE, TAIL_CHARS
from bot.core.text.stats import TextStats
from bot.core.types import Issue

MAX_COUNTED_WORDS = 50
_CHUNK_CHARS = 65_536
_LONGEST_INVISIBLE = 24  # characters


def bound_body(issue: Issue) -> Issue:
    """Return the issue with `text_stats` and at most `HEAD_CHARS` + `TAIL_CHARS` of its body."""
    if issue.text_stats is not None:
        return issue
    body, cut = issue.body, 0
    if len(body) > HEAD_CHARS + TAIL_CHARS:
        body, cut = _cut_middle(body)
    words = _count_words(issue.title) + _count_words(issue.body)
    return replace(
        issue, body=body, text_stats=TextStats(fingerprint(issue.title, issue.body), words, cut)
    )


def drop_body(issue: Issue) -> Issue:
    """Return the issue with `text_stats` set and an empty body."""
    return replace(bound_body(issue), body="")


def _count_words(text: str) -> int:
    return min(len(text.split(None, MAX_COUNTED_WORDS)), MAX_COUNTED_WORDS)


def _cut_middle(body: str) -> tuple[str, int]:
    """Return the body without its middle and invisible characters, and the middle's length."""
    head, tail, length = "", "", 0
    for chunk in _split_chunks(body):
        visible = INVISIBLE.sub("", chunk)
        length += len(visible)
        free = HEAD_CHARS - len(head)
        head += visible[:free]
        tail = (tail + visible[free:])[-TAIL_CHARS:]
    return head + tail, length - len(head) - len(tail)


def _split_chunks(body: str) -> Iterator[str]:
    """Yield the body in chunks that do not end inside a match of `INVISIBLE`."""
    start = 0
    while start < len(body):
        end = start + _CHUNK_CHARS
        if end < len(body):  # a match of several visible characters starts with an escape
            escape = body.rfind("\x1b", end - _LONGEST_INVISIBLE, end)
            end = end if escape < 0 else escape
        yield body[start:end]
        start = end
