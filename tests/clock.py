"""A clock that a test moves."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes import NOW


@dataclass
class Clock:
    """Returns `now`, in seconds since the epoch."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now
