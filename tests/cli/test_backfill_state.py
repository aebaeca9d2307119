"""The file with the state of a backfill."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bot.cli.backfill_state import (
    OVER_MAX,
    AlreadyRunning,
    BackfillState,
    Batch,
    RunBudget,
    SentQuestion,
)
from bot.core.pricing import Limits
from bot.store.no_store import ProcessBudgets
from tests.fakes import REF

LIMITS = Limits(None, 100.0, 10)
BATCH = Batch("t", "openai:m", 1.0, {"t-3": SentQuestion(3, "d", 0.5)}, "batch_1", ("file-1",))


def reopen(state: BackfillState, folder: Path) -> BackfillState:
    state.close()
    return BackfillState.open(folder, REF)


def test_what_was_done_is_read_again(tmp_path: Path) -> None:
    state = BackfillState.open(tmp_path, REF)
    assert (state.done, state.batches, state.micro_usd) == (set(), {}, 0)
    for number in (1, 2):
        state.add_done(number)
    state.add_batch(BATCH)
    state = reopen(state, tmp_path)
    assert (state.done, state.batches) == ({1, 2}, {"t": BATCH})
    state.end_batch("t", -400_000, {3: 1})
    state = reopen(state, tmp_path)
    assert (state.batches, state.tries, state.micro_usd) == ({}, {3: 1}, -400_000)
    state.delete()
    assert list(tmp_path.iterdir()) == []
    state.close()


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    state = BackfillState.open(tmp_path / "new", REF)
    (file,) = (tmp_path / "new").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    state.close()


@pytest.mark.parametrize(
    "rest", ['["done"', '["done", 3', "\0\0", '["of a later version", 1]\n', "[]"]
)
def test_a_line_that_was_cut_loses_only_itself(tmp_path: Path, rest: str) -> None:
    state = BackfillState.open(tmp_path, REF)
    state.add_done(1)
    state.close()
    (file,) = tmp_path.iterdir()
    file.write_text(file.read_text() + rest)
    state = BackfillState.open(tmp_path, REF)
    state.add_done(2)
    state = reopen(state, tmp_path)
    assert state.done == {1, 2}
    state.close()


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    state = BackfillState.open(tmp_path, REF)
    with pytest.raises(AlreadyRunning):
        BackfillState.open(tmp_path, REF)
    state = reopen(state, tmp_path)
    state.close()


def test_a_reservation_stays_where_its_process_was_killed(tmp_path: Path) -> None:
    state = BackfillState.open(tmp_path, REF)
    budget = RunBudget(state, ProcessBudgets(), 1.0)
    assert budget.reserve("r", "", "", 0.6, LIMITS) == ""
    state = reopen(state, tmp_path)
    budget = RunBudget(state, ProcessBudgets(), 1.0)
    assert budget.reserve("r", "", "", 0.6, LIMITS) == OVER_MAX
    budget.settle("r", -0.5)
    assert budget.reserve("r", "", "", 0.6, LIMITS) == ""
    assert state.usd == pytest.approx(0.7)
    state.close()


def test_a_shared_budget_that_is_exhausted_takes_nothing_of_the_run_s() -> None:
    state = BackfillState()
    budget = RunBudget(state, ProcessBudgets(), 10.0)
    assert budget.reserve("r", "", "", 2.0, Limits(1.0, 100.0, 10)) == "day"
    assert state.usd == 0.0
