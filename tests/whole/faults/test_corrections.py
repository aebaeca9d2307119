"""Corrections under faults: killed workers, deliveries that come twice, a lost Redis."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from bot import wiring
from bot.core.corrections import Correction
from bot.core.jobs import JobRecord
from bot.core.types import IssueRef
from tests.whole.app import BODY, TITLE, App, Build
from tests.whole.faults import killed_process
from tests.whole.faults.killed_process import Step
from tests.whole.faults.test_worker import FORGES

SPAN_SECONDS = 10.0  # as shipped; other tests have a shorter span
StartWorker = Callable[[], AbstractContextManager[None]]

KILLED_AT = {
    "after the intent": Step("FORGE.add_labels"),
    "between the labels and the journal": Step("FORGE.add_labels", "after"),
    "between the comment and the journal": Step("FORGE.post_comment", "after"),
    "before the end is recorded": Step("bot.store.locks:HeldLock.finish"),
}


def key(app: App, number: int) -> str:
    repo = app.host.state.repo(app.repo)
    host = next(form.host for form in wiring.url_forms(app.settings) if form.forge == app.on)
    return IssueRef(app.on, host, app.repo, number, repo.id).key


def corrections(app: App, number: int) -> list[Correction]:
    return list(app.store.corrections.list(key(app, number).rpartition(":")[0]))


def old_issue(app: App) -> int:
    """Return an issue that was opened a minute ago, and whose delivery was sent."""
    return app.host.open_issue(app.repo, TITLE, BODY, created_at=time.time() - 60)


@pytest.mark.slow
@pytest.mark.parametrize("step", KILLED_AT)
def test_no_write_of_a_killed_worker_is_missing_from_the_journal(
    idle_app: App, second_worker: StartWorker, step: str
) -> None:
    app, (where, when) = idle_app, KILLED_AT[step]
    number = old_issue(app)
    kill_step = Step(where.replace("FORGE", FORGES[app.on]), when)
    worker = killed_process.start("worker", app.environ, kill_step)
    assert killed_process.wait(worker) == -signal.SIGKILL
    written = {write.label for write in app.store.journal.list_writes(key(app, number))}
    assert written >= {*app.labels(number)}
    with second_worker():
        app.wait_for_end()
    writes = app.store.journal.list_writes(key(app, number))
    assert [(one.kind, one.label, one.state) for one in writes] == [
        ("add-label", "bug", "done"),
        ("add-label", "area/login", "done"),
        ("post-comment", "", "done"),
    ]
    assert writes[-1].comment_id == app.comments(number)[0].id
    assert corrections(app, number) == []


@pytest.mark.slow
def test_a_label_that_a_person_removes_while_the_worker_is_down_is_recorded(
    idle_app: App, second_worker: StartWorker
) -> None:
    app = idle_app
    number = old_issue(app)
    step = Step(f"{FORGES[app.on]}.add_labels", "after")
    worker = killed_process.start("worker", app.environ, step)
    assert killed_process.wait(worker) == -signal.SIGKILL
    app.host.unlabel_by_person(app.repo, number, "bug")
    with second_worker():
        app.wait(lambda: any(x.verdict == "removed" for x in corrections(app, number)))
        app.wait(lambda: app.comments(number))
    assert app.labels(number) == ["area/login"]


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_that_is_killed_while_it_records_corrections_loses_none(
    idle_app: App, second_worker: StartWorker, when: str
) -> None:
    app = idle_app
    with app.running_worker():
        number = app.host.open_issue(app.repo, TITLE, BODY, created_at=time.time() - 60)
        app.wait_for_end()
    app.host.unlabel_by_person(app.repo, number, "bug")
    step = Step("bot.store.corrections:RedisCorrections.add", when)
    worker = killed_process.start("worker", app.environ, step)
    assert killed_process.wait(worker) == -signal.SIGKILL
    with second_worker():
        assert app.wait_for_end().state == "done"
    assert sorted((one.label, one.verdict) for one in corrections(app, number)) == [
        ("area/login", "kept"),
        ("bug", "removed"),
    ]
    record = app.store.record(key(app, number))
    assert record
    assert record.removed == ("bug",)


def remove(app: App, number: int, label: str) -> JobRecord:
    app.host.unlabel_by_person(app.repo, number, label)
    return app.wait_for_end()


def test_a_label_delivery_that_comes_again_changes_nothing(app: App) -> None:
    number = app.issue(created_at=time.time() - 60)
    if app.on == "gitlab":
        app.box.gitlab.group_hook = True
    assert remove(app, number, "bug").why == "1 removed, 1 kept"
    app.box.hooks.settle()
    before = corrections(app, number)
    app.box.gitlab.group_hook = False
    for claims in app.redis.keys("tagline:claims:*"):
        app.redis.delete(claims)
    time.sleep(0.3)  # the next span
    again = app.host.redeliver(app.host.deliveries[-1].id)
    assert app.wait_for_end(again.headers["x-tagline-job"]).outcome == "unchanged"
    assert corrections(app, number) == before


def test_after_a_loss_of_redis_nothing_is_invented_and_nothing_returns(app: App) -> None:
    number = app.issue(created_at=time.time() - 60)
    remove(app, number, "bug")
    app.redis.flushdb()
    app.clear_schedules()
    job = remove(app, number, "area/login")
    assert (job.outcome, corrections(app, number)) == ("unchanged", [])
    app.host.edit_issue(app.repo, number, body=f"{BODY} And more.")
    app.configure("on: [opened, edited]")
    app.deliver_opened(number)
    assert app.wait_for_end().outcome == "answered"
    assert app.labels(number) == []
    assert len(app.comments(number)) == 1


def test_a_burst_of_label_changes_is_one_job_each_ten_seconds(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.flow.receive.LABELS_SPAN_SECONDS", SPAN_SECONDS)
    app = build()
    with app.open(worker=False):
        number = old_issue(app)
        started = time.time()
        for n in range(60):
            change = app.host.label_by_person if n % 2 == 0 else app.host.unlabel_by_person
            change(app.repo, number, "documentation")
        app.box.hooks.settle()
        spans = int(time.time() // SPAN_SECONDS) - int(started // SPAN_SECONDS) + 1
        _, *jobs = [d.job for d in app.host.deliveries if d.job]  # the first is the issue's own
        assert len(jobs) == 60
        assert len({*jobs}) <= spans <= 3
        assert app.redis.hlen("tagline:issues.msgs") == 1, "the issue waits for no label job"
        assert app.store.record(key(app, number)) is None
