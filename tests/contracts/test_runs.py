"""One suite for every store: the newest jobs, and the records of a repository."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
import redis

from bot.core import redis_keys
from bot.core.jobs import JobRecord, JobState
from bot.core.types import Record
from bot.store import runs
from bot.store.redis import DAY, RedisStore
from tests.clock import Clock
from tests.fakes import NOW, REF
from tests.memory_store import MemoryStore

Store = MemoryStore | RedisStore
OTHER = replace(REF, repo="acme/other", repo_id=7002)
LIKE = replace(REF, host="github?com")


def save(
    store: Store, name: str, at: float, ref: object = REF, state: JobState = "done"
) -> JobRecord:
    repository = getattr(ref, "repo_key", "")
    job = JobRecord(name, state, str(REF), at=NOW + at, repository=repository, kind="opened")
    store.save_job(job)
    return job


def test_the_newest_jobs_come_first_and_each_once(store: Store) -> None:
    first, second = save(store, "j-1", 1), save(store, "j-2", 2)
    other = save(store, "j-3", 3, OTHER)
    assert store.list_jobs() == (other, second, first)
    assert store.list_jobs(REF.repo_key) == (second, first)
    again = save(store, "j-1", 4)
    assert store.list_jobs() == (again, other, second)
    assert store.list_jobs(since=NOW + 3) == (again, other)
    assert store.list_jobs(limit=1) == (again,)
    assert store.list_jobs("github:github.com:7003") == ()


def test_a_job_that_runs_is_listed_and_one_that_waits_to_start_is_not(store: Store) -> None:
    save(store, "j-1", 1, state="queued")
    assert store.list_jobs() == ()
    running = JobRecord("j-1", "running", str(REF), at=NOW, repository=REF.repo_key)
    store.start_job(running)
    assert store.list_jobs(REF.repo_key) == (running,)


def test_the_record_of_an_earlier_version_is_read(client: redis.Redis, clock: Clock) -> None:
    store = RedisStore(client, clock)
    old = {"id": "j-1", "state": "done", "issue": "github:acme/widget#41", "tries": 1, "at": 5.0}
    client.hset(redis_keys.JOBS.format(span=int(NOW // DAY)), "j-1", msgspec.json.encode(old))
    found = store.job("j-1")
    assert found
    assert (found.repository, found.labeller, found.seconds, found.number) == ("", "", 0.0, 41)
    store.save_job(found)
    assert store.list_jobs() == ()


def test_the_index_is_bounded_and_expires(
    client: redis.Redis, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "MAX_RUNS", 3)
    monkeypatch.setattr(runs, "MAX_REPOSITORY_RUNS", 2)
    store = RedisStore(client, clock)
    for number in range(5):
        save(store, f"j-{number}", number)
    assert [job.id for job in store.list_jobs()] == ["j-4", "j-3", "j-2"]
    assert [job.id for job in store.list_jobs(REF.repo_key)] == ["j-4", "j-3"]
    for key in (redis_keys.RUNS, redis_keys.REPOSITORY_RUNS.format(repository=REF.repo_key)):
        assert 8 * DAY < client.ttl(key) <= runs.KEEP_SECONDS


def test_the_records_of_one_repository_are_listed(store: Store, clock: Clock) -> None:
    refs = [replace(ref, number=n) for ref in (REF, OTHER, LIKE) for n in (1, 2)]
    for ref in refs:
        with store.lock(ref.key) as lock:
            lock.finish(Record("answered", why=str(ref.repo_key)))
    clock.now += 7 * DAY
    with store.lock(refs[0].key) as lock:
        lock.finish(Record("deleted"))
    found = {number: record.status for number, record in store.list_records(REF.repo_key)}
    assert found == {1: "deleted", 2: "answered"}
    assert [n for n, _ in store.list_records("github:github.com:700")] == []
    assert sorted(n for n, _ in store.list_records(LIKE.repo_key)) == [1, 2]
