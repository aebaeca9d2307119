"""What people do at a forge, each deed with the webhook it raises, and what can be asked of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, TypedDict, Unpack

import httpx

from bot.sandbox.recorder import Exchange, Log
from bot.sandbox.state import (
    MAINTAINER,
    Change,
    Event,
    NotThere,
    Repo,
    RepoId,
    State,
    StoredComment,
)
from bot.sandbox.webhooks import Hooks, WebhookDelivery


class Opening(TypedDict, total=False):
    """How an issue is opened. `created_at` may be seconds since the epoch.

    `pull_request` is GitHub's; `confidential` and `type` (Issue, Task, Incident) are GitLab's.
    """

    author: str
    bot: bool
    created_at: datetime | float | None
    labels: list[str]
    pull_request: bool
    confidential: bool
    type: str
    deliver: bool


class Host(ABC):
    """One forge. Deeds and questions are the same on both, so one scenario can drive either.

    `repo` is a full name or an id. `deliver=False` changes the world without telling the webhook.
    """

    host: ClassVar[str]
    config_path: ClassVar[str]
    longest_body: ClassVar[int | None] = None  # characters; None: a longer one is taken too
    webhook_url: str | None
    state: State
    hooks: Hooks
    log: Log

    @property
    @abstractmethod
    def bot_accounts(self) -> tuple[str, ...]:
        """The accounts the bot may act under."""

    def add_repo(
        self,
        name: str,
        labels: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
        *,
        private: bool = False,
        group_labels: Mapping[str, str] | None = None,
    ) -> Repo:
        """`group_labels` are GitLab's."""
        return self.state.add_repo(
            name, labels or {}, files or {}, private=private, group_labels=group_labels
        )

    def rename_repo(self, old: RepoId, new: str) -> None:
        """`new` is a full name; the id stays."""
        self.state.rename(old, new)

    def set_config(self, repo: RepoId, text: str) -> None:
        """Writes the repository's tagline.yml."""
        self.state.repo(repo).files[self.config_path] = text

    def open_issue(
        self, repo: RepoId, title: str, body: str | None = "", **how: Unpack[Opening]
    ) -> int:
        """The new issue's number. The webhook has answered when this returns.

        Raises ValueError, with the host's own words, for a body that is too long.
        """
        self._check(body)
        author = self.state.person(how.get("author", "octocat"), is_bot=how.get("bot", False))
        at = how.get("created_at")
        opened = datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) else at
        event = self.state.open_issue(repo, title, body, author, opened)
        issue = event.issue
        issue.is_pull_request = how.get("pull_request", False)
        issue.confidential, issue.type = how.get("confidential", False), how.get("type", "Issue")
        self.state.label_from_start(issue, how.get("labels", []))
        self._tell(event, how.get("deliver", True) and not issue.is_pull_request)
        return issue.number

    def edit_issue(
        self,
        repo: RepoId,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        deliver: bool = True,
    ) -> None:
        self._check(body)
        wanted = {"title": title, "body": body}
        values = {key: value for key, value in wanted.items() if value is not None}
        author = self.state.issue(repo, number).author
        self._tell(self.state.edit_issue(repo, number, author, values), deliver)

    def _check(self, body: str | None) -> None:
        if body and self.longest_body and len(body) > self.longest_body:
            raise ValueError(f"is too long (maximum is {self.longest_body} characters)")

    def reopen_issue(self, repo: RepoId, number: int, *, deliver: bool = True) -> None:
        self._set(repo, number, "reopened", deliver)

    def close_issue(self, repo: RepoId, number: int, *, deliver: bool = True) -> None:
        self._set(repo, number, "closed", deliver)

    def lock_issue(self, repo: RepoId, number: int, *, deliver: bool = True) -> None:
        self._set(repo, number, "locked", deliver)

    def delete_issue(self, repo: RepoId, number: int, *, deliver: bool = True) -> None:
        self._set(repo, number, "deleted", deliver)

    def transfer_issue(
        self, repo: RepoId, number: int, new_repo: RepoId, *, deliver: bool = True
    ) -> int:
        """The number in the new repository."""
        left, arrived = self.state.transfer(repo, number, new_repo, MAINTAINER)
        self._tell(left, deliver)
        self._tell(arrived, deliver)
        return arrived.issue.number

    def label_by_person(
        self,
        repo: RepoId,
        number: int,
        label: str,
        *,
        login: str = MAINTAINER,
        deliver: bool = True,
    ) -> None:
        for event in self.state.relabel(repo, number, login, [label]):
            self._tell(event, deliver)

    def unlabel_by_person(
        self,
        repo: RepoId,
        number: int,
        label: str,
        *,
        login: str = MAINTAINER,
        deliver: bool = True,
    ) -> None:
        for event in self.state.relabel(repo, number, login, [], [label]):
            self._tell(event, deliver)

    def comment_by_person(
        self, repo: RepoId, number: int, body: str, *, login: str = MAINTAINER, deliver: bool = True
    ) -> int:
        """The comment's id. Only `maintainer` counts as a member of the repository."""
        event = self.state.comment(repo, number, body, self.state.person(login).login, None)
        self._tell(event, deliver)
        assert event.comment is not None
        return event.comment.id

    def delete_comment_by_person(
        self, repo: RepoId, number: int, comment_id: int, *, deliver: bool = True
    ) -> None:
        """Raises Missing unless the issue has that comment."""
        if self.state.find_comment(repo, comment_id)[0].number != number:
            raise NotThere(f"comment {comment_id} on {repo}#{number}")
        self._tell(self.state.delete_comment(repo, comment_id, MAINTAINER), deliver)

    def labels(self, repo: RepoId, number: int) -> list[str]:
        with self.state.lock:
            return list(self.state.issue(repo, number).labels)

    def comments(self, repo: RepoId, number: int) -> list[StoredComment]:
        """Without the lines a forge writes by itself."""
        with self.state.lock:
            return [c for c in self.state.issue(repo, number).comments if not c.system]

    def bot_comments(self, repo: RepoId, number: int) -> list[StoredComment]:
        """Comments written by the bot, under any of its accounts."""
        return [
            comment
            for comment in self.comments(repo, number)
            if comment.author in self.bot_accounts
        ]

    def created_labels(self, repo: RepoId) -> list[str]:
        """Labels that came into being because an issue was given an unknown name."""
        return list(self.state.repo(repo).created_labels)

    @abstractmethod
    def show(self, repo: RepoId, number: int) -> dict[str, Any]:
        """issue, labels and comments, in the words of the forge's API."""

    @property
    def exchanges(self) -> list[Exchange]:
        """What went over this forge's face."""
        return self.log.of(self.host)

    def writes(self, repo: RepoId | None = None) -> list[Exchange]:
        """Requests that ask for a change in a repository, whatever the answer was."""
        places = self._places(None if repo is None else self.state.repo(repo))
        return [e for e in self.exchanges if e.method != "GET" and e.path.startswith(places)]

    @abstractmethod
    def _places(self, repo: Repo | None) -> tuple[str, ...]:
        """How the path of a request about that repository, or any, may begin."""

    @property
    def deliveries(self) -> list[WebhookDelivery]:
        return self.hooks.deliveries

    @property
    def opened(self) -> WebhookDelivery:
        """The last delivery that told of an issue's opening."""
        return next(d for d in reversed(self.deliveries) if d.action == "opened")

    def deliver(
        self,
        event: str,
        payload: Any,
        delivery_id: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Signs and sends any payload; `event` is the forge's own header, as `Delivery.event`.

        Raises httpx.TransportError where nobody answers.
        """
        return self.hooks.deliver(event, payload, delivery_id, headers)

    def redeliver(self, delivery_id: str | int) -> httpx.Response:
        return self.hooks.redeliver(delivery_id)

    def settle(self) -> None:
        """Waits until the webhooks raised by the bot's own deeds were sent."""
        self.hooks.settle()

    def _set(self, repo: RepoId, number: int, change: Change, deliver: bool) -> None:
        self._tell(self.state.set_state(repo, number, MAINTAINER, change), deliver)

    def _tell(self, event: Event, deliver: bool) -> None:
        if deliver:
            self.hooks.send(event)
