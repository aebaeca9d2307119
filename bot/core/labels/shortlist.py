"""Chooses the labels for a prompt where a repository has more than fit into it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from bot.core.labels.keywords import is_type_name
from bot.core.labels.names import fold
from bot.core.types import Label

_WORD = re.compile(r"[^\W_]{2,}")


def shortlist(
    labels: Sequence[Label],
    text: str,
    groups: Collection[str],
    size: int,
    ranked: Sequence[str] = (),
) -> list[Label]:
    """Return at most `size` labels, in their order.

    Preferred are names of types (bug, feature request, question) and of `groups`, then names, then
    descriptions with many words of the issue's `text`. `ranked` are the labels that a classifier
    knows, the most probable first: half of the list may be the first of these, and the others of
    these come after all labels that it does not know.
    """
    if len(labels) <= size:
        return list(labels)
    words = _split(text)
    first = {*map(fold, groups), *map(fold, ranked[: size // 2])}
    last = set(map(fold, ranked[size // 2 :]))

    def rank(label: Label) -> tuple[bool, bool, float, float]:
        name = fold(label.name)
        is_first, is_last = name in first or is_type_name(label.name), name in last
        shares = _share(label.name, words), _share(label.description, words)
        return is_first, not is_last, *shares

    chosen = sorted(range(len(labels)), key=lambda n: rank(labels[n]), reverse=True)[:size]
    return [labels[index] for index in sorted(chosen)]


def _split(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))


def _share(text: str, words: set[str]) -> float:
    """Return the share of a text's words that are among `words`."""
    own = _split(text)
    return len(own & words) / len(own) if own else 0.0
