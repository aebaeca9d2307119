"""The state of the pretended forge: repositories, labels, issues, comments. Knows no wire format.

Every change returns the `Event`s it caused; telling a webhook about them is left to the callers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from threading import RLock
from typing import Literal

from bot.core.errors import TaglineError

Change = Literal[
    "opened",
    "edited",
    "closed",
    "reopened",
    "locked",
    "deleted",
    "transferred",
    "labeled",
    "unlabeled",
    "relabeled",
    "confidential",
    "commented",
    "comment-edited",
    "comment-deleted",
]
RepoId = str | int  # a repository's full name or its id
MAINTAINER = "maintainer"


class NotThere(TaglineError):
    """The named thing does not exist in this world."""


@dataclass(frozen=True, slots=True)
class Person:
    login: str
    id: int
    is_bot: bool = False


@dataclass(slots=True)
class StoredComment:
    """`app` is the id of the App that wrote it, None for a person.

    On GitLab only: `system` ones tell of a change.
    """

    id: int
    body: str
    author: str
    app: int | None
    created_at: datetime
    updated_at: datetime
    system: bool = False


@dataclass(frozen=True, slots=True)
class LabelChange:
    """Who put a label on an issue (`added`) or took it away, and when."""

    id: int
    label: str
    actor: str
    added: bool
    at: datetime


@dataclass(slots=True)
class Issue:
    """`moved_to` is (repository id, number) after a transfer. `type` is GitLab's: Issue, Task, …"""

    id: int
    number: int
    title: str
    body: str | None
    author: str
    created_at: datetime
    updated_at: datetime
    labels: list[str] = field(default_factory=list)
    label_changes: list[LabelChange] = field(default_factory=list)
    comments: list[StoredComment] = field(default_factory=list)
    is_open: bool = True
    closed_at: datetime | None = None
    locked: bool = False
    is_pull_request: bool = False
    deleted: bool = False
    moved_to: tuple[int, int] | None = None
    confidential: bool = False
    type: str = "Issue"


