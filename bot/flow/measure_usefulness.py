"""The figures of a repository, for `tagline stats` and pages: plain values from the store."""

from __future__ import annotations

from bot.core.correction_port import CorrectionStore
from bot.core.day_figures import DAY, find_day_start
from bot.core.ports import Journal
from bot.core.run_port import RunHistory
from bot.core.usefulness import Usefulness, measure

JOB_DAYS = 7


def measure_usefulness(
    repo_key: str,
    history: RunHistory,
    journal: Journal,
    corrections: CorrectionStore,
    now: float,
) -> Usefulness:
    """Return what the bot did in a repository and what people made of it."""
    since = find_day_start(now) - (JOB_DAYS - 1) * DAY
    return measure(
        (record for _, record in history.list_records(repo_key)),
        journal.list_repository(repo_key),
        corrections.list(repo_key),
        history.list_jobs(repo_key, since),
        now,
    )
