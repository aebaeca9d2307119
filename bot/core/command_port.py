"""The port for comments with commands; see `Forge.commands`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.core.types import IssueRef


@dataclass(frozen=True, slots=True)
class UserComment:
    """A comment that a person wrote. `author` is the login on GitHub, the user's id on GitLab."""

    id: int
    body: str
    author: str


class CommandComments(Protocol):
    """Reads comments with commands, and their authors' rights. Raises the errors of `Forge`."""

    def list_prefixes(self, alias: str) -> tuple[str, ...]:
        """Return what people write before a command, the one to show to them first.

        `alias` is the bot's other name from the configuration, "" for none.
        """

    def get_comment(self, ref: IssueRef, comment_id: int) -> UserComment | None:
        """Return a comment on the issue; None for one by a bot, or that not everybody sees."""

    def may_command(self, ref: IssueRef, author: str) -> bool:
        """Return whether a user has a role that may change labels; False where that is unknown."""

    def acknowledge(self, ref: IssueRef, comment_id: int) -> None:
        """Add the bot's reaction to a comment, if it does not have it and the forge accepts it."""
