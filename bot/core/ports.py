"""What the flow needs from outside. Each is as small as its caller allows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from bot.core.jobs import JobRecord
from bot.core.metric_definitions import MetricsSnapshot
from bot.core.pricing import Limits
from bot.core.prompt import Answer, Prompt
from bot.core.types import (
    CachedAnswer,
    Ignored,
    Issue,
    IssueRef,
    Job,
    Label,
    OwnComment,
    Rate,
    Record,
)


class SignatureVerifier(Protocol):
    """The signature of one delivery, computed while its body comes in."""

    def update(self, chunk: bytes) -> None: ...

    def verify(self) -> None:
        """Raises `Refused` unless all that came in is authentic."""


class WebhookParser(Protocol):
    """One forge's webhooks. All raise `Refused`; nothing is parsed before its seal is checked.

    `id_header` is where the forge says which delivery it is, for the log.
    """

    id_header: str

    def check_headers(self, headers: Mapping[str, str]) -> SignatureVerifier:
        """Refuse by the headers alone, before the body is read; what is left to check after it."""

    def parse(
        self, headers: Mapping[str, str], body: bytes, received_at: float
    ) -> Job | Ignored: ...


class Queue(Protocol):
    """Claims a delivery and enqueues its job in one atomic step; answers with the job's id.

    A delivery that was claimed before gets the id of its first job; one too many of its
    installation gets "" and is left to the sweep. Raises `QueueDown`.
    """

    async def put(self, delivery: Job) -> str: ...


class Forge(Protocol):
    """Reads and writes one issue. Raises `Gone`, `Forbidden`, `Retry`, `Doubtful`, `GiveUp`.

    `rate` is how many comments it takes from an account.
    """

    @property
    def rate(self) -> Rate: ...

    def issue(self, ref: IssueRef) -> Issue: ...

    def labels(self, ref: IssueRef) -> tuple[Label, ...]: ...

    def config_text(self, ref: IssueRef) -> str | None:
        """The repository's configuration file, or None where it has none."""

    def comments(self, ref: IssueRef) -> tuple[OwnComment, ...]:
        """Comments whose author is us, lowest id first."""

    def comment(self, ref: IssueRef, body: str) -> OwnComment: ...

    def edit(self, ref: IssueRef, comment_id: int, body: str) -> bool:
        """Replace a comment of ours; False when a person has deleted it."""

    def delete(self, ref: IssueRef, comment_id: int) -> None:
        """Delete a comment of ours, if it is still there."""

    def replied(self, ref: IssueRef) -> bool:
        """Whether somebody of the repository's own people has commented."""

    def can_write(self, issue: Issue) -> bool:
        """Whether the issue's author may write to the repository."""

    def add_labels(self, ref: IssueRef, names: tuple[str, ...]) -> tuple[str, ...]:
        """Add labels that exist; returns those written. Never creates or replaces one."""

    def remove_labels(self, ref: IssueRef, names: tuple[str, ...]) -> None:
        """Take labels off the issue; those that are not on it do not matter."""

    def set_by_us(self, ref: IssueRef, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the labels which nobody but us set last."""


class DeliveryHistory(Protocol):
    """A forge that can tell what was missed. Raises as `Forge`.

    A `place` is a repository: a reference whose number is 0.
    """

    def opened_between(self, place: IssueRef, since: float, until: float) -> tuple[IssueRef, ...]:
        """Open issues that people opened between two moments (seconds since the epoch)."""

    def failed_deliveries(self, since: float) -> Mapping[int, str]:
        """Deliveries after a moment that nobody took: their numbers and what they carry."""

    def redeliver(self, delivery: int) -> None:
        """Ask for one of them again."""


class Model(Protocol):
    """A language model: text in, text out. Raises `ModelFailed`."""

    @property
    def name(self) -> str: ...

    def worst_usd(self, tokens_in: int) -> float:
        """US dollars at most for a question of that length; 0 where no price is known."""

    def ask(self, prompt: Prompt) -> Answer: ...


class Lock(Protocol):
    """An issue in the hands of one worker. `record` is what was known of it by then."""

    @property
    def record(self) -> Record | None: ...

    def save(self, record: Record) -> bool:
        """Write down what is about to be done; False, and nothing is written, where somebody else
        may have the issue by now."""

    def finish(self, record: Record) -> None:
        """Write down how it ended, unless somebody else has the issue by now, and give it back."""


class Store(Protocol):
    """What is remembered between jobs: ids, label names, reasons and configuration files."""

    def lock(self, key: str) -> AbstractContextManager[Lock]:
        """Hold the issue's lock; raises `Busy` while another worker holds it."""

    def record(self, key: str) -> Record | None: ...

    def cached_answer(self, repo_key: str, question: str) -> CachedAnswer | None:
        """The issue of this repository for which a model was asked the same."""

    def save_cached_answer(self, repo_key: str, question: str, cached: CachedAnswer) -> None: ...

    def last_config(self, repo_key: str) -> str | None:
        """The last configuration file of a repository that could be read."""

    def save_config(self, repo_key: str, text: str) -> None: ...

    def reported_problems(self, repo_key: str) -> str:
        """Which problems of that file its maintainers were told last; "" for none."""

    def save_reported_problems(self, repo_key: str, problems: str) -> None: ...


class RateLimiter(Protocol):
    """Keeps every account below what its forge takes, without a thread that waits."""

    def reserve(self, account: str, ticket: str, rate: Rate) -> float:
        """Seconds until the holder of that ticket may comment; 0 = now. Asked again, the same."""

    def is_reserved(self, account: str, ticket: str) -> bool:
        """Whether the moment of that ticket is still to come."""

    def pause(self, account: str, seconds: float) -> None:
        """The forge wants silence from this account."""

    def pause_left(self, account: str) -> float:
        """Seconds that are left of it."""


class RetrySchedule(Protocol):
    """Issues that fell back and wait for a model, each until it is due, or parked."""

    def schedule(self, ref: IssueRef, due: float) -> None: ...

    def suspend(self, ref: IssueRef, now: float) -> None: ...

    def remove(self, ref: IssueRef) -> None: ...

    def take_due(self, now: float) -> IssueRef | None:
        """One that is due; it comes again by itself unless its job settles it."""

    def take_probe(self, now: float) -> IssueRef | None:
        """One, parked or due, at most once a minute for all workers together."""

    def resume(self, now: float, *, everybody: bool = False) -> None:
        """The parked ones are due now; with `everybody` all others too that have no job at work."""


class ProviderHealth(Protocol):
    """How the configured models do."""

    def down(self) -> bool:
        """Whether none of them may be asked but by a probe."""

    def answers(self) -> int:
        """How many answers were had from them, ever."""


class ReconcileState(Protocol):
    """What the sweep remembers, for all workers together."""

    def lease(self, name: str, seconds: float) -> bool:
        """True for one caller in that time."""

    def repositories(self) -> tuple[IssueRef, ...]:
        """Repositories that have ever sent a delivery."""

    def save_repositories(self, places: Collection[IssueRef]) -> None: ...

    def forget_repository(self, place: IssueRef) -> None: ...

    def attempts_today(self, key: str) -> int:
        """How often this was looked after today, this time included."""

    def record(self, key: str) -> Record | None: ...


BUSY_SECONDS = 5.0
PROBE_SECONDS = 60
FAILURES_TO_OPEN = 5
FAILURES_APART = 300  # seconds after which a failure is no longer one of a row


class BreakerStore(Protocol):
    """Keeps a failing provider from being asked for every issue; shared by all workers."""

    def may_call(self, provider: str) -> bool:
        """False while the breaker is open and another probe ran within the minute."""

    def call_failed(self, provider: str, *, at_once: bool) -> bool:
        """Count a failure; True when this one opened the breaker."""

    def call_succeeded(self, provider: str) -> None: ...

    def is_open(self, provider: str) -> bool: ...

    def answers(self, provider: str) -> int:
        """How often a call succeeded, ever."""


class BudgetStore(Protocol):
    """Budgets of all workers together."""

    def reserve(self, repository: str, author: str, text: str, usd: float, limits: Limits) -> str:
        """Set an amount aside in one atomic step; "" where it may be spent, else whose budget is
        used up: day, repository or author. An empty author is exempt, and asking again about the
        same text within the hour does not count against the author."""

    def settle(self, repository: str, usd: float) -> None:
        """Add what was spent less what was set aside."""


class JobRecords(Protocol):
    """What became of each job, by its id."""

    def save_job(self, job: JobRecord) -> None: ...

    def start_job(self, job: JobRecord) -> JobRecord | None:
        """Note a job, and give what was noted of it before."""

    def job(self, job_id: str) -> JobRecord | None: ...


class Metrics(Protocol):
    """Counts what happens, for `/metrics`, and reads what all processes counted together."""

    def count(self, what: str, *labels: str) -> None:
        """Count one; quick, and never an error. `core/figures.py` names what and its labels."""

    def snapshot(self) -> MetricsSnapshot: ...

    def close(self) -> None:
        """Write down what was counted last."""
