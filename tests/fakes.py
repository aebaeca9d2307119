"""Fakes of the ports: plain classes with state. A call that is not scripted fails the test."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from bot.core.errors import ModelFailed, TaglineError
from bot.core.journal import Write
from bot.core.ports import Forge, Lock
from bot.core.prompt import Prompt
from bot.core.training import HistoryPage
from bot.core.types import (
    HeldSuggestion,
    Issue,
    IssueRef,
    Job,
    JobKind,
    Label,
    LabelChange,
    LabelSuggestion,
    OwnComment,
    Rate,
    Record,
    Usage,
)
from bot.flow.context import JobContext
from bot.flow.enrich import Labeller, ModelLabeller, RulesLabeller
from bot.flow.learned_models import LearnedModels
from bot.flow.retry_fallbacks import FallbackRetries
from bot.llm.breaker import CircuitBreaker
from bot.llm.service import Model, Provider, RemoteModelService
from tests.fake_commands import FakeCommands
from tests.fake_related import FakeRelated
from tests.fake_reports import FakeReports
from tests.fake_suggestions import FakeSuggestions
from tests.fake_types import FakeTypes
from tests.memory_store import MemoryStore

REF = IssueRef("github", "github.com", "acme/widget", 41, 7001, "5001")
NOW = 1_760_000_000.0
DAY = 86_400.0
PAGE = 100  # issues of the past
MODEL_NAME = "gpt-6-luna"

T = TypeVar("T")


def make_issue(title: str, body: str = "", labels: Sequence[str] = ()) -> Issue:
    """Return an open issue that a person opened five seconds ago."""
    return Issue(
        ref=REF,
        title=title,
        body=body,
        author="ada",
        is_bot=False,
        labels=tuple(labels),
        is_open=True,
        locked=False,
        confidential=False,
        is_pull_request=False,
        created_at=NOW - 5,
    )


def make_job(kind: JobKind = "opened", name: str = "d-1", at: float = NOW) -> Job:
    return Job(name, kind, REF, at)


def model_reply(summary: str, *labels: tuple[str, str, str]) -> str:
    """Return a model's reply; each label is its name, certainty and reason."""
    named = [dict(zip(("name", "certainty", "reason"), label, strict=True)) for label in labels]
    return json.dumps({"summary": summary, "labels": named})


