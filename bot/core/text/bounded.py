"""An issue in the memory of a job: what its whole text tells, and of a very long body a part.

What is kept is all that `redact.excerpt` reads, so that its result is the one for the whole body.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.core.history import fingerprint
from bot.core.text.condense import UNSEEN
from bot.core.types import Issue, TextStats

HEAD, TAIL = 48_000, 16_000  # characters of a body, without those that nobody sees
COUNTED = 50  # words
_CHUNK = 65_536
_LONGEST_UNSEEN = 24


def bounded(issue: Issue) -> Issue:
    """The issue with `whole`, and at most `HEAD` and `TAIL` characters of its body."""
    if issue.full_text is not None:
        return issue
    body, cut = issue.body, 0
    if len(body) > HEAD + TAIL:
        body, cut = _head_and_tail(body)
    words = _counted(issue.title) + _counted(issue.body)
    return replace(
        issue, body=body, full_text=TextStats(fingerprint(issue.title, issue.body), words, cut)
    )


def without_body(issue: Issue) -> Issue:
    """The issue with `whole` and an empty body."""
    return replace(bounded(issue), body="")


def _counted(text: str) -> int:
    return min(len(text.split(None, COUNTED)), COUNTED)


def _head_and_tail(body: str) -> tuple[str, int]:
    """The visible characters of a body but for its middle, and how many of them are missing."""
    head, tail, seen = "", "", 0
    for chunk in _chunks(body):
        visible = UNSEEN.sub("", chunk)
        seen += len(visible)
        room = HEAD - len(head)
        head += visible[:room]
        tail = (tail + visible[room:])[-TAIL:]
    return head + tail, seen - len(head) - len(tail)


def _chunks(body: str) -> Iterator[str]:
    """The body in pieces, none of which ends inside of what `UNSEEN` matches."""
    start = 0
    while start < len(body):
        end = start + _CHUNK
        if end < len(body):  # what is not hidden by itself has the only escape before it
            escape = body.rfind("\x1b", end - _LONGEST_UNSEEN, end)
            end = end if escape < 0 else escape
        yield body[start:end]
        start = end
