"""f001 to f010: workers die at every step, are told to stop, or race for one issue."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import pytest

from bot import wiring
from bot.core.errors import RateLimited
from bot.core.jobs import JobRecord
from bot.core.ports import BUSY_SECONDS
from bot.core.prompt import Prompt
from bot.core.types import IssueRef, Job, OwnComment, Record
from bot.flow.plan import Outcome
from bot.forges import registry
from bot.http import ClientPool
from bot.llm.client import ModelClient
from bot.queue.actors import MAX_TRIES, Handler
from bot.queue.broker import HEARTBEAT_MS
from bot.store.locks import LOCK_MS
from tests.whole.app import BODY, TITLE, App
from tests.whole.faults import doomed
from tests.whole.faults.conftest import answered, posted, queued
from tests.whole.faults.doomed import Step

FORGES = {"github": "bot.forges.github.api:GitHub", "gitlab": "bot.forges.gitlab.api:GitLab"}
AtWork = Callable[[], AbstractContextManager[None]]

# Labels come before the comment here, so f006 strikes between them and after the id is stored.
STEPS = {
    "f001-after-dequeue": Step("bot.queue.actors:JobRunner.run"),
    "f002-after-issue-fetch": Step("FORGE.issue", "after"),
    "f003-after-the-models-reply": Step("bot.llm.client:ModelClient.complete", "after"),
    "f004-just-before-the-comment": Step("FORGE.comment"),
    "f005-after-the-comment-before-its-id-is-stored": Step("FORGE.comment", "after"),
    "f006-between-labels-and-comment": Step("FORGE.add_labels", "after"),
    "f006-after-the-id-is-stored": Step("bot.flow.process:process", "after"),
    "f007-before-the-acknowledgement": Step("bot.queue.broker:_Consumer.ack"),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_at_any_step_costs_a_repeat_and_no_second_comment(
    vacant: App, survivor: AtWork, step: str
) -> None:
    app, (where, when) = vacant, STEPS[step]
    number = app.host.open_issue(app.repo, TITLE, BODY, labels=["documentation"])
    deadly = Step(where.replace("FORGE", FORGES[app.on]), when)
    assert doomed.end(doomed.start("worker", app.environ, deadly)) == -signal.SIGKILL
    assert app.redis.hlen("tagline:issues.msgs") == 1, "the job is still there"
    with survivor():
        app.wait(lambda: None if app.redis.hlen("tagline:issues.msgs") else True)
        job = app.over()
    assert job.state == "done"
    answered(app, number, "documentation")
    assert posted(app) == 1
    assert app.host.labels(app.repo, number).count("bug") == 1


def test_f001_to_f007_a_job_is_taken_up_again_within_a_minute() -> None:
    assert max(HEARTBEAT_MS, LOCK_MS) / 1000 + 2 * BUSY_SECONDS <= 60


def test_f008_a_worker_told_to_stop_ends_its_call_and_gives_the_others_back(
    vacant: App, survivor: AtWork
) -> None:
    app = vacant
    app.box.fault("model-timeout")
    first, second = (
        app.host.open_issue(app.repo, TITLE, f"{BODY} {n}", author=f"author-{n}") for n in range(2)
    )
    values = {"bot.queue.worker:PICK_UP_MS": 20}
    one_thread = {**app.environ, "WORKER_THREADS": "1", "LLM_TIMEOUT": "1"}
    worker = doomed.start("worker", one_thread, values=values)
    app.wait(lambda: None if app.box.faults.armed else True)  # the call is under way
    os.kill(worker.pid or 0, signal.SIGTERM)
    assert doomed.end(worker) == 0
    assert "needs-review" in app.labels(first), "its call had its time"
    assert app.labels(second) == []
    assert app.redis.llen("tagline:issues") == 1, "handed back"
    with survivor():  # a start makes everybody due that fell back
        app.wait(lambda: app.comments(first) or None)
        app.wait(lambda: app.comments(second) or None)
        app.over()
    answered(app, first)
    answered(app, second)


class Kept:
    """Implements `Lock` for everybody at once."""

    record = None

    def save(self, _record: Record) -> bool:
        return True

    def finish(self, record: Record) -> None:
        pass


@contextmanager
def _everybody(*_: object) -> Iterator[Kept]:
    """A lock that keeps nobody out."""
    yield Kept()


def test_f009_a_comment_that_another_worker_made_meanwhile_stays_the_only_one(
    vacant: App, clients: ClientPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, complete = vacant, ModelClient.complete
    number = app.host.open_issue(app.repo, TITLE, BODY)
    delivery = queued(app)
    others: list[Outcome] = []

    def overtaken(self: ModelClient, prompt: Prompt, parse: Any) -> Any:
        answer = complete(self, prompt, parse)
        monkeypatch.setattr(ModelClient, "complete", complete)
        others.append(run(delivery, 1))
        return answer

    monkeypatch.setattr("bot.store.redis.RedisStore.lock", _everybody)
    monkeypatch.setattr(ModelClient, "complete", overtaken)
    run = wiring.runner(app.settings, clients, app.store)
    first = run(delivery, 1)
    assert len(others) == 1
    assert first.record.comment_id == others[0].record.comment_id
    answered(app, number)


def _persistently(run: Handler, delivery: Job) -> Outcome:
    """The one whose clock is a moment behind has to come again."""
    while True:
        with suppress(RateLimited):
            return run(delivery, 1)


def test_f009_of_two_workers_with_one_job_the_second_takes_its_comment_away(
    vacant: App, clients: ClientPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = vacant
    number = app.host.open_issue(app.repo, TITLE, BODY)
    delivery = queued(app)
    both = threading.Barrier(2, timeout=10)
    forge = type(registry.FORGES[app.on].client(app.settings, clients))
    comment = forge.comment
    ids: list[int] = []

    def at_once(self: object, ref: IssueRef, body: str) -> OwnComment:
        both.wait()
        made: OwnComment = comment(self, ref, body)  # type: ignore[arg-type]
        ids.append(made.id)
        both.wait()
        return made

    monkeypatch.setattr(forge, "comment", at_once)
    monkeypatch.setattr("bot.store.redis.RedisStore.lock", _everybody)
    run = wiring.runner(app.settings, clients, app.store)
    with ThreadPoolExecutor(2) as workers:
        found = list(workers.map(lambda _: _persistently(run, delivery), range(2)))
    assert [outcome.record.status for outcome in found] == ["answered", "answered"]
    answered(app, number)
    assert [c.id for c in app.comments(number)] == [min(ids)]
    assert {outcome.record.comment_id for outcome in found} == {min(ids)}


def test_f010_a_job_that_takes_its_worker_s_memory_is_a_dead_letter_and_others_run(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge = registry.FORGES[app.on].client(app.settings, wiring.clients())
    read = type(forge).issue

    def greedy(self: object, ref: IssueRef) -> object:
        if ref.number == 1:
            raise MemoryError
        return read(self, ref)  # type: ignore[arg-type]

    monkeypatch.setattr(type(forge), "issue", greedy)
    poison = app.host.open_issue(app.repo, TITLE, BODY)
    assert app.over().tries == MAX_TRIES
    assert app.ended().state == "dead"
    other = app.issue(TITLE, f"{BODY} Another.")
    answered(app, other)
    assert app.comments(poison) == []
    app.wait(lambda: app.redis.zcard("tagline:issues.XQ") == 1 or None)


def test_f010_a_job_that_kills_its_worker_every_time_is_a_dead_letter(
    vacant: App, survivor: AtWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, most = vacant, 2
    monkeypatch.setattr("bot.queue.actors.MAX_TRIES", most)
    number = app.host.open_issue(app.repo, TITLE, BODY)
    deadly = Step("bot.llm.client:ModelClient.complete")
    values: dict[str, object] = {
        "bot.queue.actors:MAX_TRIES": most,
        "bot.queue.broker:HEARTBEAT_MS": 400,
        "bot.store.locks:LOCK_MS": 1,
    }
    for _ in range(most):
        worker = doomed.start("worker", app.environ, deadly, values)
        assert doomed.end(worker) == -signal.SIGKILL
    with survivor():
        job = app.wait(lambda: _dead(app))
        other = app.issue(TITLE, f"{BODY} Another.")
    assert (job.tries, job.why) == (most, "no worker survives it")
    assert app.comments(number) == []
    answered(app, other)


def _dead(app: App) -> JobRecord | None:
    job = app.store.job(str(app.opened.job))
    return job if job and job.state == "dead" else None
