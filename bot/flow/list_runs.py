"""The newest jobs with what people did since, for `tagline runs` and pages."""

from __future__ import annotations

from collections import defaultdict

from bot.core.correction_port import CorrectionStore
from bot.core.corrections import Correction
from bot.core.run_port import RunHistory
from bot.core.runs import Run, make_run


def list_runs(
    history: RunHistory,
    corrections: CorrectionStore,
    repository: str = "",
    *,
    failed: bool = False,
    since: float = 0.0,
    limit: int = 20,
) -> tuple[Run, ...]:
    """Return the newest jobs, the newest first; `repository` is the key of one, "" for all.

    With `failed` only those that were given up or wait for another try, of those that are indexed.
    """
    if failed:
        jobs = tuple(x for x in history.list_jobs(repository, since) if x.has_failed)[:limit]
    else:
        jobs = history.list_jobs(repository, since, limit)
    by_issue: dict[tuple[str, int], list[Correction]] = defaultdict(list)
    for key in {job.repository for job in jobs if job.choices}:
        for one in corrections.list(key):
            by_issue[key, one.number].append(one)
    return tuple(make_run(job, by_issue.get((job.repository, job.number), ())) for job in jobs)
