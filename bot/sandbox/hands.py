"""What people do at the forge, each deed with the webhook it raises."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypedDict, Unpack

from bot.sandbox.deliver import Hooks
from bot.sandbox.world import MAINTAINER, Change, Comment, Event, Missing, World


class Opening(TypedDict, total=False):
    """How an issue is opened. `created_at` may be seconds since the epoch."""

    author: str
    bot: bool
    created_at: datetime | float | None
    labels: list[str]
    pull_request: bool
    deliver: bool


class Hands:
    """`deliver=False` changes the world without telling the webhook."""

    world: World
    hooks: Hooks

    def open_issue(
        self, repo: str, title: str, body: str | None = "", **how: Unpack[Opening]
    ) -> int:
        """The new issue's number. The webhook has answered when this returns."""
        author = self.world.person(how.get("author", "octocat"), is_bot=how.get("bot", False))
        at = how.get("created_at")
        opened = datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) else at
        event = self.world.open_issue(repo, title, body, author, opened)
        event.issue.is_pull_request = how.get("pull_request", False)
        event.issue.labels += how.get("labels", [])
        self._tell(event, how.get("deliver", True) and not event.issue.is_pull_request)
        return event.issue.number

    def edit_issue(
        self,
        repo: str,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        deliver: bool = True,
    ) -> None:
        wanted = {"title": title, "body": body}
        values = {key: value for key, value in wanted.items() if value is not None}
        author = self.world.issue(repo, number).author
        self._tell(self.world.edit_issue(repo, number, author, values), deliver)

    def reopen_issue(self, repo: str, number: int, *, deliver: bool = True) -> None:
        self._set(repo, number, "reopened", deliver)

    def close_issue(self, repo: str, number: int, *, deliver: bool = True) -> None:
        self._set(repo, number, "closed", deliver)

    def lock_issue(self, repo: str, number: int, *, deliver: bool = True) -> None:
        self._set(repo, number, "locked", deliver)

    def delete_issue(self, repo: str, number: int, *, deliver: bool = True) -> None:
        self._set(repo, number, "deleted", deliver)

    def transfer_issue(self, repo: str, number: int, new_repo: str, *, deliver: bool = True) -> int:
        """The number in the new repository."""
        left, arrived = self.world.transfer(repo, number, new_repo, MAINTAINER)
        self._tell(left, deliver)
        self._tell(arrived, deliver)
        return arrived.issue.number

    def label_by_person(
        self, repo: str, number: int, label: str, *, login: str = MAINTAINER, deliver: bool = True
    ) -> None:
        for event in self.world.add_labels(repo, number, [label], login):
            self._tell(event, deliver)

    def unlabel_by_person(
        self, repo: str, number: int, label: str, *, login: str = MAINTAINER, deliver: bool = True
    ) -> None:
        self._tell(self.world.remove_label(repo, number, label, login), deliver)

    def comment_by_person(
        self, repo: str, number: int, body: str, *, login: str = MAINTAINER, deliver: bool = True
    ) -> int:
        """The comment's id. Only `maintainer` counts as a member of the repository."""
        event = self.world.comment(repo, number, body, self.world.person(login).login, None)
        self._tell(event, deliver)
        assert event.comment is not None
        return event.comment.id

    def delete_comment_by_person(
        self, repo: str, number: int, comment_id: int, *, deliver: bool = True
    ) -> None:
        """Raises Missing unless the issue has that comment."""
        if self.world.find_comment(repo, comment_id)[0].number != number:
            raise Missing(f"comment {comment_id} on {repo}#{number}")
        self._tell(self.world.delete_comment(repo, comment_id, MAINTAINER), deliver)

    def labels(self, repo: str, number: int) -> list[str]:
        with self.world.lock:
            return list(self.world.issue(repo, number).labels)

    def comments(self, repo: str, number: int) -> list[Comment]:
        with self.world.lock:
            return list(self.world.issue(repo, number).comments)

    def _set(self, repo: str, number: int, change: Change, deliver: bool) -> None:
        self._tell(self.world.set_state(repo, number, MAINTAINER, change), deliver)

    def _tell(self, event: Event, deliver: bool) -> None:
        if deliver:
            self.hooks.send(event)
