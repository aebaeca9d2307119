"""Labels that people removed too often are only suggested, and those whose suggestions they
dismissed are not suggested, until that ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

import pytest

from bot.core.corrections import Correction
from bot.core.errors import NotFound
from bot.core.types import Issue, IssueRef, Label, Record
from bot.flow.context import JobContext
from bot.flow.process import process
from bot.flow.record_corrections import record_corrections
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
from tests.flow.issue_case import ANSWER, BODY, DOWN, LABELS, TITLE, make_case
from tests.flow.test_issue_types import TYPES
from tests.memory_store import MemoryStore

LEARN_OFF = "learn: {from_corrections: false}"


class RepositoryForge(FakeForge):
    """A forge that also knows the other issues; `read` are the numbers of those that were read."""

    forges: Mapping[IssueRef, FakeForge]
    read: list[int]

    def get_issue(self, ref: IssueRef) -> Issue:
        if ref == self.current.ref:
            return super().get_issue(ref)
        self.read.append(ref.number)
        if ref not in self.forges:
            raise NotFound("gone (status 404)")
        return self.forges[ref].current


@dataclass
class Repository:
    """A repository whose issues the bot answers one after the other."""

    config: str | None = None
    store: MemoryStore = field(default_factory=MemoryStore)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    forges: dict[IssueRef, RepositoryForge] = field(default_factory=dict)
    types: tuple[Label, ...] = ()

    def answer(
        self, model: ScriptedModel | None, title: str = TITLE, *, holds: bool = False
    ) -> RepositoryForge:
        """Let the bot answer a new issue; return the forge as it left it. Where it `holds`
        suggestions, people can accept them there."""
        ref = replace(REF, number=next(self.numbers))
        issue = make_issue(f"{title} in part {ref.number}", BODY)
        issue = replace(issue, ref=ref, author=f"author-{ref.number}")
        at = NOW + 3600 * ref.number
        forge = RepositoryForge(issue, LABELS, self.config, changes_from=at)
        forge.forges, forge.read = self.forges, []
        forge.suggestions, forge.types = [] if holds else None, self.types
        self.forges[ref] = forge
        process(replace(make_job(name=f"d-{ref.number}"), ref=ref), self._context(forge, model))
        return forge

    def compare(self, forge: FakeForge) -> None:
        job = replace(make_job("labels"), ref=forge.current.ref)
        record_corrections(job, self._context(forge, None))

    def correct(self, label: str, times: int = 3, model: bool = True) -> None:
        """Let a person remove a label of the bot from new issues."""
        for _ in range(times):
            forge = self.answer(ScriptedModel(ANSWER) if model else None)
            forge.person_removes(label)
            self.compare(forge)

    def decide(self, label: str, decision: str, times: int = 3) -> None:
        """Let a person decide on suggestions of new issues."""
        for _ in range(times):
            forge = self.answer(ScriptedModel(ANSWER), holds=True)
            getattr(forge, decision)(label)
            self.compare(forge)

    def suggested(self) -> list[str]:
        """Return what the bot suggests for a new issue."""
        forge = self.answer(ScriptedModel(ANSWER), holds=True)
        return [one.name for one in forge.suggestions or ()]

    def records(self, count: int) -> list[Record]:
        """Return the bot's records of the first issues."""
        keys = [ref.key for ref in list(self.forges)[:count]]
        return [record for key in keys if (record := self.store.record(key))]

    def _context(self, forge: FakeForge, model: ScriptedModel | None) -> JobContext:
        return make_context(forge, model, self.store)


WHY = "`bug`: does nothing (only suggested: people removed it three times in a row)"


def test_a_label_that_was_removed_three_times_is_only_suggested() -> None:
    repository = Repository()
    repository.correct("bug", times=2)
    assert "bug" in repository.answer(ScriptedModel(ANSWER)).current.labels
    repository.correct("bug", times=1)
    forge = repository.answer(ScriptedModel(ANSWER))
    assert forge.current.labels == ("area/login",)
    (comment,) = forge.own_comments
    assert "Suggested, not applied: `bug`, `regression`" in comment.body
    assert WHY in comment.body


