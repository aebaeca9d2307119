"""What people decide on the bot's suggestions is a correction, also where no webhook reports it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.corrections import count_labels, select_latest
from bot.core.errors import Forbidden, NotFound, Retry
from bot.core.types import HeldSuggestion
from bot.flow.plan import Outcome
from tests.fakes import DAY, NOW, REF, ExpiringLockStore, model_reply
from tests.flow.issue_case import ANSWER, DOWN, IssueCase
from tests.flow.test_corrections import LEARN_OFF, compare, corrections
from tests.flow.test_issue_types import TYPES
from tests.flow.test_run_commands import command
from tests.flow.test_suggestions import OTHER, holding, shown

MODEL = model_reply("It is dead.", ("regression", "sure", "dead"))


def held(case: IssueCase) -> list[str]:
    return [one.name for one in case.record.held]


def is_scheduled(case: IssueCase) -> bool:
    """Return whether the issue is looked at within two days."""
    return case.store.looks.take_due(NOW + 2 * DAY) == REF


def answered(*answers: str, config: str = "mode: suggest") -> IssueCase:
    case = holding(*(answers or (ANSWER,)), config=config)
    case.job()
    return case


def test_an_approval_counts_once_and_not_as_an_addition_too() -> None:
    case = answered()
    case.forge.person_approves("bug")
    assert compare(case).record.why == "1 approved"
    assert corrections(case) == [(41, "bug", "approved")]
    assert held(case) == ["area/login", "regression"]
    assert compare(case).record.status == "unchanged", "the addition is found again"
    assert corrections(case) == [(41, "bug", "approved")]
    (found,) = case.store.corrections.list(REF.repo_key)
    assert (found.source, found.certainty) == ("model", "sure")


def test_an_approval_that_the_list_shows_late_still_counts_once() -> None:
    case = answered()
    case.forge.person_adds("bug")
    compare(case)
    case.forge.person_removes("bug")
    case.forge.changes.pop()
    case.forge.person_approves("bug")
    case.forge.changes.pop()
    compare(case)
    (latest,) = select_latest(case.store.corrections.list(REF.repo_key))
    assert latest.verdict == "approved"


def test_a_dismissal_counts_and_the_label_never_comes_to_that_issue() -> None:
    case = answered(ANSWER, ANSWER, ANSWER)
    case.forge.person_dismisses("bug")
    assert compare(case).record.why == "1 dismissed"
    assert corrections(case) == [(41, "bug", "dismissed")]
    case.job("manual", tries=2)
    case.forge.config = "mode: apply"
    case.job("manual", tries=3)
    assert case.labels == ["area/login"]
    assert shown(case) == ["regression"]


def test_a_type_is_approved_or_dismissed_as_a_label_is() -> None:
    for decide, verdict in (("person_approves", "approved"), ("person_dismisses", "dismissed")):
        case = holding(ANSWER, ANSWER)
        case.forge.types = TYPES
        case.job()
        getattr(case.forge, decide)("Bug")
        compare(case)
        assert corrections(case) == [(41, "Bug", verdict)]
        case.forge.config = "mode: apply"
        case.job("manual", tries=2)
        assert (case.forge.current.type == "Bug") == (verdict == "approved")


def test_what_the_bot_dismissed_itself_is_no_correction() -> None:
    case = holding(DOWN, OTHER)
    case.job()
    case.job("heal", tries=2)
    assert shown(case, "dismissed")
    compare(case)
    command(case, "/tagline undo")
    compare(case)
    assert (corrections(case), shown(case), held(case)) == ([], [], [])


@pytest.mark.parametrize("state", ["replaced", "invalidated"])
def test_a_suggestion_that_the_forge_ended_is_no_correction(state: str) -> None:
    case = answered()
    assert case.forge.suggestions
    first, *others = case.forge.suggestions
    case.forge.suggestions = [replace(first, state=state), *others]
    compare(case)
    assert (corrections(case), held(case)) == ([], ["area/login", "regression"])


def test_a_rival_s_approval_is_no_dismissal_of_the_same_label() -> None:
    case = answered()
    assert case.forge.suggestions
    case.forge.suggestions.insert(0, HeldSuggestion(99, "bug", reason="by another program"))
    case.forge.person_approves("bug")
    assert [one.state for one in case.forge.suggestions[:2]] == ["approved", "dismissed"]
    compare(case)
    assert corrections(case) == [(41, "bug", "added")]


def test_a_program_s_approval_is_no_correction() -> None:
    case = answered()
    case.forge.person_approves("bug")
    case.forge.changes = [replace(one, by_bot=True) for one in case.forge.changes]
    compare(case)
    assert (corrections(case), held(case)) == ([], ["area/login", "regression"])


def test_a_label_that_was_approved_and_taken_off_again_was_approved() -> None:
    case = answered()
    case.forge.person_approves("bug")
    case.forge.person_removes("bug")
    compare(case)
    assert corrections(case) == [(41, "bug", "approved")]


@pytest.mark.parametrize("decide", ["person_approves", "person_dismisses"])
def test_a_job_in_between_leaves_the_decision_to_be_recorded_soon(decide: str) -> None:
    case = answered(ANSWER, OTHER)
    getattr(case.forge, decide)("bug")
    case.job("manual", tries=2)
    assert case.store.looks.take_due(NOW) == REF
    compare(case)
    assert (41, "bug", f"{decide[7:-1].removesuffix('e')}ed") in corrections(case)
    assert "bug" not in held(case)


def test_a_dismissal_before_an_undo_is_recorded() -> None:
    case = answered()
    case.forge.person_dismisses("bug")
    command(case, "/tagline undo")
    compare(case)
    assert (corrections(case), held(case)) == ([(41, "bug", "dismissed")], [])


def test_a_model_does_not_set_what_a_person_dismissed() -> None:
    case = holding(ANSWER, MODEL, config="")
    case.job()
    assert shown(case) == ["regression"]
    case.forge.person_dismisses("regression")
    case.job("manual", tries=2)
    assert "regression" not in case.labels
    assert shown(case) == []


# The daily look.


def test_an_issue_is_looked_at_each_day_until_nothing_waits() -> None:
    case = answered()
    assert case.store.looks.take_due(NOW + DAY - 1) is None
    assert case.store.looks.take_due(NOW + DAY) == REF
    assert case.store.looks.take_due(NOW + DAY) is None
    assert case.store.looks.take_due(NOW + 2 * DAY) == REF, "also where the look got lost"
    for name in ("bug", "area/login"):
        case.forge.person_dismisses(name)
        compare(case)
        assert is_scheduled(case)
    case.forge.person_dismisses("regression")
    compare(case)
    assert not is_scheduled(case)


def test_an_issue_without_suggestions_is_not_looked_at() -> None:
    case = holding(model_reply("It is dead.", ("bug", "sure", "")), config="")
    case.job()
    assert not is_scheduled(case)


def test_a_closed_issue_is_looked_at_once_more() -> None:
    case = answered()
    case.forge.person_dismisses("bug")
    case.forge.current = replace(case.forge.current, is_open=False)
    assert compare(case).record.why == "1 dismissed"
    assert not is_scheduled(case)
    case.forge.current = replace(case.forge.current, is_open=True)
    compare(case)
    assert is_scheduled(case), "reopened"


@pytest.mark.parametrize("error", [NotFound("gone"), Forbidden("no access")])
def test_an_issue_that_cannot_be_read_is_not_looked_at_again(error: NotFound) -> None:
    case = answered()
    case.forge.fail("get_issue", error)
    compare(case)
    assert not is_scheduled(case)


@pytest.mark.parametrize(
    ("config", "change"),
    [
        (LEARN_OFF, {}),
        ("mode: off", {}),
        ("mode: suggest", {"confidential": True}),
    ],
)
def test_where_nothing_is_learned_no_issue_is_looked_at(
    config: str, change: dict[str, bool]
) -> None:
    case = answered()
    case.forge.config = config
    case.forge.current = replace(case.forge.current, **change)  # type: ignore[arg-type]
    case.forge.person_dismisses("bug")
    compare(case)
    assert (corrections(case), is_scheduled(case)) == ([], False)


def test_an_issue_whose_record_has_expired_is_not_looked_at_again() -> None:
    case = answered()
    looks = case.store.looks
    case.store = type(case.store)()
    case.store.looks = looks
    compare(case)
    assert not is_scheduled(case)


def test_an_old_issue_is_looked_at_too() -> None:
    case = answered()
    case.forge.current = replace(case.forge.current, created_at=NOW - 30 * DAY)
    case.forge.person_dismisses("bug")
    assert compare(case).record.why == "1 dismissed"


def test_while_the_list_is_not_shown_nothing_is_forgotten() -> None:
    case = answered()
    before, case.forge.suggestions = case.forge.suggestions, None
    compare(case)
    assert (len(held(case)), is_scheduled(case)) == (3, True)
    case.forge.suggestions = before
    case.forge.person_dismisses("bug")
    compare(case)
    assert corrections(case) == [(41, "bug", "dismissed")]


# Crashes.


def interrupted(case: IssueCase, method: str) -> IssueCase:
    case.interrupt(method, Retry("the worker was killed"), done=True)
    assert shown(case)
    return case


def test_a_look_adopts_what_an_interrupted_try_left() -> None:
    case = interrupted(holding(ANSWER), "suggest_labels")
    assert (held(case), is_scheduled(case)) == ([], True)
    case.forge.person_dismisses("bug")
    compare(case)
    assert corrections(case) == [(41, "bug", "dismissed")]
    assert held(case) == ["area/login", "regression"]
    command(case, "/tagline undo")
    assert shown(case) == []


@pytest.mark.parametrize("method", ["suggest_labels", "suggest_type"])
def test_the_next_try_dismisses_what_it_does_not_repeat(method: str) -> None:
    case = holding(ANSWER, OTHER)
    case.forge.types = TYPES
    case = interrupted(case, method)
    case.job(tries=2)
    assert (shown(case), held(case)) == (["documentation"], ["documentation"])
    compare(case)
    assert corrections(case) == []


@pytest.mark.parametrize("is_done", [True, False])
def test_a_dismissal_of_the_bot_that_was_interrupted_is_no_correction(is_done: bool) -> None:
    case = answered(ANSWER, OTHER)
    case.forge.fail("dismiss_suggestion", Retry("the worker was killed"), done=is_done)
    with pytest.raises(Retry):
        case.job("manual", tries=2)
    assert shown(case, "dismissed") == (["bug"] if is_done else [])
    compare(case)
    assert corrections(case) == []
    assert len(held(case)) == (2 if is_done else 3)


def test_undo_takes_back_what_an_interrupted_try_left() -> None:
    case = interrupted(holding(ANSWER), "suggest_labels")
    command(case, "/tagline undo")
    assert (shown(case), held(case)) == ([], [])


def test_an_interrupted_try_forgets_no_earlier_suggestion() -> None:
    case = answered(ANSWER, OTHER, OTHER, OTHER)
    case.forge.person_dismisses("area/login")
    for method in ("list_suggestions", "suggest_labels"):
        case.forge.fail(method, Retry("502"))
        with pytest.raises(Retry):
            case.job("manual", tries=2)
        assert "area/login" in held(case)
    case.job("manual", tries=3)
    assert shown(case) == ["documentation"]
    compare(case)
    assert corrections(case) == [(41, "area/login", "dismissed")]


def test_another_program_s_suggestion_of_the_same_label_is_not_adopted() -> None:
    case = interrupted(holding(ANSWER, OTHER), "suggest_labels")
    other = HeldSuggestion(99, "bug", reason="by another program")
    assert case.forge.suggestions is not None
    case.forge.suggestions = [other, *case.forge.suggestions[1:]]
    case.job(tries=2)
    assert shown(case) == ["bug", "documentation"]


@pytest.mark.parametrize("writes", [0, 1])
def test_a_look_that_is_interrupted_records_each_decision_once(writes: int) -> None:
    case = answered()
    case.forge.person_dismisses("bug")
    store = ExpiringLockStore(writes)
    store.save(REF.key, case.record)
    case.store = store
    outcomes: list[Outcome] = []
    for _ in range(2):
        try:
            outcomes.append(compare(case))
        except Retry:
            store.writes = 1
    counts = {
        one.label: one.dismissed for one in count_labels(store.corrections.list(REF.repo_key))
    }
    assert counts == {"bug": 1}
    assert held(case) == ["area/login", "regression"]
