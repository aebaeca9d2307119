"""Stand-ins for the ports: plain classes with state. A call that nobody scripted fails the test."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import httpx

from bot.core.errors import ModelFailed, QueueUnavailable, Rejected, TaglineError
from bot.core.ports import Forge, Lock
from bot.core.prompt import Prompt
from bot.core.types import (
    Event,
    Ignored,
    Issue,
    IssueRef,
    Job,
    JobKind,
    Label,
    OwnComment,
    Rate,
    Record,
    Usage,
)
from bot.flow.context import JobContext
from bot.flow.enrich import Labeller, ModelLabeller, RulesLabeller
from bot.flow.retry_fallbacks import FallbackRetries
from bot.http import Client, ClientPool
from bot.llm.breaker import CircuitBreaker, StoredProviderHealth
from bot.llm.service import Model, Provider, RemoteModelService
from tests.memory_store import MemoryStore

REF = IssueRef("github", "github.com", "acme/widget", 41, 7001, "5001")
NOW = 1_760_000_000.0
DAY = 86_400.0
MODEL_NAME = "gpt-6-luna"

T = TypeVar("T")


def an_issue(title: str, body: str = "", labels: Sequence[str] = ()) -> Issue:
    """An open, fresh issue of a person."""
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


def a_delivery(kind: JobKind = "opened", name: str = "d-1", at: float = NOW) -> Job:
    return Job(name, kind, REF, at)


def says(summary: str, *labels: tuple[str, str, str]) -> str:
    """A model's answer; each label is its name, certainty and reason."""
    named = [dict(zip(("name", "certainty", "reason"), label, strict=True)) for label in labels]
    return json.dumps({"summary": summary, "labels": named})


@dataclass
class FakeForge:
    """Implements `Forge` for one issue. `people` may change anything between two jobs.

    `troubles` holds, per method, errors for its next calls: raised instead of the deed, or after it
    where the pair says True. `deleted` are labels that the repository lost since they were read.
    """

    found: Issue
    repository: tuple[Label, ...] = ()
    config: str | None = None
    own_comments: list[OwnComment] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    troubles: dict[str, list[tuple[TaglineError, bool]]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    next_id: int = 900
    writers: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)  # labels that a person set last
    added: set[str] = field(default_factory=set)  # labels that we ever set
    people_replied: bool = False
    rate: Rate = field(default_factory=lambda: Rate(80, 500))

    def fails(self, method: str, *errors: TaglineError, done: bool = False) -> None:
        """Let the next calls of a method fail; `done` = it happened and only the answer is lost."""
        self.troubles.setdefault(method, []).extend((error, done) for error in errors)

    def issue(self, ref: IssueRef) -> Issue:
        with self._call("issue", ref):
            pass
        return self.found

    def labels(self, ref: IssueRef) -> tuple[Label, ...]:
        with self._call("labels", ref):
            pass
        return self.repository

    def can_write(self, issue: Issue) -> bool:
        return issue.author in self.writers

    def config_text(self, ref: IssueRef) -> str | None:
        with self._call("config_text", ref):
            pass
        return self.config

    def comments(self, ref: IssueRef) -> tuple[OwnComment, ...]:
        with self._call("comments", ref):
            pass
        return tuple(sorted(self.own_comments, key=lambda comment: comment.id))

    def comment(self, ref: IssueRef, body: str) -> OwnComment:
        with self._call("comment", ref):
            self.next_id += 1
            self.own_comments.append(OwnComment(self.next_id, body))
            self.writes.append("comment")
        return self.own_comments[-1]

    def edit(self, ref: IssueRef, comment_id: int, body: str) -> bool:
        with self._call("edit", ref):
            kept = [c for c in self.own_comments if c.id != comment_id]
            there = len(kept) < len(self.own_comments)
            if there:
                self.own_comments = [*kept, OwnComment(comment_id, body)]
                self.writes.append("edit")
        return there

    def add_labels(self, ref: IssueRef, names: tuple[str, ...]) -> tuple[str, ...]:
        existing = {label.name for label in self.repository}
        assert set(names) <= existing, f"labels that do not exist: {set(names) - existing}"
        assert names, "an empty request is a wasted one"
        with self._call("add_labels", ref):
            names = tuple(name for name in names if name not in self.deleted)
            self.added |= {*names}
            merged = dict.fromkeys((*self.found.labels, *names))
            self.found = replace(self.found, labels=tuple(merged))
            self.writes.append("labels")
        return names

    def delete(self, ref: IssueRef, comment_id: int) -> None:
        with self._call("delete", ref):
            self.own_comments = [c for c in self.own_comments if c.id != comment_id]
            self.writes.append("delete")

    def replied(self, ref: IssueRef) -> bool:
        return self.people_replied

    def remove_labels(self, ref: IssueRef, names: tuple[str, ...]) -> None:
        assert names, "an empty request is a wasted one"
        with self._call("remove_labels", ref):
            kept = tuple(name for name in self.found.labels if name not in names)
            self.found = replace(self.found, labels=kept)
            self.writes.append("unlabel")

    def set_by_us(self, ref: IssueRef, names: tuple[str, ...]) -> tuple[str, ...]:
        with self._call("set_by_us", ref):
            return tuple(n for n in names if n in self.added and n not in self.touched)

    def person_adds(self, label: str) -> None:
        self.found = replace(self.found, labels=tuple(dict.fromkeys((*self.found.labels, label))))
        self.touched.add(label)

    def person_removes(self, label: str) -> None:
        assert label in self.found.labels
        kept = tuple(name for name in self.found.labels if name != label)
        self.found = replace(self.found, labels=kept)

    def person_edits(self, title: str, body: str = "") -> None:
        self.found = replace(self.found, title=title, body=body)

    def person_deletes_our_comment(self) -> None:
        assert self.own_comments
        self.own_comments.clear()

    @contextmanager
    def _call(self, method: str, ref: IssueRef) -> Iterator[None]:
        assert ref == self.found.ref, f"a request for another issue: {ref}"
        waiting = self.troubles.get(method)
        if not waiting:
            yield
            return
        error, done = waiting.pop(0)
        if done:
            yield
        raise error


