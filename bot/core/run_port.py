"""The port for what the bot did: its newest jobs, and the records of issues."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from bot.core.jobs import JobRecord
from bot.core.types import Record

MAX_RUNS = 2_000  # jobs that are listed, the newest of all repositories


class RunHistory(Protocol):
    """Reads what other parts of the store wrote."""

    def list_jobs(
        self, repository: str = "", since: float = 0.0, limit: int = MAX_RUNS
    ) -> tuple[JobRecord, ...]:
        """Return the newest jobs that changed since a time, the newest first.

        `repository` is the key of one, "" for all. A queued job is not listed.
        """

    def list_records(self, repo_key: str) -> Iterator[tuple[int, Record]]:
        """Yield the issues of a repository that have a record: number and record."""
