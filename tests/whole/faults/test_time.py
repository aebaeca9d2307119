"""f078 to f086 but f084: clocks, repeats, order, and what a host runs out of."""

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
from tests.whole.app import BODY, TITLE, App
from tests.whole.conftest import Build
from tests.whole.faults import doomed
from tests.whole.faults.conftest import answered, healthy, posted, queued
from tests.whole.outage import Outage

DAY = 86_400.0
# By how many minutes the forge's clock is ahead of ours.
CLOCKS = [pytest.param(-10, id="f078-ours-ahead"), pytest.param(10, id="f079-ours-behind")]


def _set_clock(app: App, minutes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    right = app.host.state.clock
    off = timedelta(minutes=minutes)
    monkeypatch.setattr(app.host.state, "clock", lambda: right() + off)


@pytest.mark.parametrize("minutes", CLOCKS)
def test_a_wrong_clock_does_not_keep_an_app_out(
    build: Build, minutes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with build().open() as app:
        _set_clock(app, minutes, monkeypatch)
        number = app.issue()
        job = app.over()
        assert (job.outcome, job.tries) == ("answered", 1)
        answered(app, number)
        proofs = [e for e in app.host.exchanges if e.path.endswith("/access_tokens")]
        assert [e.status for e in proofs][:2] == [401, 201], "by our clock, then by theirs"
        assert [e.status for e in proofs].count(401) == 1


@pytest.mark.parametrize("minutes", CLOCKS)
def test_deliveries_signed_by_another_clock_are_refused_and_found(
    app: App, clients: ClientPool, minutes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = app.issue()
    _set_clock(app, minutes, monkeypatch)
    an_hour_ago = time.time() - 3600
    number = app.host.open_issue(app.repo, TITLE, f"{BODY} Again.", created_at=an_hour_ago)
    assert app.host.deliveries[-1].status == 401, "as one that is replayed"
    Outage(app, clients).sweep()
    answered(app, number)
    assert (len(app.comments(first)), posted(app)) == (1, 2)


def test_f080_a_clock_that_jumps_back_in_mid_job_holds_nothing_up(
    vacant: App, clients: ClientPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, right, back, held = vacant, time.time, [0.0], list[int]()
    number = app.host.open_issue(app.repo, TITLE, BODY)
    store = RedisStore(app.redis, lambda: right() + back[0])
    monkeypatch.setattr("time.time", lambda: right() + back[0])

    def jump() -> None:
        back[0] = -3600.0
        held.extend(app.redis.pttl(key) for key in app.redis.keys("tagline:lock:*"))

    run = wiring.runner(app.settings, clients, store)
    with app.meanwhile(jump):
        assert run(queued(app), 1).record.status == "answered"
    assert [0 < ms <= LOCK_MS for ms in held] == [True]
    assert app.redis.keys("tagline:lock:*") == []
    answered(app, number)
    assert run(queued(app), 1).record.status == "unchanged"
    assert posted(app) == 1


def test_f081_ten_copies_at_once_are_one_job_and_other_ids_say_nothing_more(app: App) -> None:
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
    told = [d for d in app.host.deliveries if d.action == "opened"]
    assert {d.status for d in told} == {202}
    assert {d.job for d in told if d.guid == opened.guid} == {opened.job}
    jobs = {str(d.job) for d in told}
    others = 10 if app.on == "github" else 0  # GitLab's are known by their content
    outcomes = sorted(app.over(job).outcome for job in jobs)
    assert outcomes == ["answered", *["unchanged"] * others]
    answered(app, number)
    assert posted(app) == 1


@pytest.mark.parametrize("forgotten", [False, True], ids=["remembered", "all forgotten"])
def test_f082_a_copy_four_days_later_does_nothing(app: App, forgotten: bool) -> None:
    number = app.issue()
    before = (app.comments(number), app.labels(number), len(app.host.writes(app.repo)))
    app.host.state.issue(app.repo, number).created_at -= timedelta(days=4)
    if forgotten:
        app.redis.flushall()
    assert app.again().state == "done"
    after = (app.comments(number), app.labels(number), len(app.host.writes(app.repo)))
    assert after == before
    answered(app, number)


def test_f083_an_opening_told_late_is_processed_once_from_the_live_issue(app: App) -> None:
    number = app.host.open_issue(app.repo, TITLE, "First.", deliver=False)
    app.host.edit_issue(app.repo, number, body=f"{BODY} Quokkas are affected.")
    app.host.label_by_person(app.repo, number, "documentation")
    app.over()
    assert posted(app) == 0
    app.deliver_opening(number)
    app.over()
    answered(app, number, "documentation")
    (request, *_) = app.box.model_requests
    assert "Quokkas" in str(request.body)
    assert app.again().outcome == "unchanged"
    assert posted(app) == 1


def test_f083_an_opening_told_after_its_closing_says_nothing(app: App) -> None:
    number = app.host.open_issue(app.repo, TITLE, BODY, deliver=False)
    app.host.close_issue(app.repo, number)
    app.deliver_opening(number)
    assert app.over().why == "closed"
    assert app.host.writes(app.repo) == []


def test_f085_a_full_disk_loses_log_lines_and_nothing_else(app: App) -> None:
    full = open("/dev/full", "w")  # noqa: SIM115 - closing it fails too
    log.configure("debug", "json", (), full)
    number = app.issue()
    assert app.opened.status == 202
    assert app.over().outcome == "answered"
    answered(app, number)
    app.refresh()
    with contextlib.suppress(OSError):
        full.close()


def test_f086_idle_connections_keep_nobody_out(app: App) -> None:
    port, files = free_port(), 64
    here, there = app.url, f"http://127.0.0.1:{port}"
    endpoint = doomed.start("serve", {**app.environ, "PORT": str(port)}, files=files)
    app.wait(lambda: healthy(there))
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(2 * files)]
    assert healthy(there), "within a second"
    app.point_hooks_at(there)
    number = app.issue(created_at=time.time() - 2 * MIN_AGE_SECONDS)
    app.point_hooks_at(here)
    for one in idle:
        one.close()
    endpoint.terminate()
    doomed.end(endpoint)
    answered(app, number)