class ScriptedModel:
    """Implements `Model`: returns its answers in order and keeps the prompts."""

    name = MODEL_NAME

    def __init__(self, *answers: str | ModelFailed) -> None:
        self.answers = list(answers)
        self.prompts: list[Prompt] = []

    def worst_usd(self, tokens_in: int) -> float:
        return 0.001

    def complete(self, prompt: Prompt, parse: Callable[[str], T]) -> tuple[T, Usage]:
        assert self.answers, "the model was called once more than expected"
        self.prompts.append(prompt)
        answer = self.answers.pop(0)
        if isinstance(answer, ModelFailed):
            raise answer
        return parse(answer), Usage(self.name, 700, 60, 0.0002)


def a_provider(model: Model, breaker: CircuitBreaker | None = None) -> Provider:
    """A provider with free slots and, unless one is given, a breaker of its own."""
    breaker = breaker or CircuitBreaker(MemoryStore(), "provider", "OPENAI_API_KEY", "LLM_MODEL")
    return Provider(model, breaker, threading.Semaphore(8), 5.0)


def a_service(*models: Model | Provider, store: MemoryStore | None = None) -> RemoteModelService:
    """The models in their order, with the cache and the budgets of a store."""
    store = store or MemoryStore()
    providers = [x if isinstance(x, Provider) else a_provider(x) for x in models]
    return RemoteModelService(providers, 5.0, store, store.budgets)


def labellers(model: Model | None) -> list[Labeller]:
    """A model without cache and budgets, then rules."""
    return [ModelLabeller(a_service(model) if model else None), RulesLabeller()]


def a_context(
    forge: Forge,
    model: Model | Provider | None,
    store: MemoryStore,
    now: float = NOW,
    **more: Any,
) -> JobContext:
    """A job's context with `store` as its memory; `more` replaces parts of it."""
    service = a_service(model, store=store) if model else None
    context = JobContext(
        forge=forge,
        models={service.name: service} if service else {},
        store=store,
        rate_limiter=store.rate_limiter,
        retries=FallbackRetries(
            store.retry_schedule, StoredProviderHealth(store, ["provider"]), lambda: now
        ),
    )
    return replace(context, **more)


class LosingLock:
    """Implements `Lock`: somebody else has it after so many writes."""

    def __init__(self, lock: Lock, writes: int) -> None:
        self._lock, self._writes = lock, writes
        self.record = lock.record

    def save(self, record: Record) -> bool:
        self._writes -= 1
        return self._writes >= 0 and self._lock.save(record)

    def finish(self, record: Record) -> None:
        self._lock.finish(record)


@dataclass
class LosingStore(MemoryStore):
    """A store whose locks run out while the job is at work."""

    writes: int

    def __post_init__(self) -> None:
        super().__init__()

    @contextmanager
    def lock(self, key: str) -> Iterator[LosingLock]:  # type: ignore[override]
        with super().lock(key) as lock:
            yield LosingLock(lock, self.writes)


class FakeWebhookParser:
    """Implements `Inbox` and `Seal`: believes one signature and reads `what`."""

    id_header = "delivery"

    def __init__(self, what: Event | Ignored | Rejected) -> None:
        self.what = what
        self.calls: list[str] = []
        self.signature = ""

    def check_headers(self, headers: Mapping[str, str]) -> FakeWebhookParser:
        self.calls.append("check_headers")
        self.signature = headers.get("signature", "")
        return self

    def update(self, chunk: bytes) -> None:
        self.calls.append("update")

    def verify(self) -> None:
        self.calls.append("verify")
        if self.signature != "good":
            raise Rejected(401, "wrong signature")

    def parse(self, headers: Mapping[str, str], body: bytes) -> Event | Ignored:
        self.calls.append("parse")
        if isinstance(self.what, Rejected):
            raise self.what
        return self.what


class FakeQueue:
    """Implements `Queue`; `down` makes it answer like a silent Redis."""

    def __init__(self, *, down: bool = False) -> None:
        self.down = down
        self.jobs: dict[str, Job] = {}

    async def put(self, delivery: Job) -> str:
        if self.down:
            raise QueueUnavailable("no answer")
        self.jobs.setdefault(f"job of {delivery.id}", delivery)
        return f"job of {delivery.id}"


class ScriptedWeb(ClientPool):
    """HTTP faked at the transport: `answer` gets each request, and refuses an unexpected one."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._client = Client(httpx.MockTransport(answer))

    def get(self) -> Client:
        return self._client

    def close(self) -> None:
        self._client.close()
