"""f001 to f010: workers are killed at every step, are stopped, or compete for one issue."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Any

import pytest

from bot import wiring
from bot.core.errors import RateLimited
from bot.core.jobs import JobRecord
from bot.core.journal import Write
from bot.core.prompt import Prompt
from bot.core.types import IssueRef, Job, OwnComment, Record
from bot.flow.plan import Outcome
from bot.forges import registry
from bot.http import ClientPool
from bot.llm.client import ModelClient
from bot.queue.actors import MAX_TRIES, Handler
from bot.queue.broker import HEARTBEAT_MS
from bot.store.locks import BUSY_SECONDS, LOCK_MS
from tests.whole.app import BODY, TITLE, App
from tests.whole.faults import killed_process
from tests.whole.faults.conftest import assert_answered, count_posts, queued_job
from tests.whole.faults.killed_process import Step

FORGES = {"github": "bot.forges.github.api:GitHub", "gitlab": "bot.forges.gitlab.api:GitLab"}
StartWorker = Callable[[], AbstractContextManager[None]]

# Labels come before the comment, so f006 is between them and after the id is stored.
STEPS = {
    "f001-after-dequeue": Step("bot.queue.actors:JobRunner.run"),
    "f002-after-issue-fetch": Step("FORGE.get_issue", "after"),
    "f003-after-the-models-reply": Step("bot.llm.client:ModelClient.complete", "after"),
    "f004-just-before-the-comment": Step("FORGE.post_comment"),
    "f005-after-the-comment-before-its-id-is-stored": Step("FORGE.post_comment", "after"),
    "f006-between-labels-and-comment": Step("FORGE.add_labels", "after"),
    "f006-after-the-id-is-stored": Step("bot.flow.process:process", "after"),
    "f007-before-the-acknowledgement": Step("bot.queue.broker:_Consumer.ack"),
}


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_job_of_a_worker_killed_at_any_step_is_repeated_without_a_second_comment(
    idle_app: App, second_worker: StartWorker, step: str
) -> None:
    app, (where, when) = idle_app, STEPS[step]
    number = app.host.open_issue(app.repo, TITLE, BODY, labels=["documentation"])
    kill_step = Step(where.replace("FORGE", FORGES[app.on]), when)
    worker = killed_process.start("worker", app.environ, kill_step)
    assert killed_process.wait(worker) == -signal.SIGKILL
    assert app.redis.hlen("tagline:issues.msgs") == 1, "the job is still queued"
    with second_worker():
        app.wait(lambda: not app.redis.hlen("tagline:issues.msgs"))
        job = app.wait_for_end()
    assert job.state == "done"
    assert_answered(app, number, "documentation")
    assert count_posts(app) == 1
    assert app.host.labels(app.repo, number).count("bug") == 1


def test_f001_to_f007_a_job_is_restarted_within_a_minute() -> None:
    assert max(HEARTBEAT_MS, LOCK_MS) / 1000 + 2 * BUSY_SECONDS <= 60


@pytest.mark.slow
def test_f008_a_stopped_worker_finishes_its_job_and_returns_the_others(
    idle_app: App, second_worker: StartWorker
) -> None:
    app = idle_app
    app.box.fault("model-timeout", times=2)
    *running, waiting = (
        app.host.open_issue(app.repo, TITLE, f"{BODY} {n}", author=f"author-{n}") for n in range(3)
    )
    values = {"bot.queue.worker:PICK_UP_MS": 20}
    two_threads = {**app.environ, "WORKER_THREADS": "1", "LLM_TIMEOUT": "1"}  # one is added
    worker = killed_process.start("worker", two_threads, values=values)
    app.wait(lambda: not app.box.faults.armed)  # both calls are under way
    os.kill(worker.pid or 0, signal.SIGTERM)
    assert killed_process.wait(worker) == 0
    for number in running:
        assert "needs-review" in app.labels(number), "its job was finished"
    assert app.labels(waiting) == []
    assert app.redis.llen("tagline:issues") == 1, "returned to the queue"
    with second_worker():  # a worker's start makes all waiting issues due
        for number in (*running, waiting):
            app.wait(partial(app.comments, number))
        app.wait_for_end()
    for number in (*running, waiting):
        assert_answered(app, number)


class OpenLock:
    """Implements `Lock` without excluding other workers."""

    record = None

    def save(self, _record: Record, _writes: Sequence[Write] = ()) -> bool:
        return True

    def finish(self, record: Record, writes: Sequence[Write] = ()) -> None:
        pass


@contextmanager
def _open_lock(*_: object) -> Iterator[OpenLock]:
    """Return a lock that excludes no other worker."""
    yield OpenLock()


def test_f009_a_comment_that_another_worker_wrote_during_the_job_stays_the_only_one(
    idle_app: App, clients: ClientPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, complete = idle_app, ModelClient.complete
    number = app.host.open_issue(app.repo, TITLE, BODY)
    delivery = queued_job(app)
    others: list[Outcome] = []

    def run_second_job(self: ModelClient, prompt: Prompt, parse: Any) -> Any:
        answer = complete(self, prompt, parse)
        monkeypatch.setattr(ModelClient, "complete", complete)
        others.append(run(delivery, 1))
        return answer

    monkeypatch.setattr("bot.store.redis.RedisStore.lock", _open_lock)
    monkeypatch.setattr(ModelClient, "complete", run_second_job)
    run = wiring.runner(app.settings, clients, app.store)
    first = run(delivery, 1)
    assert len(others) == 1
    assert first.record.comment_id == others[0].record.comment_id
    assert_answered(app, number)


def _run_until_done(run: Handler, delivery: Job) -> Outcome:
    """Repeat the job of the worker whose clock is slightly behind."""
    while True:
        with suppress(RateLimited):
            return run(delivery, 1)


def test_f009_of_two_workers_with_one_job_the_second_deletes_its_comment(
    idle_app: App, clients: ClientPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = idle_app
    number = app.host.open_issue(app.repo, TITLE, BODY)
    delivery = queued_job(app)
    both = threading.Barrier(2, timeout=10)
    forge = type(registry.FORGES[app.on].client(app.settings, clients))
    comment = forge.post_comment
    ids: list[int] = []

    def comment_together(self: object, ref: IssueRef, body: str) -> OwnComment:
        both.wait()
        created: OwnComment = comment(self, ref, body)  # type: ignore[arg-type]
        ids.append(created.id)
        both.wait()
        return created

    monkeypatch.setattr(forge, "post_comment", comment_together)
    monkeypatch.setattr("bot.store.redis.RedisStore.lock", _open_lock)
    run = wiring.runner(app.settings, clients, app.store)
    with ThreadPoolExecutor(2) as workers:
        outcomes = list(workers.map(lambda _: _run_until_done(run, delivery), range(2)))
    assert [outcome.record.status for outcome in outcomes] == ["answered", "answered"]
    assert_answered(app, number)
    assert [c.id for c in app.comments(number)] == [min(ids)]
    assert {outcome.record.comment_id for outcome in outcomes} == {min(ids)}


@pytest.mark.slow
def test_f010_a_job_that_exhausts_memory_is_a_dead_letter_and_others_run(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge = registry.FORGES[app.on].client(app.settings, wiring.clients())
    read = type(forge).get_issue

    def exhaust_memory(self: object, ref: IssueRef) -> object:
        if ref.number == 1:
            raise MemoryError
        return read(self, ref)  # type: ignore[arg-type]

    monkeypatch.setattr(type(forge), "get_issue", exhaust_memory)
    poison = app.host.open_issue(app.repo, TITLE, BODY)
    assert app.wait_for_end().tries == MAX_TRIES
    assert app.wait_for_job().state == "dead"
    other = app.issue(TITLE, f"{BODY} Another.")
    assert_answered(app, other)
    assert app.comments(poison) == []
    app.wait(lambda: app.redis.zcard("tagline:issues.XQ") == 1)


@pytest.mark.slow
def test_f010_a_job_that_kills_its_worker_every_time_is_a_dead_letter(
    idle_app: App, second_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, max_tries = idle_app, 2
    monkeypatch.setattr("bot.queue.actors.MAX_TRIES", max_tries)
    number = app.host.open_issue(app.repo, TITLE, BODY)
    step = Step("bot.llm.client:ModelClient.complete")
    values: dict[str, object] = {
        "bot.queue.actors:MAX_TRIES": max_tries,
        "bot.queue.broker:HEARTBEAT_MS": 400,
        "bot.store.locks:LOCK_MS": 1,
    }
    for _ in range(max_tries):
        worker = killed_process.start("worker", app.environ, step, values)
        assert killed_process.wait(worker) == -signal.SIGKILL
    with second_worker():
        job = app.wait(lambda: _dead(app))
        other = app.issue(TITLE, f"{BODY} Another.")
    assert (job.tries, job.why) == (max_tries, "every worker process that ran it ended")
    assert app.comments(number) == []
    assert_answered(app, other)


def _dead(app: App) -> JobRecord | None:
    job = app.store.job(str(app.opened.job))
    return job if job and job.state == "dead" else None
