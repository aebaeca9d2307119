"""Reactions to comments, which GitLab calls award emoji."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Reaction:
    """`content` is the forge's name of an emoji."""

    id: int
    content: str
    author: str
    at: datetime


def add_reaction(
    reactions: list[Reaction], content: str, author: str, at: datetime
) -> tuple[Reaction, bool]:
    """Return the user's reaction of that kind, and whether it is new."""
    for reaction in reactions:
        if (reaction.content, reaction.author) == (content, author):
            return reaction, False
    reaction = Reaction(int(at.timestamp() * 1_000_000), content, author, at)
    reactions.append(reaction)
    return reaction, True