@pytest.mark.parametrize(
    ("is_open", "keeps_label", "demoted"),
    [(True, True, True), (False, False, True), (False, True, False)],
)
def test_before_a_label_is_demoted_issues_that_were_closed_with_it_are_looked_for(
    is_open: bool, keeps_label: bool, demoted: bool
) -> None:
    repository = Repository()
    repository.correct("bug", times=2)
    for _ in range(2):
        other = repository.answer(ScriptedModel(ANSWER))
        labels = ("bug",) if keeps_label else ()
        other.current = replace(other.current, is_open=is_open, labels=labels)
    forge = repository.answer(ScriptedModel(ANSWER))
    forge.person_removes("bug")
    for _ in range(2):  # a job that runs again looks at no issue
        repository.compare(forge)
        assert forge.read == ([4, 3] if demoted else [4])
    assert ("bug" not in repository.answer(ScriptedModel(ANSWER)).current.labels) is demoted


def test_an_issue_that_is_gone_does_not_keep_a_label_from_demotion() -> None:
    repository = Repository()
    repository.correct("bug", times=2)
    del repository.forges[repository.answer(ScriptedModel(ANSWER)).current.ref]
    repository.correct("bug", times=1)
    assert "bug" not in repository.answer(ScriptedModel(ANSWER)).current.labels


def test_a_demotion_holds_for_every_source() -> None:
    repository = Repository()
    repository.correct("bug")
    assert repository.answer(None).current.labels == ("needs-review",)


def test_the_label_that_asks_for_a_review_is_removed_after_it_and_never_demoted() -> None:
    repository = Repository()
    repository.correct("needs-review", times=3, model=False)
    assert repository.answer(None).current.labels == ("bug", "needs-review")
    found = {(one.label, one.verdict) for one in repository.store.corrections.list(REF.repo_key)}
    assert found == {("bug", "kept")}
    assert [record.removed for record in repository.records(3)] == [("needs-review",)] * 3


def test_a_label_that_is_removed_in_turns_with_being_kept_is_not_demoted() -> None:
    repository = Repository()
    for _ in range(3):
        repository.correct("bug", times=2)
        forge = repository.answer(ScriptedModel(ANSWER))
        forge.person_adds("documentation")
        repository.compare(forge)
    assert "bug" in repository.answer(ScriptedModel(ANSWER)).current.labels


def test_a_demotion_ends_when_people_set_the_suggested_label_three_times() -> None:
    repository = Repository()
    repository.correct("bug")
    for _ in range(3):
        forge = repository.answer(ScriptedModel(ANSWER))
        assert "bug" not in forge.current.labels
        forge.person_adds("bug")
        repository.compare(forge)
    assert "bug" in repository.answer(ScriptedModel(ANSWER)).current.labels


def test_a_demotion_ends_when_the_configuration_changes() -> None:
    repository = Repository("language: en")
    repository.correct("bug")
    assert "bug" not in repository.answer(ScriptedModel(ANSWER)).current.labels
    repository.config = "language: auto"
    assert "bug" in repository.answer(ScriptedModel(ANSWER)).current.labels


@pytest.mark.parametrize("other", ["language: auto", "learn: {from_corrections: false}", None])
def test_a_configuration_that_is_changed_back_does_not_demote_again(other: str | None) -> None:
    repository = Repository("language: en")
    repository.correct("bug")
    repository.config = other
    assert "bug" in repository.answer(ScriptedModel(ANSWER)).current.labels
    repository.config = "language: en"
    assert "bug" in repository.answer(ScriptedModel(ANSWER)).current.labels
    repository.correct("bug", times=2)
    assert "bug" in repository.answer(ScriptedModel(ANSWER)).current.labels
    repository.correct("bug", times=1)
    assert "bug" not in repository.answer(ScriptedModel(ANSWER)).current.labels


def test_every_removal_under_a_changed_configuration_counts() -> None:
    repository = Repository("language: en")
    repository.correct("bug")
    repository.config = "language: auto"
    repository.correct("bug")
    assert "bug" not in repository.answer(ScriptedModel(ANSWER)).current.labels


@pytest.mark.parametrize("config", [None, "language: en", "# later"])
def test_a_file_that_cannot_be_read_is_no_other_configuration(config: str | None) -> None:
    repository = Repository(config)
    repository.correct("bug")
    repository.config = "language: [de"
    forge = repository.answer(ScriptedModel(ANSWER))
    assert "bug" not in forge.current.labels
    assert WHY in forge.own_comments[0].body
    repository.config = config
    assert "bug" not in repository.answer(ScriptedModel(ANSWER)).current.labels


