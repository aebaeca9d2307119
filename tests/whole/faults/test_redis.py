"""f013 to f021: Redis is down, restarted, emptied, read-only, full, slow or silent."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import redis

from bot.core.prompt import Answer, Prompt
from bot.embedded.valkey import EmbeddedRedis
from bot.flow.reconcile import JUST_NOW_SECONDS
from bot.http import ClientPool
from bot.llm.client import RemoteModel
from bot.queue.enqueue import ANSWER_SECONDS
from bot.sandbox import Sandbox
from bot.sandbox.host import Opening
from tests.conftest import crash, free_port
from tests.whole.app import BODY, TITLE, App
from tests.whole.faults.conftest import answered, healthy, posted
from tests.whole.outage import Outage

Trouble = Callable[[EmbeddedRedis, redis.Redis], object]


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(tmp_path_factory.mktemp("mortal"), port=free_port()) as server:
        yield server


@pytest.fixture(scope="module")
def _shaken(box: Sandbox, mortal: EmbeddedRedis, impatient: None) -> Iterator[App]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.queue.enqueue.REPOSITORIES_SECONDS", 0.05)
        patch.setattr("dramatiq.worker.CONSUMER_RESTART_DELAY_SECS", 0.05)
        house = App(box, mortal.url, environment={"LLM_TIMEOUT": "5"})
        with house.open():
            yield house


@pytest.fixture
def shaken(_shaken: App, mortal: EmbeddedRedis, clean: str, host: str) -> App:
    """A house whose Redis a test may break."""
    with redis.Redis.from_url(mortal.url) as client:
        client.flushall()
    _shaken.refresh(host)
    _shaken.wait(lambda: healthy(_shaken.url, "readyz"))  # what the test before broke is whole
    return _shaken


def _old(house: App, n: int = 0) -> int:
    """An issue that was opened before the minute in which deliveries are likely at work."""
    body, long_ago = f"{BODY} Number {n}.", time.time() - 2 * JUST_NOW_SECONDS
    how: Opening = {"created_at": long_ago, "author": f"author-{n}"}
    return house.host.open_issue(house.repo, TITLE, body, **how)


@contextmanager
def _down(server: EmbeddedRedis, _client: redis.Redis) -> Iterator[None]:
    server.kill()
    yield
    server.start()


@contextmanager
def _read_only(_server: EmbeddedRedis, client: redis.Redis) -> Iterator[None]:
    client.config_set("replica-serve-stale-data", "yes")
    client.replicaof("127.0.0.1", "1")
    yield
    client.replicaof("NO", "ONE")


@contextmanager
def _full(_server: EmbeddedRedis, client: redis.Redis) -> Iterator[None]:
    client.config_set("maxmemory", "1")
    yield
    client.config_set("maxmemory", "0")


@contextmanager
def _slow(_server: EmbeddedRedis, client: redis.Redis) -> Iterator[None]:
    client.client_pause(600, all=True)
    yield


@contextmanager
def _silent(server: EmbeddedRedis, _client: redis.Redis) -> Iterator[None]:
    os.kill(server.pid, signal.SIGSTOP)
    yield
    os.kill(server.pid, signal.SIGCONT)


@contextmanager
def _refusing_writes(_server: EmbeddedRedis, client: redis.Redis) -> Iterator[None]:
    """As it does when its disk is full, in other words."""
    client.config_set("min-replicas-to-write", "1")
    yield
    client.config_set("min-replicas-to-write", "0")


AT_THE_DOOR = {
    "f013-down": _down,
    "f017-read-only": _read_only,
    "f018-full": _full,
    "f019-slow": _slow,
    "f020-black-hole": _silent,
    "f085-full-disk": _refusing_writes,
}


@pytest.mark.parametrize("trouble", AT_THE_DOOR)
def test_a_redis_that_does_not_confirm_is_503_and_the_issue_is_not_lost(
    shaken: App,
    mortal: EmbeddedRedis,
    clients: ClientPool,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
) -> None:
    house = shaken
    first = house.issue(TITLE, f"{BODY} Earlier.")
    with redis.Redis.from_url(mortal.url) as client, AT_THE_DOOR[trouble](mortal, client):
        with monkeypatch.context() as patch:
            patch.setattr("bot.queue.enqueue.ANSWER_SECONDS", 0.3)
            number = _old(house)
        assert house.opened.status == 503
        assert house.opened.job is None
        assert healthy(house.url), "within a second"
    (error,) = [e for e in house.events() if e["event"].startswith("Redis did not confirm")]
    assert error["level"] == "error"
    if house.on == "gitlab":
        house.wait(lambda: house.host.redeliver(house.opened.id).is_success or None)
    else:
        Outage(house, clients).sweep()
    house.wait(lambda: house.comments(number) or None)
    house.over()
    answered(house, number)
    assert len(house.comments(first)) == 1
    assert posted(house) == 2


def test_f013_f019_f020_the_door_answers_within_two_seconds() -> None:
    assert ANSWER_SECONDS <= 2


def test_f014_a_restart_loses_no_queued_job_and_doubles_no_running_one(
    shaken: App, mortal: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, ask = shaken, RemoteModel.ask
    queued, once = threading.Event(), threading.Lock()

    def restarting(self: RemoteModel, prompt: Prompt) -> Answer:
        answer = ask(self, prompt)
        assert queued.wait(10)
        if once.acquire(blocking=False):
            crash(mortal)
            mortal.start()
        return answer

    monkeypatch.setattr("bot.store.locks.LOCK_MS", 400)
    with monkeypatch.context() as patch:
        patch.setattr(RemoteModel, "ask", restarting)
        numbers = [_old(house, n) for n in range(6)]  # four of them run
        queued.set()
        house.wait(lambda: None if house.redis.hlen("tagline:issues.msgs") else True)
        house.wait(lambda: all(house.comments(number) for number in numbers) or None)
    house.wait(lambda: None if house.redis.hlen("tagline:issues.DQ.msgs") else True)
    for number in numbers:
        answered(house, number)
    assert posted(house) == 6
    assert once.locked()


def test_f015_an_idle_worker_connects_again_by_itself(shaken: App, mortal: EmbeddedRedis) -> None:
    house = shaken
    mortal.kill()
    time.sleep(0.3)
    mortal.start()
    number = house.wait(lambda: _taken(house))
    house.over()
    answered(house, number)


def _taken(house: App) -> int | None:
    number = _old(house)
    return number if house.opened.status == 202 else None


def test_f016_what_a_flush_has_lost_is_found_and_nothing_is_said_twice(
    vacant: App, clients: ClientPool
) -> None:
    house, night = vacant, Outage(vacant, clients)
    with house.working():
        first = _old(house)
        house.over()
    night.sweep()  # as a worker does at its start; now it knows where to look
    numbers = [_old(house, n) for n in range(1, 5)]
    house.redis.flushall()
    with house.working(forgetful=False):
        night.sweep()
        house.wait(lambda: all(house.comments(number) for number in numbers) or None)
    for number in (first, *numbers):
        answered(house, number)
    assert posted(house) == 5


def test_f021_a_delivery_whose_claim_is_forgotten_changes_nothing(house: App) -> None:
    number = house.issue()
    before = house.comments(number)
    house.redis.flushall()  # the claim, and the record as well
    assert house.again().outcome == "unchanged"
    assert house.comments(number) == before
    assert posted(house) == 1
