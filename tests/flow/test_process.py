"""The table of end states: after a job there are these labels and these comments, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.core.config.caution import MODES
from bot.core.errors import (
    Forbidden,
    ModelFailed,
    NotCovered,
    NotFound,
    OperatorError,
    RateLimited,
    Retry,
    WriteUncertain,
)
from bot.core.prompt import Prompt
from bot.core.types import Issue, IssueRef, JobKind, Label, OwnComment, Record
from bot.flow.plan import Outcome
from bot.flow.process import process
from bot.flow.render import read_marker
from tests.fakes import (
    DAY,
    NOW,
    REF,
    FakeForge,
    LosingStore,
    ScriptedModel,
    a_context,
    a_delivery,
    a_service,
    an_issue,
    says,
)
from tests.memory_store import MemoryStore

TITLE = "Login button does nothing in Firefox 131"
BODY = "After the 4.2 upgrade the login button does nothing. It crashed with an exception."
LABELS = (
    Label("bug", "Something is broken"),
    Label("documentation"),
    Label("area/login"),
    Label("regression"),
    Label("needs-review"),
    Label("wontfix"),
)
ANSWER = says(
    "The login button does nothing.",
    ("bug", "sure", "does nothing"),
    ("area/login", "likely", "login button"),
    ("regression", "unsure", "after the 4.2 upgrade"),
)
BY_MODEL = ["bug", "area/login"]
BY_RULES = ["bug", "needs-review"]
DOWN = ModelFailed("timeout", outage=True)


@dataclass
class Scene:
    """An issue with its repository, a model (None: no provider) and a memory."""

    forge: FakeForge
    model: ScriptedModel | None
    store: MemoryStore = field(default_factory=MemoryStore)
    mode: str = "apply"
    slept: list[float] = field(default_factory=list)
    choice: Mapping[str, ScriptedModel] = field(default_factory=dict)

    def job(self, kind: JobKind = "opened", *, tries: int = 1, at: float = NOW) -> Outcome:
        models = {**({self.model.name: self.model} if self.model else {}), **self.choice}
        context = a_context(
            *(self.forge, self.model, self.store, at),
            mode=self.mode,
            sleep=self.slept.append,
            models={name: a_service(model, store=self.store) for name, model in models.items()},
        )
        return process(a_delivery(kind, f"d-{tries}", at), context, tries)

    @property
    def labels(self) -> list[str]:
        return list(self.forge.found.labels)

    @property
    def comments(self) -> list[str]:
        return [comment.body for comment in self.forge.own_comments]

    @property
    def record(self) -> Record:
        found = self.store.record(REF.key)
        assert found is not None
        return found


def scene(
    *answers: str | ModelFailed,
    provider: bool = True,
    config: str | None = None,
    labels: Sequence[Label] = LABELS,
    issue: Mapping[str, Any] | None = None,
    **context: Any,
) -> Scene:
    found = replace(an_issue(TITLE, BODY), **(issue or {}))
    forge = FakeForge(found, tuple(labels), config)
    return Scene(forge, ScriptedModel(*answers) if provider else None, **context)


@dataclass(frozen=True)
class End:
    """A row of the table: what goes in, and what must be there in the end."""

    status: str
    labels: list[str]
    comments: int
    config: str | None = None
    answer: str | ModelFailed | None = None
    repository: Sequence[Label] = LABELS
    title: str = TITLE
    body: str = BODY


NO_LABELS: tuple[Label, ...] = ()
SHORT: dict[str, Any] = {"title": "It is broken", "body": ""}
WHEN_USEFUL = "comment: {post: when-useful}"
END_STATES = {
    "model answered": End("answered", BY_MODEL, 1, answer=ANSWER),
    "model answered, no labels in the repository": End(
        "answered", [], 1, answer=ANSWER, repository=NO_LABELS
    ),
    "model failing": End("fallback", BY_RULES, 0, answer=DOWN),
    "model says no JSON": End("fallback", BY_RULES, 0, answer="I am sorry."),
    "model says no summary": End("fallback", BY_RULES, 0, answer='{"labels": ["bug"]}'),
    "model failing, repository without needs-review": End(
        "fallback", ["bug"], 0, answer=DOWN, repository=LABELS[:4]
    ),
    "model failing, no labels in the repository": End(
        "answered", [], 1, answer=DOWN, repository=NO_LABELS
    ),
    "model failing, every label denied": End(
        "answered", [], 1, answer=DOWN, config="labels: {allow: []}"
    ),
    "model failing, on_fallback true": End(
        "answered", BY_RULES, 1, answer=DOWN, config="comment: {on_fallback: true}"
    ),
    "model failing, on_fallback false": End(
        "fallback", BY_RULES, 0, answer=DOWN, config="comment: {on_fallback: false}"
    ),
    "model failing, on_fallback false, no labels": End(
        "fallback",
        [],
        0,
        answer=DOWN,
        repository=NO_LABELS,
        config="comment: {on_fallback: false}",
    ),
    "no provider": End("answered", BY_RULES, 1),
    "no provider, no labels in the repository": End("answered", [], 1, repository=NO_LABELS),
    "no provider, on_fallback true": End(
        "answered", BY_RULES, 1, config="comment: {on_fallback: true}"
    ),
    "no provider, on_fallback false": End(
        "fallback", BY_RULES, 0, config="comment: {on_fallback: false}"
    ),
    "post never": End("quiet", BY_MODEL, 0, answer=ANSWER, config="comment: {post: never}"),
    "post never, model failing": End(
        "fallback", BY_RULES, 0, answer=DOWN, config="comment: {post: never, on_fallback: true}"
    ),
    "post never, no provider": End("fallback", BY_RULES, 0, config="comment: {post: never}"),
    "when-useful on a short issue": End(
        "quiet", BY_MODEL, 0, answer=ANSWER, config=WHEN_USEFUL, **SHORT
    ),
    "when-useful on a longer issue": End(
        "answered", BY_MODEL, 1, answer=ANSWER, config=WHEN_USEFUL
    ),
    "always, on a short issue": End("answered", BY_MODEL, 1, answer=ANSWER, **SHORT),
    "suggest": End("suggested", [], 1, answer=ANSWER, config="mode: suggest"),
    "suggest, no provider": End("suggested", [], 1, config="mode: suggest"),
    "suggest, model failing": End("suggested", [], 0, answer=DOWN, config="mode: suggest"),
    "dry-run": End("dry-run", [], 0, answer=ANSWER, config="mode: dry-run"),
    "dry-run, no provider": End("dry-run", [], 0, config="mode: dry-run"),
    "off": End("skipped", [], 0, config="mode: 'off'"),
    "config that cannot be read": End("suggested", [], 1, answer=ANSWER, config="a: [b"),
    "empty issue": End("answered", BY_MODEL, 1, answer=ANSWER, title="", body=""),
}


@pytest.mark.parametrize("row", END_STATES.values(), ids=END_STATES)
def test_an_issue_ends_in_a_state_of_the_table_and_in_nothing_else(row: End) -> None:
    answers = [] if row.answer is None else [row.answer]
    one = scene(
        *answers,
        provider=bool(answers),
        config=row.config,
        labels=row.repository,
        issue={"title": row.title, "body": row.body},
    )
    outcome = one.job()
    assert (one.labels, len(one.comments)) == (row.labels, row.comments)
    assert outcome.record.status == row.status
    assert one.record == outcome.record


@pytest.mark.parametrize("row", END_STATES.values(), ids=END_STATES)
def test_a_second_delivery_changes_no_label_and_posts_no_second_comment(row: End) -> None:
    answers = [] if row.answer is None else [row.answer] * 2
    one = scene(
        *answers,
        provider=bool(answers),
        config=row.config,
        labels=row.repository,
        issue={"title": row.title, "body": row.body},
    )
    one.job()
    one.job(tries=2)
    assert (one.labels, len(one.comments)) == (row.labels, row.comments)


@pytest.mark.parametrize("kind", ["opened", "edited", "reopened"])
def test_an_answered_issue_costs_no_second_model_call(kind: JobKind) -> None:
    one = scene(ANSWER, config="on: [opened, edited, reopened]")
    one.job()
    before = list(one.forge.writes)
    outcome = one.job(kind)
    assert (outcome.record.status, outcome.record.why) == ("unchanged", "already answered")
    assert one.forge.writes == before


def test_a_quiet_answer_costs_no_second_model_call() -> None:
    one = scene(ANSWER, config="comment: {post: never}")
    one.job()
    assert one.job().record.why == "already answered"


# What the issue or its repository says → why nothing is said or set.
SKIPPED: dict[str, tuple[dict[str, Any], str | None]] = {
    "mode is off": ({}, "mode: 'off'"),
    "a pull request": ({"is_pull_request": True}, None),
    "confidential": ({"confidential": True}, None),
    "opened by a bot": ({"is_bot": True}, None),
    "closed": ({"is_open": False}, None),
    "locked": ({"locked": True}, None),
    "older than a day": ({"created_at": NOW - DAY - 1}, None),
    "opened is not in `on`": ({}, "on: [edited]"),
    "its author is ignored": ({"author": "Renovate-Helper"}, "ignore: {authors: [renovate-*]}"),
    "its title is ignored": ({"title": "[WIP] Login"}, "ignore: {title: ['*wip*']}"),
    "one of its labels is ignored": ({"labels": ("No-Bot",)}, None),
}


@pytest.mark.parametrize("why", SKIPPED)
def test_a_skipped_issue_is_not_written_to_and_never_reaches_a_model(why: str) -> None:
    issue, config = SKIPPED[why]
    one = scene(issue=issue, config=config)
    outcome = one.job()
    assert (outcome.record.status, outcome.record.why) == ("skipped", why)
    assert one.forge.writes == []
    assert one.model is not None
    assert one.model.prompts == []


@pytest.mark.parametrize(
    ("issue", "config"),
    [
        ({"created_at": NOW - DAY}, None),
        ({"author": "renovate"}, "ignore: {authors: [renovate-*]}"),
        ({"title": "Login [WIP"}, "ignore: {title: ['[[]wip]*']}"),
        ({"labels": ("no-bot",)}, "ignore: {labels: []}"),
        ({"labels": ("no-bots",)}, None),
    ],
)
def test_what_is_not_quite_ignored_is_answered(issue: dict[str, Any], config: str | None) -> None:
    one = scene(ANSWER, issue=issue, config=config)
    assert one.job().record.status == "answered"


@pytest.mark.parametrize("kind", ["reopened", "edited"])
def test_reopened_and_edited_issues_wait_to_be_asked_for(kind: JobKind) -> None:
    one = scene(ANSWER)
    assert one.job(kind).record.why == f"{kind} is not in `on`"
    one.forge.config = f"on: [{kind}]"
    assert one.job(kind).record.status == "answered"


def test_a_command_ignores_age_and_the_list_of_events() -> None:
    one = scene(ANSWER, issue={"created_at": NOW - 900 * DAY}, config="on: [edited]")
    assert one.job("manual").record.status == "answered"


@pytest.mark.parametrize(
    "issue", [{"confidential": True}, {"is_bot": True}, {"is_open": False}, {"locked": True}]
)
def test_a_command_overrules_no_other_skip(issue: dict[str, Any]) -> None:
    assert scene(issue=issue).job("manual").record.status == "skipped"


def test_age_counts_from_the_time_of_receipt_not_of_the_job() -> None:
    one = scene(ANSWER, issue={"created_at": NOW})
    assert one.job(at=NOW + DAY).record.status == "answered"
    late = scene(issue={"created_at": NOW})
    assert late.job(at=NOW + DAY + 1).record.why == "older than a day"


STATUS_OF_MODE = {
    "apply": "answered",
    "suggest": "suggested",
    "dry-run": "dry-run",
    "off": "skipped",
}


@pytest.mark.parametrize("own_comments", MODES)
@pytest.mark.parametrize("theirs", MODES)
def test_of_the_operators_and_the_repositorys_mode_the_more_cautious_wins(
    own_comments: str, theirs: str
) -> None:
    caution = ["apply", "suggest", "dry-run", "off"]
    effective = caution[max(caution.index(own_comments), caution.index(theirs))]
    one = scene(ANSWER, config=f"mode: '{theirs}'", mode=own_comments)
    assert one.job().record.status == STATUS_OF_MODE[effective]
    assert one.labels == (BY_MODEL if effective == "apply" else [])
    assert len(one.comments) == (effective in ("apply", "suggest"))


def test_a_dry_run_says_what_would_have_been_written() -> None:
    one = scene(ANSWER, config="mode: dry-run")
    plan = one.job().plan
    assert plan is not None
    assert plan.add_labels == ("bug", "area/login")
    assert plan.comment is not None
    assert plan.comment.startswith("**Summary (automated):** The login button does nothing.")


def test_after_a_dry_run_the_issue_is_answered_as_if_new() -> None:
    one = scene(ANSWER, ANSWER, config="mode: dry-run")
    one.job()
    one.forge.config = None
    assert one.job().record.status == "answered"
    assert (one.labels, len(one.comments)) == (BY_MODEL, 1)


def test_what_was_suggested_is_applied_once_the_mode_says_so() -> None:
    one = scene(ANSWER, ANSWER, config="mode: suggest")
    one.job()
    one.forge.config = None
    one.job("manual")
    assert (one.labels, len(one.comments)) == (BY_MODEL, 1)


# A model that comes back heals what fell back, in place.


def test_a_model_that_comes_back_replaces_silence_with_one_comment() -> None:
    one = scene(DOWN, ANSWER)
    one.job()
    assert one.comments == []
    assert one.job(tries=2).record.status == "answered"
    assert len(one.comments) == 1
    assert set(one.labels) >= set(BY_MODEL)


def test_a_fallback_comment_is_replaced_in_place_by_the_models() -> None:
    one = scene(provider=False)
    one.job()
    (before,) = one.forge.own_comments
    one.model = ScriptedModel(ANSWER)
    one.job(tries=2)
    (after,) = one.forge.own_comments
    assert after.id == before.id
    assert "without a language model" in before.body
    assert "without a language model" not in after.body


def test_a_model_that_fails_later_leaves_its_comment_as_it_is() -> None:
    one = scene(ANSWER, DOWN, config="{on: [opened, edited], comment: {on_fallback: true}}")
    one.job()
    before = one.comments
    one.forge.person_edits("Login button crashes", "Now it crashes with an exception.")
    one.job("edited")
    assert one.comments == before


# People's deeds.


def test_an_edited_issue_gets_its_comment_edited_in_place() -> None:
    second = says("The logout link is gone.", ("documentation", "sure", ""))
    one = scene(ANSWER, second, config="on: [opened, edited]")
    one.job()
    (before,) = one.forge.own_comments
    one.forge.person_edits("Logout link is gone", "It is gone since the upgrade to 4.3.")
    one.job("edited")
    (after,) = one.forge.own_comments
    assert after.id == before.id
    assert "The logout link is gone." in after.body
    assert one.labels == ["bug", "area/login", "documentation"]
    assert "- **Labels:** `bug`, `area/login`, `documentation`." in after.body


@pytest.mark.parametrize("kind", ["opened", "edited", "reopened", "manual"])
def test_a_comment_that_a_person_deleted_never_comes_back(kind: JobKind) -> None:
    one = scene(ANSWER, config="on: [opened, edited, reopened]")
    one.job()
    one.forge.person_deletes_our_comment()
    one.forge.person_edits("Something else", "Quite another matter with other words in it.")
    for _ in range(2):
        assert one.job(kind).record.why == "a person deleted our comment"
    assert one.comments == []


def test_a_deletion_is_remembered_through_a_skip_and_an_unreachable_spell() -> None:
    one = scene(ANSWER, config="on: [opened, edited]")
    one.job()
    one.forge.person_deletes_our_comment()
    one.forge.found = replace(one.forge.found, locked=True)
    assert one.job("edited").record.why == "locked"
    one.forge.fails("issue", NotFound("not found", may_be_lag=True))
    assert one.job("edited", tries=3).record.why == "not found"
    one.forge.found = replace(one.forge.found, locked=False)
    one.forge.person_edits("Something else", "Quite another matter with other words in it.")
    assert one.job("edited").record.why == "a person deleted our comment"
    assert one.comments == []


def test_a_delivery_whose_account_lacks_the_repository_leaves_the_record_as_it_is() -> None:
    """It says nothing of the issue, whether that is answered or was never looked at."""
    one = scene(ANSWER)
    refusal = NotCovered("out of reach: not found")
    one.forge.fails("issue", refusal)
    outcome = one.job()
    assert (outcome.record.status, outcome.record.why) == ("skipped", "out of reach: not found")
    assert one.store.record(REF.key) is None
    one.job()
    before = one.store.record(REF.key)
    one.forge.fails("issue", refusal)
    assert one.job("edited").record.status == "skipped"
    assert one.store.record(REF.key) == before


def test_a_comment_deleted_while_the_model_thought_is_not_posted_again() -> None:
    class Deleting(ScriptedModel):
        def complete(self, prompt: Prompt, parse: Any) -> Any:
            if one.forge.own_comments:
                one.forge.person_deletes_our_comment()
            return super().complete(prompt, parse)

    one = scene(config="on: [opened, edited]")
    one.model = Deleting(ANSWER, ANSWER)
    one.job()
    one.forge.person_edits("Something else", "Quite another matter with other words in it.")
    assert one.job("edited").record.status == "deleted"
    assert one.comments == []
    assert one.job("edited").record.why == "a person deleted our comment"


@pytest.mark.parametrize("answer", [ANSWER, DOWN], ids=["model", "rules"])
@pytest.mark.parametrize("redis_lost", [False, True])
def test_a_label_that_a_person_removed_does_not_come_back(
    answer: str | ModelFailed, redis_lost: bool
) -> None:
    one = scene(ANSWER, answer, config="on: [opened, edited]")
    one.job()
    one.forge.person_removes("bug")
    one.forge.person_edits(TITLE, BODY + " It is a bug, it crashed again.")
    if redis_lost:
        one.store = MemoryStore()
    one.job("edited")
    assert "bug" not in one.labels
    assert all("`bug`" not in comment for comment in one.comments[1:])


def test_a_label_removed_during_an_outage_does_not_come_back_with_the_model() -> None:
    one = scene(DOWN, ANSWER)
    one.job()
    one.forge.person_removes("bug")
    one.job(tries=2)
    assert "bug" not in one.labels
    assert len(one.comments) == 1


def test_a_removed_label_stays_off_through_a_try_that_was_cut_short() -> None:
    one = scene(DOWN, ANSWER, ANSWER)
    one.job()
    one.forge.person_removes("bug")
    one.forge.fails("add_labels", Retry("GitHub failed (status 502)"))
    with pytest.raises(Retry):
        one.job(tries=2)
    one.job(tries=3)
    assert one.labels == ["area/login"]
    assert "`bug`" not in one.comments[0]


def test_a_label_that_a_person_removes_between_two_tries_stays_off() -> None:
    one = scene(ANSWER, ANSWER)
    one.forge.fails("comment", RateLimited("wait", 60))
    with pytest.raises(RateLimited):
        one.job()
    one.forge.person_removes("bug")
    one.job()
    assert one.labels == ["area/login"]
    assert len(one.comments) == 1


@pytest.mark.parametrize("provider", [True, False], ids=["model", "rules"])
def test_a_label_whose_adding_got_no_answer_stays_off_once_a_person_removed_it(
    provider: bool,
) -> None:
    one = scene(ANSWER, ANSWER, provider=provider)
    one.forge.fails("add_labels", WriteUncertain("GitHub failed (status 502)"), done=True)
    with pytest.raises(WriteUncertain):
        one.job()
    one.forge.person_removes("bug")
    one.job(tries=2)
    assert "bug" not in one.labels
    assert len(one.labels) == 1
    assert len(one.comments) == 1


def test_a_label_that_a_person_set_is_kept_and_not_called_ours() -> None:
    one = scene(ANSWER, issue={"labels": ("bug", "mine")})
    one.job()
    assert one.labels == ["bug", "mine", "area/login"]
    marker = read_marker(one.comments[0])
    assert marker is not None
    assert marker.labels == ("area/login",)


def test_a_lost_redis_is_made_up_for_by_the_marker() -> None:
    one = scene(ANSWER)
    one.job()
    one.store = MemoryStore()
    assert one.job().record.why == "already answered"
    assert (one.labels, len(one.comments)) == (BY_MODEL, 1)


class Uncommented(FakeForge):
    """Says that there are no comments, and lists what there is all the same."""

    def issue(self, ref: IssueRef) -> Issue:
        return replace(super().issue(ref), commented=False)


def test_a_new_issue_without_comments_is_not_searched_for_ours() -> None:
    one = scene(ANSWER)
    one.forge = Uncommented(one.forge.found, one.forge.repository)
    one.forge.fails("comments", *[Retry("GitHub failed (status 502)")] * 2)
    assert one.job().record.status == "answered"
    assert len(one.forge.troubles["comments"]) == 1  # of one look, after the comment


def test_after_a_try_that_was_cut_short_the_number_of_comments_is_not_believed() -> None:
    one = scene(ANSWER)
    one.forge = Uncommented(one.forge.found, one.forge.repository)
    one.forge.fails("comment", Retry("the worker ended"), done=True)
    with pytest.raises(Retry):
        one.job()
    one.store = MemoryStore()
    assert one.job(tries=2).record.why == "already answered"
    assert len(one.comments) == 1


def test_what_we_wrote_by_hand_under_the_same_account_is_not_overwritten() -> None:
    one = scene(ANSWER)
    one.forge.own_comments = [OwnComment(7, "I can confirm this, it fails here too.")]
    one.job()
    assert one.comments[0] == "I can confirm this, it fails here too."
    assert len(one.comments) == 2
    assert read_marker(one.comments[1])


# What breaks on the way.


def test_a_crash_between_labels_and_comment_leaves_one_comment_with_its_labels() -> None:
    one = scene(ANSWER, ANSWER)
    one.forge.fails("comment", Retry("GitHub failed (status 502)"))
    with pytest.raises(Retry):
        one.job()
    assert (one.record.status, one.labels, one.comments) == ("writing", BY_MODEL, [])
    assert one.job(tries=2).record.status == "answered"
    assert (one.labels, len(one.comments)) == (BY_MODEL, 1)
    assert "- **Labels:** `bug`, `area/login`." in one.comments[0]


def test_a_crash_before_the_labels_does_not_count_them_as_removed() -> None:
    one = scene(ANSWER, ANSWER)
    one.forge.fails("add_labels", Retry("GitHub failed (status 502)"))
    with pytest.raises(Retry):
        one.job()
    assert (one.record.status, one.labels) == ("writing", [])
    one.job(tries=2)
    assert (one.labels, len(one.comments)) == (BY_MODEL, 1)


def test_labels_of_a_try_that_failed_are_not_remembered_as_ours() -> None:
    other = says("The login button does nothing.", ("documentation", "sure", ""))
    one = scene(ANSWER, other)
    one.forge.fails("add_labels", Retry("GitHub failed (status 502)"))
    with pytest.raises(Retry):
        one.job()
    one.job(tries=2)
    assert (one.labels, one.record.labels) == (["documentation"], ("documentation",))


def test_a_try_that_was_cut_short_and_then_skipped_counts_for_nothing() -> None:
    one = scene(ANSWER, ANSWER)
    one.forge.fails("add_labels", Retry("GitHub failed (status 502)"))
    with pytest.raises(Retry):
        one.job()
    one.forge.found = replace(one.forge.found, locked=True)
    assert one.job(tries=2).record.status == "skipped"
    one.forge.found = replace(one.forge.found, locked=False)
    assert one.job(tries=3).record.status == "answered"
    assert (one.labels, len(one.comments)) == (BY_MODEL, 1)


def test_a_crash_after_the_comment_leaves_that_one_comment() -> None:
    class Dying(MemoryStore):
        def save(self, key: str, record: Record) -> None:
            if record.status == "answered" and not self.record("died"):
                super().save("died", record)
                raise Retry("the worker was killed")
            super().save(key, record)

    one = scene(ANSWER, store=Dying())
    with pytest.raises(Retry):
        one.job()
    assert one.record.status == "writing"
    one.job(tries=2)
    assert (one.record.status, one.labels, len(one.comments)) == ("unchanged", BY_MODEL, 1)
    one.forge.person_deletes_our_comment()
    assert one.job("manual").record.why == "a person deleted our comment"


def test_a_try_that_was_cut_short_after_its_comment_had_done_all() -> None:
    one = scene(ANSWER, DOWN)
    one.forge.fails("comment", Retry("the worker ended"), done=True)
    with pytest.raises(Retry):
        one.job()
    assert one.record.status == "writing"
    assert one.job(tries=2).record.status == "unchanged"
    assert one.labels == BY_MODEL
    assert len(one.comments) == 1


def test_a_comment_whose_answer_was_lost_is_adopted() -> None:
    one = scene(ANSWER)
    one.forge.fails("comment", WriteUncertain("GitHub failed (status 502)"), done=True)
    outcome = one.job()
    assert len(one.comments) == 1
    assert (outcome.record.status, outcome.record.comment_id) == ("answered", 901)


@pytest.mark.parametrize(("writes", "labels"), [(0, []), (1, BY_MODEL)])
def test_a_lost_lock_stops_the_job_before_its_next_write(writes: int, labels: list[str]) -> None:
    one = scene(ANSWER, store=LosingStore(writes))
    with pytest.raises(Retry, match="lock"):
        one.job()
    assert (one.labels, one.comments) == (labels, [])


def test_an_issue_that_another_worker_has_is_tried_again() -> None:
    one = scene()
    with one.store.lock(REF.key), pytest.raises(Retry):
        one.job()
    assert one.forge.writes == []


@pytest.mark.parametrize("method", ["issue", "config_text", "labels", "comments", "add_labels"])
@pytest.mark.parametrize(
    "error", [Retry("slow down", 60.0), OperatorError("credentials")], ids=type
)
def test_what_the_queue_or_the_operator_must_settle_ends_the_try(
    method: str, error: Retry | OperatorError
) -> None:
    one = scene(ANSWER)
    one.forge.fails(method, error)
    with pytest.raises(type(error)):
        one.job()
    assert one.comments == []


def test_an_issue_not_found_yet_is_looked_for_twice_more() -> None:
    one = scene()
    one.forge.fails("issue", *[NotFound("not found", may_be_lag=True)] * 3)
    for tries in (1, 2):
        with pytest.raises(Retry) as late:
            one.job(tries=tries)
        assert late.value.after == 5.0
    outcome = one.job(tries=3)
    assert (outcome.record.status, outcome.record.why) == ("skipped", "not found")


@pytest.mark.parametrize("why", ["deleted", "withheld", "moved elsewhere"])
def test_an_issue_that_is_gone_is_left_alone_at_once(why: str) -> None:
    one = scene()
    one.forge.fails("issue", NotFound(why))
    assert one.job().record.why == why


def test_labels_that_may_not_be_set_are_suggested_in_the_comment() -> None:
    one = scene(ANSWER)
    one.forge.fails("add_labels", *[Forbidden("refused (status 403)")] * 3)
    assert one.job().record.status == "answered"
    assert one.labels == []
    assert (
        "- **Labels:** Suggested, not applied: `bug`, `area/login`, `regression`" in one.comments[0]
    )
    assert one.record.labels == ()


def test_one_label_that_is_refused_keeps_no_other_off() -> None:
    one = scene(ANSWER)
    one.forge.fails("add_labels", *[Forbidden("refused (status 422)")] * 2)
    assert one.job().record.status == "answered"
    assert one.labels == ["area/login"]
    assert "Suggested, not applied: `bug`" in one.comments[0]


def test_a_label_that_was_deleted_meanwhile_is_neither_set_nor_called_ours() -> None:
    one = scene(ANSWER)
    one.forge.deleted = {"bug"}
    assert one.job().record.status == "answered"
    assert (one.labels, one.record.labels) == (["area/login"], ("area/login",))
    (comment,) = one.comments
    assert "- **Labels:** `area/login`. Suggested, not applied: `bug`, `regression`" in comment
    marker = read_marker(comment)
    assert marker is not None
    assert marker.labels == ("area/login",)


def test_labels_stay_ours_where_the_comment_is_refused() -> None:
    one = scene(ANSWER, ANSWER, config="on: [opened, edited]")
    one.forge.fails("comment", *[Forbidden("refused (status 403)")] * 2)
    outcome = one.job()
    assert (outcome.record.status, outcome.record.why) == ("skipped", "refused (status 403)")
    assert (one.labels, one.comments) == (BY_MODEL, [])
    one.forge.person_removes("bug")
    one.forge.person_edits(TITLE, BODY + " Again.")
    one.forge.troubles.clear()
    one.job("edited")
    assert one.labels == ["area/login"]


def test_neither_labels_nor_a_comment_may_be_written() -> None:
    one = scene(ANSWER)
    refusal = Forbidden("refused (status 403)")
    one.forge.fails("add_labels", *[refusal] * 3)
    one.forge.fails("comment", refusal)
    assert one.job().record.status == "skipped"
    assert one.forge.writes == []


def test_the_record_names_the_delivery_and_holds_no_text_of_the_issue() -> None:
    one = scene(ANSWER)
    one.job()
    assert one.record.delivery == "d-1"
    kept = repr(one.record)
    for word in ("Firefox", "upgrade", "ada", "button"):
        assert word not in kept


def test_an_issue_that_vanishes_while_labels_are_written_is_not_called_answered() -> None:
    one = scene(ANSWER, ANSWER)
    gone = NotFound("not found", may_be_lag=True)
    one.forge.fails("add_labels", *[gone] * 3)
    one.forge.fails("comment", gone)
    assert one.job(tries=3).record.status == "skipped"
    assert one.job(tries=1).record.status == "answered"
    assert one.labels == BY_MODEL
    assert len(one.comments) == 1


def test_a_label_that_is_gone_keeps_neither_the_others_nor_the_comment_off() -> None:
    one = scene(ANSWER)
    gone = NotFound("not found", may_be_lag=True)
    one.forge.fails("add_labels", gone, gone)
    assert one.job(tries=3).record.status == "answered"
    assert one.labels == BY_MODEL[1:]
    assert len(one.comments) == 1


def test_a_preview_does_not_reopen_what_was_answered() -> None:
    one = scene(ANSWER, ANSWER)
    one.job()
    one.mode = "dry-run"
    one.job("manual")
    one.mode = "apply"
    assert one.job(tries=2).record.why == "already answered"


def test_edits_never_bring_more_labels_than_the_maximum() -> None:
    replies = [says("It is broken.", (f"l{n}", "sure", "")) for n in range(6)]
    labels = tuple(Label(f"l{n}") for n in range(6))
    one = scene(*replies, labels=labels, config="on: [opened, edited]\nlabels: {max: 2}")
    for number in range(6):
        one.forge.person_edits("Broken", f"text {number}")
        one.job("edited")
    assert one.labels == ["l0", "l1"]


class Meanwhile(ScriptedModel):
    """A model during whose call a person does something."""

    def __init__(self, deed: Callable[[], None], *answers: str) -> None:
        super().__init__(*answers)
        self.deed = deed

    def complete(self, prompt: Prompt, parse: Any) -> Any:
        self.deed()
        return super().complete(prompt, parse)


@pytest.mark.parametrize("change", [{"is_open": False}, {"locked": True}, {"confidential": True}])
def test_what_a_person_did_while_the_model_thought_counts(change: dict[str, bool]) -> None:
    one = scene(ANSWER)

    def deed() -> None:
        one.forge.found = replace(one.forge.found, **change)  # type: ignore[arg-type]

    one.model = Meanwhile(deed, ANSWER)
    assert one.job().record.status == "skipped"
    assert (one.labels, one.comments) == ([], [])


def test_a_job_that_lost_its_lock_writes_nothing_over_another_s_work() -> None:
    one = scene(DOWN, store=LosingStore(0))
    with pytest.raises(Retry):
        one.job()
    assert one.labels == []
    assert one.store.record(REF.key) is None


@pytest.mark.parametrize(
    "trouble", [RateLimited("wait", 3600), OperatorError("the token was revoked")]
)
def test_a_comment_is_remembered_where_looking_for_a_double_fails(
    trouble: RateLimited | OperatorError,
) -> None:
    one = scene(ANSWER, config="on: [opened, edited]")

    class Posting(FakeForge):
        def comment(self, ref: IssueRef, body: str) -> OwnComment:
            self.fails("comments", trouble)
            return super().comment(ref, body)

    one.forge = Posting(one.forge.found, one.forge.repository, one.forge.config)
    assert one.job().record.comment_id == 901
    one.forge.person_deletes_our_comment()
    one.forge.person_edits("Something else", "Quite another matter with other words in it.")
    assert one.job("edited").record.why == "a person deleted our comment"
    assert one.comments == []