def test_a_change_of_the_configuration_that_ends_demotions_is_recorded_once() -> None:
    repository = Repository("language: en")
    repository.correct("bug")
    before = repository.store.corrections.list(REF.repo_key)
    for repository.config in ("language: auto", "language: auto", "language: en", "language: en"):
        repository.answer(ScriptedModel(ANSWER))
    new = repository.store.corrections.list(REF.repo_key)[len(before) :]
    assert [(one.verdict, one.label, one.number) for one in new] == [("resumed", "", 0)]


def test_a_label_that_a_person_resumed_leaves_the_others_demoted() -> None:
    repository = Repository("language: en")
    repository.correct("bug")
    repository.correct("area/login")
    latest = repository.store.corrections.list(REF.repo_key)[-1].at
    resumed = Correction(0, "bug", "resumed", latest + 1)
    repository.store.corrections.add(REF.repo_key, [resumed])
    assert repository.answer(ScriptedModel(ANSWER)).current.labels == ("bug",)


def test_a_demotion_ends_when_learning_is_switched_off() -> None:
    repository = Repository()
    repository.correct("bug")
    repository.config = LEARN_OFF
    assert "bug" in repository.answer(ScriptedModel(ANSWER)).current.labels


def test_a_demoted_label_that_rules_had_set_is_not_taken_away_by_a_model() -> None:
    case = make_case(DOWN, ANSWER)
    case.job()
    removals = [Correction(n, "bug", "removed", NOW + n) for n in range(3)]
    case.store.corrections.add(REF.repo_key, removals)
    case.job("heal")
    assert case.labels == ["bug", "area/login"]


# Labels whose suggestions people dismissed.


def test_a_label_that_was_dismissed_three_times_is_not_suggested_any_more() -> None:
    repository = Repository("mode: suggest")
    repository.decide("bug", "person_dismisses", times=2)
    assert "bug" in repository.suggested()
    repository.decide("bug", "person_dismisses", times=1)
    for _ in range(2):
        assert repository.suggested() == ["area/login", "regression"]
    forge = repository.answer(ScriptedModel(ANSWER))
    (comment,) = forge.own_comments
    assert "bug" not in comment.body.partition("<!--")[0], "nor where suggestions are off"


def test_a_label_of_which_the_bot_is_sure_is_applied_although_it_is_not_suggested() -> None:
    repository = Repository("# the same file\nmode: apply")
    repository.decide("regression", "person_dismisses")
    assert repository.suggested() == []
    sure = model_reply("It is dead.", ("regression", "sure", "dead"))
    assert repository.answer(ScriptedModel(sure)).current.labels == ("regression",)


def test_an_approval_between_three_dismissals_keeps_a_label_suggested() -> None:
    repository = Repository("mode: suggest")
    repository.decide("bug", "person_dismisses", times=2)
    repository.decide("bug", "person_approves", times=1)
    repository.decide("bug", "person_dismisses", times=2)
    assert "bug" in repository.suggested()


def test_three_approvals_let_a_label_be_applied_again() -> None:
    repository = Repository()
    repository.correct("bug")
    for _ in range(3):
        assert "bug" in repository.suggested()
        repository.decide("bug", "person_approves", times=1)
    assert "bug" in repository.answer(ScriptedModel(ANSWER)).current.labels


def test_a_withheld_label_is_suggested_again_when_people_set_it_three_times() -> None:
    repository = Repository("mode: suggest")
    repository.decide("bug", "person_dismisses")
    for _ in range(3):
        assert "bug" not in repository.suggested()
        forge = repository.answer(ScriptedModel(ANSWER), holds=True)
        forge.person_adds("bug")
        repository.compare(forge)
    assert "bug" in repository.suggested()


def test_a_changed_configuration_and_a_person_let_a_label_be_suggested_again() -> None:
    repository = Repository("mode: suggest")
    repository.decide("bug", "person_dismisses")
    repository.config = "mode: suggest\nlanguage: en"
    assert "bug" in repository.suggested()
    repository.decide("bug", "person_dismisses")
    assert "bug" not in repository.suggested()
    latest = repository.store.corrections.list(REF.repo_key)[-1].at
    repository.store.corrections.add(
        REF.repo_key, [Correction(0, "bug", "resumed", latest + 1, config="")]
    )
    assert "bug" in repository.suggested()


def test_a_type_that_was_dismissed_three_times_is_not_suggested_any_more() -> None:
    repository = Repository("mode: suggest", types=TYPES)
    repository.decide("Bug", "person_dismisses")
    assert repository.suggested() == ["area/login", "regression"]
