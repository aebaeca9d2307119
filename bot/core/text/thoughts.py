"""Marks around the thoughts of a model, which may hold drafts of its answer."""

from __future__ import annotations

import re

_TAGS = "think|thinking|thoughts?|reasoning|reflection|analysis|scratchpad|seed:think"
_PARTS = ("think", "thought", "reasoning", "reflection", "analysis", "scratchpad", "unused9")
START = re.compile(
    rf"<(?:(?i:{_TAGS})>|unused94>|\|(?i:channel\|>\s*(?:analysis|commentary)\b"
    rf"|begin_of_thought\|>|start_thinking\|>))|\[(?i:{_TAGS})\]|◁think▷"
)
END = re.compile(
    rf"<(?:/(?i:{_TAGS})>|unused95>|\|(?i:channel\|>\s*final\b"
    rf"|end_of_thought\|>|end_thinking\|>))|\[/(?i:{_TAGS})\]|◁/think▷"
)
_BRACE = re.compile(r"\{")
_MARK_OR_BRACE = re.compile(rf"{START.pattern}|{END.pattern}|\{{")


def marks_or_brace(text: str) -> re.Pattern[str]:
    """Return a pattern that finds the text's marks and its opening braces."""
    lower = text.lower()  # searching for a few literals is much faster than the pattern
    return _MARK_OR_BRACE if any(part in lower for part in _PARTS) else _BRACE
