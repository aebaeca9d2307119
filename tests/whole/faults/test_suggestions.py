"""Suggestions under faults: killed workers leave none behind, and lose no decision on one."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from bot.core.types import Record
from tests.whole.app import App
from tests.whole.faults import killed_process
from tests.whole.faults.killed_process import Step
from tests.whole.faults.test_corrections import corrections, key, old_issue
from tests.whole.test_decisions_on_suggestions import decide
from tests.whole.test_suggestions import REPLY, suggestions, switch_on

StartWorker = Callable[[], AbstractContextManager[None]]
OTHER = REPLY.replace('"bug"', '"enhancement"')


def record(app: App, number: int) -> Record:
    found = app.store.record(key(app, number))
    assert found
    return found


def kill_worker(app: App, where: str, when: str = "after") -> None:
    worker = killed_process.start("worker", app.environ, Step(where, when))
    assert killed_process.wait(worker) == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("step", ["api:GitHub.add_labels", "suggestions:Suggestions.list"])
def test_a_suggestion_of_a_killed_worker_is_replaced_and_a_decision_on_it_counts(
    idle_app: App, second_worker: StartWorker, step: str
) -> None:
    app = idle_app
    switch_on(app)
    app.configure("mode: suggest")
    app.box.replies.extend([REPLY, OTHER])
    number = old_issue(app)
    kill_worker(app, f"bot.forges.github.{step}")
    assert set(suggestions(app, number)) == {"bug", "area/login", "documentation"}
    decide(app, number, "documentation", accept=False)
    with second_worker():
        app.wait_for_end()
        assert set(suggestions(app, number)) == {"enhancement", "area/login"}
        decide(app, number, "enhancement", accept=True)
        assert app.wait_for_end().state == "done"
    found = {(one.label, one.verdict) for one in corrections(app, number)}
    assert found == {("documentation", "dismissed"), ("enhancement", "approved")}
    assert [one.name for one in record(app, number).held] == ["area/login"]
    assert set(suggestions(app, number, "dismissed")) == {"bug", "documentation"}


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_that_is_killed_while_it_records_decisions_loses_none(
    idle_app: App, second_worker: StartWorker, when: str
) -> None:
    app = idle_app
    switch_on(app)
    app.configure("mode: suggest")
    app.box.replies.append(REPLY)
    with app.running_worker():
        number = old_issue(app)
        app.wait_for_end()
    decide(app, number, "area/login", accept=False)
    decide(app, number, "bug", accept=True)
    kill_worker(app, "bot.store.corrections:RedisCorrections.add", when)
    with second_worker():
        assert app.wait_for_end().state == "done"
    found = sorted((one.label, one.verdict) for one in corrections(app, number))
    assert found == [("area/login", "dismissed"), ("bug", "approved")]
    assert [one.name for one in record(app, number).held] == ["documentation"]
