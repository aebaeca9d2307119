"""What a backfill has done, in a file: one that was stopped continues, and pays within its limit.

The file is a list of events, each appended before its effect counts: issue numbers, amounts, and
the ids of batches. It has no text of issues.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from bot.core.ports import BudgetStore
from bot.core.pricing import MICRO, Limits, to_microdollars
from bot.core.text.lenient_json import DECODE_ERRORS
from bot.core.types import IssueRef

OVER_MAX = "run"  # what `reserve` returns where --max-usd is reached


class AlreadyRunning(Exception):
    """Another process labels the past issues of this repository."""


class SentQuestion(msgspec.Struct, frozen=True):
    """A question in a batch: its issue, the digest of its text, and the reserved US dollars."""

    number: int
    digest: str
    usd: float


class Batch(msgspec.Struct, frozen=True):
    """A batch of questions by their ids. Without an `id` it is not known whether it was created.

    `at` is in seconds since the epoch, `vendor` its provider and model.
    """

    token: str
    vendor: str
    at: float
    questions: dict[str, SentQuestion]
    id: str = ""
    files: tuple[str, ...] = ()

    @property
    def numbers(self) -> set[int]:
        return {one.number for one in self.questions.values()}


@dataclass
class BackfillState:
    """The state of a repository's backfill; all changes are written to `path` at once, or kept in
    memory without one.

    `done` are the issues that reached an end state, `usd` what was spent or is reserved, `tries`
    how often an issue was sent in a batch that gave no answer.
    """

    path: Path | None = None
    done: set[int] = field(default_factory=set)
    tries: dict[int, int] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    micro_usd: int = 0
    _file: int = -1
    _guard: threading.RLock = field(default_factory=threading.RLock)

    @classmethod
    def open(cls, folder: Path, repository: IssueRef) -> BackfillState:
        """Return what an earlier run has left. Raises `AlreadyRunning` and OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = hashlib.sha256(repository.repo_key.encode()).hexdigest()[:24]
        path = folder / f"{name}.jsonl"
        state = cls(path)
        state._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(state._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            state.close()
            raise AlreadyRunning from None
        content = path.read_bytes()
        for line in content.splitlines():
            with suppress(*DECODE_ERRORS, KeyError, TypeError, ValueError):
                state._apply(*msgspec.json.decode(line))
        if content and not content.endswith(b"\n"):  # the process was killed while it wrote
            os.write(state._file, b"\n")
        return state

    @property
    def usd(self) -> float:
        return self.micro_usd / MICRO

    def add_done(self, number: int) -> None:
        self._add("done", number)

    def add_micro_usd(self, amount: int) -> None:
        if amount:
            self._add("usd", amount)

    def reserve(self, usd: float, max_usd: float | None) -> bool:
        """Reserve an amount; return False where it exceeds the limit."""
        amount = to_microdollars(usd)
        with self._guard:
            if self.micro_usd + amount > to_microdollars(max_usd):
                return False
            self.add_micro_usd(amount)
        return True

    def add_batch(self, batch: Batch) -> None:
        """Add a batch, or replace the one with its token."""
        self._add("batch", msgspec.to_builtins(batch))

    def end_batch(self, token: str, micro_usd: int, unanswered: Mapping[int, int]) -> None:
        """Remove a batch, in one step with the difference to the reserved amount.

        `unanswered` are the issues that need another try, with the number of tries so far.
        """
        self._add("ended", [token, micro_usd, {str(n): k for n, k in unanswered.items()}])

    def delete(self) -> None:
        """Delete the file of a backfill that is complete."""
        if self.path:
            with suppress(OSError):
                self.path.unlink()

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _add(self, kind: str, value: Any) -> None:
        """Write an event, then apply it."""
        with self._guard:
            if self._file >= 0:
                os.write(self._file, msgspec.json.encode([kind, value]) + b"\n")
            self._apply(kind, value)

    def _apply(self, kind: str, value: Any) -> None:
        changes: dict[str, Callable[[Any], None]] = {
            "done": self.done.add,
            "usd": self._apply_usd,
            "batch": self._apply_batch,
            "ended": self._apply_ended,
        }
        changes[kind](value)

    def _apply_usd(self, amount: int) -> None:
        self.micro_usd += amount

    def _apply_batch(self, value: Any) -> None:
        batch = msgspec.convert(value, Batch)
        self.batches[batch.token] = batch

    def _apply_ended(self, value: Any) -> None:
        token, amount, unanswered = value
        if self.batches.pop(token, None):
            self.micro_usd += amount
            self.tries |= {int(number): tries for number, tries in unanswered.items()}


@dataclass(frozen=True, slots=True)
class RunBudget:
    """Implements `BudgetStore`: --max-usd for a whole backfill, and the budgets of all workers."""

    state: BackfillState
    shared: BudgetStore
    max_usd: float | None

    def reserve(self, repository: str, author: str, text: str, usd: float, limits: Limits) -> str:
        if not self.state.reserve(usd, self.max_usd):
            return OVER_MAX
        exhausted = "unknown"
        try:
            exhausted = self.shared.reserve(repository, author, text, usd, limits)
        finally:
            if exhausted:
                self.state.add_micro_usd(-to_microdollars(usd))
        return exhausted

    def settle(self, repository: str, usd: float) -> None:
        self.state.add_micro_usd(to_microdollars(usd))
        self.shared.settle(repository, usd)
