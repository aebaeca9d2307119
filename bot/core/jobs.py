"""The record of a job that `tagline job ID` shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from bot.core.types import Choice

JobState = Literal["queued", "running", "waiting", "done", "dead"]
# Outcomes of a job that wrote labels or a comment, or found nothing to write.
WRITE_STATUSES = ("answered", "fallback", "quiet", "suggested")


@dataclass(frozen=True, slots=True)
class JobRecord:
    """The state of a job, and how it ended.

    `at` is when the state changed, in seconds since the epoch. `frames` are the file, line and
    function of an unexpected error. `cost_usd` is in dollars, None if no price is known. `choices`
    are the labels that the bot set on the issue, or suggests. `repository` is its key, `kind` the
    job's, `labeller` what chose the labels. `started` is when the last try began, and `seconds` how
    long it took.
    """

    id: str
    state: JobState
    issue: str
    tries: int = 0
    outcome: str = ""
    why: str = ""
    frames: tuple[str, ...] = ()
    at: float = 0.0
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float | None = 0.0
    choices: tuple[Choice, ...] = ()
    repository: str = ""
    kind: str = ""
    labeller: str = ""
    started: float = 0.0
    seconds: float = 0.0

    @property
    def number(self) -> int:
        """Return the number of its issue, 0 for a repository."""
        number = self.issue.rpartition("#")[2]
        return int(number) if number.isdecimal() else 0

    @property
    def has_answered(self) -> bool:
        """Return whether it ended with an answer to its issue."""
        return self.state == "done" and bool(self.labeller) and self.outcome in WRITE_STATUSES

    @property
    def has_failed(self) -> bool:
        """Return whether it was given up, or waits for another try after an error."""
        return self.state in ("waiting", "dead")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that was given up at `at`, in seconds since the epoch.

    `issue` is "" if this version cannot read the job.
    """

    job: str
    issue: str
    at: float


def read_queued_at(message: bytes) -> float:
    """Return when a message of the queue was enqueued, in seconds since the epoch."""
    data = msgspec.json.decode(message)
    at: float = data.get("options", {}).get("queued_at", data["message_timestamp"])
    return at / 1000
