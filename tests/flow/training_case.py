"""A repository with a history, trainings of it, and what may interrupt them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec

from bot.core.errors import (
    TaglineError,
)
from bot.core.training import HistoryPage, TrainingState
from bot.core.types import Issue, IssueRef, Label
from bot.flow.plan import Outcome
from bot.flow.train_repository import TrainingParts, train_repository
from bot.learn import codec
from bot.learn.model import RepositoryModel
from bot.queue.trainer_process import FitRequest, LabelledText, extract, fit
from bot.store.no_store import NoRateLimiter
from tests.fakes import NOW, REF, FakeForge, make_context, make_issue, make_job
from tests.history import TOPICS
from tests.memory_store import MemoryStore

LABELS = (*(Label(name) for name in TOPICS), Label("wontfix"), Label("bug"))
REPOSITORY = replace(REF, number=0)


@dataclass
class FakeTrainer:
    """Implements `Trainer` in this process; `errors` are raised by the next step of that name."""

    errors: dict[str, TaglineError] = field(default_factory=dict)
    targets: list[float] = field(default_factory=list)

    def extract(self, issues: Sequence[Issue]) -> bytes:
        self._note("extract")
        texts = [LabelledText(x.title, x.body, x.labels, x.created_at) for x in issues]
        return extract(msgspec.msgpack.encode(texts))

    def fit(
        self, pages: Sequence[bytes], labels: Sequence[Label], target: float, at: float
    ) -> bytes:
        self._note("fit")
        self.targets.append(target)
        return fit(msgspec.msgpack.encode(FitRequest(tuple(pages), tuple(labels), target, at)))

    def fail(self, step: str, error: TaglineError) -> None:
        self.errors[step] = error

    def _note(self, step: str) -> None:
        if error := self.errors.pop(step, None):
            raise error


@dataclass
class InterruptedForge(FakeForge):
    """A forge that fails once, after so many pages. `wait_after` maps a number of pages to the
    seconds in which the rest of its rate limit is left to issues."""

    interruption: tuple[int, BaseException] | None = None
    wait_after: dict[int, float] = field(default_factory=dict)

    def interrupt(self, pages: int, error: BaseException) -> None:
        self.interruption = pages, error

    def list_labelled_issues(self, repository: IssueRef, cursor: str = "") -> HistoryPage:
        if self.interruption and self.interruption[0] == len(self.pages_read):
            _, error = self.interruption
            self.interruption = None
            raise error
        page = super().list_labelled_issues(repository, cursor)
        return replace(page, wait=self.wait_after.get(len(self.pages_read), 0.0))


class PausableRateLimiter(NoRateLimiter):
    """`paused` are the accounts that a forge has limited, with their seconds."""

    def __init__(self) -> None:
        self.paused: dict[str, float] = {}

    def pause(self, account: str, seconds: float) -> None:
        self.paused[account] = seconds

    def pause_left(self, account: str) -> float:
        return self.paused.get(account, 0.0)


class Case:
    """A repository with a history, and trainings of it."""

    def __init__(self, past: Sequence[Issue] = (), config: str | None = None) -> None:
        issue = replace(make_issue("Title"), ref=REF)
        self.forge = InterruptedForge(issue, LABELS, config, past=list(past))
        self.store, self.trainer, self.now = MemoryStore(lambda: self.now), FakeTrainer(), NOW
        self.limiter = self.store.rate_limiter = PausableRateLimiter()
        self.parts = TrainingParts(
            self.store.training, self.trainer, lambda _: self.forge, lambda: self.now
        )

    def train(self, try_number: int = 1, mode: str = "apply") -> Outcome:
        context = make_context(self.forge, None, self.store, mode=mode)
        job = replace(make_job("train"), ref=REPOSITORY, received_at=self.now)
        return train_repository(job, context, try_number, parts=self.parts)

    @property
    def state(self) -> TrainingState:
        state = self.store.training.training_state(REF.repo_key)
        assert state is not None
        return state

    @property
    def model(self) -> RepositoryModel | None:
        data = self.store.training.model(REF.repo_key)
        return codec.load(data) if data is not None else None

    @property
    def learned(self) -> dict[str, int]:
        """Return the labels that are applied, with the number of their examples."""
        assert self.model
        return {x.name: x.examples for x in self.model.labels if x.apply_at is not None}