@dataclass
class FakeForge(FakeTypes, FakeSuggestions):
    """Implements `Forge` for one issue, and `IssueHistorySource` for those of `past`, the newest
    first. Tests may change any field between two jobs.

    `errors` holds, per method, what its next calls raise: instead of their effect, or after it if
    the pair's flag is True. `deleted` are labels that were deleted after the labels were read.
    `changes` are those of its labels, each a minute after the one before, the first a minute after
    `changes_from`; `personal` is True where the bot has the token of a person.
    """

    current: Issue
    repository: tuple[Label, ...] = ()
    config: str | None = None
    own_comments: list[OwnComment] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    errors: dict[str, list[tuple[TaglineError, bool]]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    next_id: int = 900
    writers: set[str] = field(default_factory=set)
    people_replied: bool = False
    other_bots_comments: list[OwnComment] = field(default_factory=list)
    has_lost_comment: bool = False
    changes: list[LabelChange] = field(default_factory=list)
    changes_from: float = NOW
    personal: bool = False
    rate: Rate = field(default_factory=lambda: Rate(80, 500))
    commands: FakeCommands = field(default_factory=FakeCommands)
    related: FakeRelated = field(default_factory=FakeRelated)
    reports: FakeReports = field(default_factory=FakeReports)
    past: list[Issue] = field(default_factory=list)
    pages_read: list[str] = field(default_factory=list)  # their cursors
    types: tuple[Label, ...] = ()
    drops_types: bool = False
    type_changes: list[LabelChange] = field(default_factory=list)
    suggestions: list[HeldSuggestion] | None = None
    reasons: dict[str, LabelSuggestion] = field(default_factory=dict)

    def fail(self, method: str, *errors: TaglineError, done: bool = False) -> None:
        """Let the next calls of a method fail; with `done` after they took effect."""
        self.errors.setdefault(method, []).extend((error, done) for error in errors)

    def get_issue(self, ref: IssueRef) -> Issue:
        with self._call("get_issue", ref):
            pass
        return self.current

    def list_labels(self, ref: IssueRef) -> tuple[Label, ...]:
        with self._call("list_labels", ref):
            pass
        return self.repository

    def author_can_write(self, issue: Issue) -> bool:
        return issue.author in self.writers

    def get_config_text(self, ref: IssueRef) -> str | None:
        with self._call("get_config_text", ref):
            pass
        return self.config

    def list_own_comments(self, ref: IssueRef) -> tuple[OwnComment, ...]:
        with self._call("list_own_comments", ref):
            pass
        return tuple(sorted(self.own_comments, key=lambda comment: comment.id))

    def list_other_bots_comments(self, ref: IssueRef) -> tuple[OwnComment, ...]:
        with self._call("list_other_bots_comments", ref):
            return tuple(self.other_bots_comments)

    def may_have_lost_comment(self, ref: IssueRef) -> bool:
        with self._call("may_have_lost_comment", ref):
            return self.has_lost_comment

    def post_comment(self, ref: IssueRef, body: str) -> OwnComment:
        with self._call("post_comment", ref):
            self.next_id += 1
            self.own_comments.append(OwnComment(self.next_id, body))
            self.writes.append("comment")
        return self.own_comments[-1]

    def edit_comment(self, ref: IssueRef, comment_id: int, body: str) -> bool:
        with self._call("edit_comment", ref):
            kept = [c for c in self.own_comments if c.id != comment_id]
            exists = len(kept) < len(self.own_comments)
            if exists:
                self.own_comments = [*kept, OwnComment(comment_id, body)]
                self.writes.append("edit")
        return exists

    def add_labels(
        self,
        ref: IssueRef,
        names: tuple[str, ...],
        suggested: tuple[LabelSuggestion, ...] = (),
    ) -> tuple[str, ...]:
        existing = {label.name for label in self.repository}
        assert set(names) <= existing, f"labels that do not exist: {set(names) - existing}"
        assert names or suggested, "a request without labels"
        if suggested:
            self._hold_labels(ref, [x for x in suggested if x.label in existing - self.deleted])
        if not names:
            return ()
        with self._call("add_labels", ref):
            names = tuple(name for name in names if name not in self.deleted)
            self._note_changes(
                [name for name in names if name not in self.current.labels], added=True, own=True
            )
            merged = dict.fromkeys((*self.current.labels, *names))
            self.current = replace(self.current, labels=tuple(merged))
            self.writes.append("labels")
        return names

    def delete_comment(self, ref: IssueRef, comment_id: int) -> None:
        with self._call("delete_comment", ref):
            self.own_comments = [c for c in self.own_comments if c.id != comment_id]
            self.writes.append("delete")

    def has_member_reply(self, ref: IssueRef) -> bool:
        return self.people_replied

    def remove_labels(self, ref: IssueRef, names: tuple[str, ...]) -> None:
        assert names, "a request without labels"
        with self._call("remove_labels", ref):
            kept = tuple(name for name in self.current.labels if name not in names)
            self._note_changes({*self.current.labels} - {*kept}, added=False, own=True)
            self.current = replace(self.current, labels=kept)
            self.writes.append("unlabel")

    def list_labelled_issues(self, repository: IssueRef, cursor: str = "") -> HistoryPage:
        with self._call("list_labelled_issues", repository):
            page = self.list_past_issues(repository, cursor)
            return replace(page, issues=tuple(x for x in page.issues if x.labels or x.type))

    def list_past_issues(self, repository: IssueRef, cursor: str = "") -> HistoryPage:
        assert repository.number == 0
        with self._call("list_past_issues", repository):
            start = int(cursor or 0)
            self.pages_read.append(cursor)
            listed = self.past[start : start + PAGE]
            shown = tuple(x for x in listed if not x.confidential)
            end = start + len(listed)
            return HistoryPage(shown, len(listed), str(end) if end < len(self.past) else "")

    def list_label_changes(self, ref: IssueRef) -> tuple[LabelChange, ...]:
        with self._call("list_label_changes", ref):
            return tuple(self.changes)

    def _note_changes(self, names: Iterable[str], *, added: bool, own: bool) -> None:
        for name in names:
            at = self.changes_from + 60 * (len(self.changes) + 1)
            self.changes.append(LabelChange(name, added, at, own, own and not self.personal))

    def person_adds(self, label: str, *, own: bool = False) -> None:
        """Add a label by a person, with `own` by the one whose token the bot has."""
        self._note_changes([label], added=True, own=own)
        self.current = replace(
            self.current, labels=tuple(dict.fromkeys((*self.current.labels, label)))
        )

    def person_removes(self, label: str, *, own: bool = False) -> None:
        assert label in self.current.labels
        self._note_changes([label], added=False, own=own)
        kept = tuple(name for name in self.current.labels if name != label)
        self.current = replace(self.current, labels=kept)

    def person_edits(self, title: str, body: str = "") -> None:
        self.current = replace(self.current, title=title, body=body)

    def person_deletes_comment(self) -> None:
        assert self.own_comments
        self.own_comments.clear()
        self.has_lost_comment = True

    @contextmanager
    def _call(self, method: str, ref: IssueRef) -> Iterator[None]:
        repository = replace(self.current.ref, number=0)
        assert ref in (self.current.ref, repository), f"a request for another issue: {ref}"
        errors = self.errors.get(method)
        if not errors:
            yield
            return
        error, done = errors.pop(0)
        if done:
            yield
        raise error


VARIABLES: dict[str, str] = {
    "key": "OPENAI_API_KEY",
    "model": "LLM_MODEL",
    "url": "LLM_BASE_URL",
}


class ScriptedModel:
    """Implements `Model`: returns its answers in order and keeps the prompts."""

    name = MODEL_NAME

    def __init__(self, *answers: str | ModelFailed) -> None:
        self.answers = list(answers)
        self.prompts: list[Prompt] = []

    def worst_usd(self, tokens_in: int) -> float:
        return 0.001

    def complete(self, prompt: Prompt, parse: Callable[[str], T]) -> tuple[T, Usage]:
        assert self.answers, "more requests to the model than expected"
        self.prompts.append(prompt)
        answer = self.answers.pop(0)
        if isinstance(answer, ModelFailed):
            raise answer
        return parse(answer), Usage(self.name, 700, 60, 0.0002)


def make_provider(model: Model, breaker: CircuitBreaker | None = None) -> Provider:
    """Return a provider with free slots, and with its own breaker if none is given."""
    breaker = breaker or CircuitBreaker(MemoryStore(), "provider", VARIABLES)
    return Provider(model, breaker, threading.Semaphore(8), 5.0)


def make_service(*models: Model | Provider, store: MemoryStore | None = None) -> RemoteModelService:
    """Return a service for the models in their order, with a store's cache and budgets."""
    store = store or MemoryStore()
    providers = [x if isinstance(x, Provider) else make_provider(x) for x in models]
    return RemoteModelService(providers, 5.0, store, store.budgets)


def make_labellers(model: Model | None) -> list[Labeller]:
    """Return the labellers: the model, if any, and rules."""
    return [ModelLabeller(make_service(model) if model else None), RulesLabeller()]


def make_context(
    forge: Forge,
    model: Model | Provider | None,
    store: MemoryStore,
    now: float = NOW,
    **more: Any,
) -> JobContext:
    """Return a job's context on `store`; `more` replaces parts of it."""
    service = make_service(model, store=store) if model else None
    context = JobContext(
        forge=forge,
        models={service.name: service} if service else {},
        store=store,
        journal=store.journal,
        corrections=store.corrections,
        related_verdicts=store.related_verdicts,
        learned=LearnedModels(store.training),
        rate_limiter=store.rate_limiter,
        search_budget=store.search_budget,
        model_retries=FallbackRetries(store.retry_schedule, store, ["provider"], lambda: now),
        looks=store.looks,
        clock=lambda: now,
    )
    return replace(context, **more)


class ExpiringLock:
    """Implements `Lock`: another worker takes it over after `writes` writes."""

    def __init__(self, lock: Lock, writes: int) -> None:
        self._lock, self._writes = lock, writes
        self.record = lock.record

    def save(self, record: Record, writes: Sequence[Write] = ()) -> bool:
        self._writes -= 1
        return self._writes >= 0 and self._lock.save(record, writes)

    def finish(self, record: Record, writes: Sequence[Write] = ()) -> None:
        self._lock.finish(record, writes)


@dataclass
class ExpiringLockStore(MemoryStore):
    """A store whose locks expire during the job."""

    writes: int

    def __post_init__(self) -> None:
        super().__init__()

    @contextmanager
    def lock(self, key: str) -> Iterator[ExpiringLock]:  # type: ignore[override]
        with super().lock(key) as lock:
            yield ExpiringLock(lock, self.writes)
