"""What an error leads to: a later try or a dead letter, but never a lost job."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, get_args

import dramatiq
import msgspec
import pytest

from bot.core.errors import LockContended, OperatorError, RateLimited, Retry
from bot.core.jobs import JobRecord
from bot.core.types import Choice, IssueRef, Job, JobKind, Record
from bot.embedded.valkey import EmbeddedRedis
from bot.flow.plan import Outcome
from bot.queue.actors import MAX_TRIES, Handler, declare, send
from bot.queue.broker import Broker, is_queued
from bot.queue.connection import connect
from bot.queue.dead_letters import DeadLetters
from bot.queue.periodic import PeriodicTasks
from bot.queue.worker import QueueWorker
from tests.conftest import crash
from tests.memory_store import MemoryStore
from tests.waiting import wait_until
from tests.web.client import FakeMetrics

REF = IssueRef("github", "github.com", "acme/widget", 41, 7001, "5001")
DELIVERY = Job("d-1", "opened", REF, 1.0)
Do = Callable[[Job, int], Outcome]


class WorkerHarness:
    """A worker of two threads whose jobs run a test's function."""

    def __init__(self, url: str, do: Do, jobs: MemoryStore | None = None) -> None:
        self.client = connect(url, 8)
        self.broker = Broker(self.client, heartbeat_ms=500)
        self.jobs = jobs or MemoryStore()
        self.metrics = FakeMetrics()
        self.tries: list[int] = []

        def run(delivery: Job, tries: int) -> Outcome:
            self.tries.append(tries)
            return do(delivery, tries)

        handlers: dict[JobKind, Handler] = dict.fromkeys(get_args(JobKind), run)
        declare(self.broker, handlers, self.jobs, self.metrics)
        self.worker = QueueWorker(self.broker, 2, PeriodicTasks({}), stop_seconds=5)

    def send(self) -> str:
        return send(self.broker, self.jobs, DELIVERY)

    def wait(self, job: str, *states: str, seconds: float = 10) -> JobRecord:
        until = time.monotonic() + seconds
        while not ((found := self.jobs.job(job)) and found.state in states):
            assert time.monotonic() < until, found
            time.sleep(0.02)
        return found

    def wait_for_letter(self) -> None:
        """A job is saved as dead just before its message becomes a dead letter."""
        wait_until(lambda: self.client.zcard("tagline:issues.XQ") == 1)


Make = Callable[..., WorkerHarness]


