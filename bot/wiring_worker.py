"""Builds the worker from settings."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from bot import wiring, wiring_jobs
from bot import wiring_periodic as periodic
from bot.embedded.parent_death import with_pdeathsig
from bot.flow.train_repository import TrainingParts
from bot.footprint import configure_malloc
from bot.forges.registry import list_accessible_forges
from bot.llm.service import CHAIN_TIME_FACTOR
from bot.queue.actors import declare, send
from bot.queue.pause import PauseSwitch
from bot.queue.trainer import ProcessTrainer
from bot.queue.worker import QueueWorker
from bot.settings.reload import ReloadingSettings

if TYPE_CHECKING:
    from bot.settings.load import Settings

GRACE_SECONDS = 5.0
WITHOUT_MODEL_SECONDS = 15.0


def worker(settings: Settings, *, single_host: bool = False) -> QueueWorker:
    """Return worker threads, ready to start. Raises `SettingsError` without access to a forge.

    On a single host, a worker without a heartbeat is taken for dead sooner.
    """
    settings.require(forge=True)
    configure_malloc()
    client, pool = wiring.redis_client(settings), wiring.clients()
    store, counters = wiring.redis_store(client), wiring.metrics(settings, client)
    pool.report_rate = counters.report_rate
    pause = PauseSwitch(client)
    queue = wiring.broker(client, pause.is_on, single_host=single_host)
    send_job = partial(send, queue, store)
    latest, retries = ReloadingSettings(settings), wiring.fallback_retries(settings, store)
    forge = wiring.forges(latest, pool)
    services = wiring.current_models(latest, pool, store, counters)
    # Here, so that the first jobs do not wait for the imports of a client, all at once.
    services()
    for name in list_accessible_forges(settings):
        forge(name)
    departed = periodic.departures(latest, pool, store)
    trainings = periodic.training_schedule(settings, store)
    trainer = ProcessTrainer(with_pdeathsig)
    go_on = partial(trainings.continue_after, send_job)
    training = TrainingParts(store.training, trainer, forge, time.time, go_on)
    contexts = wiring_jobs.job_contexts(settings, store, forge, services, retries)
    handlers = wiring_jobs.job_handlers(contexts, training)
    declare(queue, {**handlers, "forget": departed.forget_account}, store, counters)
    search = periodic.reconciliation(settings, forge, store, departed)
    looks = periodic.look_schedule(settings, store)
    tasks = {
        **periodic.sending_tasks(send_job, retries, search, trainings, looks),
        "forgot repositories without access": departed.run_once,
        **periodic.polling_task(latest, pool, store, client),
    }
    # One more than threads for issues, in which a training waits.
    threads, is_paused = settings.worker_threads + 1, pause.read
    if settings.paused:
        threads, is_paused = 0, lambda: True
    pausable = periodic.pausable_tasks(tasks, is_paused, counters.report_pause)
    closing = [pool.close, counters.close]
    return QueueWorker(queue, threads, pausable, stop_seconds(settings), closing, trainer.stop)


def stop_seconds(settings: Settings) -> float:
    """Return how long running jobs may take to finish: model calls and some time for the forge."""
    model = settings.model
    if model is None:
        return WITHOUT_MODEL_SECONDS + GRACE_SECONDS
    return model.timeout * (CHAIN_TIME_FACTOR if model.fallbacks else 1) + GRACE_SECONDS
