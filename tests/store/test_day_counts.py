"""What happened on a day is counted as numbers, and expires."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis

from bot.core import redis_keys
from bot.core.day_figures import BOUNDS, DAY, DayFigures, add_up_days
from bot.core.jobs import WRITE_STATUSES, JobRecord
from bot.store.day_counts import KEEP_SECONDS, RedisDayCounts
from tests.fakes import NOW

TODAY = int(NOW // DAY * DAY)
DONE = JobRecord("j-1", "done", "github:a/b#1", 1, "answered", at=NOW, labeller="model", seconds=2)
CALLED = replace(DONE, model="gpt", cost_usd=0.25)


def count(client: redis.Redis, *jobs: JobRecord) -> DayFigures:
    days = RedisDayCounts(client)
    with client.pipeline() as pipe:
        for job in jobs:
            days.add(pipe, job)
        pipe.execute()
    (figures,) = days.list_days(TODAY, 1)
    return figures


def test_answers_are_counted_by_what_chose_the_labels(client: redis.Redis) -> None:
    others = (replace(DONE, labeller=name) for name in ("classifier", "rules", "rules"))
    figures = count(client, DONE, *others)
    assert figures.answered == {"model": 1, "classifier": 1, "rules": 2}
    assert figures.answers == 4


@pytest.mark.parametrize("outcome", ["skipped", "deleted", "unchanged", "recorded"])
def test_a_job_that_answered_nothing_is_no_answer_but_costs(
    client: redis.Redis, outcome: str
) -> None:
    assert outcome not in WRITE_STATUSES
    figures = count(client, replace(CALLED, outcome=outcome))
    assert (figures.answers, figures.usd) == (0, 0.25)


def test_a_job_is_counted_at_its_end_only(client: redis.Redis) -> None:
    running = [replace(CALLED, state=state) for state in ("queued", "running", "waiting")]
    assert count(client, *running).is_empty
    figures = count(client, replace(CALLED, state="dead"))
    assert (figures.dead, figures.answers, figures.usd) == (1, 0, 0.25)


def test_calls_of_unknown_price_are_counted_apart(client: redis.Redis) -> None:
    figures = count(client, CALLED, CALLED, replace(CALLED, cost_usd=None))
    assert (figures.usd, figures.unpriced) == (0.5, 1)


def test_times_are_counted_by_their_bound(client: redis.Redis) -> None:
    times = [0.3] * 10 + [2.4] * 9 + [1000.0]
    figures = count(client, *(replace(DONE, seconds=seconds) for seconds in times))
    assert figures.find_seconds(0.5) == 0.5
    assert figures.find_seconds(0.95) == 2.5
    assert figures.find_seconds(1.0) == BOUNDS[-1]
    assert count(client).find_seconds(0.5) is not None
    assert DayFigures(TODAY).find_seconds(0.5) is None


def test_days_are_in_order_and_are_added_up(client: redis.Redis) -> None:
    counts = RedisDayCounts(client)
    with client.pipeline() as pipe:
        for n, at in enumerate((NOW, NOW - DAY, NOW - DAY, NOW - 2 * DAY)):
            counts.add(pipe, replace(CALLED, id=f"j-{n}", at=at))
        pipe.execute()
    days = counts.list_days(TODAY - 2 * DAY, 3)
    assert [day.day for day in days] == [TODAY - 2 * DAY, TODAY - DAY, TODAY]
    assert [day.answers for day in days] == [1, 2, 1]
    total = add_up_days(days)
    assert (total.answers, total.usd, total.seconds) == (4, 1.0, {2.0: 4})


def test_counts_hold_numbers_only_and_expire(client: redis.Redis) -> None:
    count(client, CALLED)
    key = redis_keys.DAY_COUNTS.format(day=TODAY // DAY)
    values = client.hgetall(key)
    assert all(value.isdigit() for value in values.values())
    assert "a/b" not in str(values)
    assert KEEP_SECONDS - 5 <= client.ttl(key) <= KEEP_SECONDS
