"""Trainings that a rate limit, a failure, a killed worker or a loss of Redis interrupts."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest
import redis

from bot.core.training import TrainingState
from bot.http import ClientPool
from bot.store.training import RedisTrainingStore
from tests.simulation import Exchange
from tests.whole.app import App
from tests.whole.faults import killed_process
from tests.whole.faults.killed_process import Step
from tests.whole.periodic import PeriodicTasks
from tests.whole.test_training import add_history, model_of, pages_read, repo_key, state_of


@contextmanager
def fault_after_first_page(app: App, fault: str) -> Iterator[None]:
    pending = [fault]

    def watch(exchange: Exchange) -> None:
        if pending and exchange.path.endswith("/issues") and "state=all" in exchange.query:
            app.box.fault(pending.pop())

    app.box.observe(watch)
    try:
        yield
    finally:
        app.box.log.observers.remove(watch)
    assert not pending, "no page was read"


@pytest.mark.slow
def test_a_rate_limit_in_the_middle_delays_a_training_which_then_continues(
    app: App, clients: ClientPool
) -> None:
    add_history(app)
    app.issue()
    tasks = PeriodicTasks(app, clients)
    with fault_after_first_page(app, "forge-429"):
        tasks.train()
    (job,) = tasks.jobs
    record = app.store.job(job)
    assert record is not None
    assert record.state == "waiting"
    assert state_of(app).status == "waiting"
    assert model_of(app) is None
    app.expire_pauses()
    tasks.jobs.clear()
    app.redis.delete(*app.redis.keys("tagline:issues.DQ*"))
    reset_sent(app)
    tasks.train()
    assert state_of(app).why == ""
    assert state_of(app).examples == 240
    offsets = [parse_qs(x.query).get("page", ["after"]) for x in pages_read(app) if x.status == 200]
    assert len(offsets) == 3, "no page was read twice"


@pytest.mark.slow
def test_a_training_continues_soon_after_the_forge_has_failed(
    app: App, clients: ClientPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.flow.train_repository.RETRY_SECONDS", (0.5, 60.0, 60.0))
    add_history(app)
    app.issue()
    tasks = PeriodicTasks(app, clients)
    with fault_after_first_page(app, "forge-502"):
        tasks.train()
    (job,) = tasks.jobs
    assert app.wait_for_end(job).outcome == "trained"
    assert state_of(app).examples == 240
    assert len([page for page in pages_read(app) if page.status == 200]) == 3


@pytest.mark.slow
def test_a_training_continues_soon_after_redis_has_failed(
    app: App, clients: ClientPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.queue.actors.FIRST_PAUSE", 0.2)
    failures = [redis.ConnectionError("reset"), redis.TimeoutError("slow")]
    save = RedisTrainingStore.save_progress

    def fail_twice(store: RedisTrainingStore, *page: Any) -> None:
        if failures:
            raise failures.pop()
        save(store, *page)

    monkeypatch.setattr(RedisTrainingStore, "save_progress", fail_twice)
    add_history(app)
    app.issue()
    tasks = PeriodicTasks(app, clients)
    tasks.train()
    (job,) = tasks.jobs
    assert app.wait_for_end(job).outcome == "trained"
    assert (failures, state_of(app).examples) == ([], 240)


def reset_sent(app: App) -> None:
    """Let the schedule send the job again now."""
    key, state = repo_key(app), state_of(app)
    app.store.training.save_training_state(key, TrainingState(state.since, 0.0, why=state.why))


@pytest.mark.slow
def test_a_training_whose_worker_is_killed_continues_where_it_was(
    app: App, clients: ClientPool
) -> None:
    add_history(app)
    idle = App(app.box, f"{app.redis_url.rpartition('/')[0]}/4", on=app.on)
    idle.repo = app.repo
    with idle.open(worker=False):
        idle.host.open_issue(idle.repo, "The first issue", "It has a text.")
        tasks = PeriodicTasks(idle, clients)
        tasks.train(wait=False)
        start = len(idle.host.exchanges)
        step = Step("bot.store.training:RedisTrainingStore.save_progress", "after")
        worker = killed_process.start("worker", idle.environ, step)
        assert killed_process.wait(worker) == -signal.SIGKILL
        assert len(pages_read_since(idle, start)) == 1
        progress, pages = idle.store.training.progress(repo_key(idle))
        assert progress.read == 100  # on GitHub with the first issue, which has no label
        assert len(pages) == 1
        for lock in idle.redis.keys("tagline:lock:*"):
            idle.redis.delete(lock)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("bot.queue.broker.HEARTBEAT_MS", 100)
            with idle.running_worker(clear=False):
                (job,) = tasks.jobs
                assert idle.wait_for_end(job).state == "done"
        assert len(pages_read_since(idle, start)) == 3
        assert state_of(idle).examples == 240
        idle.redis.flushdb()


def pages_read_since(app: App, start: int) -> list[Exchange]:
    recent = app.host.exchanges[start:]
    return [page for page in pages_read(app) if any(page is one for one in recent)]


@pytest.mark.slow
def test_after_a_loss_of_redis_the_repository_is_trained_again(
    app: App, clients: ClientPool
) -> None:
    add_history(app, 60)
    app.issue()
    tasks = PeriodicTasks(app, clients)
    tasks.train()
    assert model_of(app) is not None
    repositories = app.store.reconcile_state.repositories()
    app.redis.flushdb()
    app.store.reconcile_state.save_repositories(repositories)  # as the receiver within a minute
    app.issue("Another issue after the loss", "It has another text.")
    assert model_of(app) is None
    tasks.jobs.clear()
    tasks.train()
    # Nobody has handled the two issues that the bot has labelled.
    assert (model_of(app) is not None, state_of(app).examples) == (True, 60)
