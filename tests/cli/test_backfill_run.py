"""What ends a backfill, and what does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from bot.cli.backfill_models import BudgetReached
from bot.cli.backfill_options import BackfillOptions
from bot.cli.backfill_report import BackfillReport
from bot.cli.backfill_run import BackfillRun, Stopped
from bot.cli.backfill_state import BackfillState
from bot.core.types import Job
from bot.flow.plan import Outcome
from tests.fakes import REF, FakeForge, make_issue

OPTIONS = BackfillOptions(
    apply=True,
    comment=False,
    which="open",
    since=0.0,
    limit=None,
    max_usd=None,
    threads=1,
    batch=True,
    as_json=False,
)


@pytest.fixture
def run() -> Iterator[BackfillRun]:
    state = BackfillState()
    report = BackfillReport(REF.repo_name, as_json=False, applied=True, spent=lambda: state.usd)
    run = BackfillRun(REF, FakeForge(make_issue("", "")), report, state, OPTIONS, 0.0, True)
    yield run
    run.close()


def reach_budget(_job: Job, _try: int) -> Outcome:
    raise BudgetReached("run")


def test_a_run_goes_on_after_a_budget_was_reached(run: BackfillRun) -> None:
    for _ in range(2):
        with pytest.raises(Stopped):
            run.run_all([1, 2], reach_budget)
        run.resume()


def test_an_interrupted_run_does_not_go_on_though_a_budget_was_reached_too(
    run: BackfillRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_begun = threading.Event()

    def begin(job: Job, number: int) -> Outcome:
        has_begun.set()
        return reach_budget(job, number)

    def interrupt(*_: object) -> None:
        monkeypatch.undo()
        has_begun.wait(10)
        raise KeyboardInterrupt

    monkeypatch.setattr("bot.cli.backfill_run.wait", interrupt)
    with pytest.raises(Stopped):
        run.run_all([1], begin)
    with pytest.raises(KeyboardInterrupt):
        run.resume()