@dataclass(slots=True)
class Repo:
    """`labels` maps names to descriptions; `created_labels` are those an API call brought about.

    `group_labels` belong to the group around a GitLab project; `former` are names it had before.
    `installed`: among those that GitHub's installation was given.
    """

    id: int
    name: str
    labels: dict[str, str]
    files: dict[str, str]
    created_at: datetime
    private: bool = False
    installed: bool = True
    former: list[str] = field(default_factory=list)
    issues: dict[int, Issue] = field(default_factory=dict)
    created_labels: list[str] = field(default_factory=list)
    group_labels: dict[str, str] = field(default_factory=dict)
    writers: set[str] = field(default_factory=lambda: {MAINTAINER})
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def all_labels(self) -> dict[str, str]:
        return {**self.group_labels, **self.labels}


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to an issue. `before` holds the former values of edited fields.

    `had` are the labels before they were changed.
    """

    what: Change
    repo: Repo
    issue: Issue
    actor: str
    label: str = ""
    comment: StoredComment | None = None
    before: Mapping[str, str | None] = field(default_factory=dict)
    other: tuple[Repo, Issue] | None = None
    had: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForgeRules:
    """Where forges differ. `scoped`: `key::value` replaces the other value of its key.

    `joined`: a change of several labels is one event. `move_closes`: a moved issue stays, closed.
    """

    fold_case: bool = True
    scoped: bool = False
    joined: bool = False
    move_closes: bool = False


GITHUB = ForgeRules()
GITLAB = ForgeRules(fold_case=False, scoped=True, joined=True, move_closes=True)


def now() -> datetime:
    return datetime.now(UTC)


class State:
    """All repositories. One lock guards everything; methods take it, readers may."""

    def __init__(self, clock: Callable[[], datetime] = now, customs: ForgeRules = GITHUB) -> None:
        self.clock, self.customs = clock, customs
        self.lock = RLock()
        self.people: dict[str, Person] = {}
        self._repos: dict[str, Repo] = {}
        self._ids = count(3_000_001)

    def time(self) -> datetime:
        """By the clock as it is set now: it may be exchanged while the forge runs."""
        return self.clock()

    def person(self, login: str, *, is_bot: bool = False) -> Person:
        """Return the person of that login, added where the login is new."""
        with self.lock:
            if login not in self.people:
                bot = is_bot or login.endswith("[bot]")
                self.people[login] = Person(login, next(self._ids), bot)
            return self.people[login]

    def repos(self) -> list[Repo]:
        with self.lock:
            return list(self._repos.values())

    def repo(self, place: RepoId) -> Repo:
        """By full name or by id. Raises Missing."""
        with self.lock:
            for repo in self._repos.values():
                if place in (repo.id, str(repo.id)) or str(place).lower() == repo.name.lower():
                    return repo
        raise NotThere(f"repository {place}")

    def rename(self, place: RepoId, new: str) -> None:
        """Raises Missing."""
        with self.lock:
            repo = self.repo(place)
            del self._repos[repo.name.lower()]
            repo.former.append(repo.name)
            repo.name = new
            self._repos[new.lower()] = repo

    def renamed(self, name: str) -> Repo | None:
        """The repository that was called so once, where none is now."""
        with self.lock:
            if name.lower() in self._repos:
                return None
            called = [r for r in self.repos() if name.lower() in map(str.lower, r.former)]
            return called[-1] if called else None

    def add_repo(
        self,
        name: str,
        labels: Mapping[str, str],
        files: Mapping[str, str],
        *,
        private: bool = False,
        group_labels: Mapping[str, str] | None = None,
    ) -> Repo:
        """Makes the repository, or starts it anew."""
        with self.lock:
            repo = Repo(
                id=next(self._ids),
                name=name,
                labels=dict(labels),
                files=dict(files),
                created_at=self.clock(),
                private=private,
                group_labels=dict(group_labels or {}),
            )
            self._repos[name.lower()] = repo
            return repo

    def issue(self, repo: RepoId, number: int) -> Issue:
        """Deleted and transferred issues are still found. Raises Missing."""
        with self.lock:
            if found := self.repo(repo).issues.get(number):
                return found
        raise NotThere(f"issue {repo}#{number}")

    def open_issue(
        self,
        repo: RepoId,
        title: str,
        body: str | None,
        author: Person,
        created_at: datetime | None,
    ) -> Event:
        with self.lock:
            home = self.repo(repo)
            at = created_at or self.clock()
            number = next(home.numbers)
            issue = Issue(next(self._ids), number, title, body, author.login, at, at)
            home.issues[number] = issue
            return Event("opened", home, issue, author.login)

    def edit_issue(
        self, repo: RepoId, number: int, actor: str, values: Mapping[str, str | None]
    ) -> Event:
        """`values` may hold a new `title` and a new `body`."""
        with self.lock:
            issue = self.issue(repo, number)
            before = {key: getattr(issue, key) for key in values}
            for key, value in values.items():
                setattr(issue, key, value)
            issue.updated_at = self.clock()
            return Event("edited", self.repo(repo), issue, actor, before=before)

    def set_state(self, repo: RepoId, number: int, actor: str, change: Change) -> Event:
        """`change` is one of closed, reopened, locked, deleted, confidential."""
        with self.lock:
            issue = self.issue(repo, number)
            if change in ("closed", "reopened"):
                issue.is_open = change == "reopened"
                issue.closed_at = self.clock() if change == "closed" else None
            issue.locked = issue.locked or change == "locked"
            issue.deleted = issue.deleted or change == "deleted"
            issue.confidential = issue.confidential or change == "confidential"
            issue.updated_at = self.clock()
            return Event(change, self.repo(repo), issue, actor)

    def transfer(
        self, repo: RepoId, number: int, target: RepoId, actor: str
    ) -> tuple[Event, Event]:
        """The old issue's `transferred` and the new one's `opened`; comments move along."""
        with self.lock:
            old_home, old, home = self.repo(repo), self.issue(repo, number), self.repo(target)
            author = self.person(old.author)
            new = self.open_issue(target, old.title, old.body, author, old.created_at).issue
            new.comments = old.comments
            new.labels = [name for name in old.labels if name in home.all_labels]
            new.label_changes = list(old.label_changes)
            new.confidential, new.type = old.confidential, old.type
            if self.customs.move_closes:
                old.is_open, old.closed_at = False, self.clock()
            old.moved_to = (home.id, new.number)
            return (
                Event("transferred", old_home, old, actor, other=(home, new)),
                Event("opened", home, new, actor, other=(old_home, old)),
            )

    def known_label(self, repo: RepoId, name: str) -> str | None:
        """The repository's own spelling of a label name."""
        with self.lock:
            return next((n for n in self.repo(repo).all_labels if self._same(n, name)), None)

    def _same(self, one: str, other: str) -> bool:
        return one == other or (self.customs.fold_case and one.lower() == other.lower())

    def relabel(
        self, repo: RepoId, number: int, actor: str, add: Iterable[str], remove: Iterable[str] = ()
    ) -> list[Event]:
        """Removes, then adds. Raises Missing for one to remove that is not there."""
        with self.lock:
            issue = self.issue(repo, number)
            had = tuple(issue.labels)
            events = [self.remove_label(repo, number, name, actor) for name in remove]
            events += self.add_labels(repo, number, list(add), actor)
            if self.customs.joined and events:
                return [Event("relabeled", self.repo(repo), issue, actor, had=had)]
            return events

    def add_labels(self, repo: RepoId, number: int, names: list[str], actor: str) -> list[Event]:
        """An unknown name becomes a new label of the repository, as the forges do."""
        with self.lock:
            return [e for name in names for e in self._add_label(repo, number, name, actor)]

    def _add_label(self, repo: RepoId, number: int, name: str, actor: str) -> list[Event]:
        home, issue = self.repo(repo), self.issue(repo, number)
        spelling = self.known_label(repo, name)
        if spelling is None:
            spelling = name
            home.labels[name] = ""
            home.created_labels.append(name)
        if spelling in issue.labels:
            return []
        events = [
            self.remove_label(repo, number, rival, actor) for rival in self._rivals(issue, spelling)
        ]
        had = tuple(issue.labels)
        issue.labels.append(spelling)
        self._note(issue, spelling, actor, added=True)
        return [*events, Event("labeled", home, issue, actor, label=spelling, had=had)]

    def label_from_start(self, issue: Issue, names: Iterable[str]) -> None:
        """Opened with these labels, known to the repository or not."""
        with self.lock:
            for name in names:
                issue.labels.append(name)
                self._note(issue, name, issue.author, added=True, at=issue.created_at)

    def _note(
        self, issue: Issue, name: str, actor: str, *, added: bool, at: datetime | None = None
    ) -> None:
        when = at or self.clock()
        issue.label_changes.append(LabelChange(next(self._ids), name, actor, added, when))
        issue.updated_at = when

    def _rivals(self, issue: Issue, name: str) -> list[str]:
        """Labels that must go when that one comes."""
        scope = _scope(name) if self.customs.scoped else ""
        return [other for other in issue.labels if scope and _scope(other) == scope]

    def remove_label(self, repo: RepoId, number: int, name: str, actor: str) -> Event:
        """Raises Missing where the issue does not carry it."""
        with self.lock:
            home, issue = self.repo(repo), self.issue(repo, number)
            had = tuple(issue.labels)
            for spelling in had:
                if self._same(spelling, name):
                    issue.labels.remove(spelling)
                    self._note(issue, spelling, actor, added=False)
                    return Event("unlabeled", home, issue, actor, label=spelling, had=had)
        raise NotThere(f"label {name}")

    def comment(self, repo: RepoId, number: int, body: str, author: str, app: int | None) -> Event:
        with self.lock:
            home, issue, at = self.repo(repo), self.issue(repo, number), self.clock()
            comment = StoredComment(next(self._ids), body, author, app, at, at)
            issue.comments.append(comment)
            issue.updated_at = at
            return Event("commented", home, issue, author, comment=comment)

    def find_comment(self, repo: RepoId, comment_id: int) -> tuple[Issue, StoredComment]:
        """Raises Missing."""
        with self.lock:
            for issue in self.repo(repo).issues.values():
                for comment in issue.comments:
                    if comment.id == comment_id and not issue.moved_to:
                        return issue, comment
        raise NotThere(f"comment {comment_id}")

    def edit_comment(self, repo: RepoId, comment_id: int, body: str, actor: str) -> Event:
        with self.lock:
            issue, comment = self.find_comment(repo, comment_id)
            before: dict[str, str | None] = {"body": comment.body}
            comment.body, comment.updated_at = body, self.clock()
            home = self.repo(repo)
            return Event("comment-edited", home, issue, actor, comment=comment, before=before)

    def delete_comment(self, repo: RepoId, comment_id: int, actor: str) -> Event:
        with self.lock:
            issue, comment = self.find_comment(repo, comment_id)
            issue.comments.remove(comment)
            return Event("comment-deleted", self.repo(repo), issue, actor, comment=comment)


def _scope(label: str) -> str:
    """The key of `key::value`; the last pair of colons parts them. Empty = none."""
    return label.rpartition("::")[0]
