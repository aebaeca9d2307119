"""What the flow needs from outside. Each is as small as its caller allows."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from bot.core.cost import Limits
from bot.core.jobs import Job
from bot.core.model import Comment, Delivery, Ignored, Issue, IssueRef, Label, Record, Twin
from bot.core.prompt import Answer, Prompt


class Inbox(Protocol):
    """One forge's webhooks. All raise `Refused`; nothing is parsed before it is verified.

    `id_header` is where the forge says which delivery it is, for the log.
    """

    id_header: str

    def admit(self, headers: Mapping[str, str]) -> None:
        """Refuse by the headers alone, before the body is read."""

    def verify(self, headers: Mapping[str, str], body: bytes) -> None: ...

    def read(
        self, headers: Mapping[str, str], body: bytes, received_at: float
    ) -> Delivery | Ignored: ...


class Queue(Protocol):
    """Claims a delivery and enqueues its job in one atomic step; answers with the job's id.

    A delivery that was claimed before gets the id of its first job. Raises `QueueDown`.
    """

    async def put(self, delivery: Delivery) -> str: ...


class Forge(Protocol):
    """Reads and writes one issue. Raises `Gone`, `Forbidden`, `Retry`, `Doubtful`, `GiveUp`."""

    def issue(self, ref: IssueRef) -> Issue: ...

    def labels(self, ref: IssueRef) -> tuple[Label, ...]: ...

    def config_text(self, ref: IssueRef) -> str | None:
        """The repository's configuration file, or None where it has none."""

    def comments(self, ref: IssueRef) -> tuple[Comment, ...]:
        """Comments whose author is us, lowest id first."""

    def comment(self, ref: IssueRef, body: str) -> Comment: ...

    def edit(self, ref: IssueRef, comment_id: int, body: str) -> bool:
        """Replace a comment of ours; False when a person has deleted it."""

    def can_write(self, issue: Issue) -> bool:
        """Whether the issue's author may write to the repository."""

    def add_labels(self, ref: IssueRef, names: tuple[str, ...]) -> tuple[str, ...]:
        """Add labels that exist; returns those written. Never creates or replaces one."""


class Model(Protocol):
    """A language model: text in, text out. Raises `ModelFailed`."""

    @property
    def name(self) -> str: ...

    def worst_usd(self, tokens_in: int) -> float:
        """US dollars at most for a question of that length; 0 where no price is known."""

    def ask(self, prompt: Prompt) -> Answer: ...


class Lock(Protocol):
    def held(self) -> bool:
        """Whether nobody else can have taken the lock since."""


class Store(Protocol):
    """What is remembered between jobs: ids, label names, reasons and configuration files."""

    def lock(self, key: str) -> AbstractContextManager[Lock]:
        """Hold the issue's lock; raises `Busy` while another worker holds it."""

    def record(self, key: str) -> Record | None: ...

    def remember(self, key: str, record: Record) -> None: ...

    def twin(self, repo_key: str, question: str) -> Twin | None:
        """The issue of this repository for which a model was asked the same."""

    def keep_twin(self, repo_key: str, question: str, twin: Twin) -> None: ...

    def last_config(self, repo_key: str) -> str | None:
        """The last configuration file of a repository that could be read."""

    def keep_config(self, repo_key: str, text: str) -> None: ...

    def told(self, repo_key: str) -> str:
        """Which problems of that file its maintainers were told last; "" for none."""

    def tell(self, repo_key: str, problems: str) -> None: ...


BUSY_SECONDS = 10.0
PROBE_SECONDS = 60
FAILURES_TO_OPEN = 5
FAILURES_APART = 300  # seconds after which a failure is no longer one of a row


class Breaker(Protocol):
    """Keeps a failing provider from being asked for every issue; shared by all workers."""

    def may_call(self, provider: str) -> bool:
        """False while the breaker is open and another probe ran within the minute."""

    def call_failed(self, provider: str, *, at_once: bool) -> bool:
        """Count a failure; True when this one opened the breaker."""

    def call_succeeded(self, provider: str) -> None: ...


class Purse(Protocol):
    """Budgets of all workers together."""

    def reserve(self, repository: str, author: str, usd: float, limits: Limits) -> str:
        """Set an amount aside in one atomic step; "" where it may be spent, else whose budget is
        used up: day, repository or author. An empty author is exempt."""

    def settle(self, repository: str, usd: float) -> None:
        """Add what was spent less what was set aside."""


class Jobs(Protocol):
    """What became of each job, by its id."""

    def note(self, job: Job) -> None: ...

    def job(self, job_id: str) -> Job | None: ...
