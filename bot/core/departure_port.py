"""The port for repositories to which the bot has no access any more, and for all data of one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from bot.core.types import IssueRef


class RepositoryData(Protocol):
    """What is stored of repositories, shared by all workers."""

    def departures(self) -> Mapping[IssueRef, float]:
        """Return the repositories that were out of reach, with the time of the first notice."""

    def save_departure(self, repository: IssueRef, at: float) -> None:
        """Note that a repository is out of reach; an earlier time stays."""

    def remove_departure(self, repository: IssueRef) -> None: ...

    def forget(
        self, repositories: Collection[IssueRef], *, dry_run: bool = False
    ) -> Mapping[str, int]:
        """Remove all that is stored of repositories; return the numbers by what it is.

        Claims of deliveries and locks stay until they expire, soon. With `dry_run` nothing is
        removed.
        """

    def has_forgotten(self) -> bool:
        """Return whether `forget` has run within two hours: then an empty list is no lost one."""
