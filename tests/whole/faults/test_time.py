"""f078 to f086 except f084: clocks, repeats, order, and exhausted resources of a host."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from datetime import timedelta

import pytest

from bot import log, wiring
from bot.flow.reconcile import MIN_AGE_SECONDS
from bot.http import ClientPool
from bot.store.locks import LOCK_MS
from bot.store.redis import RedisStore
from tests.conftest import free_port
from tests.waiting import is_ok, wait_until
from tests.whole.app import BODY, TITLE, App, Build
from tests.whole.faults import killed_process
from tests.whole.faults.conftest import assert_answered, count_posts, queued_job
from tests.whole.periodic import PeriodicTasks

DAY = 86_400.0
# The minutes by which the forge's clock is ahead of the bot's.
CLOCKS = [pytest.param(-10, id="f078-bot-ahead"), pytest.param(10, id="f079-bot-behind")]


def _set_clock(app: App, minutes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = app.host.state.clock
    offset = timedelta(minutes=minutes)
    monkeypatch.setattr(app.host.state, "clock", lambda: clock() + offset)


@pytest.mark.parametrize("minutes", CLOCKS)
def test_a_wrong_clock_does_not_prevent_authentication(
    build: Build, minutes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with build().open() as app:
        _set_clock(app, minutes, monkeypatch)
        number = app.issue()
        job = app.wait_for_end()
        assert (job.outcome, job.tries) == ("answered", 1)
        assert_answered(app, number)
        proofs = [e for e in app.host.exchanges if e.path.endswith("/access_tokens")]
        assert [e.status for e in proofs][:2] == [401, 201], "by the bot's clock, then by GitHub's"
        assert [e.status for e in proofs].count(401) == 1


@pytest.mark.parametrize("minutes", CLOCKS)
def test_deliveries_signed_by_another_clock_are_refused_and_found(
    app: App, clients: ClientPool, minutes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = app.issue()
    _set_clock(app, minutes, monkeypatch)
    an_hour_ago = time.time() - 3600
    number = app.host.open_issue(app.repo, TITLE, f"{BODY} Again.", created_at=an_hour_ago)
    assert app.host.deliveries[-1].status == 401, "like a replayed one"
    PeriodicTasks(app, clients).reconcile()
    assert_answered(app, number)
    assert (len(app.comments(first)), count_posts(app)) == (1, 2)


def test_f080_a_clock_that_jumps_back_during_a_job_delays_nothing(
    idle_app: App, clients: ClientPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, clock, offset, lock_ms = idle_app, time.time, [0.0], list[int]()
    number = app.host.open_issue(app.repo, TITLE, BODY)
    store = RedisStore(app.redis, lambda: clock() + offset[0])
    monkeypatch.setattr("time.time", lambda: clock() + offset[0])

    def jump() -> None:
        offset[0] = -3600.0
        lock_ms.extend(app.redis.pttl(key) for key in app.redis.keys("tagline:lock:*"))

    run = wiring.runner(app.settings, clients, store)
    with app.during_model_call(jump):
        assert run(queued_job(app), 1).record.status == "answered"
    assert [0 < ms <= LOCK_MS for ms in lock_ms] == [True]
    assert app.redis.keys("tagline:lock:*") == []
    assert_answered(app, number)
    assert run(queued_job(app), 1).record.status == "unchanged"
    assert count_posts(app) == 1


def test_f081_ten_copies_at_once_are_one_job_and_other_ids_add_no_comment(app: App) -> None:
    number = app.host.open_issue(app.repo, TITLE, BODY)
    opened, more = app.opened, range(10)

    def copy(n: int) -> None:
        app.host.redeliver(opened.id)
        app.host.deliver(opened.event, opened.body, f"another-id-{n}")

    threads = [threading.Thread(target=copy, args=[n]) for n in more]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    deliveries = [d for d in app.host.deliveries if d.action == "opened"]
    assert {d.status for d in deliveries} == {202}
    assert {d.job for d in deliveries if d.guid == opened.guid} == {opened.job}
    jobs = {str(d.job) for d in deliveries}
    others = 10 if app.on == "github" else 0  # GitLab's are identified by their content
    outcomes = sorted(app.wait_for_end(job).outcome for job in jobs)
    assert outcomes == ["answered", *["unchanged"] * others]
    assert_answered(app, number)
    assert count_posts(app) == 1


@pytest.mark.parametrize("redis_lost", [False, True], ids=["with Redis's data", "without"])
def test_f082_a_copy_four_days_later_does_nothing(app: App, redis_lost: bool) -> None:
    number = app.issue()
    before = (app.comments(number), app.labels(number), len(app.host.writes(app.repo)))
    app.host.state.issue(app.repo, number).created_at -= timedelta(days=4)
    if redis_lost:
        app.redis.flushall()
    assert app.deliver_again().state == "done"
    after = (app.comments(number), app.labels(number), len(app.host.writes(app.repo)))
    assert after == before
    assert_answered(app, number)


def test_f083_a_late_opened_delivery_is_processed_once_from_the_current_issue(app: App) -> None:
    number = app.host.open_issue(app.repo, TITLE, "First.", deliver=False)
    app.host.edit_issue(app.repo, number, body=f"{BODY} Quokkas are affected.")
    app.host.label_by_person(app.repo, number, "documentation")
    app.wait_for_end()
    assert count_posts(app) == 0
    app.deliver_opened(number)
    app.wait_for_end()
    assert_answered(app, number, "documentation")
    (request, *_) = app.box.model_requests
    assert "Quokkas" in str(request.body)
    assert app.deliver_again().outcome == "unchanged"
    assert len(app.events("enrichment succeeded")) == 1
    assert count_posts(app) == 1


def test_f085_a_full_disk_loses_log_lines_and_nothing_else(app: App) -> None:
    full = open("/dev/full", "w")  # noqa: SIM115 - closing it fails too
    log.configure("debug", "json", (), full)
    number = app.issue()
    assert app.opened.status == 202
    assert app.wait_for_end().outcome == "answered"
    assert_answered(app, number)
    app.refresh()
    with contextlib.suppress(OSError):
        full.close()


@pytest.mark.slow
def test_f086_idle_connections_do_not_block_deliveries(app: App) -> None:
    port, files = free_port(), 64
    url, limited_url = app.url, f"http://127.0.0.1:{port}"
    receiver = killed_process.start("serve", {**app.environ, "PORT": str(port)}, files=files)
    wait_until(lambda: is_ok(f"{limited_url}/healthz"))
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(2 * files)]
    assert is_ok(f"{limited_url}/healthz"), "within a second"
    app.point_hooks_at(limited_url)
    number = app.issue(created_at=time.time() - 2 * MIN_AGE_SECONDS)
    app.point_hooks_at(url)
    for connection in idle:
        connection.close()
    receiver.terminate()
    killed_process.wait(receiver)
    assert_answered(app, number)
