"""Which labels of the bot a training learns from, and what it records about them."""

from __future__ import annotations

from dataclasses import replace

from bot.core.journal import Write
from bot.core.types import Choice, Issue, Record
from tests.fakes import DAY, NOW, REF, make_issue
from tests.flow.training_case import Case
from tests.history import TOPICS, make_history


def own(number: int, *, days: float, handled: bool = True) -> Issue:
    """Return an issue that was opened so many days ago."""
    issue = make_issue(TOPICS["regression"].format(n=number), "", ["regression"])
    ref = replace(REF, number=number)
    return replace(issue, ref=ref, created_at=NOW - days * DAY, handled=handled)


def test_labels_of_the_bot_are_learned_once_people_have_kept_them() -> None:
    past = [own(903, days=3), own(902, days=9, handled=False), own(901, days=9)]
    case = Case([*past, *make_history(40)])
    choice = Choice("regression", "model", "likely")
    for issue in past:
        record = Record("answered", labels=("regression",), choices=(choice,))
        case.store.save(issue.ref.key, record)
    case.train()
    assert case.state.examples == 41
    (kept,) = case.store.corrections.list(REF.repo_key)
    assert (kept.number, kept.label, kept.verdict, kept.source) == (
        *(901, "regression", "kept"),
        "model",
    )
    assert kept.at == NOW - 2 * DAY
    case.now += 8 * DAY
    case.train()
    assert len(case.store.corrections.list(REF.repo_key)) == 2  # the same and number 903


def test_the_week_of_a_label_begins_when_the_bot_set_it() -> None:
    issue = own(901, days=90)
    case = Case([issue, *make_history(40)])
    case.store.save(issue.ref.key, Record("answered", labels=("regression",)))
    case.store.journal.append(issue.ref.key, [Write("w", "add-label", "regression")])
    case.train()
    assert case.state.examples == 40


def test_with_corrections_switched_off_nothing_is_recorded() -> None:
    issue = own(901, days=90)
    case = Case([issue, *make_history(40)], config="learn: {from_corrections: false}")
    choice = Choice("regression", "model", "likely")
    case.store.save(issue.ref.key, Record("answered", labels=("regression",), choices=(choice,)))
    case.train()
    assert case.store.corrections.list(REF.repo_key) == ()
