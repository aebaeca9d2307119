"""A polled repository in memory: what people do there, and what the poller enqueues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.core.commands import CommandName
from bot.core.errors import TaglineError
from bot.core.history import issue_fingerprint
from bot.core.journal import Write
from bot.core.polling import ChangedPage, CommandComment
from bot.core.types import Issue, IssueRef, Job, Record
from bot.flow.poll import Look, PollContext, poll
from tests.fakes import NOW, REF, make_issue
from tests.memory_store import MemoryStore

REPOSITORY = replace(REF, number=0)
DAY = 86_400.0


@dataclass
class FakeChangeSource:
    """Implements `ChangeSource`; its lists are pages of `size` issues, the newest change first.

    `now` is the forge's clock. `hidden` are issues that a list does not show yet. `error` is raised
    by the next list.
    """

    repositories: list[IssueRef] = field(default_factory=lambda: [REPOSITORY])
    issues: dict[int, Issue] = field(default_factory=dict)
    now: float = NOW
    size: int = 100
    spacing: float = 0.0
    hidden: set[int] = field(default_factory=set)
    error: TaglineError | None = None
    requests: list[str] = field(default_factory=list)  # "unchanged" or the page's cursor
    comments: dict[int, list[tuple[float, CommandComment]]] = field(default_factory=dict)
    comment_lists: list[int] = field(default_factory=list)  # the issues of these requests
    comment_errors: list[TaglineError] = field(default_factory=list)  # of the next ones

    def list_repositories(self) -> tuple[IssueRef, ...]:
        if self.error:
            raise self.error
        return tuple(self.repositories)

    def find_repository(self, repository: IssueRef) -> IssueRef:
        if self.error:
            raise self.error
        return next(ref for ref in self.repositories if ref.repo == repository.repo)

    def list_changed_issues(
        self, repository: IssueRef, since: float, *, etag: str = "", cursor: str = ""
    ) -> ChangedPage:
        if self.error:
            raise self.error
        listed = [
            replace(issue, ref=replace(repository, number=number))
            for number, issue in self.issues.items()
            if issue.updated_at >= since and number not in self.hidden
        ]
        listed.sort(key=lambda issue: (issue.updated_at, issue.ref.number), reverse=True)
        tag = str(hash((since, tuple(listed))))
        if etag == tag:
            self.requests.append("unchanged")
            return ChangedPage(is_unchanged=True)
        self.requests.append(cursor)
        start = int(cursor or 0)
        shown = listed[start : start + self.size]
        return ChangedPage(
            issues=tuple(shown),
            read=len(shown),
            newest=max((issue.updated_at for issue in shown), default=0.0),
            following=str(start + self.size) if start + self.size < len(listed) else "",
            etag=tag,
            at=self.now,
            spacing=self.spacing,
        )

    def list_commands(self, ref: IssueRef, since: float) -> tuple[CommandComment, ...]:
        if self.comment_errors:
            raise self.comment_errors.pop(0)
        self.comment_lists.append(ref.number)
        found = self.comments.get(ref.number, [])
        return tuple(one for at, one in found if at >= since and one.commands)


class PollCase:
    """One repository. `queued` are all jobs; `refused` the numbers of issues that the queue does
    not take. With `crash_before_enqueue` the poller ends there."""

    def __init__(self) -> None:
        self.source = FakeChangeSource()
        self.now = NOW
        self.store = MemoryStore(lambda: self.now)
        self.queued: dict[str, Job] = {}
        self.refused: set[int] = set()
        self.crash_before_enqueue = False
        self.known = False

    @property
    def context(self) -> PollContext:
        return PollContext(
            source=lambda _: self.source,
            store=self.store,
            state=self.store.poll_state,
            journal=self.store.journal,
            is_known=lambda _: self.known,
            enqueue=self._enqueue,
            clock=lambda: self.now,
        )

    def _enqueue(self, jobs: Sequence[tuple[Job, float]]) -> list[str]:
        if self.crash_before_enqueue:
            raise KeyboardInterrupt
        taken = [job for job, _ in jobs if job.ref.number not in self.refused]
        for job in taken:
            self.queued.setdefault(job.id, job)
        return ["" if job.ref.number in self.refused else f"job of {job.id}" for job, _ in jobs]

    def look(self, after: float = 60.0) -> list[tuple[str, int]]:
        """Look once, `after` seconds after the last time; return kinds and numbers of new jobs."""
        self.now += after
        self.source.now += after
        before = {*self.queued}
        self.result: Look = poll(REPOSITORY, self.context)
        new = [job for key, job in self.queued.items() if key not in before]
        return [(job.kind, job.ref.number) for job in new]

    def open(self, number: int = 1, title: str = "Login fails", **more: Any) -> None:
        """Open an issue, or change one, at the forge's present time."""
        at = self.source.now
        new = replace(make_issue(title), created_at=at, comments=0)
        issue = self.source.issues.get(number) or new
        self.source.issues[number] = replace(issue, **{"updated_at": at, **more})

    change = open

    def comment(self, number: int, *commands: CommandName) -> None:
        """Let a person comment on an issue."""
        listed = self.source.comments.setdefault(number, [])
        listed.append((self.source.now, CommandComment(len(listed) + 1, commands)))
        self.change(number, comments=self.source.issues[number].comments + 1)

    def answer(self, number: int, *labels: str, **more: Any) -> None:
        """Let the bot finish its job: a record, and labels that are in the journal."""
        ref, issue = replace(REF, number=number), self.source.issues[number]
        record = Record("answered", labels=labels, input=issue_fingerprint(issue), source="model")
        self.store.save(ref.key, replace(record, **more))
        writes = [Write(f"{number} {x}", "add-label", x, state="done") for x in labels]
        self.store.journal.append(ref.key, writes)
        self.change(number, labels=(*issue.labels, *labels))
