"""What people do on a simulated forge, with the webhook that each action sends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, TypedDict, Unpack

import httpx

from bot.sandbox.state import MAINTAINER, Event, Repo, RepoId, State
from bot.sandbox.webhooks import Hooks, WebhookDelivery


class NewIssue(TypedDict, total=False):
    """The options of a new issue. `created_at` may be seconds since the epoch.

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


class Host:
    """One simulated forge. `repo` is a full name or an id.

    With `deliver=False` an action changes the state and sends no webhook.
    """

    host: ClassVar[str]
    longest_body: ClassVar[int | None] = None  # characters; None: not limited
    webhook_url: str | None
    state: State
    hooks: Hooks

    def add_repo(
        self,
        name: str,
        labels: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
        *,
        private: bool = False,
        group_labels: Mapping[str, str] | None = None,
    ) -> Repo:
        """Create a repository; `group_labels` are GitLab's."""
        return self.state.add_repo(
            name, labels or {}, files or {}, private=private, group_labels=group_labels
        )

    def open_issue(
        self, repo: RepoId, title: str, body: str | None = "", **options: Unpack[NewIssue]
    ) -> int:
        """Return the new issue's number, after the receiver has answered the webhook.

        Raises ValueError, with the host's own message, for a body that is too long.
        """
        self._check_length(body)
        author = self.state.user(options.get("author", "octocat"), is_bot=options.get("bot", False))
        at = options.get("created_at")
        created_at = datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) else at
        event = self.state.open_issue(repo, title, body, author, created_at)
        issue = event.issue
        issue.is_pull_request = options.get("pull_request", False)
        issue.confidential = options.get("confidential", False)
        issue.type = options.get("type", "Issue")
        self.state.set_initial_labels(issue, options.get("labels", []))
        self._send(event, options.get("deliver", True) and not issue.is_pull_request)
        return issue.number

    def _check_length(self, body: str | None) -> None:
        if body and self.longest_body and len(body) > self.longest_body:
            raise ValueError(f"is too long (maximum is {self.longest_body} characters)")

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
            self._send(event, deliver)

    def labels(self, repo: RepoId, number: int) -> list[str]:
        with self.state.lock:
            return list(self.state.issue(repo, number).labels)

    def show(self, repo: RepoId, number: int) -> dict[str, Any]:
        """Return the issue as the demo's page shows it, without the forge's own comments."""
        with self.state.lock:
            issue = self.state.issue(repo, number)
            comments = [c for c in issue.comments if not c.system]
            return {
                "title": issue.title,
                "body": issue.body or "",
                "author": issue.author,
                "labels": list(issue.labels),
                "comments": [{"author": c.author, "body": c.body} for c in comments],
            }

    @property
    def deliveries(self) -> list[WebhookDelivery]:
        return self.hooks.deliveries

    def redeliver(self, delivery_id: str | int) -> httpx.Response:
        return self.hooks.redeliver(delivery_id)

    def _send(self, event: Event, deliver: bool) -> None:
        if deliver:
            self.hooks.send(event)
