"""Ports: the interfaces of everything outside `core` and `flow` that they call."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bot.core.command_port import CommandComments
from bot.core.enrichment import CachedAnswer
from bot.core.events import Event, Ignored
from bot.core.jobs import JobRecord
from bot.core.metric_definitions import MetricsSnapshot
from bot.core.pricing import Limits
from bot.core.prompt import Prompt
from bot.core.related_port import RelatedIssues
from bot.core.reply import ModelAnswer
from bot.core.report_port import ReportSource
from bot.core.suggestion_port import SuggestionForge
from bot.core.training import HistoryPage
from bot.core.types import (
    Issue,
    IssueRef,
    Job,
    Label,
    LabelChange,
    OwnComment,
    Rate,
    Record,
)

if TYPE_CHECKING:  # the receiver needs neither them nor the label policy behind them
    from bot.core.journal import Write


class SignatureVerifier(Protocol):
    """Computes the signature of one delivery while its body arrives."""

    def update(self, chunk: bytes) -> None: ...

    def verify(self) -> None:
        """Raise `Rejected` unless the complete body is authentic."""


class WebhookParser(Protocol):
    """Parses the webhooks of one forge. All methods raise `Rejected`.

    Nothing is parsed before its signature is verified. `id_header` is the header with the id of the
    delivery, for the log; `secret_name` is the variable with the secret that it has to know.
    """

    id_header: str
    secret_name: str

    def check_headers(self, headers: Mapping[str, str]) -> SignatureVerifier:
        """Check the headers before the body is read; return the verifier of the body."""

    def parse(self, headers: Mapping[str, str], body: bytes) -> Event | Ignored: ...


class Queue(Protocol):
    """The queue of jobs."""

    async def put(self, job: Job, wait: float = 0.0) -> str:
        """Claim the delivery and enqueue its job in one atomic step; return the job's id.

        The job runs after `wait` seconds. A delivery that was claimed before gets the id of its
        first job. Returns "" where its installation had too many deliveries within a span of two
        hours: reconciliation finds the issue later. Raises `QueueUnavailable`.
        """


class Forge(SuggestionForge, Protocol):
    """Reads and writes issues. Raises `PermanentError`, `Retry` and `OperatorError`.

    `rate` is the number of comments that it accepts from an account.
    """

    @property
    def rate(self) -> Rate: ...

    @property
    def commands(self) -> CommandComments: ...

    @property
    def reports(self) -> ReportSource: ...

    @property
    def related(self) -> RelatedIssues: ...

    def get_issue(self, ref: IssueRef) -> Issue: ...

    def list_labels(self, ref: IssueRef) -> tuple[Label, ...]: ...

    def get_config_text(self, ref: IssueRef) -> str | None:
        """Return the text of the repository's configuration file, None where it has none."""

    def list_own_comments(self, ref: IssueRef) -> tuple[OwnComment, ...]:
        """Return the comments of the bot's account, lowest id first."""

    def list_other_bots_comments(self, ref: IssueRef) -> tuple[OwnComment, ...]:
        """Return the comments of other programs' accounts."""

    def may_have_lost_comment(self, ref: IssueRef) -> bool:
        """Return whether an issue without a comment of the bot may have had one before."""

    def post_comment(self, ref: IssueRef, body: str) -> OwnComment: ...

    def edit_comment(self, ref: IssueRef, comment_id: int, body: str) -> bool:
        """Replace a comment of the bot; return False where it does not exist any more."""

    def delete_comment(self, ref: IssueRef, comment_id: int) -> None:
        """Delete a comment of the bot, if it still exists."""

    def has_member_reply(self, ref: IssueRef) -> bool:
        """Return whether a member of the repository has commented."""

    def author_can_write(self, issue: Issue) -> bool:
        """Return whether the issue's author may write to the repository."""

    def remove_labels(self, ref: IssueRef, names: tuple[str, ...]) -> None:
        """Remove labels from the issue; those that are not on it are ignored."""

    def list_label_changes(self, ref: IssueRef) -> tuple[LabelChange, ...]:
        """Return all changes of the issue's labels, oldest first."""

    def list_types(self, ref: IssueRef) -> tuple[Label, ...]:
        """Return the issue types of the repository; none where the forge has labels only."""

    def set_type(self, ref: IssueRef, name: str) -> bool:
        """Set the issue's type, "" for none; return whether the issue has it then."""

    def list_type_changes(self, ref: IssueRef) -> tuple[LabelChange, ...]:
        """Return all changes of the issue's type, oldest first."""


