"""Further actions of people on a simulated forge, and queries about what happened there."""

from __future__ import annotations

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, TypedDict, Unpack

import httpx

from bot.sandbox import host
from bot.sandbox.changes import Closing
from bot.sandbox.label_rules import GITLAB
from bot.sandbox.state import MAINTAINER, Change, Event, Missing, Repo, RepoId, State, StoredComment
from bot.sandbox.webhooks import Webhook, WebhookDelivery
from tests.simulation.recorder import Exchange, Log


class NewIssue(TypedDict, total=False):
    """The options of a new issue. `created_at` may be seconds since the epoch.

    `pull_request` and `issue_type` are GitHub's; `confidential` and `type` (Issue, Task, Incident)
    are GitLab's.
    """

    author: str
    bot: bool
    created_at: datetime | float | None
    labels: list[str]
    pull_request: bool
    confidential: bool
    type: str
    issue_type: str
    deliver: bool


class Host(host.Host, ABC):
    """Actions and queries are the same on both hosts, so that one scenario can drive either.

    With `deliver=False` an action changes the state and sends no webhook.
    """

    config_path: ClassVar[str]
    log: Log

    @property
    @abstractmethod
    def bot_accounts(self) -> tuple[str, ...]:
        """The accounts that the bot may use."""

    def set_type_by_person(self, repo: RepoId, number: int, name: str) -> None:
        """Set GitHub's issue type, "" for none."""
        for event in self.state.set_type(repo, number, name, MAINTAINER):
            self.hooks.send(event)

    def open_issue(
        self, repo: RepoId, title: str, body: str | None = "", **options: Unpack[NewIssue]
    ) -> int:
        self.check_length(body)
        author = self.state.user(options.get("author", "octocat"), is_bot=options.get("bot", False))
        at = options.get("created_at")
        created_at = datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) else at
        event = self.state.open_issue(repo, title, body, author, created_at)
        issue = event.issue
        issue.is_pull_request = options.get("pull_request", False)
        issue.confidential = options.get("confidential", False)
        issue.type = options.get("type", "Issue")
        if issue_type := options.get("issue_type", ""):
            self.state.set_type(repo, issue.number, issue_type, issue.author)
        for label in options.get("labels", []):
            issue.labels.append(label)
            self.state.record_change(issue, label, issue.author, added=True, at=issue.created_at)
        self._send(event, options.get("deliver", True) and not issue.is_pull_request)
        return issue.number

    def _send(self, event: Event, deliver: bool) -> None:
        if deliver:
            self.hooks.send(event)

    def rename_repo(self, old: RepoId, new: str) -> None:
        """Rename a repository; `new` is a full name, the id stays."""
        with self.state.lock:
            repo = self.state.repo(old)
            repo.former_names.append(repo.name)
            repo.name = new

    def set_config(self, repo: RepoId, text: str) -> None:
        """Write the repository's tagline.yml."""
        self.state.repo(repo).files[self.config_path] = text

    def edit_issue(
        self,
        repo: RepoId,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        login: str = "",
        unlabel: str = "",
        deliver: bool = True,
    ) -> None:
        """Edit an issue as its author, or as `login`, who may remove a label with the same request.

        GitLab reports both as one event.
        """
        self.check_length(body)
        given = {"title": title, "body": body}
        values = {key: value for key, value in given.items() if value is not None}
        actor = login or self.state.issue(repo, number).author
        events = self.state.relabel(repo, number, actor, [], [unlabel]) if unlabel else []
        edited = edit_issue(self.state, repo, number, actor, values)
        if events and self.state.rules.joined:
            events = [replace(edited, old_labels=events[0].old_labels)]
        else:
            events.append(edited)
        for event in events:
            self._send(event, deliver)

    def reopen_issue(self, repo: RepoId, number: int, *, deliver: bool = True) -> None:
        self._set(repo, number, "reopened", deliver)

    def close_issue(
        self,
        repo: RepoId,
        number: int,
        *,
        reason: str = "completed",
        duplicate_of: int = 0,
        login: str = MAINTAINER,
        deliver: bool = True,
    ) -> None:
        """Close an issue as completed, not_planned, or as a duplicate of another one."""
        original = (self.state.repo(repo).id, duplicate_of) if duplicate_of else None
        closing = Closing("duplicate" if original else reason, original)
        self.state.issue(repo, number).closing = closing
        self._send(set_state(self.state, repo, number, login, "closed"), deliver)

    def set_milestone(self, repo: RepoId, number: int, title: str) -> None:
        """Set an issue's milestone, "" for none, without a webhook."""
        self.state.issue(repo, number).milestone = title

    def lock_issue(self, repo: RepoId, number: int, *, deliver: bool = True) -> None:
        self._set(repo, number, "locked", deliver)

    def delete_issue(self, repo: RepoId, number: int, *, deliver: bool = True) -> None:
        self._set(repo, number, "deleted", deliver)

    def _set(self, repo: RepoId, number: int, change: Change, deliver: bool) -> None:
        self._send(set_state(self.state, repo, number, MAINTAINER, change), deliver)

    def transfer_issue(
        self, repo: RepoId, number: int, new_repo: RepoId, *, deliver: bool = True
    ) -> int:
        """Return the number in the new repository."""
        left, arrived = transfer(self.state, repo, number, new_repo, MAINTAINER)
        self._send(left, deliver)
        self._send(arrived, deliver)
        return arrived.issue.number

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
            self._send(event, deliver)

    def comment_by_person(
        self,
        repo: RepoId,
        number: int,
        body: str,
        *,
        login: str = MAINTAINER,
        internal: bool = False,
        deliver: bool = True,
    ) -> int:
        """Return the comment's id. `maintainer` is a member of the repository, as are those in the
        repository's `roles`. GitLab's `internal` ones are for members."""
        event = self.state.comment(repo, number, body, self.state.user(login).login, None)
        assert event.comment is not None
        event.comment.internal = internal
        self._send(event, deliver)
        assert event.comment is not None
        return event.comment.id

    def reactions(self, repo: RepoId, comment_id: int) -> list[str]:
        """Return the reactions to a comment; only bots react."""
        with self.state.lock:
            reactions = self.state.find_comment(repo, comment_id)[1].reactions
            return [one.content for one in reactions]

    def edit_comment_by_person(
        self, repo: RepoId, comment_id: int, body: str, *, deliver: bool = True
    ) -> None:
        self._send(self.state.edit_comment(repo, comment_id, body, MAINTAINER), deliver)

    def delete_comment_by_person(
        self, repo: RepoId, number: int, comment_id: int, *, deliver: bool = True
    ) -> None:
        """Raises Missing unless the issue has that comment."""
        if self.state.find_comment(repo, comment_id)[0].number != number:
            raise Missing(f"comment {comment_id} on {repo}#{number}")
        self._send(self.state.delete_comment(repo, comment_id, MAINTAINER), deliver)

    def comments(self, repo: RepoId, number: int) -> list[StoredComment]:
        """Return the comments without those that a forge writes itself."""
        with self.state.lock:
            return [c for c in self.state.issue(repo, number).comments if not c.system]

    def bot_comments(self, repo: RepoId, number: int) -> list[StoredComment]:
        return [c for c in self.comments(repo, number) if c.author in self.bot_accounts]

    def created_labels(self, repo: RepoId) -> list[str]:
        """Return labels that were created because an issue was given an unknown name."""
        return list(self.state.repo(repo).created_labels)

    @property
    def exchanges(self) -> list[Exchange]:
        """The requests to this forge's API, with their answers."""
        return self.log.of(self.host)

    def writes(self, repo: RepoId | None = None) -> list[Exchange]:
        """Return requests for a change in one repository or any, whatever the answer was."""
        prefixes = self._path_prefixes(None if repo is None else self.state.repo(repo))
        return [e for e in self.exchanges if e.method != "GET" and e.path.startswith(prefixes)]

    @abstractmethod
    def _path_prefixes(self, repo: Repo | None) -> tuple[str, ...]:
        """Return the beginnings of paths about that repository, or any."""

    @property
    def opened(self) -> WebhookDelivery:
        """The last delivery about an opened issue."""
        return next(d for d in reversed(self.deliveries) if d.action == "opened")

    def deliver(
        self,
        event: str,
        payload: Any,
        delivery_id: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Sign and send a payload; `event` is the forge's header, `headers` are set last.

        Raises httpx.TransportError.
        """
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        key = delivery_id or str(uuid.uuid4())
        return self.hooks.post(Webhook(event, body, key, headers=headers or {}))

    def settle(self) -> None:
        """Wait until the webhooks of the bot's own writes are sent."""
        self.hooks.settle()


def edit_issue(
    state: State, repo: RepoId, number: int, actor: str, values: Mapping[str, str | None]
) -> Event:
    """Set the `title`, the `body` or both."""
    with state.lock:
        issue = state.issue(repo, number)
        before = {key: getattr(issue, key) for key in values}
        for key, value in values.items():
            setattr(issue, key, value)
        issue.updated_at = state.clock()
        return Event("edited", state.repo(repo), issue, actor, before=before)


def set_state(state: State, repo: RepoId, number: int, actor: str, change: Change) -> Event:
    """Close, reopen, lock, delete an issue or make it confidential."""
    with state.lock:
        issue = state.issue(repo, number)
        if change in ("closed", "reopened"):
            issue.is_open = change == "reopened"
            issue.closed_at = state.clock() if change == "closed" else None
            issue.closed_by = actor if change == "closed" else ""
        issue.locked = issue.locked or change == "locked"
        issue.deleted = issue.deleted or change == "deleted"
        issue.confidential = issue.confidential or change == "confidential"
        issue.updated_at = state.clock()
        return Event(change, state.repo(repo), issue, actor)


def transfer(
    state: State, repo: RepoId, number: int, target: RepoId, actor: str
) -> tuple[Event, Event]:
    """Return the old issue's `transferred` and the new one's `opened`; comments move along.

    On GitLab the old issue stays, closed.
    """
    with state.lock:
        old_repo, old, new_repo = state.repo(repo), state.issue(repo, number), state.repo(target)
        author = state.user(old.author)
        new = state.open_issue(target, old.title, old.body, author, old.created_at).issue
        new.comments = old.comments
        new.labels = [name for name in old.labels if name in new_repo.all_labels]
        new.label_changes = list(old.label_changes)
        new.confidential, new.type = old.confidential, old.type
        if state.rules is GITLAB:
            old.is_open, old.closed_at = False, state.clock()
        old.moved_to = (new_repo.id, new.number)
        return (
            Event("transferred", old_repo, old, actor, other=(new_repo, new)),
            Event("opened", new_repo, new, actor, other=(old_repo, old)),
        )
