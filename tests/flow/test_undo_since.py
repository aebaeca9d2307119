"""What `tagline undo --since` restores, and what it leaves, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.errors import Forbidden, LockContended, NotFound, RateLimited, Retry
from bot.core.journal import Write
from bot.core.types import HeldSuggestion, Issue, JobKind, Label
from bot.flow.process import process
from bot.flow.record_corrections import record_corrections
from bot.flow.undo_since import MAX_TRIES, UndoneIssue, list_written_issues, undo_issue
from tests.fakes import (
    NOW,
    REF,
    FakeForge,
    ScriptedModel,
    make_context,
    make_issue,
    make_job,
    model_reply,
)
from tests.flow.issue_case import ANSWER, BODY, BY_MODEL, DOWN, LABELS, TITLE
from tests.flow.test_issue_types import TYPES
from tests.flow.training_case import PausableRateLimiter
from tests.memory_store import MemoryStore

HOUR = 3600.0
REPOSITORY = replace(REF, number=0)
OTHER_ANSWER = model_reply("Something else.", ("documentation", "sure", "login"))


@dataclass
class Written:
    """An issue that the bot has answered; `now` is the clock of the bot and of the forge."""

    model: ScriptedModel | None = field(default_factory=lambda: ScriptedModel(ANSWER))
    config: str | None = None
    issue: Issue = field(default_factory=lambda: make_issue(TITLE, BODY))
    types: tuple[Label, ...] = ()
    holds: bool = False
    answers: bool = True

    def __post_init__(self) -> None:
        self.now = NOW
        self.store = MemoryStore(lambda: self.now)
        self.slept: list[float] = []
        self.forge = FakeForge(self.issue, LABELS, self.config, types=self.types)
        self.forge.suggestions = [] if self.holds else None
        if self.answers:
            self.job()

    def job(self, kind: JobKind = "opened", model: ScriptedModel | None = None) -> str:
        context = make_context(
            self.forge, model or self.model, self.store, self.now, sleep=self.slept.append
        )
        return process(make_job(kind, f"d-{kind}-{self.now}", self.now), context).record.status

    def undo(self, since: float = NOW - HOUR, *, applies: bool = True) -> list[UndoneIssue]:
        context = make_context(self.forge, None, self.store, self.now, sleep=self.slept.append)
        refs = [*list_written_issues(REPOSITORY, since, context)]
        return [undo_issue(ref, since, context, applies=applies) for ref in refs]

    def undo_one(self, since: float = NOW - HOUR, *, applies: bool = True) -> tuple[str, str]:
        (one,) = self.undo(since, applies=applies)
        return one.state, one.why

    @property
    def shown(self) -> tuple[Issue, list[str], list[HeldSuggestion]]:
        """What people see of the issue, where nothing waits for them."""
        pending = [one for one in self.forge.suggestions or () if one.state == "pending"]
        return self.forge.current, [one.body for one in self.forge.own_comments], pending


def test_an_issue_that_nobody_touched_is_as_before() -> None:
    issue = make_issue(TITLE, BODY, ["wontfix"])
    case = Written(issue=issue, types=TYPES, holds=True)
    assert case.shown != (issue, [], [])
    state, why = case.undo_one(applies=False)
    assert (state, why) == ("undone", "labels area/login, type Bug, suggestions, comment")
    writes = [*case.forge.writes]
    assert case.undo_one() == (
        "undone",
        "1 label removed, its type removed, suggestions dismissed, 1 comment deleted",
    )
    assert case.shown == (issue, [], [])
    assert len(case.forge.writes) > len(writes)


def test_a_preview_writes_nothing() -> None:
    case = Written()
    before, writes = case.shown, case.store.journal.list_writes(REF.key)
    record = case.store.record(REF.key)
    assert case.undo_one(applies=False) == ("undone", "labels bug, area/login, comment")
    assert case.shown == before
    assert case.store.journal.list_writes(REF.key) == writes
    assert case.store.record(REF.key) == record


def test_a_second_run_changes_nothing_more() -> None:
    case = Written()
    case.undo()
    writes = [*case.forge.writes]
    assert case.undo() == []
    assert case.forge.writes == writes


def decide(verb: str) -> Callable[[Written], None]:
    return lambda case: getattr(case.forge, verb)("regression")


TOUCHES: dict[str, tuple[Callable[[Written], None], str]] = {
    "removed": (
        lambda case: case.forge.person_removes("bug"),
        "people changed its labels since: bug",
    ),
    "added": (
        lambda case: case.forge.person_adds("wontfix"),
        "people changed its labels since: wontfix",
    ),
    "comment": (
        lambda case: case.forge.person_deletes_comment(),
        "a person deleted the comment",
    ),
    "accepted": (decide("person_approves"), "people changed its labels since: regression"),
    "dismissed": (decide("person_dismisses"), "people decided on its suggestions: regression"),
}


@pytest.mark.parametrize(("touch", "why"), TOUCHES.values(), ids=TOUCHES)
@pytest.mark.parametrize("recorded", [False, True])
def test_an_issue_that_a_person_touched_is_left_as_it_is(
    touch: Callable[[Written], None], why: str, *, recorded: bool
) -> None:
    case = Written(holds=True)
    touch(case)
    if recorded:
        record_corrections(make_job("labels"), make_context(case.forge, None, case.store))
    before, writes = case.shown, [*case.forge.writes]
    record = case.store.record(REF.key)
    for applies in (False, True, True):
        assert case.undo_one(applies=applies) == ("left", why)
    assert (case.shown, case.forge.writes) == (before, writes)
    assert case.store.record(REF.key) == record


def test_an_issue_that_the_bot_wrote_to_before_the_time_is_left() -> None:
    case = Written(model=ScriptedModel(DOWN), config="comment: {on_fallback: true}")
    case.now = NOW + 3 * HOUR
    case.job("heal", ScriptedModel(ANSWER))
    before = case.shown
    state, why = case.undo_one(NOW + HOUR)
    assert (state, "undo from an earlier time" in why) == ("left", True)
    assert case.shown == before
    assert case.undo_one(NOW - HOUR)[0] == "undone"
    assert case.shown == (case.issue, [], [])


def test_only_issues_that_were_written_since_are_listed() -> None:
    case = Written()
    case.now = NOW + 3 * HOUR
    assert case.undo(NOW + HOUR) == []
    assert len(case.forge.own_comments) == 1


BY_THEMSELVES: list[JobKind] = ["opened", "edited", "reopened", "heal", "backfill"]


@pytest.mark.parametrize("kind", BY_THEMSELVES)
@pytest.mark.parametrize("post", ["always", "never"])
def test_nothing_is_written_again_by_itself(kind: JobKind, post: str) -> None:
    config = f"{{on: [opened, edited, reopened], comment: {{post: {post}}}}}"
    case = Written(config=config)
    case.undo()
    case.forge.person_edits("Another title")
    for _ in range(2):
        assert case.job(kind, ScriptedModel(ANSWER)) in ("unchanged", "deleted")
    assert (case.forge.current.labels, case.forge.own_comments) == ((), [])


@pytest.mark.parametrize("kind", ["redo", "manual"])
def test_a_person_who_asks_for_an_answer_gets_the_whole_of_it(kind: JobKind) -> None:
    case = Written()
    case.undo()
    case.now = NOW + HOUR
    assert case.job(kind, ScriptedModel(ANSWER)) == "answered"
    assert case.forge.current.labels == tuple(BY_MODEL)
    assert len(case.forge.own_comments) == 1
    assert case.job("opened", ScriptedModel(ANSWER)) == "unchanged"
    # The bot's work is its second answer from now on.
    assert case.undo_one(NOW + HOUR - 60)[0] == "undone"
    assert (case.forge.current.labels, case.forge.own_comments) == ((), [])


def test_an_issue_that_waited_for_a_model_waits_no_more() -> None:
    case = Written(model=ScriptedModel(DOWN))
    assert case.forge.current.labels
    case.undo()
    assert case.forge.current.labels == ()
    assert case.store.retry_schedule.take_due(NOW + 86_400) is None


@pytest.mark.parametrize("method", ["remove_labels", "delete_comment", "dismiss_suggestion"])
@pytest.mark.parametrize("done", [False, True])
def test_an_undo_that_was_interrupted_is_continued(method: str, *, done: bool) -> None:
    case = Written(holds=True)
    error = OSError("the process ended")
    case.forge.fail(method, error, done=done)  # type: ignore[arg-type]
    with pytest.raises(OSError, match="the process ended"):
        case.undo()
    assert case.undo_one()[0] == "undone"
    assert case.shown == (case.issue, [], [])
    assert case.undo() == []


def test_it_waits_for_a_worker_and_for_the_forge() -> None:
    case = Written()
    case.forge.fail("get_issue", Retry("GitHub failed (status 502)"), Retry("again", 7.0))
    assert case.undo_one()[0] == "undone"
    assert case.slept == [2.0, 7.0]

    busy = Written()
    with busy.store.lock(REF.key), pytest.raises(LockContended):
        busy.undo()
    assert len(busy.slept) == MAX_TRIES - 1
    assert busy.undo_one()[0] == "undone"


def test_a_long_rate_limit_ends_it_and_pauses_the_account() -> None:
    case = Written()
    case.store.rate_limiter = limiter = PausableRateLimiter()
    case.forge.fail("remove_labels", RateLimited("slow down", 600.0))
    with pytest.raises(RateLimited):
        case.undo()
    assert limiter.paused == {REF.account_key: 600.0}
    with pytest.raises(RateLimited):
        case.undo()
    limiter.paused.clear()
    assert case.undo_one()[0] == "undone"
    assert case.shown == (case.issue, [], [])


def test_a_label_that_was_renamed_or_deleted_is_listed_and_the_rest_undone() -> None:
    case = Written()
    renamed = tuple("Bug report" if x == "bug" else x for x in case.forge.current.labels)
    case.forge.current = replace(case.forge.current, labels=renamed)
    (one,) = case.undo()
    assert (one.state, one.vanished) == ("undone", ("bug",))
    assert case.forge.current.labels == ("Bug report",)
    assert case.forge.own_comments == []
    assert case.undo() == []


@pytest.mark.parametrize("error", [NotFound("not found"), Forbidden("locked")])
def test_an_issue_that_is_gone_is_listed(error: NotFound) -> None:
    case = Written()
    case.forge.fail("get_issue", error, error)
    for _ in range(2):
        assert case.undo_one() == ("unreachable", str(error))


def test_an_issue_whose_record_is_lost_is_left() -> None:
    case = Written()
    case.store._records.clear()
    for applies in (False, True):
        assert case.undo_one(applies=applies)[0] == "left"
    assert len(case.forge.own_comments) == 1


def test_a_refused_write_is_nothing_to_undo() -> None:
    case = Written(answers=False)
    case.store.journal.append(REF.key, [Write("1", "add-label", "bug", state="refused")])
    assert case.undo() == []


# What may happen to an issue after the bot's answer, and whether a person did it to its labels,
# type, suggestions or comment.
PEOPLE: dict[str, Callable[[Written], object]] = {
    "adds": lambda case: case.forge.person_adds("documentation"),
    "adds again": lambda case: case.forge.person_adds("bug"),
    "removes": lambda case: (
        case.forge.person_removes("bug") if "bug" in case.forge.current.labels else None
    ),
    "deletes": lambda case: (
        case.forge.person_deletes_comment() if case.forge.own_comments else None
    ),
}
OTHERS: dict[str, Callable[[Written], object]] = {
    "edits": lambda case: case.forge.person_edits("Another title", "Another body"),
    "heal": lambda case: case.job("heal", ScriptedModel(OTHER_ANSWER)),
    "again": lambda case: case.job("opened", ScriptedModel(ANSWER)),
    "edited": lambda case: case.job("edited", ScriptedModel(OTHER_ANSWER)),
    "preview": lambda case: case.undo(applies=False),
    "learns": lambda case: record_corrections(
        make_job("labels"), make_context(case.forge, None, case.store, case.now)
    ),
}


@given(
    steps=st.lists(st.sampled_from([*PEOPLE, *OTHERS]), max_size=8),
    by_rules=st.booleans(),
    post=st.sampled_from(["always", "never"]),
    labels=st.sampled_from([(), ("wontfix",), ("documentation",)]),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=150)
def test_after_any_history_an_issue_is_as_before_or_as_people_left_it(
    steps: list[str], post: str, labels: tuple[str, ...], *, by_rules: bool
) -> None:
    case = Written(
        model=ScriptedModel(DOWN if by_rules else ANSWER),
        config=f"{{on: [opened, edited], comment: {{post: {post}, on_fallback: true}}}}",
        issue=make_issue(TITLE, BODY, labels),
    )
    people = False
    for step in steps:
        case.now += 60
        before = case.shown
        if step in PEOPLE:
            PEOPLE[step](case)
            people = people or case.shown != before or step.startswith("adds")
        else:
            OTHERS[step](case)
    left, writes = case.shown, len(case.forge.writes)
    found = case.undo()
    assert len(found) <= 1
    states = {one.state for one in found}
    if states == {"undone"}:
        title, body = case.forge.current.title, case.forge.current.body
        assert case.shown == (replace(case.issue, title=title, body=body), [], [])
    else:
        assert case.shown == left
        assert len(case.forge.writes) == writes
        assert people or states == set()
    if people and found:
        assert states == {"left"}
    again = case.shown, len(case.forge.writes)
    case.undo()
    case.job("opened", ScriptedModel(ANSWER))
    if states == {"undone"}:
        assert (case.shown, len(case.forge.writes)) == again


def test_an_issue_that_was_taken_back_meanwhile_is_left() -> None:
    case = Written()
    context = make_context(case.forge, None, case.store, case.now)
    (ref,) = list_written_issues(REPOSITORY, NOW - HOUR, context)
    first, second = (undo_issue(ref, NOW - HOUR, context, applies=True) for _ in range(2))
    assert first.state == "undone"
    assert (second.state, second.why) == ("left", "nothing to take back is left")