class DeliveryHistory(Protocol):
    """Finds missed issues and failed deliveries of a forge. Raises the errors of `Forge`."""

    def list_opened_issues(
        self, repository: IssueRef, since: float, until: float
    ) -> tuple[IssueRef, ...]:
        """Return open issues that people opened between two times (seconds since the epoch)."""

    def list_failed_deliveries(self, since: float) -> Mapping[int, str]:
        """Return deliveries since a time that failed: their numbers with their GUIDs."""

    def redeliver(self, delivery: int) -> None:
        """Request one of them again."""


class IssueHistorySource(Protocol):
    """Reads a repository's issues of the past. Raises the errors of `Forge`."""

    def list_labelled_issues(self, repository: IssueRef, cursor: str = "") -> HistoryPage:
        """Return a page of issues with labels or a type, open or closed, the newest first.

        Pull requests, confidential issues and work items of other types are left out. An issue may
        be on two pages, where others were opened meanwhile. Bodies are bounded by `bound_body`.
        """

    def list_past_issues(self, repository: IssueRef, cursor: str = "") -> HistoryPage:
        """Return a page as `list_labelled_issues` does, with the issues without either."""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """The issue for which a model is called, and the limits of the call.

    `author_exempt` lifts the author's limit. `forge` is None for an issue from a file. With
    `fresh` no earlier answer is used.
    """

    issue: Issue
    forge: Forge | None
    limits: Limits
    author_exempt: bool = False
    fresh: bool = False


class ModelService(Protocol):
    """A language model with its fallbacks, an answer cache and budgets."""

    def complete(self, prompt: Prompt, call: ModelCall | None) -> ModelAnswer:
        """Return the answer; without a `call` neither cache nor budgets are used.

        Raises `ModelFailed`.
        """


class Lock(Protocol):
    """A held lock of an issue. `record` is the issue's record at that time."""

    @property
    def record(self) -> Record | None: ...

    def save(self, record: Record, writes: Sequence[Write] = ()) -> bool:
        """Save the record, and the writes in the issue's journal, before these are made.

        Returns False, without saving, where the lock was lost.
        """

    def finish(self, record: Record, writes: Sequence[Write] = ()) -> None:
        """Save the record and the writes of the end and release the lock, unless it was lost."""


class Store(Protocol):
    """State between jobs: ids, label names, reasons and configuration files."""

    def lock(self, key: str) -> AbstractContextManager[Lock]:
        """Return a context manager that holds the issue's lock.

        Raises `LockContended` while another worker holds it.
        """

    def record(self, key: str) -> Record | None: ...

    def records(self, keys: Sequence[str]) -> Sequence[Record | None]:
        """Return the record of each of these issues, None for one without."""

    def cached_answers(self, repo_key: str, keys: Sequence[str]) -> tuple[CachedAnswer, ...]:
        """Return the answers of its other issues under any of the keys, in their order."""

    def save_cached_answer(
        self, repo_key: str, keys: Sequence[str], cached: CachedAnswer
    ) -> None: ...

    def last_config(self, repo_key: str) -> str | None:
        """Return the last readable configuration file of a repository."""

    def save_config(self, repo_key: str, text: str) -> None: ...

    def reported_problems(self, repo_key: str) -> str:
        """Return the digest of the problems that a comment reported last; "" for none."""

    def save_reported_problems(self, repo_key: str, problems: str) -> None: ...


