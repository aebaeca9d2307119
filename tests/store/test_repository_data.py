"""Everything that Redis holds of a repository can be removed, and nothing of another one."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import msgspec
import redis

from bot.core import redis_keys
from bot.core.jobs import JobRecord
from bot.core.types import IssueRef, Job
from bot.queue.enqueue import encode
from bot.store.redis import RedisStore
from bot.store.repository_data import HASHES, KEYS, QUEUES, WAITING

# What holds nothing of a repository, or what expires soon, and why it may stay.
OTHERS = {
    "FETCHED": "ids of messages",
    "HEARTBEATS": "ids of processes",
    "RUNS": "ids of jobs whose states are removed, nine days",
    "PAUSED": "a state of workers",
    "PAUSE_ALL": "a state of workers",
    "DAY_COUNTS": "counts of all repositories together",
    "CLAIMS": "delivery ids, four hours: no delivery is answered twice",
    "LOCK": "30 seconds after its job; nobody else may write an issue until then",
    "AUTHORS": "digests that lead to no repository, two hours",
    "PAUSE": "accounts, while a forge asks to wait",
    "RATES": "forges",
    "SEARCHES": "accounts and times, one minute",
    "SEARCH_PAUSE": "accounts, while a forge asks to wait",
    "PROBE": "one minute, no repository",
    "LEASE": "names of tasks",
    "FORGOTTEN": "no repository, two hours",
    "COUNTERS": "names of metrics and forges",
    **dict.fromkeys(
        ("BREAKER_OPEN", "BREAKER_FAILURES", "BREAKER_PROBE", "BREAKER_ANSWERS"), "providers"
    ),
}
# Its number and name begin those of the other one.
GONE = IssueRef("github", "github.com", "acme/widget", 0, 7001, "5001")
STAYS = IssueRef("github", "github.com", "acme/widget2", 0, 70012, "5001")
SPAN = 3  # any span: it is the fields that count


def plant(client: redis.Redis, ref: IssueRef) -> set[str]:
    """Store something of each type of key for a repository; return the names of the types."""
    issue, key, number = replace(ref, number=41), ref.repo_key, str(ref.repo_id)
    fields = {
        **dict.fromkeys(("RECORDS", "JOURNAL", "POLL_SNAPSHOTS", "ATTEMPTS"), issue.key),
        **dict.fromkeys(("CONFIGS", "REPORTED_PROBLEMS", "TRAINING_STATES", "POLL_CURSORS"), key),
        "CACHED_ANSWERS": f"{key}:0123abcd",
        **dict.fromkeys(("REPOSITORIES", "DEPARTURES"), ref.repo_account_key),
        "SPENT": key,
        "JOBS": number,
        "REPORTED_LIMITS": f"{key} 0123 0.0",
    }
    values = {
        "REPOSITORIES": msgspec.json.encode(ref),
        "DEPARTURES": msgspec.json.encode((1.0, ref)),
        "JOBS": msgspec.json.encode(JobRecord(number, "done", str(issue))),
    }
    for name, field in fields.items():
        client.hset(key_of(name), field, values.get(name, b"1"))
    client.hset(key_of("SPENT"), f"80 {key}", 1)
    of_people = ("CORRECTIONS", "RELATED_VERDICTS")
    per_repository = (*of_people, "REPOSITORY_RUNS", "MODEL", "TRAINING_PROGRESS")
    for name in per_repository:
        client.set(getattr(redis_keys, name).format(repository=key), 1)
    waiting = ("SCHEDULED", "SUSPENDED", "LOOKS")
    for name in waiting:
        client.zadd(key_of(name), {msgspec.json.encode(issue): 1})
    client.zadd(redis_keys.RESERVATIONS.format(account=ref.account_key), {issue.key: 1})
    message = encode(Job(f"d-{number}", "opened", issue, 1.0), number, 1.0)
    for ids, messages in QUEUES.values():
        client.hset(messages, number, message)
        add: Any = {number: 1} if ids == redis_keys.DEAD else number
        (client.zadd if ids == redis_keys.DEAD else client.rpush)(ids, add)
    names = {x for x in vars(redis_keys) if getattr(redis_keys, x) in [*sum(QUEUES.values(), ())]}
    return {*fields, *per_repository, *waiting, "RESERVATIONS", *names}


def key_of(name: str) -> str:
    template: str = getattr(redis_keys, name)
    return template.format(span=SPAN, day=SPAN)


def dump(client: redis.Redis) -> dict[bytes, object]:
    """Return all keys with their values."""
    read: dict[bytes, Any] = {
        b"hash": client.hgetall,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"list": lambda key: client.lrange(key, 0, -1),
        b"string": client.get,
    }
    client_any: Any = client
    types = {key: client_any.type(key) for key in client_any.scan_iter()}
    return {key: read[name](key) for key, name in types.items() if name != b"none"}


def test_every_type_of_key_is_removed_or_may_stay_for_a_reason(client: redis.Redis) -> None:
    names = {x for x in vars(redis_keys) if x.isupper()} - {"NAMESPACE", "QUEUE_NAME"}
    planted = plant(client, GONE)
    assert planted.isdisjoint(OTHERS)
    assert planted | {*OTHERS} == names


def test_one_repository_is_forgotten_and_all_of_another_stays(client: redis.Redis) -> None:
    plant(client, STAYS)
    before = dump(client)
    plant(client, GONE)
    data = RedisStore(client).repository_data
    full = dump(client)
    shown = data.forget([GONE], dry_run=True)
    assert dump(client) == full
    assert not data.has_forgotten()
    assert data.forget([GONE]) == shown
    assert data.has_forgotten()
    client.delete(redis_keys.FORGOTTEN)
    assert dump(client) == before
    assert {*HASHES, *KEYS, *QUEUES, *WAITING} <= {*shown}
    assert shown["spending of a day"] == shown["issues that wait for a model"] == 2
    assert data.forget([GONE], dry_run=True) == {}


def test_a_repository_that_is_known_by_name_only_is_forgotten_by_its_name(
    client: redis.Redis,
) -> None:
    named, longer = (replace(ref, repo_id=0) for ref in (GONE, STAYS))
    store = RedisStore(client)
    for ref in (named, longer):
        store.save_config(ref.repo_key, "mode: off")
    assert store.repository_data.forget([named]) == {"configuration files": 1}
    assert store.last_config(longer.repo_key) == "mode: off"


def test_a_job_that_a_worker_runs_stays(client: redis.Redis) -> None:
    message = encode(Job("d-1", "opened", replace(GONE, number=41), 1.0), "j-1", 1.0)
    client.hset(redis_keys.QUEUE_MESSAGES, "j-1", message)  # its id is in no list
    assert RedisStore(client).repository_data.forget([GONE]) == {}
    assert client.hexists(redis_keys.QUEUE_MESSAGES, "j-1")


def test_what_cannot_be_read_stays_and_does_no_harm(client: redis.Redis) -> None:
    for junk in (b"", b"{}", b"[]", b"\xff", b'{"kwargs": 5}', b'{"kwargs": {"delivery": {}}}'):
        client.hset(redis_keys.DEAD_MESSAGES, junk, junk)
        client.hset(redis_keys.JOBS.format(span=1), junk, junk)
    before = dump(client)
    assert RedisStore(client).repository_data.forget([GONE], dry_run=True) == {}
    assert dump(client) == before


def test_a_first_departure_keeps_its_time(client: redis.Redis) -> None:
    data = RedisStore(client).repository_data
    data.save_departure(GONE, 1.0)
    data.save_departure(GONE, time.time())
    data.save_departure(STAYS, 2.0)
    assert data.departures() == {GONE: 1.0, STAYS: 2.0}
    data.remove_departure(GONE)
    assert data.departures() == {STAYS: 2.0}
