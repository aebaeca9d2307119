"""One suite for every store: records, locks, the breaker and the jobs behave alike."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import redis

from bot.core.enrichment import CachedAnswer
from bot.core.errors import Retry
from bot.core.jobs import JobRecord
from bot.core.ports import FAILURES_TO_OPEN, PROBE_SECONDS
from bot.core.types import Choice, LabelSuggestion, Record
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
    *("j-1", "waiting", "github:acme/widget#41", 2, "answered", "because", ("a.py:1 f",), 1.5),
    choices=(Choice("bug", "classifier", "likely"), Choice("docs", "rules", "unsure", False)),
)


@dataclass
class ClockedStore:
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
def clocked(request: pytest.FixtureRequest) -> ClockedStore:
    if request.param == "memory":
        return ClockedStore()
    return ClockedStore(client=request.getfixturevalue("client"))


@pytest.fixture
def redis_store(client: redis.Redis) -> ClockedStore:
    return ClockedStore(client=client)


# Records.


@pytest.mark.parametrize("record", [RECORD, Record("skipped")])
def test_a_record_is_read_as_it_was_written(clocked: ClockedStore, record: Record) -> None:
    clocked.ended(KEY, record)
    assert clocked.store.record(KEY) == record
    assert clocked.store.record(OTHER) is None
    assert [*clocked.store.records([OTHER, KEY])] == [None, record]


@pytest.mark.parametrize("between", [0, 1, 6 * DAY, 20 * DAY])
def test_the_latest_record_counts(clocked: ClockedStore, between: float) -> None:
    clocked.ended(KEY, RECORD)
    clocked.wait(between)
    latest = replace(RECORD, status="deleted")
    clocked.ended(KEY, latest)
    assert clocked.store.record(KEY) == latest


@pytest.mark.parametrize("day", range(6))
def test_a_record_is_kept_for_thirty_days_from_whichever_day(
    clocked: ClockedStore, day: int
) -> None:
    clocked.wait(day * DAY)
    clocked.ended(KEY, RECORD)
    clocked.wait(30 * DAY)
    assert clocked.store.record(KEY) == RECORD


# A repository's configuration file.

CONFIG = "mode: suggest\n# für später \U0001f41b\n"
REPO, OTHER_REPO = "github:github.com:7001", "gitlab:gitlab.com:7001"


def test_the_last_readable_file_of_a_repository_is_kept(clocked: ClockedStore) -> None:
    assert clocked.store.last_config(REPO) is None
    clocked.store.save_config(REPO, "mode: off")
    clocked.store.save_config(REPO, CONFIG)
    clocked.wait(180 * DAY)
    assert clocked.store.last_config(REPO) == CONFIG
    assert clocked.store.last_config(OTHER_REPO) is None


def test_a_file_is_saved_again_once_redis_may_have_lost_it(redis_store: ClockedStore) -> None:
    redis_store.store.save_config(REPO, CONFIG)
    assert redis_store.client
    redis_store.client.flushdb()
    for _ in range(3):
        redis_store.wait(50 * 60)
        redis_store.store.save_config(REPO, CONFIG)
    assert redis_store.store.last_config(REPO) == CONFIG


def test_an_empty_file_is_a_file(clocked: ClockedStore) -> None:
    clocked.store.save_config(REPO, CONFIG)
    clocked.store.save_config(REPO, "")
    assert clocked.store.last_config(REPO) == ""


def test_a_file_of_any_text_can_be_kept(clocked: ClockedStore) -> None:
    clocked.store.save_config(REPO, "# \ud800\0")
    assert (clocked.store.last_config(REPO) or "").startswith("# ")


def test_the_last_reported_problems_are_kept(clocked: ClockedStore) -> None:
    assert clocked.store.reported_problems(REPO) == ""
    clocked.store.save_reported_problems(REPO, "one")
    clocked.store.save_reported_problems(REPO, "two")
    clocked.wait(90 * DAY)
    assert clocked.store.reported_problems(REPO) == "two"
    assert clocked.store.reported_problems(OTHER_REPO) == ""
    clocked.store.save_reported_problems(REPO, "")
    assert clocked.store.reported_problems(REPO) == ""


# The lock of an issue.

WRITING = Record("writing", labels=("bug",))


def test_while_one_worker_holds_an_issue_another_has_to_try_later(clocked: ClockedStore) -> None:
    with clocked.store.lock(KEY) as lock:
        with pytest.raises(Retry), clocked.store.lock(KEY):
            pytest.fail("two workers have the same issue")
        assert lock.save(WRITING)
    with clocked.store.lock(KEY) as again:
        assert again.record == WRITING
        assert again.save(WRITING)


def test_a_lock_brings_the_record_of_its_issue(clocked: ClockedStore) -> None:
    with clocked.store.lock(KEY) as lock:
        assert lock.record is None
        lock.finish(RECORD)
    clocked.wait(20 * DAY)
    with clocked.store.lock(KEY) as lock, clocked.store.lock(OTHER) as other:
        assert (lock.record, other.record) == (RECORD, None)


def test_two_issues_are_locked_at_once(clocked: ClockedStore) -> None:
    with clocked.store.lock(KEY) as one, clocked.store.lock(OTHER) as other:
        assert one.save(WRITING)
        assert other.save(RECORD)
    assert (clocked.store.record(KEY), clocked.store.record(OTHER)) == (WRITING, RECORD)


def test_a_job_that_fails_releases_its_lock(clocked: ClockedStore) -> None:
    with pytest.raises(ZeroDivisionError), clocked.store.lock(KEY):
        raise ZeroDivisionError
    with clocked.store.lock(KEY) as lock:
        assert lock.save(WRITING)


def test_a_worker_whose_lock_expired_writes_nothing_and_leaves_the_next_lock(
    redis_store: ClockedStore,
) -> None:
    store = redis_store.store
    with store.lock(KEY) as slow:
        redis_store.wait(400)
        assert not slow.save(WRITING)
        assert store.record(KEY) is None
        quick = redis_store.another().lock(KEY)
        with quick as lock:
            assert not slow.save(WRITING)
            assert lock.save(RECORD)
        assert store.record(KEY) == RECORD


def test_a_late_release_does_not_free_the_lock_of_another_worker(redis_store: ClockedStore) -> None:
    slow = redis_store.store.lock(KEY)
    with_it = slow.__enter__()
    redis_store.wait(400)
    with redis_store.another().lock(KEY) as lock:
        slow.__exit__(None, None, None)
        assert lock.save(WRITING)
        assert lock.save(WRITING)
        with_it.finish(RECORD)
        assert redis_store.store.record(KEY) == WRITING


def test_a_late_end_is_recorded_where_no_worker_holds_the_issue(redis_store: ClockedStore) -> None:
    with redis_store.store.lock(KEY) as slow:
        redis_store.wait(400)
        slow.finish(RECORD)
    assert redis_store.store.record(KEY) == RECORD


def test_writing_renews_the_lock(redis_store: ClockedStore) -> None:
    with redis_store.store.lock(KEY) as lock:
        for _ in range(3):
            redis_store.wait(20)
            assert lock.save(WRITING)


# The breaker.


def open_breaker(store: MemoryStore | RedisStore) -> None:
    """Refuse a call, which opens the breaker at once."""
    assert store.call_failed("openai", at_once=True)


def test_a_provider_that_never_failed_may_be_called(clocked: ClockedStore) -> None:
    assert [clocked.store.may_call("openai") for _ in range(3)] == [True] * 3


def test_five_failures_in_a_row_open_the_breaker_and_are_reported_once(
    clocked: ClockedStore,
) -> None:
    opened = []
    for _ in range(FAILURES_TO_OPEN + 2):
        opened.append(clocked.store.call_failed("openai", at_once=False))
        assert clocked.store.may_call("openai") is not any(opened)
    assert opened == [False] * (FAILURES_TO_OPEN - 1) + [True, False, False]


def test_a_success_between_failures_starts_the_count_anew(clocked: ClockedStore) -> None:
    for _ in range(3):
        for _ in range(FAILURES_TO_OPEN - 1):
            assert not clocked.store.call_failed("openai", at_once=False)
        clocked.store.call_succeeded("openai")
    assert clocked.store.may_call("openai")


def test_failures_far_apart_do_not_add_up(clocked: ClockedStore) -> None:
    for _ in range(FAILURES_TO_OPEN + 1):
        assert not clocked.store.call_failed("openai", at_once=False)
        clocked.wait(3600)
    assert clocked.store.may_call("openai")


def test_an_open_breaker_lets_one_probe_a_minute_through(clocked: ClockedStore) -> None:
    open_breaker(clocked.store)
    for _ in range(3):
        assert not clocked.store.may_call("openai")
        clocked.wait(PROBE_SECONDS)
        assert clocked.store.may_call("openai")
        assert not clocked.store.may_call("openai")


def test_a_probe_that_fails_keeps_the_breaker_open_and_is_not_reported_again(
    clocked: ClockedStore,
) -> None:
    open_breaker(clocked.store)
    clocked.wait(PROBE_SECONDS)
    assert clocked.store.may_call("openai")
    assert not clocked.store.call_failed("openai", at_once=True)
    assert not clocked.store.may_call("openai")


def test_a_probe_that_succeeds_closes_the_breaker(clocked: ClockedStore) -> None:
    open_breaker(clocked.store)
    clocked.wait(PROBE_SECONDS)
    clocked.store.call_succeeded("openai")
    assert [clocked.store.may_call("openai") for _ in range(3)] == [True] * 3
    assert not clocked.store.call_failed("openai", at_once=False)


def test_the_breaker_of_one_provider_is_not_that_of_another(clocked: ClockedStore) -> None:
    open_breaker(clocked.store)
    assert clocked.store.may_call("anthropic")


def test_all_workers_share_one_breaker(redis_store: ClockedStore) -> None:
    open_breaker(redis_store.store)
    second = redis_store.another()
    assert not second.may_call("openai")
    redis_store.wait(PROBE_SECONDS)
    assert [second.may_call("openai"), redis_store.store.may_call("openai")] == [True, False]


# Jobs.


def test_a_job_is_read_as_it_was_saved_last(clocked: ClockedStore) -> None:
    clocked.store.save_job(replace(JOB, state="running"))
    clocked.store.save_job(JOB)
    assert clocked.store.job("j-1") == JOB
    assert clocked.store.job("j-2") is None


def test_a_job_that_starts_returns_the_record_before_it(clocked: ClockedStore) -> None:
    begun = replace(JOB, state="running")
    assert clocked.store.start_job(begun) is None
    clocked.wait(3 * DAY)
    assert clocked.store.start_job(JOB) == begun
    assert clocked.store.job("j-1") == JOB


def test_a_job_is_kept_for_a_week(clocked: ClockedStore) -> None:
    clocked.store.save_job(JOB)
    clocked.wait(7 * DAY)
    assert clocked.store.job("j-1") == JOB


def test_few_keys_hold_the_records_of_many_issues(redis_store: ClockedStore) -> None:
    assert redis_store.client
    for number in range(200):
        redis_store.ended(f"issue {number}", RECORD)
        redis_store.store.save_job(replace(JOB, id=f"j-{number}"))
    assert redis_store.client.dbsize() <= 4


# Answers that can be used again.


def test_a_cached_answer_is_found_in_its_repository_only(clocked: ClockedStore) -> None:
    cached = CachedAnswer(41, (LabelSuggestion("bug", "sure"),))
    clocked.store.save_cached_answer("github:github.com:7001", ["digest", "sketch"], cached)
    newer = replace(cached, number=42)
    clocked.store.save_cached_answer("github:github.com:7001", ["sketch"], newer)
    find = clocked.store.cached_answers
    assert find("github:github.com:7001", ["digest", "other", "sketch"]) == (cached, newer)
    assert find("github:github.com:7001", ["other"]) == ()
    assert find("github:github.com:7002", ["digest"]) == ()