class Journal(Protocol):
    """The bot's writes to each issue, kept for at least 30 days."""

    def append(self, issue: str, writes: Sequence[Write]) -> None:
        """Add writes to an issue's journal; one with a known `id` gives that write its state."""

    def list_writes(self, issue: str) -> tuple[Write, ...]:
        """Return the writes to an issue, oldest first."""

    def list_repository(self, repo_key: str) -> Iterator[tuple[int, tuple[Write, ...]]]:
        """Yield the issues of a repository that have a journal: number and writes."""


class RateLimiter(Protocol):
    """Keeps every account below the rate limits of its forge, without a waiting thread."""

    def reserve(self, account: str, issue: str, rate: Rate) -> float:
        """Reserve a time for a comment on the issue; return the seconds until then, 0 = now.

        A second call for the same issue returns the same reservation.
        """

    def is_reserved(self, account: str, issue: str) -> bool:
        """Return whether the reserved time is still to come."""

    def pause(self, account: str, seconds: float) -> None:
        """Stop all requests of this account for that time, as the forge requires."""

    def pause_left(self, account: str) -> float:
        """Return the seconds that are left of the pause."""


class RetrySchedule(Protocol):
    """Issues with labels from rules that wait for a model, each with a due time or suspended."""

    def schedule(self, ref: IssueRef, due: float) -> None: ...

    def suspend(self, ref: IssueRef, now: float) -> None: ...

    def remove(self, ref: IssueRef) -> None: ...

    def take_due(self, now: float) -> IssueRef | None:
        """Return an issue that is due; it becomes due again unless its job reschedules it."""

    def take_probe(self, now: float) -> IssueRef | None:
        """Return one issue, suspended or due; at most once a minute for all workers together."""

    def resume(self, now: float, *, include_scheduled: bool = False) -> None:
        """Make suspended issues due; with `include_scheduled` also those without a running job."""


class ReconcileState(Protocol):
    """The state of reconciliation, shared by all workers."""

    def lease(self, name: str, seconds: float) -> bool:
        """Return True for one caller in that time."""

    def release(self, name: str) -> None:
        """End a lease before its time."""

    def repositories(self) -> tuple[IssueRef, ...]:
        """Return the repositories that have sent a delivery."""

    def save_repositories(self, repositories: Collection[IssueRef]) -> None: ...

    def forget_repository(self, repository: IssueRef) -> None: ...

    def attempts_today(self, key: str) -> int:
        """Count an attempt at this issue or delivery; return the number of those today."""


PROBE_SECONDS = 60
FAILURES_TO_OPEN = 5
FAILURE_WINDOW_SECONDS = 300


class BreakerStore(Protocol):
    """The circuit breakers of the providers, shared by all workers."""

    def may_call(self, provider: str) -> bool:
        """Return False while the breaker is open, except for one probe a minute."""

    def call_failed(self, provider: str, *, at_once: bool) -> bool:
        """Count a failure; return True where this one opened the breaker."""

    def call_succeeded(self, provider: str) -> None: ...

    def is_open(self, provider: str) -> bool: ...

    def answers(self, provider: str) -> int:
        """Return the number of all successful calls so far."""


class BudgetStore(Protocol):
    """The budgets, shared by all workers."""

    def reserve(self, repository: str, author: str, text: str, usd: float, limits: Limits) -> str:
        """Reserve an amount in one atomic step; return "", or which budget is used up: day,
        repository or author.

        An empty author is exempt. A second call for the same text within an hour does not count
        against the author.
        """

    def settle(self, repository: str, usd: float) -> None:
        """Add the amount spent less the amount reserved."""


class JobRecords(Protocol):
    """The state of each job, by its id."""

    def save_job(self, job: JobRecord) -> None: ...

    def start_job(self, job: JobRecord) -> JobRecord | None:
        """Save a job that starts, and return what was saved of it before."""


class Metrics(Protocol):
    """The metrics of all processes together, for `/metrics`."""

    def count(self, what: str, *labels: str) -> None:
        """Increment a counter of `core/metric_definitions.py`. Never fails."""

    def snapshot(self) -> MetricsSnapshot: ...

    def close(self) -> None:
        """Write the counts that are still in memory."""
