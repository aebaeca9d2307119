"""People change labels of an issue; what the bot records, and what it does from then on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.errors import Forbidden, LockContended, NotFound, RateLimited, Retry
from bot.flow.plan import Outcome
from bot.flow.record_corrections import record_corrections
from tests.fakes import (
    NOW,
    REF,
    make_context,
    make_job,
    model_reply,
)
from tests.flow.issue_case import ANSWER, DOWN, IssueCase, make_case
from tests.memory_store import MemoryStore

LEARN_OFF = "learn: {from_corrections: false}"


def compare(case: IssueCase, mode: str = "apply") -> Outcome:
    context = make_context(case.forge, case.model, case.store, mode=mode)
    return record_corrections(make_job("labels", "labels-1"), context)


def corrections(case: IssueCase) -> list[tuple[int, str, str]]:
    found = case.store.corrections.list(REF.repo_key)
    return [(one.number, one.label, one.verdict) for one in found]


def answered(*answers: str, config: str | None = None) -> IssueCase:
    case = make_case(*(answers or (ANSWER,)), config=config)
    case.job()
    return case


def test_a_label_that_a_person_removed_is_recorded_and_never_returns() -> None:
    case = answered(ANSWER, ANSWER)
    case.forge.person_removes("bug")
    assert compare(case).record.status == "recorded"
    assert case.record.removed == ("bug",)
    assert (41, "bug", "removed") in corrections(case)
    case.forge.person_edits("Another title")
    case.job("manual")
    assert case.labels == ["area/login"]


def test_what_stays_and_what_a_person_sets_is_recorded_too() -> None:
    case = answered()
    case.forge.person_adds("documentation")
    outcome = compare(case)
    assert sorted(corrections(case)) == [
        (41, "area/login", "kept"),
        (41, "bug", "kept"),
        (41, "documentation", "added"),
    ]
    assert outcome.record.why == "2 kept, 1 added"


def test_a_job_that_runs_again_changes_nothing() -> None:
    case = answered()
    case.forge.person_removes("bug")
    compare(case)
    before = case.store.corrections.list(REF.repo_key)
    assert compare(case).record.status == "unchanged"
    case.forge.config = "comment: {max_words: 30}"
    assert compare(case).record.status == "unchanged"
    assert case.store.corrections.list(REF.repo_key) == before


def test_the_newest_change_counts() -> None:
    case = answered()
    case.forge.person_removes("bug")
    compare(case)
    case.forge.person_adds("bug")
    compare(case)
    assert corrections(case)[-1] == (41, "bug", "added")


def test_an_issue_on_which_the_bot_has_not_decided_costs_no_request() -> None:
    case = make_case()
    for method in ("get_issue", "list_label_changes", "get_config_text"):
        case.forge.fail(method, Retry("a request"))
    assert compare(case).record.status == "unchanged"
    case.store.save(REF.key, replace(make_case(ANSWER).job().record, input="", labels=()))
    assert compare(case).record.status == "unchanged"
    assert corrections(case) == []


@pytest.mark.parametrize(
    ("config", "mode", "change"),
    [
        (LEARN_OFF, "apply", {}),
        ("mode: off", "apply", {}),
        (None, "off", {}),
        (None, "apply", {"confidential": True}),
        (None, "apply", {"is_pull_request": True}),
    ],
    ids=["learn off", "mode off", "operator off", "confidential", "pull request"],
)
def test_where_it_is_switched_off_nothing_is_recorded(
    config: str | None, mode: str, change: dict[str, bool]
) -> None:
    case = answered()
    case.forge.person_removes("bug")
    case.forge.config = config
    case.forge.current = replace(case.forge.current, **change)  # type: ignore[arg-type]
    assert compare(case, mode).record.status == "unchanged"
    assert (corrections(case), case.record.removed) == ([], ())


def test_changes_on_a_closed_issue_count() -> None:
    case = answered()
    case.forge.current = replace(case.forge.current, is_open=False)
    case.forge.person_removes("bug")
    compare(case)
    assert (41, "bug", "removed") in corrections(case)


def test_the_bot_s_own_change_with_a_person_s_token_is_no_correction() -> None:
    answer = model_reply("It is slow.", ("documentation", "sure", "manual"))
    case = make_case(DOWN, answer, store=MemoryStore(lambda: NOW))
    case.forge.personal = True
    case.job()
    compare(case)
    case.job("heal")
    compare(case)
    assert corrections(case) == []
    case.forge.person_adds("regression", own=True)
    compare(case)
    assert sorted(corrections(case)) == [
        (41, "documentation", "kept"),
        (41, "regression", "added"),
    ]


def test_a_label_of_an_interrupted_try_that_a_person_removed_is_recorded() -> None:
    case = make_case(ANSWER)
    case.interrupt("add_labels", Retry("GitHub failed (status 502)"), done=True)
    case.forge.person_removes("bug")
    compare(case)
    assert (41, "bug", "removed") in corrections(case)
    assert "bug" in case.record.removed
    assert case.record.status == "writing"


def test_a_label_that_an_interrupted_try_never_set_is_no_correction() -> None:
    case = make_case(ANSWER)
    case.interrupt("add_labels")
    case.forge.person_adds("documentation")
    compare(case)
    assert corrections(case) == [(41, "documentation", "added")]


@pytest.mark.parametrize("personal", [False, True])
def test_after_a_loss_of_redis_the_comment_s_labels_are_known_again(personal: bool) -> None:
    case = make_case(ANSWER)
    case.forge.personal = personal
    case.job()
    case.store = MemoryStore()
    assert case.job().record.status == "unchanged"
    case.forge.person_removes("bug")
    compare(case)
    assert sorted(corrections(case)) == [(41, "area/login", "kept"), (41, "bug", "removed")]


def test_the_job_waits_for_the_issue_s_lock_and_for_a_pause_of_the_account() -> None:
    case = answered()
    with case.store.lock(REF.key), pytest.raises(LockContended):
        compare(case)
    case.forge.fail("get_issue", RateLimited("slow down", 60.0))
    with pytest.raises(RateLimited):
        compare(case)


def test_an_issue_that_is_gone_or_refused_ends_the_job() -> None:
    case = answered()
    case.forge.fail("get_issue", NotFound("gone (status 404)"), Forbidden("no access"))
    assert compare(case).record.why == "gone (status 404)"
    assert compare(case).record.why == "no access"


# Three corrections in a row.
