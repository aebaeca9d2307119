"""The state of a simulated forge: repositories, labels, issues, comments; no wire format.

A method that changes the state returns the `Event`s it caused; callers send the webhooks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import RLock
from typing import Literal

from bot.core.errors import TaglineError
from bot.sandbox.changes import COMPLETED, Closing, CommentDeletion, LabelChange, TypeChange
from bot.sandbox.comments import Reaction
from bot.sandbox.label_rules import GITHUB, LabelRules, find_scope
from bot.sandbox.suggestions import Suggestion

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
    "typed",
    "untyped",
    "confidential",
    "commented",
    "comment-edited",
    "comment-deleted",
]
RepoId = str | int  # a repository's full name or its id
MAINTAINER = "maintainer"


class Missing(TaglineError):
    """The named object does not exist in this state."""


@dataclass(frozen=True, slots=True)
class User:
    login: str
    id: int
    is_bot: bool = False


@dataclass(slots=True)
class StoredComment:
    """`app` is the id of the App that wrote it, None for a user.

    GitLab writes `system` comments itself, to report a change; `internal` ones are for members.
    """

    id: int
    body: str
    author: str
    app: int | None
    created_at: datetime
    updated_at: datetime
    system: bool = False
    internal: bool = False
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(slots=True)
class Issue:
    """`moved_to` is (repository id, number) after a transfer.

    `type` is GitLab's: Issue, Task, …; `issue_type` the name of GitHub's issue type, "" for none.
    """

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
    deleted_comments: list[CommentDeletion] = field(default_factory=list)
    is_open: bool = True
    closed_at: datetime | None = None
    closing: Closing = COMPLETED
    closed_by: str = ""
    milestone: str = ""
    locked: bool = False
    is_pull_request: bool = False
    deleted: bool = False
    moved_to: tuple[int, int] | None = None
    confidential: bool = False
    type: str = "Issue"
    issue_type: str = ""
    type_changes: list[TypeChange] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Repo:
    """`labels` maps names to descriptions; `created_labels` came from unknown names on issues.

    `colors` are those of labels that were created with one, six hexadecimal digits each.
    `group_labels` belong to the group of a GitLab project; `former_names` precede a rename.
    `installed`: whether GitHub's installation covers it. `read_only`: for the token's user. `types`
    maps GitHub's issue types to their descriptions, None for a repository of a user. `automation`
    is one of `suggestions.LEVELS`, None where suggestions are off. `roles` are those of further
    members, by the forge's names in lower case: triage, reporter, …. `issues_template` is that
    of a GitLab project's settings.
    """

    id: int
    name: str
    labels: dict[str, str]
    files: dict[str, str]
    created_at: datetime
    private: bool = False
    installed: bool = True
    archived: bool = False
    has_issues: bool = True
    read_only: bool = False
    former_names: list[str] = field(default_factory=list)
    issues: dict[int, Issue] = field(default_factory=dict)
    created_labels: list[str] = field(default_factory=list)
    colors: dict[str, str] = field(default_factory=dict)
    group_labels: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] | None = None
    disabled_types: set[str] = field(default_factory=set)
    automation: str | None = None
    issues_template: str = ""
    writers: set[str] = field(default_factory=lambda: {MAINTAINER})
    roles: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def has_name(self, name: str) -> bool:
        return self.name.lower() == name.lower()

    @property
    def all_labels(self) -> dict[str, str]:
        return {**self.group_labels, **self.labels}

    @property
    def owner(self) -> str:
        """The account or the GitLab group, with its subgroups."""
        return self.name.rpartition("/")[0]

    @property
    def short_name(self) -> str:
        return self.name.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Event:
    """A change of an issue. `before` holds the old values of edited fields.

    `type` is the one that was set or removed, `old_labels` are the labels before a change, `other`
    is the other side of a transfer.
    """

    change: Change
    repo: Repo
    issue: Issue
    actor: str
    label: str = ""
    type: str = ""
    comment: StoredComment | None = None
    before: Mapping[str, str | None] = field(default_factory=dict)
    other: tuple[Repo, Issue] | None = None
    old_labels: tuple[str, ...] = ()


def now() -> datetime:
    return datetime.now(UTC)


class State:
    """All repositories of a forge, guarded by one lock. `clock` may be replaced at any time.

    An issue that changed is missing in lists for `list_lag`.
    """

    def __init__(self, clock: Callable[[], datetime] = now, rules: LabelRules = GITHUB) -> None:
        self.clock, self.rules = clock, rules
        self.lock = RLock()
        self.list_lag = timedelta()
        self.users: dict[str, User] = {}
        self._repos: list[Repo] = []
        self._ids = count(3_000_001)

    def next_id(self) -> int:
        return next(self._ids)

    def time(self) -> datetime:
        """Return the time by the present `clock`."""
        return self.clock()

    def user(self, login: str, *, is_bot: bool = False) -> User:
        """Return the user of that login; a new one where there is none."""
        with self.lock:
            if login not in self.users:
                bot = is_bot or login.endswith("[bot]")
                self.users[login] = User(login, next(self._ids), bot)
            return self.users[login]

    def repos(self) -> list[Repo]:
        with self.lock:
            return list(self._repos)

    def repo(self, repo: RepoId) -> Repo:
        """Return the repository with that full name or id. Raises Missing."""
        with self.lock:
            for known in self._repos:
                if repo in (known.id, str(known.id)) or known.has_name(str(repo)):
                    return known
        raise Missing(f"repository {repo}")

    def renamed(self, name: str) -> Repo | None:
        """Return a repository that had this name, unless one has it now."""
        with self.lock:
            if any(repo.has_name(name) for repo in self._repos):
                return None
            former = (r for r in self._repos if name.lower() in map(str.lower, r.former_names))
            return next(former, None)

    def add_repo(
        self,
        name: str,
        labels: Mapping[str, str],
        files: Mapping[str, str],
        *,
        private: bool = False,
        group_labels: Mapping[str, str] | None = None,
    ) -> Repo:
        """Create the repository; an existing one of that name is replaced."""
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
            self._repos = [other for other in self._repos if not other.has_name(name)]
            self._repos.append(repo)
            return repo

    def issue(self, repo: RepoId, number: int) -> Issue:
        """Return an issue, also a deleted or transferred one. Raises Missing."""
        with self.lock:
            if issue := self.repo(repo).issues.get(number):
                return issue
        raise Missing(f"issue {repo}#{number}")

    def is_listed(self, issue: Issue) -> bool:
        return not self.list_lag or issue.updated_at <= self.clock() - self.list_lag

    def open_issue(
        self,
        repo: RepoId,
        title: str,
        body: str | None,
        author: User,
        created_at: datetime | None,
    ) -> Event:
        with self.lock:
            home = self.repo(repo)
            at = created_at or self.clock()
            number = next(home.numbers)
            issue = Issue(next(self._ids), number, title, body, author.login, at, at)
            home.issues[number] = issue
            return Event("opened", home, issue, author.login)

    def known_label(self, repo: RepoId, name: str) -> str | None:
        """Return the repository's own spelling of a label name."""
        with self.lock:
            return next((n for n in self.repo(repo).all_labels if self._same(n, name)), None)

    def create_label(self, repo: RepoId, name: str, description: str, color: str) -> None:
        with self.lock:
            home = self.repo(repo)
            home.labels[name], home.colors[name] = description, color

    def _same(self, one: str, other: str) -> bool:
        return one == other or (self.rules.fold_case and one.lower() == other.lower())

    def relabel(
        self, repo: RepoId, number: int, actor: str, add: Iterable[str], remove: Iterable[str] = ()
    ) -> list[Event]:
        """Remove labels, then add others. Raises Missing for one the issue does not have."""
        with self.lock:
            issue = self.issue(repo, number)
            old_labels = tuple(issue.labels)
            events = [self.remove_label(repo, number, name, actor) for name in remove]
            events += self.add_labels(repo, number, list(add), actor)
            if self.rules.joined and events:
                home = self.repo(repo)
                return [Event("relabeled", home, issue, actor, old_labels=old_labels)]
            return events

    def add_labels(self, repo: RepoId, number: int, names: list[str], actor: str) -> list[Event]:
        """Add labels; as on both forges, an unknown name becomes a label of the repository."""
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
        scope = find_scope(spelling) if self.rules.scoped else ""
        replaced = [other for other in issue.labels if scope and find_scope(other) == scope]
        events = [self.remove_label(repo, number, other, actor) for other in replaced]
        old_labels = tuple(issue.labels)
        issue.labels.append(spelling)
        self.record_change(issue, spelling, actor, added=True)
        added = Event("labeled", home, issue, actor, label=spelling, old_labels=old_labels)
        return [*events, added]

    def record_change(
        self, issue: Issue, name: str, actor: str, *, added: bool, at: datetime | None = None
    ) -> None:
        when = at or self.clock()
        issue.label_changes.append(LabelChange(next(self._ids), name, actor, added, when))
        issue.updated_at = when

    def remove_label(self, repo: RepoId, number: int, name: str, actor: str) -> Event:
        """Remove a label. Raises Missing where the issue does not have it."""
        with self.lock:
            home, issue = self.repo(repo), self.issue(repo, number)
            old_labels = tuple(issue.labels)
            for label in old_labels:
                if self._same(label, name):
                    issue.labels.remove(label)
                    self.record_change(issue, label, actor, added=False)
                    return Event(
                        "unlabeled", home, issue, actor, label=label, old_labels=old_labels
                    )
        raise Missing(f"label {name}")

    def set_type(self, repo: RepoId, number: int, name: str, actor: str) -> list[Event]:
        """Set the issue's type, "" for none."""
        with self.lock:
            home, issue = self.repo(repo), self.issue(repo, number)
            before = issue.issue_type
            if before == name:
                return []
            at = self.clock()
            change = TypeChange(next(self._ids), before, name, actor, at)
            issue.type_changes.append(change)
            issue.issue_type, issue.updated_at = name, at
            return [Event("typed" if name else "untyped", home, issue, actor, type=name or before)]

    def comment(self, repo: RepoId, number: int, body: str, author: str, app: int | None) -> Event:
        with self.lock:
            home, issue, at = self.repo(repo), self.issue(repo, number), self.clock()
            comment = StoredComment(next(self._ids), body, author, app, at, at)
            issue.comments.append(comment)
            issue.updated_at = at
            return Event("commented", home, issue, author, comment=comment)

    def find_comment(self, repo: RepoId, comment_id: int) -> tuple[Issue, StoredComment]:
        """Return a comment and its issue. Raises Missing."""
        with self.lock:
            for issue in self.repo(repo).issues.values():
                for comment in issue.comments:
                    if comment.id == comment_id and not issue.moved_to:
                        return issue, comment
        raise Missing(f"comment {comment_id}")

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
            deletion = CommentDeletion(next(self._ids), actor, self.clock())
            issue.deleted_comments.append(deletion)
            return Event("comment-deleted", self.repo(repo), issue, actor, comment=comment)
