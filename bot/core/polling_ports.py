"""The ports of polling, as those in `ports`."""

from __future__ import annotations

from typing import Protocol

from bot.core.polling import ChangedPage, CommandComment, Cursor, Snapshot
from bot.core.types import IssueRef


class ChangeSource(Protocol):
    """Lists what changed in a forge's repositories. Raises the errors of `Forge`."""

    def list_repositories(self) -> tuple[IssueRef, ...]:
        """Return the repositories with issues that the credentials may label."""

    def find_repository(self, repository: IssueRef) -> IssueRef:
        """Return a repository that a person has named, completed with the forge's ids.

        Raises `Forbidden` for one in which nothing can be answered.
        """

    def list_changed_issues(
        self, repository: IssueRef, since: float, *, etag: str = "", cursor: str = ""
    ) -> ChangedPage:
        """Return a page of issues in any state that changed since a time, the newest change first.

        Pull requests, confidential issues, those of bots and work items of other types are left
        out. An issue may be on two pages, where others changed meanwhile. With the `etag` of the
        same list's first page, the page says whether the list is unchanged.
        """

    def list_commands(self, ref: IssueRef, since: float) -> tuple[CommandComment, ...]:
        """Return the comments with commands that people wrote on an issue since a time."""


class PollState(Protocol):
    """How far repositories were polled, and their issues as they were then: no text."""

    def cursor(self, repo_key: str) -> Cursor | None: ...

    def save_cursor(self, repo_key: str, cursor: Cursor) -> None: ...

    def snapshot(self, issue: str) -> Snapshot | None: ...

    def save_snapshot(self, issue: str, snapshot: Snapshot) -> None: ...
