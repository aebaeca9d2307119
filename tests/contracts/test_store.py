"""One suite for every store: records, locks, the breaker and the jobs behave alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
import redis

from bot.core.errors import Retry
from bot.core.jobs import JobRecord
from bot.core.ports import FAILURES_TO_OPEN, PROBE_SECONDS
from bot.core.types import CachedAnswer, LabelSuggestion, Record
from bot.store.redis import RedisStore
from tests.memory_store import MemoryStore

DAY = 86_400
KEY = "github:github.com:7001:41"
OTHER = "github:github.com:7001:42"
RECORD = Record(
    status="answered",
    why="because",
    labels=("bug", "ü/ö \U0001f41b"),
    removed=("docs",),
    comment_id=2**53 + 1,
    input="0123456789abcdef",
    source="model",
    delivery="d-1",
)
JOB = JobRecord(
    "j-1", "waiting", "github:acme/widget#41", 2, "answered", "because", ("a.py:1 f",), 1.5
)


@dataclass
class Shelf:
    """A store and its clock; `client` where time also passes in Redis."""

    now: float = 1_760_000_000.0
    client: redis.Redis | None = None

    def __post_init__(self) -> None:
        self.store = self.another()

    def another(self) -> MemoryStore | RedisStore:
        """A store of a second worker, which sees the same Redis."""
        if self.client is None:
            return MemoryStore(lambda: self.now)
        return RedisStore(self.client, lambda: self.now)

    def ended(self, key: str, record: Record) -> None:
        """A job of that issue came to its end."""
        with self.store.lock(key) as lock:
            lock.finish(record)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        for key in self.client.scan_iter() if self.client else ():
            assert self.client
            left = self.client.pttl(key)
            assert left >= 0, f"{key!r} would stay for ever"
            if left <= seconds * 1000:
                self.client.delete(key)
            else:
                self.client.pexpire(key, left - int(seconds * 1000))


@pytest.fixture(params=["memory", "redis"])
def shelf(request: pytest.FixtureRequest) -> Iterator[Shelf]:
    if request.param == "memory":
        yield Shelf()
        return
    with redis.Redis.from_url(request.getfixturevalue("redis_url")) as client:
        yield Shelf(client=client)


@pytest.fixture
def redis_shelf(redis_url: str) -> Iterator[Shelf]:
    with redis.Redis.from_url(redis_url) as client:
        yield Shelf(client=client)


# Records.


def test_an_unknown_issue_has_no_record(shelf: Shelf) -> None:
    assert shelf.store.record(KEY) is None


@pytest.mark.parametrize("record", [RECORD, Record("skipped")])
def test_a_record_is_read_as_it_was_written(shelf: Shelf, record: Record) -> None:
    shelf.ended(KEY, record)
    assert shelf.store.record(KEY) == record
    assert shelf.store.record(OTHER) is None


@pytest.mark.parametrize("between", [0, 1, 6 * DAY, 20 * DAY])
def test_the_latest_record_counts(shelf: Shelf, between: float) -> None:
    shelf.ended(KEY, RECORD)
    shelf.wait(between)
    latest = replace(RECORD, status="deleted")
    shelf.ended(KEY, latest)
    assert shelf.store.record(KEY) == latest


@pytest.mark.parametrize("day", range(6))
def test_a_record_is_kept_for_thirty_days_from_whichever_day(shelf: Shelf, day: int) -> None:
    shelf.wait(day * DAY)
    shelf.ended(KEY, RECORD)
    shelf.wait(30 * DAY)
    assert shelf.store.record(KEY) == RECORD


# A repository's configuration file.

CONFIG = "mode: suggest\n# für später \U0001f41b\n"
REPO, OTHER_REPO = "github:github.com:7001", "gitlab:gitlab.com:7001"


def test_the_last_readable_file_of_a_repository_is_kept(shelf: Shelf) -> None:
    assert shelf.store.last_config(REPO) is None
    shelf.store.save_config(REPO, "mode: off")
    shelf.store.save_config(REPO, CONFIG)
    shelf.wait(180 * DAY)
    assert shelf.store.last_config(REPO) == CONFIG
    assert shelf.store.last_config(OTHER_REPO) is None


def test_an_empty_file_is_a_file(shelf: Shelf) -> None:
    shelf.store.save_config(REPO, CONFIG)
    shelf.store.save_config(REPO, "")
    assert shelf.store.last_config(REPO) == ""


def test_a_file_of_any_text_can_be_kept(shelf: Shelf) -> None:
    shelf.store.save_config(REPO, "# \ud800\0")
    assert (shelf.store.last_config(REPO) or "").startswith("# ")


def test_what_was_told_last_is_remembered(shelf: Shelf) -> None:
    assert shelf.store.reported_problems(REPO) == ""
    shelf.store.save_reported_problems(REPO, "one")
    shelf.store.save_reported_problems(REPO, "two")
    shelf.wait(90 * DAY)
    assert shelf.store.reported_problems(REPO) == "two"
    assert shelf.store.reported_problems(OTHER_REPO) == ""
    shelf.store.save_reported_problems(REPO, "")
    assert shelf.store.reported_problems(REPO) == ""


# The lock of an issue.

BEGUN = Record("writing", labels=("bug",))


def test_while_one_worker_has_an_issue_another_is_asked_to_come_again(shelf: Shelf) -> None:
    with shelf.store.lock(KEY) as lock:
        with pytest.raises(Retry), shelf.store.lock(KEY):
            pytest.fail("two workers have the same issue")
        assert lock.save(BEGUN)
    with shelf.store.lock(KEY) as again:
        assert again.record == BEGUN
        assert again.save(BEGUN)


def test_whoever_takes_an_issue_gets_its_record(shelf: Shelf) -> None:
    with shelf.store.lock(KEY) as lock:
        assert lock.record is None
        lock.finish(RECORD)
    shelf.wait(20 * DAY)
    with shelf.store.lock(KEY) as lock, shelf.store.lock(OTHER) as other:
        assert (lock.record, other.record) == (RECORD, None)


def test_two_issues_are_worked_on_at_once(shelf: Shelf) -> None:
    with shelf.store.lock(KEY) as one, shelf.store.lock(OTHER) as other:
        assert one.save(BEGUN)
        assert other.save(RECORD)
    assert (shelf.store.record(KEY), shelf.store.record(OTHER)) == (BEGUN, RECORD)


def test_a_job_that_fails_gives_its_lock_back(shelf: Shelf) -> None:
    with pytest.raises(ZeroDivisionError), shelf.store.lock(KEY):
        raise ZeroDivisionError
    with shelf.store.lock(KEY) as lock:
        assert lock.save(BEGUN)


def test_a_worker_that_lost_its_lock_knows_it_and_does_not_take_the_next_ones(
    redis_shelf: Shelf,
) -> None:
    store = redis_shelf.store
    with store.lock(KEY) as slow:
        redis_shelf.wait(400)
        assert not slow.save(BEGUN)
        assert store.record(KEY) is None
        quick = redis_shelf.another().lock(KEY)
        with quick as lock:
            assert not slow.save(BEGUN)
            assert lock.save(RECORD)
        assert store.record(KEY) == RECORD


def test_leaving_late_does_not_free_the_lock_of_another_worker(redis_shelf: Shelf) -> None:
    slow = redis_shelf.store.lock(KEY)
    with_it = slow.__enter__()
    redis_shelf.wait(400)
    with redis_shelf.another().lock(KEY) as lock:
        slow.__exit__(None, None, None)
        assert lock.save(BEGUN)
        assert lock.save(BEGUN)
        with_it.finish(RECORD)
        assert redis_shelf.store.record(KEY) == BEGUN


def test_a_job_that_ends_late_is_remembered_where_nobody_has_its_issue(redis_shelf: Shelf) -> None:
    with redis_shelf.store.lock(KEY) as slow:
        redis_shelf.wait(400)
        slow.finish(RECORD)
    assert redis_shelf.store.record(KEY) == RECORD


def test_writing_renews_the_lock(redis_shelf: Shelf) -> None:
    with redis_shelf.store.lock(KEY) as lock:
        for _ in range(3):
            redis_shelf.wait(20)
            assert lock.save(BEGUN)


# The breaker.


def open_breaker(store: MemoryStore | RedisStore, provider: str = "openai") -> None:
    assert store.call_failed(provider, at_once=True)


def test_a_provider_that_never_failed_may_be_called(shelf: Shelf) -> None:
    assert [shelf.store.may_call("openai") for _ in range(3)] == [True] * 3


def test_five_failures_in_a_row_open_the_breaker_and_are_told_once(shelf: Shelf) -> None:
    opened = []
    for _ in range(FAILURES_TO_OPEN + 2):
        opened.append(shelf.store.call_failed("openai", at_once=False))
        assert shelf.store.may_call("openai") is not any(opened)
    assert opened == [False] * (FAILURES_TO_OPEN - 1) + [True, False, False]


def test_a_refusal_opens_the_breaker_at_once(shelf: Shelf) -> None:
    assert shelf.store.call_failed("openai", at_once=True)
    assert not shelf.store.may_call("openai")


def test_a_success_between_failures_starts_the_count_anew(shelf: Shelf) -> None:
    for _ in range(3):
        for _ in range(FAILURES_TO_OPEN - 1):
            assert not shelf.store.call_failed("openai", at_once=False)
        shelf.store.call_succeeded("openai")
    assert shelf.store.may_call("openai")


def test_failures_far_apart_do_not_add_up(shelf: Shelf) -> None:
    for _ in range(FAILURES_TO_OPEN + 1):
        assert not shelf.store.call_failed("openai", at_once=False)
        shelf.wait(3600)
    assert shelf.store.may_call("openai")


def test_an_open_breaker_lets_one_probe_a_minute_through(shelf: Shelf) -> None:
    open_breaker(shelf.store)
    for _ in range(3):
        assert not shelf.store.may_call("openai")
        shelf.wait(PROBE_SECONDS)
        assert shelf.store.may_call("openai")
        assert not shelf.store.may_call("openai")


def test_a_probe_that_fails_keeps_the_breaker_open_and_is_not_told_again(shelf: Shelf) -> None:
    open_breaker(shelf.store)
    shelf.wait(PROBE_SECONDS)
    assert shelf.store.may_call("openai")
    assert not shelf.store.call_failed("openai", at_once=True)
    assert not shelf.store.may_call("openai")


def test_a_probe_that_succeeds_closes_the_breaker(shelf: Shelf) -> None:
    open_breaker(shelf.store)
    shelf.wait(PROBE_SECONDS)
    shelf.store.call_succeeded("openai")
    assert [shelf.store.may_call("openai") for _ in range(3)] == [True] * 3
    assert not shelf.store.call_failed("openai", at_once=False)


def test_the_breaker_of_one_provider_is_not_that_of_another(shelf: Shelf) -> None:
    open_breaker(shelf.store)
    assert shelf.store.may_call("anthropic")


def test_all_workers_share_one_breaker(redis_shelf: Shelf) -> None:
    open_breaker(redis_shelf.store)
    second = redis_shelf.another()
    assert not second.may_call("openai")
    redis_shelf.wait(PROBE_SECONDS)
    assert [second.may_call("openai"), redis_shelf.store.may_call("openai")] == [True, False]


# Jobs.


def test_an_unknown_job_is_none(shelf: Shelf) -> None:
    assert shelf.store.job("j-1") is None


def test_a_job_is_read_as_it_was_noted_last(shelf: Shelf) -> None:
    shelf.store.save_job(replace(JOB, state="running"))
    shelf.store.save_job(JOB)
    assert shelf.store.job("j-1") == JOB
    assert shelf.store.job("j-2") is None


def test_a_job_that_begins_tells_what_was_noted_of_it_before(shelf: Shelf) -> None:
    begun = replace(JOB, state="running")
    assert shelf.store.start_job(begun) is None
    shelf.wait(3 * DAY)
    assert shelf.store.start_job(JOB) == begun
    assert shelf.store.job("j-1") == JOB


def test_a_job_is_kept_for_a_week(shelf: Shelf) -> None:
    shelf.store.save_job(JOB)
    shelf.wait(7 * DAY)
    assert shelf.store.job("j-1") == JOB


def test_few_keys_hold_the_records_of_many_issues(redis_shelf: Shelf) -> None:
    assert redis_shelf.client
    for number in range(200):
        redis_shelf.ended(f"issue {number}", RECORD)
        redis_shelf.store.save_job(replace(JOB, id=f"j-{number}"))
    assert redis_shelf.client.dbsize() <= 4


# Answers that can be used again.


def test_a_twin_is_known_in_its_repository_only(shelf: Shelf) -> None:
    cached = CachedAnswer(41, (LabelSuggestion("bug", "sure"),))
    shelf.store.save_cached_answer("github:github.com:7001", "digest", cached)
    assert shelf.store.cached_answer("github:github.com:7001", "digest") == cached
    assert shelf.store.cached_answer("github:github.com:7001", "other") is None
    assert shelf.store.cached_answer("github:github.com:7002", "digest") is None
