"""What people do on a simulated forge, with the webhook that each action sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import httpx

from bot.sandbox import decisions
from bot.sandbox.rate_limit import AddressLimit
from bot.sandbox.state import MAINTAINER, Missing, Repo, RepoId, State
from bot.sandbox.webhooks import Hooks, WebhookDelivery


class Host:
    """One simulated forge. `repo` is a full name or an id."""

    host: ClassVar[str]
    longest_body: ClassVar[int | None] = None  # characters; None: not limited
    webhook_url: str | None
    state: State
    hooks: Hooks
    anonymous: AddressLimit

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
        self, repo: RepoId, title: str, body: str | None = "", *, author: str = "octocat"
    ) -> int:
        """Return the new issue's number, after the receiver has answered the webhook.

        Raises ValueError, with the host's own message, for a body that is too long.
        """
        self.check_length(body)
        event = self.state.open_issue(repo, title, body, self.state.user(author), None)
        self.hooks.send(event)
        return event.issue.number

    def check_length(self, body: str | None) -> None:
        if body and self.longest_body and len(body) > self.longest_body:
            raise ValueError(f"is too long (maximum is {self.longest_body} characters)")

    def label_by_person(self, repo: RepoId, number: int, label: str) -> None:
        """Add a label that the repository has. Raises Missing for another one."""
        if not self.state.known_label(repo, label):
            raise Missing(f"label {label}")
        for event in self.state.relabel(repo, number, MAINTAINER, [label]):
            self.hooks.send(event)

    def unlabel_by_person(self, repo: RepoId, number: int, label: str) -> None:
        for event in self.state.relabel(repo, number, MAINTAINER, [], [label]):
            self.hooks.send(event)

    def decide_by_person(self, repo: RepoId, number: int, suggestion: int, *, accept: bool) -> None:
        """Accept or dismiss a suggestion as a maintainer.

        Raises Missing, and ValueError for one that is resolved.
        """
        with self.state.lock:
            pending = decisions.find_pending(self.state, repo, number, suggestion)
            if pending is None:
                raise ValueError(f"suggestion {suggestion} is not pending")
            if not accept:
                decisions.dismiss(self.state, pending, MAINTAINER)
                return
            events = decisions.approve(self.state, repo, number, pending, MAINTAINER)
        for event in events:
            self.hooks.send(event)

    def comment_by_person(
        self, repo: RepoId, number: int, body: str, *, login: str = MAINTAINER
    ) -> int:
        """Return the id of a person's new comment, after the receiver has answered the webhook."""
        event = self.state.comment(repo, number, body, self.state.user(login).login, None)
        self.hooks.send(event)
        assert event.comment is not None
        return event.comment.id

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
                "type": issue.issue_type,
                "comments": [
                    {
                        "author": c.author,
                        "body": c.body,
                        "is_bot": self.state.user(c.author).is_bot,
                        "reactions": [one.content for one in c.reactions],
                    }
                    for c in comments
                ],
                "suggestions": [
                    {
                        "id": one.id,
                        "action": one.action,
                        "target": one.target,
                        "reason": one.rationale or "",
                        "confidence": one.confidence or "",
                    }
                    for one in issue.suggestions
                    if one.state == "pending"
                ],
                "is_open": issue.is_open,
            }

    @property
    def deliveries(self) -> list[WebhookDelivery]:
        return self.hooks.deliveries

    def redeliver(self, delivery_id: str | int) -> httpx.Response:
        return self.hooks.redeliver(delivery_id)
