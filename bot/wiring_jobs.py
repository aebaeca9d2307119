"""Build what runs jobs: the handler of each kind, and its context."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from bot import log
from bot.core.ports import ModelService
from bot.core.types import Job, JobKind
from bot.flow.context import JobContext
from bot.flow.learned_models import LearnedModels
from bot.flow.plan import Outcome
from bot.flow.process import process
from bot.flow.record_corrections import record_corrections
from bot.flow.record_duplicate import record_duplicate
from bot.flow.retry_fallbacks import FallbackRetries
from bot.flow.run_commands import run_commands
from bot.flow.train_repository import TrainingParts, train_repository
from bot.flow.withdraw_missing import process_edited, withdraw_missing
from bot.http import deadline

if TYPE_CHECKING:
    from bot.forges.registry import ForgeClient
    from bot.queue.actors import Handler
    from bot.settings.load import Settings
    from bot.store.no_store import NoStore
    from bot.store.redis import RedisStore

JOB_SECONDS = 300.0


def make_handler(
    work: Callable[[Job, JobContext, int], Outcome], contexts: Callable[[Job], JobContext]
) -> Handler:
    """Return a handler that does the work with the job's context, within a limited time."""

    def run(job: Job, try_number: int) -> Outcome:
        with deadline(JOB_SECONDS):
            return work(job, contexts(job), try_number)

    return run


def job_contexts(
    settings: Settings,
    store: RedisStore | NoStore,
    forge: Callable[[str], ForgeClient],
    services: Callable[[], dict[str, ModelService]],
    retries: FallbackRetries,
) -> Callable[[Job], JobContext]:
    """Return a function from a job to its context, with the secrets as they are then."""

    learned = LearnedModels(store.training)

    def context(job: Job) -> JobContext:
        return JobContext(
            forge=forge(job.ref.forge),
            models=services(),
            store=store,
            journal=store.journal,
            corrections=store.corrections,
            related_verdicts=store.related_verdicts,
            learned=learned,
            rate_limiter=store.rate_limiter,
            search_budget=store.search_budget,
            model_retries=retries,
            looks=store.looks,
            day_usd=settings.budget_usd_per_day,
            mode=settings.mode,
            log=lambda event, **fields: log.get().info(event, **fields),
        )

    return context


def job_handlers(
    contexts: Callable[[Job], JobContext], training: TrainingParts
) -> dict[JobKind, Handler]:
    """Return what is done with the jobs of each kind."""

    enrich = make_handler(process, contexts)
    return {
        "opened": enrich,
        "reopened": enrich,
        "edited": make_handler(process_edited, contexts),
        "manual": enrich,
        "heal": enrich,
        "labels": make_handler(record_corrections, contexts),
        "command": make_handler(run_commands, contexts),
        "missing": make_handler(withdraw_missing, contexts),
        "closed": make_handler(record_duplicate, contexts),
        "train": make_handler(partial(train_repository, parts=training), contexts),
    }
