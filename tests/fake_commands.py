"""The part of the fake forge that is about comments with commands."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.core.command_port import UserComment
from bot.core.errors import NotFound, TaglineError
from bot.core.types import IssueRef


@dataclass
class FakeCommands:
    """Implements `CommandComments`. `written` are people's comments, `reactions` those with one.

    `errors` are raised by the next requests, in their order.
    """

    written: dict[int, UserComment] = field(default_factory=dict)
    may: set[str] = field(default_factory=lambda: {"maintainer"})
    reactions: list[int] = field(default_factory=list)
    errors: list[TaglineError | None] = field(default_factory=list)
    requests: int = 0

    def list_prefixes(self, alias: str) -> tuple[str, ...]:
        return (*([f"@{alias}"] if alias else []), "/tagline")

    def get_comment(self, ref: IssueRef, comment_id: int) -> UserComment | None:
        self._count()
        if comment_id not in self.written:
            raise NotFound("not found", may_be_lag=True)
        return self.written[comment_id]

    def may_command(self, ref: IssueRef, author: str) -> bool:
        self._count()
        return author in self.may

    def acknowledge(self, ref: IssueRef, comment_id: int) -> None:
        self._count()
        if comment_id not in self.reactions:
            self.reactions.append(comment_id)

    def _count(self) -> None:
        self.requests += 1
        if self.errors and (error := self.errors.pop(0)):
            raise error
