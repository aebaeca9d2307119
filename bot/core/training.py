"""The types of trainings: what is read of a history, and what is known of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.core.types import Issue

TrainingStatus = Literal[
    "due",  # never trained, or a training was asked for
    "queued",  # its job was sent: it waits in the queue, or runs
    "waiting",  # its job is tried again at `retry_at`, because of `why`
    "trained",  # the last training gave a model
    "skipped",  # the last training gave none, because of `why`
]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Issues from a repository's history; `next` is the cursor of the next page.

    `read` counts all items that the forge listed, `next` is "" after the last page. `wait` are
    seconds, in which the rest of the forge's rate limit is better left to issues.
    """

    issues: tuple[Issue, ...]
    read: int
    next: str = ""
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class TrainingState:
    """What is known of a repository's classifier. Times are in seconds since the epoch, 0 = never.

    `since` is when the bot first saw the repository: labels of older issues are people's. The last
    job was sent at `sent_at`, the last training ended at `ended_at`, and `trained_at` is the end of
    the last one that gave a model, from `examples` of the `read` issues. `failures` counts the
    trainings in a row that ended because the forge did not answer. `learned` are labels that the
    last model applies or suggests, a hundred at most.
    """

    since: float
    sent_at: float = 0.0
    ended_at: float = 0.0
    trained_at: float = 0.0
    read: int = 0
    examples: int = 0
    why: str = ""
    status: TrainingStatus = "due"
    retry_at: float = 0.0
    failures: int = 0
    learned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """How far a training has read a repository's history.

    `read` counts the items that the forge listed; `numbers` are the issues that are learned from,
    and `size` the bytes of their examples. `complete`: no page is left to read. `version` is that
    of the examples' features.
    """

    version: int = 0
    cursor: str = ""
    read: int = 0
    numbers: tuple[int, ...] = ()
    size: int = 0
    complete: bool = False
