"""What `tagline job ID` can say of a job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

JobState = Literal["queued", "running", "waiting", "done", "dead"]


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job's state. `at` is when it changed (seconds since the epoch); `frames` hold no values.

    `cost_usd` is in dollars, None where no price is known.
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