@pytest.fixture
def start_worker(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    made: list[WorkerHarness] = []
    monkeypatch.setattr("bot.queue.actors.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("bot.queue.worker.PICK_UP_MS", 15)

    def make(do: Do, jobs: MemoryStore | None = None, url: str = redis_url) -> WorkerHarness:
        made.append(WorkerHarness(url, do, jobs))
        made[-1].worker.start()
        return made[-1]

    yield make
    for one in made:
        one.worker.stop()


def fine(delivery: Job, tries: int) -> Outcome:
    return Outcome(delivery, Record("answered"))


def test_a_job_that_works_is_done_at_the_first_try(start_worker: Make) -> None:
    one = start_worker(fine)
    job = one.wait(one.send(), "done")
    assert not is_queued(one.client, "no-such-job")
    assert (job.tries, job.outcome, job.issue) == (1, "answered", "github:acme/widget#41")


def test_the_record_of_a_job_has_the_choices_of_its_labels(start_worker: Make) -> None:
    choices = (Choice("bug", "classifier", "likely"), Choice("docs", "rules", "unsure", False))
    one = start_worker(lambda job, _: Outcome(job, Record("answered", choices=choices)))
    assert one.wait(one.send(), "done").choices == choices


def test_of_jobs_that_wait_for_a_thread_a_training_runs_last(redis_url: str) -> None:
    one = WorkerHarness(redis_url, fine)
    for kind in ("train", "opened"):
        send(one.broker, one.jobs, replace(DELIVERY, kind=kind))
    messages = [json.loads(text) for text in one.client.hvals("tagline:issues.msgs")]
    priorities = {
        message["kwargs"]["delivery"]["kind"]: one.broker.get_actor(message["actor_name"]).priority
        for message in messages
    }
    assert priorities["opened"] < priorities["train"]
    one.worker.start()
    wait_until(lambda: not one.client.hlen("tagline:issues.msgs"))
    one.worker.stop()


def test_a_worker_that_stops_first_ends_what_runs_beside_its_threads(redis_url: str) -> None:
    events: list[str] = []

    def work(delivery: Job, tries: int) -> Outcome:
        events.append("started")
        wait_until(lambda: "stopping" in events)
        return fine(delivery, tries)

    one = WorkerHarness(redis_url, work)
    worker = QueueWorker(
        one.broker, 1, PeriodicTasks({}), 5, stopping=lambda: events.append("stopping")
    )
    worker.start()
    job = one.send()
    wait_until(lambda: bool(events))
    worker.stop()
    assert events == ["started", "stopping"]
    assert one.wait(job, "done").tries == 1


def test_a_forge_that_asks_to_wait_is_tried_again(
    start_worker: Make, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    def twice(delivery: Job, tries: int) -> Outcome:
        if tries < 3:
            raise Retry("GitHub asked to wait", 0.01)
        return fine(delivery, tries)

    one = start_worker(twice)
    assert one.wait(one.send(), "done").tries == 3
    assert one.tries == [1, 2, 3]
    again = [e["try_number"] for e in logged() if e["event"] == "error, tried again later"]
    assert again == [1, 2]


def test_the_end_of_every_try_of_a_job_is_counted(start_worker: Make) -> None:
    def second(delivery: Job, tries: int) -> Outcome:
        if tries < 2:
            raise Retry("GitHub asked to wait", 0.01)
        if one.metrics.counted["jobs", "github", "answered"]:
            raise OperatorError("the key is wrong")
        return fine(delivery, tries)

    one = start_worker(second)
    one.wait(one.send(), "done")
    one.wait(one.send(), "dead")
    assert one.metrics.counted == {
        ("jobs", "github", "tried-again-later"): 2,
        ("jobs", "github", "gave-up"): 1,
        ("jobs", "github", "answered"): 1,
    }


def test_a_job_that_never_works_becomes_a_dead_letter(start_worker: Make) -> None:
    def never(_delivery: Job, _tries: int) -> Outcome:
        raise Retry("GitHub failed", 0.01)

    one = start_worker(never)
    job = one.wait(one.send(), "dead", seconds=20)
    assert (job.tries, job.why) == (MAX_TRIES, "GitHub failed")
    one.wait_for_letter()


def test_an_unexpected_error_shows_its_place_and_never_its_values(
    start_worker: Make, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    def poison(_delivery: Job, _tries: int) -> Outcome:
        raise ZeroDivisionError("the title was: quokkaberry")

    one = start_worker(poison)
    job = one.wait(one.send(), "dead", seconds=20)
    assert job.why == "unexpected ZeroDivisionError"
    assert job.frames[-1].endswith("poison")
    assert "quokkaberry" not in repr(logged())
    assert "quokkaberry" not in repr([one.client.dump(key) for key in one.client.scan_iter()])


@pytest.mark.slow
def test_a_retry_that_meets_a_dead_redis_is_not_lost(
    start_worker: Make, own_redis: EmbeddedRedis
) -> None:
    def cut(delivery: Job, tries: int) -> Outcome:
        if tries == 1:
            crash(own_redis)
            raise Retry("the forge failed", 0.01)
        return fine(delivery, tries)

    one = start_worker(cut, url=own_redis.url)
    job = one.send()
    time.sleep(1.0)
    own_redis.start()
    assert one.wait(job, "done", seconds=20).tries == 2


@pytest.mark.slow
@pytest.mark.parametrize(("deaths", "state"), [(MAX_TRIES - 1, "done"), (MAX_TRIES, "dead")])
def test_a_job_that_no_worker_survives_is_a_dead_letter(
    redis_url: str, deaths: int, state: str
) -> None:
    one = WorkerHarness(redis_url, fine)
    sent = one.send()
    # Each of these workers died.
    one.jobs.save_job(JobRecord(sent, "running", str(REF), deaths))
    one.worker.start()
    job = one.wait(sent, "done", "dead")
    assert (job.state, job.tries) == (state, MAX_TRIES)
    assert one.tries == ([MAX_TRIES] if state == "done" else [])
    one.worker.stop()


def test_waiting_for_another_worker_is_no_failed_try(start_worker: Make) -> None:
    def held(delivery: Job, tries: int) -> Outcome:
        if len(one.tries) < 2 * MAX_TRIES:
            raise LockContended("another worker holds the lock of this issue", 0.01)
        return fine(delivery, tries)

    one = start_worker(held)
    assert one.wait(one.send(), "done", seconds=20).tries == 1
    assert set(one.tries) == {1}


def test_a_job_of_another_version_is_kept_as_a_dead_letter(start_worker: Make) -> None:
    one = start_worker(fine)
    kwargs = {"delivery": {"id": "d", "kind": "of the future"}}
    unreadable: dramatiq.Message[None] = dramatiq.Message("issues", "enrich", (), kwargs, {})
    one.broker.enqueue(unreadable)
    assert one.wait(unreadable.message_id, "dead").why == "a job that this version cannot read"
    one.wait_for_letter()


def test_each_kind_of_job_has_its_handler_and_one_without_is_a_dead_letter(redis_url: str) -> None:
    client, jobs, ran = connect(redis_url, 8), MemoryStore(), list[str]()
    broker = Broker(client)

    def handler(name: str) -> Handler:
        def run(job: Job, tries: int) -> Outcome:
            ran.append(f"{job.kind} by {name}")
            return fine(job, tries)

        return run

    declare(broker, {"opened": handler("one"), "edited": handler("two")}, jobs, FakeMetrics())
    kinds: list[JobKind] = ["opened", "edited", "heal"]
    sent = [send(broker, jobs, replace(DELIVERY, kind=kind)) for kind in kinds]
    worker = QueueWorker(broker, 1, PeriodicTasks({}), stop_seconds=5)
    worker.start()
    wait_until(lambda: client.zcard("tagline:issues.XQ") == 1 and len(ran) == 2)
    worker.stop()
    assert ran == ["opened by one", "edited by two"]
    found = [jobs.job(job) for job in sent]
    assert [(job.state, job.why) for job in found if job] == [
        ("done", ""),
        ("done", ""),
        ("dead", "a job that this version cannot read"),
    ]


def test_a_job_that_is_due_in_hours_does_not_miss_its_time(start_worker: Make) -> None:
    hours = 20 * 3600

    def paced(_delivery: Job, _tries: int) -> Outcome:
        raise RateLimited("the account has reached its rate limit for comments", hours)

    one = start_worker(paced)
    one.wait(one.send(), "waiting")
    (message,) = map(json.loads, one.client.hvals("tagline:issues.DQ.msgs"))
    assert {*message["options"]} == {"eta", "redis_message_id", "tries"}
    assert 0 <= message["options"]["eta"] / 1000 - time.time() - hours + 5 <= 605


def test_a_job_with_an_argument_that_this_version_does_not_know_is_kept_as_a_dead_letter(
    start_worker: Make,
) -> None:
    one = start_worker(fine)
    kwargs = {"delivery": msgspec.to_builtins(DELIVERY), "urgent": True}
    message: dramatiq.Message[None] = dramatiq.Message("issues", "enrich", (), kwargs, {})
    one.broker.enqueue(message)
    one.wait_for_letter()
    assert DeadLetters(one.client).all()[0].job == message.message_id


def test_a_job_whose_record_is_of_another_version_is_done(start_worker: Make) -> None:
    class Newer(MemoryStore):
        """Its records of jobs that wait for their first try have an unknown state."""

        def start_job(self, job: JobRecord) -> JobRecord | None:
            found = super().start_job(job)
            if found and found.state == "queued":
                raise msgspec.ValidationError("Invalid enum value 'scheduled'")
            return found

    done = threading.Event()

    def run(delivery: Job, tries: int) -> Outcome:
        done.set()
        return fine(delivery, tries)

    start_worker(run, Newer()).send()
    assert done.wait(5)


def test_a_dead_letter_names_its_issue_and_is_sent_again_as_new(start_worker: Make) -> None:
    reasons: list[Exception] = [OperatorError("the token was refused")]

    def do(delivery: Job, tries: int) -> Outcome:
        if reasons:
            raise reasons.pop()
        return fine(delivery, tries)

    one = start_worker(do)
    letters = DeadLetters(one.client)
    job = one.send()
    one.wait_for_letter()
    assert [(letter.job, letter.issue) for letter in letters.all()] == [(job, str(REF))]
    assert letters.send_again([job]) == {job}
    assert one.wait(job, "done").tries == 1
    assert letters.all() == ()
    assert letters.send_again([job]) == set()


def test_types_are_prepared_before_threads_use_them() -> None:
    """msgspec prepares a type at its first use, and crashes where several threads do so at once."""
    program = (
        "import bot.queue.actors, bot.store.redis, bot.flow.process\n"
        "from bot.core.enrichment import CachedAnswer\n"
        "from bot.core.jobs import JobRecord\n"
        "from bot.core.types import IssueRef, Job, Marker, Record\n"
        "types = (CachedAnswer, IssueRef, Job, JobRecord, Marker, Record)\n"
        "print([t.__name__ for t in types if not hasattr(t, '__msgspec_cache__')])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


def test_a_task_that_waits_for_a_silent_forge_does_not_hold_back_another() -> None:
    released, ran = threading.Event(), threading.Event()

    def slow() -> dict[str, object]:
        released.wait(5)
        return {}

    def quick() -> dict[str, object]:
        ran.set()
        return {}

    tasks = PeriodicTasks({"slow": slow, "quick": quick})
    tasks.start()
    assert ran.wait(2)
    released.set()
    tasks.stop(2)
