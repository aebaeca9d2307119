"""Builds the periodic tasks of a worker from settings, as `wiring` builds the rest."""

from __future__ import annotations

import time
from functools import cache, partial
from typing import TYPE_CHECKING

from bot.core import refs
from bot.flow.forget import Departures
from bot.flow.poll import PollContext
from bot.flow.reconcile import Reconciliation
from bot.flow.schedule_looks import Looks
from bot.flow.schedule_polls import TICK_SECONDS, PollSchedule
from bot.flow.schedule_training import TrainingSchedule
from bot.forges.registry import FORGES, list_accessible_forges
from bot.queue.enqueue import PollQueue
from bot.queue.periodic import PeriodicTasks, Task
from bot.settings.reload import Rebuilt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import redis

    from bot.core.polling_ports import ChangeSource
    from bot.core.types import IssueRef, Job
    from bot.flow.retry_fallbacks import FallbackRetries
    from bot.forges.registry import ForgeClient
    from bot.http import ClientPool
    from bot.settings.load import Settings
    from bot.settings.reload import ReloadingSettings
    from bot.store.redis import RedisStore

POLLED = "polled repositories"


def sending_tasks(
    send: Callable[[Job], object],
    retries: FallbackRetries,
    search: Reconciliation,
    trainings: TrainingSchedule,
    looks: Looks,
) -> dict[str, Task]:
    """Return the tasks that enqueue jobs, by what the log says of one that has done something."""
    return {
        "retried a model for issues with rules": partial(retries.run_once, send),
        "searched for missed issues and deliveries": partial(search.run_once, send),
        "queued the training of a classifier": partial(trainings.run_once, send),
        "queued looks at suggestions": partial(looks.run_once, send),
    }


def pausable_tasks(
    tasks: Mapping[str, Task], is_paused: Callable[[], bool], report: Callable[[], object]
) -> PeriodicTasks:
    """Return the tasks of a worker that may be paused. Then it goes on with polling, which neither
    writes nor calls a model.

    `report` notes in Redis that it is paused.
    """

    def report_pause() -> dict[str, object]:
        if is_paused():
            report()
        return {}

    def unless_paused(task: Task) -> Task:
        return lambda: {} if is_paused() else task()

    running = {name: x if name == POLLED else unless_paused(x) for name, x in tasks.items()}
    return PeriodicTasks({"reported the pause": report_pause, **running}, {POLLED: TICK_SECONDS})


def training_schedule(settings: Settings, store: RedisStore) -> TrainingSchedule:
    """Return the schedule of trainings for the forges to which there is access."""
    accessible = list_accessible_forges(settings)
    return TrainingSchedule(
        store.reconcile_state, store.training, store.corrections, accessible, time.time
    )


def look_schedule(settings: Settings, store: RedisStore) -> Looks:
    """Return the schedule of looks at suggestions on the forges to which there is access."""
    accessible = list_accessible_forges(settings)
    return Looks(store.looks, store.record, store.reconcile_state, accessible, time.time)


def departures(latest: ReloadingSettings, clients: ClientPool, store: RedisStore) -> Departures:
    """Return what forgets repositories to which access has ended."""
    return Departures(
        store.reconcile_state,
        store.repository_data,
        lambda name: FORGES[name].client(latest(), clients),
        list_accessible_forges(latest()),
        time.time,
    )


def reconciliation(
    settings: Settings, forge: Callable[[str], ForgeClient], store: RedisStore, departed: Departures
) -> Reconciliation:
    """Return reconciliation with the forges to which there is access."""
    return Reconciliation(
        store.reconcile_state,
        store.record,
        store.rate_limiter,
        forge,
        list_accessible_forges(settings),
        time.time,
        store.poll_state.cursor,
        departed.note,
        store.repository_data.has_forgotten,
    )


def polling_task(
    latest: ReloadingSettings, clients: ClientPool, store: RedisStore, client: redis.Redis
) -> dict[str, Task]:
    """Return the task of polling, none where it is off. It enqueues with the claims of webhooks."""
    if not latest().poll_seconds:
        return {}
    return {POLLED: polling(latest, clients, store, client).run_once}


def polling(
    latest: ReloadingSettings, clients: ClientPool, store: RedisStore, client: redis.Redis
) -> PollSchedule:
    """Return polling of the repositories in the settings, or of all that can be reached."""
    settings, state = latest(), store.reconcile_state
    sources = Rebuilt(latest, lambda now: cache(lambda name: FORGES[name].changes(now, clients)))

    def source(forge: str) -> ChangeSource:
        return sources()(forge)

    context = PollContext(
        source=source,
        store=store,
        state=store.poll_state,
        journal=store.journal,
        is_known=lambda ref: ref.repo_key in {one.repo_key for one in state.repositories()},
        enqueue=PollQueue(client).put,
        clock=time.time,
    )
    return PollSchedule(
        seconds=settings.poll_seconds,
        named=tuple(named_repositories(settings)),
        forges=list_accessible_forges(settings),
        context=context,
        state=state,
        rate_limiter=store.rate_limiter,
    )


def named_repositories(settings: Settings) -> Iterator[IssueRef]:
    """Yield the repositories in TAGLINE_POLL_REPOS."""
    forms = [entry.url_form(settings) for entry in FORGES.values()]
    return (refs.repository(text, forms) for text in settings.poll_repos)
