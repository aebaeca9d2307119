"""f078 to f086 but f084: clocks, repeats, order, and what a host runs out of."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from datetime import timedelta

import pytest

from bot import log, wiring
from bot.flow.reconcile import JUST_NOW_SECONDS
from bot.http import ClientPool
from bot.queue.enqueue import NAMESPACE
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


def _set_clock(house: App, minutes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    right = house.host.state.clock
    off = timedelta(minutes=minutes)
    monkeypatch.setattr(house.host.state, "clock", lambda: right() + off)


@pytest.mark.parametrize("minutes", CLOCKS)
def test_a_wrong_clock_does_not_keep_an_app_out(
    build: Build, minutes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with build().open() as house:
        _set_clock(house, minutes, monkeypatch)
        number = house.issue()
        job = house.over()
        assert (job.outcome, job.tries) == ("answered", 1)
        answered(house, number)
        proofs = [e for e in house.host.exchanges if e.path.endswith("/access_tokens")]
        assert [e.status for e in proofs][:2] == [401, 201], "by our clock, then by theirs"
        assert [e.status for e in proofs].count(401) == 1


@pytest.mark.parametrize("minutes", CLOCKS)
def test_deliveries_signed_by_another_clock_are_refused_and_found(
    house: App, clients: ClientPool, minutes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = house.issue()
    _set_clock(house, minutes, monkeypatch)
    an_hour_ago = time.time() - 3600
    number = house.host.open_issue(house.repo, TITLE, f"{BODY} Again.", created_at=an_hour_ago)
    assert house.host.deliveries[-1].status == 401, "as one that is replayed"
    Outage(house, clients).sweep()
    answered(house, number)
    assert (len(house.comments(first)), posted(house)) == (1, 2)


def test_f080_a_clock_that_jumps_back_in_mid_job_holds_nothing_up(
    vacant: App, clients: ClientPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, right, back, held = vacant, time.time, [0.0], list[int]()
    number = house.host.open_issue(house.repo, TITLE, BODY)
    store = RedisStore(house.redis, NAMESPACE, lambda: right() + back[0])
    monkeypatch.setattr("time.time", lambda: right() + back[0])

    def jump() -> None:
        back[0] = -3600.0
        held.extend(house.redis.pttl(key) for key in house.redis.keys("tagline:lock:*"))

    run = wiring.runner(house.settings, clients, store)
    with house.meanwhile(jump):
        assert run(queued(house), 1).record.status == "answered"
    assert [0 < ms <= LOCK_MS for ms in held] == [True]
    assert house.redis.keys("tagline:lock:*") == []
    answered(house, number)
    assert run(queued(house), 1).record.status == "unchanged"
    assert posted(house) == 1


def test_f081_ten_copies_at_once_are_one_job_and_other_ids_say_nothing_more(house: App) -> None:
    number = house.host.open_issue(house.repo, TITLE, BODY)
    opened, more = house.opened, range(10)

    def copy(n: int) -> None:
        house.host.redeliver(opened.id)
        house.host.deliver(opened.event, opened.body, f"another-id-{n}")

    threads = [threading.Thread(target=copy, args=[n]) for n in more]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [d for d in house.host.deliveries if d.action == "opened"]
    assert {d.status for d in told} == {202}
    assert {d.job for d in told if d.guid == opened.guid} == {opened.job}
    jobs = {str(d.job) for d in told}
    others = 10 if house.on == "github" else 0  # GitLab's are known by their content
    outcomes = sorted(house.over(job).outcome for job in jobs)
    assert outcomes == ["answered", *["unchanged"] * others]
    answered(house, number)
    assert posted(house) == 1


@pytest.mark.parametrize("forgotten", [False, True], ids=["remembered", "all forgotten"])
def test_f082_a_copy_four_days_later_does_nothing(house: App, forgotten: bool) -> None:
    number = house.issue()
    before = (house.comments(number), house.labels(number), len(house.host.writes(house.repo)))
    house.host.state.issue(house.repo, number).created_at -= timedelta(days=4)
    if forgotten:
        house.redis.flushall()
    assert house.again().state == "done"
    after = (house.comments(number), house.labels(number), len(house.host.writes(house.repo)))
    assert after == before
    answered(house, number)


def test_f083_an_opening_told_late_is_processed_once_from_the_live_issue(house: App) -> None:
    number = house.host.open_issue(house.repo, TITLE, "First.", deliver=False)
    house.host.edit_issue(house.repo, number, body=f"{BODY} Quokkas are affected.")
    house.host.label_by_person(house.repo, number, "documentation")
    house.over()
    assert posted(house) == 0
    house.deliver_opening(number)
    house.over()
    answered(house, number, "documentation")
    (request, *_) = house.box.model_requests
    assert "Quokkas" in str(request.body)
    assert house.again().outcome == "unchanged"
    assert posted(house) == 1


def test_f083_an_opening_told_after_its_closing_says_nothing(house: App) -> None:
    number = house.host.open_issue(house.repo, TITLE, BODY, deliver=False)
    house.host.close_issue(house.repo, number)
    house.deliver_opening(number)
    assert house.over().why == "closed"
    assert house.host.writes(house.repo) == []


def test_f085_a_full_disk_loses_log_lines_and_nothing_else(house: App) -> None:
    full = open("/dev/full", "w")  # noqa: SIM115 - closing it fails too
    log.configure("debug", "json", (), full)
    number = house.issue()
    assert house.opened.status == 202
    assert house.over().outcome == "answered"
    answered(house, number)
    house.refresh()
    with contextlib.suppress(OSError):
        full.close()


def test_f086_idle_connections_keep_nobody_out(house: App) -> None:
    port, files = free_port(), 64
    here, there = house.url, f"http://127.0.0.1:{port}"
    door = doomed.start("serve", {**house.environ, "PORT": str(port)}, files=files)
    house.wait(lambda: healthy(there))
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(2 * files)]
    assert healthy(there), "within a second"
    house.point_hooks_at(there)
    number = house.issue(created_at=time.time() - 2 * JUST_NOW_SECONDS)
    house.point_hooks_at(here)
    for one in idle:
        one.close()
    door.terminate()
    doomed.end(door)
    answered(house, number)
