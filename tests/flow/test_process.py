"""The table of end states: the labels and comments after a job, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    TaglineError,
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
    ExpiringLockStore,
    FakeForge,
    ScriptedModel,
    make_context,
    make_issue,
    make_job,
    make_service,
    model_reply,
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
ANSWER = model_reply(
    "The login button does nothing.",
    ("bug", "sure", "does nothing"),
    ("area/login", "likely", "login button"),
    ("regression", "unsure", "after the 4.2 upgrade"),
)
BY_MODEL = ["bug", "area/login"]
BY_RULES = ["bug", "needs-review"]
DOWN = ModelFailed("timeout", outage=True)
BAD_GATEWAY = Retry("GitHub failed (status 502)")


@dataclass
class IssueCase:
    """An issue with its repository, a model (None: no provider) and a store."""

    forge: FakeForge
    model: ScriptedModel | None
    store: MemoryStore = field(default_factory=MemoryStore)
    mode: str = "apply"
    slept: list[float] = field(default_factory=list)
    more_models: Mapping[str, ScriptedModel] = field(default_factory=dict)

    def job(self, kind: JobKind = "opened", *, tries: int = 1, at: float = NOW) -> Outcome:
        models = {**({self.model.name: self.model} if self.model else {}), **self.more_models}
        context = make_context(
            *(self.forge, self.model, self.store, at),
            mode=self.mode,
            sleep=self.slept.append,
            models={name: make_service(model, store=self.store) for name, model in models.items()},
        )
        return process(make_job(kind, f"d-{tries}", at), context, tries)

    def interrupt(
        self, method: str, error: TaglineError = BAD_GATEWAY, *, done: bool = False, tries: int = 1
    ) -> None:
        """Run a job that ends with this error of a method of the forge."""
        self.forge.fail(method, error, done=done)
        with pytest.raises(type(error)):
            self.job(tries=tries)

    @property
    def labels(self) -> list[str]:
        return list(self.forge.current.labels)

    @property
    def comments(self) -> list[str]:
        return [comment.body for comment in self.forge.own_comments]

    @property
    def record(self) -> Record:
        record = self.store.record(REF.key)
        assert record is not None
        return record


def make_case(
    *answers: str | ModelFailed,
    provider: bool = True,
    config: str | None = None,
    labels: Sequence[Label] = LABELS,
    issue: Mapping[str, Any] | None = None,
    **context: Any,
) -> IssueCase:
    forge = FakeForge(replace(make_issue(TITLE, BODY), **(issue or {})), tuple(labels), config)
    return IssueCase(forge, ScriptedModel(*answers) if provider else None, **context)


@dataclass(frozen=True)
class EndState:
    """A row of the table: a job's input, and the expected status, labels and comments."""

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
    "model answered": EndState("answered", BY_MODEL, 1, answer=ANSWER),
    "model answered, no labels in the repository": EndState(
        "answered", [], 1, answer=ANSWER, repository=NO_LABELS
    ),
    "model failing": EndState("fallback", BY_RULES, 0, answer=DOWN),
    "model returns no JSON": EndState("fallback", BY_RULES, 0, answer="I am sorry."),
    "model returns no summary": EndState("fallback", BY_RULES, 0, answer='{"labels": ["bug"]}'),
    "model failing, repository without needs-review": EndState(
        "fallback", ["bug"], 0, answer=DOWN, repository=LABELS[:4]
    ),
    "model failing, no labels in the repository": EndState(
        "answered", [], 1, answer=DOWN, repository=NO_LABELS
    ),
    "model failing, every label denied": EndState(
        "answered", [], 1, answer=DOWN, config="labels: {allow: []}"
    ),
    "model failing, on_fallback true": EndState(
        "answered", BY_RULES, 1, answer=DOWN, config="comment: {on_fallback: true}"
    ),
    "model failing, on_fallback false": EndState(
        "fallback", BY_RULES, 0, answer=DOWN, config="comment: {on_fallback: false}"
    ),
    "model failing, on_fallback false, no labels": EndState(
        "fallback",
        [],
        0,
        answer=DOWN,
        repository=NO_LABELS,
        config="comment: {on_fallback: false}",
    ),
    "no provider": EndState("answered", BY_RULES, 1),
    "no provider, no labels in the repository": EndState("answered", [], 1, repository=NO_LABELS),
    "no provider, on_fallback true": EndState(
        "answered", BY_RULES, 1, config="comment: {on_fallback: true}"
    ),
    "no provider, on_fallback false": EndState(
        "fallback", BY_RULES, 0, config="comment: {on_fallback: false}"
    ),
    "post never": EndState("quiet", BY_MODEL, 0, answer=ANSWER, config="comment: {post: never}"),
    "post never, model failing": EndState(
        "fallback", BY_RULES, 0, answer=DOWN, config="comment: {post: never, on_fallback: true}"
    ),
    "post never, no provider": EndState("fallback", BY_RULES, 0, config="comment: {post: never}"),
    "when-useful on a short issue": EndState(
        "quiet", BY_MODEL, 0, answer=ANSWER, config=WHEN_USEFUL, **SHORT
    ),
    "when-useful on a longer issue": EndState(
        "answered", BY_MODEL, 1, answer=ANSWER, config=WHEN_USEFUL
    ),
    "always, on a short issue": EndState("answered", BY_MODEL, 1, answer=ANSWER, **SHORT),
    "suggest": EndState("suggested", [], 1, answer=ANSWER, config="mode: suggest"),
    "suggest, no provider": EndState("suggested", [], 1, config="mode: suggest"),
    "suggest, model failing": EndState("suggested", [], 0, answer=DOWN, config="mode: suggest"),
    "dry-run": EndState("dry-run", [], 0, answer=ANSWER, config="mode: dry-run"),
    "dry-run, no provider": EndState("dry-run", [], 0, config="mode: dry-run"),
    "off": EndState("skipped", [], 0, config="mode: 'off'"),
    "config that cannot be read": EndState("suggested", [], 1, answer=ANSWER, config="a: [b"),
    "empty issue": EndState("answered", BY_MODEL, 1, answer=ANSWER, title="", body=""),
}


def case_of(row: EndState, answers: int) -> IssueCase:
    """Return the case of a row, whose model answers so many times."""
    return make_case(
        *([] if row.answer is None else [row.answer] * answers),
        provider=row.answer is not None,
        config=row.config,
        labels=row.repository,
        issue={"title": row.title, "body": row.body},
    )


@pytest.mark.parametrize("row", END_STATES.values(), ids=END_STATES)
def test_an_issue_ends_in_the_state_of_the_table(row: EndState) -> None:
    case = case_of(row, 1)
    outcome = case.job()
    assert (case.labels, len(case.comments)) == (row.labels, row.comments)
    assert outcome.record.status == row.status
    assert case.record == outcome.record


@pytest.mark.parametrize("row", END_STATES.values(), ids=END_STATES)
def test_a_second_delivery_changes_no_label_and_posts_no_second_comment(row: EndState) -> None:
    case = case_of(row, 2)
    case.job()
    case.job(tries=2)
    assert (case.labels, len(case.comments)) == (row.labels, row.comments)


@pytest.mark.parametrize("post", ["always", "never"])
@pytest.mark.parametrize("kind", ["opened", "edited", "reopened"])
def test_an_answered_issue_costs_no_second_model_call(kind: JobKind, post: str) -> None:
    config = f"{{on: [opened, edited, reopened], comment: {{post: {post}}}}}"
    case = make_case(ANSWER, config=config)
    case.job()
    before = list(case.forge.writes)
    outcome = case.job(kind)
    assert (outcome.record.status, outcome.record.why) == ("unchanged", "already answered")
    assert case.forge.writes == before


# The reason of the skip → changed fields of the issue, and the configuration.
SKIPPED: dict[str, tuple[dict[str, Any], str | None]] = {
    "mode is off": ({}, "mode: 'off'"),
    "a pull request": ({"is_pull_request": True}, None),
    "a work item of type 'incident'": ({"other_type": "incident"}, None),
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
    case = make_case(issue=issue, config=config)
    outcome = case.job()
    assert (outcome.record.status, outcome.record.why) == ("skipped", why)
    assert case.forge.writes == []
    assert case.model is not None
    assert case.model.prompts == []


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
def test_an_issue_that_no_rule_ignores_is_answered(
    issue: dict[str, Any], config: str | None
) -> None:
    case = make_case(ANSWER, issue=issue, config=config)
    assert case.job().record.status == "answered"


@pytest.mark.parametrize("kind", ["reopened", "edited"])
def test_reopened_and_edited_issues_need_to_be_enabled(kind: JobKind) -> None:
    case = make_case(ANSWER)
    assert case.job(kind).record.why == f"{kind} is not in `on`"
    case.forge.config = f"on: [{kind}]"
    assert case.job(kind).record.status == "answered"


def test_a_command_ignores_age_and_the_list_of_events() -> None:
    case = make_case(ANSWER, issue={"created_at": NOW - 900 * DAY}, config="on: [edited]")
    assert case.job("manual").record.status == "answered"


@pytest.mark.parametrize(
    "issue", [{"confidential": True}, {"is_bot": True}, {"is_open": False}, {"locked": True}]
)
def test_a_command_overrides_no_other_skip(issue: dict[str, Any]) -> None:
    assert make_case(issue=issue).job("manual").record.status == "skipped"


def test_age_counts_from_the_time_of_receipt_not_of_the_job() -> None:
    case = make_case(ANSWER, issue={"created_at": NOW})
    assert case.job(at=NOW + DAY).record.status == "answered"
    retry = make_case(issue={"created_at": NOW})
    assert retry.job(at=NOW + DAY + 1).record.why == "older than a day"


STATUS_OF_MODE = {
    "apply": "answered",
    "suggest": "suggested",
    "dry-run": "dry-run",
    "off": "skipped",
}


@pytest.mark.parametrize("operator_mode", MODES)
@pytest.mark.parametrize("repository_mode", MODES)
def test_of_the_operators_and_the_repositorys_mode_the_more_cautious_wins(
    operator_mode: str, repository_mode: str
) -> None:
    caution = ["apply", "suggest", "dry-run", "off"]
    effective = caution[max(caution.index(operator_mode), caution.index(repository_mode))]
    case = make_case(ANSWER, config=f"mode: '{repository_mode}'", mode=operator_mode)
    assert case.job().record.status == STATUS_OF_MODE[effective]
    assert case.labels == (BY_MODEL if effective == "apply" else [])
    assert len(case.comments) == (effective in ("apply", "suggest"))


def test_the_plan_of_a_dry_run_has_the_comment_and_labels() -> None:
    case = make_case(ANSWER, config="mode: dry-run")
    plan = case.job().plan
    assert plan is not None
    assert plan.add_labels == ("bug", "area/login")
    assert plan.comment is not None
    assert plan.comment.startswith("**Summary (automated):** The login button does nothing.")


def test_after_a_dry_run_the_issue_is_answered_as_if_new() -> None:
    case = make_case(ANSWER, ANSWER, config="mode: dry-run")
    case.job()
    case.forge.config = None
    assert case.job().record.status == "answered"
    assert (case.labels, len(case.comments)) == (BY_MODEL, 1)


def test_suggested_labels_are_applied_once_the_mode_is_apply() -> None:
    case = make_case(ANSWER, ANSWER, config="mode: suggest")
    case.job()
    case.forge.config = None
    case.job("manual")
    assert (case.labels, len(case.comments)) == (BY_MODEL, 1)


# A model that works again replaces the result of the rules in place.


def test_a_model_that_works_again_adds_one_comment() -> None:
    case = make_case(DOWN, ANSWER)
    case.job()
    assert case.comments == []
    assert case.job(tries=2).record.status == "answered"
    assert len(case.comments) == 1
    assert set(case.labels) >= set(BY_MODEL)


def test_a_model_that_fails_later_leaves_its_comment_as_it_is() -> None:
    case = make_case(ANSWER, DOWN, config="{on: [opened, edited], comment: {on_fallback: true}}")
    case.job()
    before = case.comments
    case.forge.person_edits("Login button crashes", "Now it crashes with an exception.")
    case.job("edited")
    assert case.comments == before


# What people change.


def test_an_edited_issue_gets_its_comment_edited_in_place() -> None:
    second = model_reply("The logout link is gone.", ("documentation", "sure", ""))
    case = make_case(ANSWER, second, config="on: [opened, edited]")
    case.job()
    (before,) = case.forge.own_comments
    case.forge.person_edits("Logout link is gone", "It is gone since the upgrade to 4.3.")
    case.job("edited")
    (after,) = case.forge.own_comments
    assert after.id == before.id
    assert "The logout link is gone." in after.body
    assert case.labels == ["bug", "area/login", "documentation"]
    assert "- **Labels:** `bug`, `area/login`, `documentation`." in after.body


@pytest.mark.parametrize("kind", ["opened", "edited", "reopened", "manual"])
def test_a_comment_that_a_person_deleted_never_comes_back(kind: JobKind) -> None:
    case = make_case(ANSWER, config="on: [opened, edited, reopened]")
    case.job()
    case.forge.person_deletes_comment()
    case.forge.person_edits("Something else", "Quite another matter with other words in it.")
    for _ in range(2):
        assert case.job(kind).record.why == "a person deleted the comment"
    assert case.comments == []


def test_a_deletion_is_remembered_after_a_skip_and_after_an_issue_not_found() -> None:
    case = make_case(ANSWER, config="on: [opened, edited]")
    case.job()
    case.forge.person_deletes_comment()
    case.forge.current = replace(case.forge.current, locked=True)
    assert case.job("edited").record.why == "locked"
    case.forge.fail("get_issue", NotFound("not found", may_be_lag=True))
    assert case.job("edited", tries=3).record.why == "not found"
    case.forge.current = replace(case.forge.current, locked=False)
    case.forge.person_edits("Something else", "Quite another matter with other words in it.")
    assert case.job("edited").record.why == "a person deleted the comment"
    assert case.comments == []


def test_a_delivery_whose_account_lacks_the_repository_leaves_the_record_as_it_is() -> None:
    """The refusal shows nothing about the issue, answered or new."""
    case = make_case(ANSWER)
    refusal = NotCovered("out of reach: not found")
    case.forge.fail("get_issue", refusal)
    outcome = case.job()
    assert (outcome.record.status, outcome.record.why) == ("skipped", "out of reach: not found")
    assert case.store.record(REF.key) is None
    case.job()
    before = case.store.record(REF.key)
    case.forge.fail("get_issue", refusal)
    assert case.job("edited").record.status == "skipped"
    assert case.store.record(REF.key) == before


def test_a_comment_deleted_while_the_model_answers_is_not_posted_again() -> None:
    class DeletingModel(ScriptedModel):
        def complete(self, prompt: Prompt, parse: Any) -> Any:
            if case.forge.own_comments:
                case.forge.person_deletes_comment()
            return super().complete(prompt, parse)

    case = make_case(config="on: [opened, edited]")
    case.model = DeletingModel(ANSWER, ANSWER)
    case.job()
    case.forge.person_edits("Something else", "Quite another matter with other words in it.")
    assert case.job("edited").record.status == "deleted"
    assert case.comments == []
    assert case.job("edited").record.why == "a person deleted the comment"


@pytest.mark.parametrize("answer", [ANSWER, DOWN], ids=["model", "rules"])
@pytest.mark.parametrize("redis_lost", [False, True])
def test_a_label_that_a_person_removed_does_not_come_back(
    answer: str | ModelFailed, redis_lost: bool
) -> None:
    case = make_case(ANSWER, answer, config="on: [opened, edited]")
    case.job()
    case.forge.person_removes("bug")
    case.forge.person_edits(TITLE, BODY + " It is a bug, it crashed again.")
    if redis_lost:
        case.store = MemoryStore()
    case.job("edited")
    assert "bug" not in case.labels
    assert all("`bug`" not in comment for comment in case.comments[1:])


def test_a_label_removed_during_an_outage_does_not_come_back_with_the_model() -> None:
    case = make_case(DOWN, ANSWER)
    case.job()
    case.forge.person_removes("bug")
    case.job(tries=2)
    assert "bug" not in case.labels
    assert len(case.comments) == 1


def test_a_removed_label_stays_off_after_an_interrupted_try() -> None:
    case = make_case(DOWN, ANSWER, ANSWER)
    case.job()
    case.forge.person_removes("bug")
    case.interrupt("add_labels", tries=2)
    case.job(tries=3)
    assert case.labels == ["area/login"]
    assert "`bug`" not in case.comments[0]


def test_a_label_that_a_person_removes_between_two_tries_stays_off() -> None:
    case = make_case(ANSWER, ANSWER)
    case.interrupt("post_comment", RateLimited("wait", 60))
    case.forge.person_removes("bug")
    case.job()
    assert case.labels == ["area/login"]
    assert len(case.comments) == 1


@pytest.mark.parametrize("provider", [True, False], ids=["model", "rules"])
def test_a_label_added_without_a_response_stays_off_once_a_person_removed_it(
    provider: bool,
) -> None:
    case = make_case(ANSWER, ANSWER, provider=provider)
    case.interrupt("add_labels", WriteUncertain("GitHub failed (status 502)"), done=True)
    case.forge.person_removes("bug")
    case.job(tries=2)
    assert "bug" not in case.labels
    assert len(case.labels) == 1
    assert len(case.comments) == 1


def test_a_label_that_a_person_set_is_kept_and_not_recorded_as_the_bots() -> None:
    case = make_case(ANSWER, issue={"labels": ("bug", "mine")})
    case.job()
    assert case.labels == ["bug", "mine", "area/login"]
    marker = read_marker(case.comments[0])
    assert marker is not None
    assert marker.labels == ("area/login",)


class UncommentedForge(FakeForge):
    """Reports an issue as not commented, although it lists comments."""

    def get_issue(self, ref: IssueRef) -> Issue:
        return replace(super().get_issue(ref), commented=False)


def test_a_new_issue_without_comments_is_not_searched_for_the_bots() -> None:
    case = make_case(ANSWER)
    case.forge = UncommentedForge(case.forge.current, case.forge.repository)
    case.forge.fail("list_own_comments", *[BAD_GATEWAY] * 2)
    assert case.job().record.status == "answered"
    assert len(case.forge.errors["list_own_comments"]) == 1  # one listing, after the comment


def test_after_an_interrupted_try_comments_are_listed_whatever_their_number() -> None:
    case = make_case(ANSWER)
    case.forge = UncommentedForge(case.forge.current, case.forge.repository)
    case.interrupt("post_comment", Retry("the worker ended"), done=True)
    case.store = MemoryStore()
    assert case.job(tries=2).record.why == "already answered"
    assert len(case.comments) == 1


def test_a_comment_that_a_person_wrote_with_the_bots_account_is_not_overwritten() -> None:
    case = make_case(ANSWER)
    case.forge.own_comments = [OwnComment(7, "I can confirm this, it fails here too.")]
    case.job()
    assert case.comments[0] == "I can confirm this, it fails here too."
    assert len(case.comments) == 2
    assert read_marker(case.comments[1])


# Failures during a job.


def test_a_crash_between_labels_and_comment_leaves_one_comment_with_its_labels() -> None:
    case = make_case(ANSWER, ANSWER)
    case.interrupt("post_comment")
    assert (case.record.status, case.labels, case.comments) == ("writing", BY_MODEL, [])
    assert case.job(tries=2).record.status == "answered"
    assert (case.labels, len(case.comments)) == (BY_MODEL, 1)
    assert "- **Labels:** `bug`, `area/login`." in case.comments[0]


def test_a_crash_before_the_labels_does_not_count_them_as_removed() -> None:
    case = make_case(ANSWER, ANSWER)
    case.interrupt("add_labels")
    assert (case.record.status, case.labels) == ("writing", [])
    case.job(tries=2)
    assert (case.labels, len(case.comments)) == (BY_MODEL, 1)


def test_labels_of_a_failed_try_are_not_recorded_as_the_bots() -> None:
    other = model_reply("The login button does nothing.", ("documentation", "sure", ""))
    case = make_case(ANSWER, other)
    case.interrupt("add_labels")
    case.job(tries=2)
    assert (case.labels, case.record.labels) == (["documentation"], ("documentation",))


def test_an_interrupted_try_and_a_skip_do_not_count_as_an_answer() -> None:
    case = make_case(ANSWER, ANSWER)
    case.interrupt("add_labels")
    case.forge.current = replace(case.forge.current, locked=True)
    assert case.job(tries=2).record.status == "skipped"
    case.forge.current = replace(case.forge.current, locked=False)
    assert case.job(tries=3).record.status == "answered"
    assert (case.labels, len(case.comments)) == (BY_MODEL, 1)


def test_a_crash_after_the_comment_leaves_that_one_comment() -> None:
    class CrashingStore(MemoryStore):
        def save(self, key: str, record: Record) -> None:
            if record.status == "answered" and not self.record("died"):
                super().save("died", record)
                raise Retry("the worker was killed")
            super().save(key, record)

    case = make_case(ANSWER, store=CrashingStore())
    with pytest.raises(Retry):
        case.job()
    assert case.record.status == "writing"
    case.job(tries=2)
    assert (case.record.status, case.labels, len(case.comments)) == ("unchanged", BY_MODEL, 1)
    case.forge.person_deletes_comment()
    assert case.job("manual").record.why == "a person deleted the comment"


def test_a_try_interrupted_after_its_comment_is_complete() -> None:
    case = make_case(ANSWER, DOWN)
    case.interrupt("post_comment", Retry("the worker ended"), done=True)
    assert case.record.status == "writing"
    assert case.job(tries=2).record.status == "unchanged"
    assert case.labels == BY_MODEL
    assert len(case.comments) == 1


def test_a_comment_whose_response_was_lost_is_adopted() -> None:
    case = make_case(ANSWER)
    case.forge.fail("post_comment", WriteUncertain("GitHub failed (status 502)"), done=True)
    outcome = case.job()
    assert len(case.comments) == 1
    assert (outcome.record.status, outcome.record.comment_id) == ("answered", 901)


@pytest.mark.parametrize(
    ("answer", "writes", "labels"), [(ANSWER, 0, []), (DOWN, 0, []), (ANSWER, 1, BY_MODEL)]
)
def test_a_lost_lock_stops_the_job_before_its_next_write(
    answer: str | ModelFailed, writes: int, labels: list[str]
) -> None:
    case = make_case(answer, store=ExpiringLockStore(writes))
    with pytest.raises(Retry, match="lock"):
        case.job()
    assert (case.labels, case.comments) == (labels, [])
    assert (case.store.record(REF.key) is None) is (writes == 0)


def test_an_issue_that_another_worker_has_locked_is_retried() -> None:
    case = make_case()
    with case.store.lock(REF.key), pytest.raises(Retry):
        case.job()
    assert case.forge.writes == []


@pytest.mark.parametrize(
    "method", ["get_issue", "get_config_text", "list_labels", "list_own_comments", "add_labels"]
)
@pytest.mark.parametrize(
    "error", [Retry("slow down", 60.0), OperatorError("credentials")], ids=type
)
def test_an_error_for_the_queue_or_the_operator_ends_the_try(
    method: str, error: Retry | OperatorError
) -> None:
    case = make_case(ANSWER)
    case.interrupt(method, error)
    assert case.comments == []


def test_an_issue_not_found_yet_is_retried_twice() -> None:
    case = make_case()
    case.forge.fail("get_issue", *[NotFound("not found", may_be_lag=True)] * 3)
    for tries in (1, 2):
        with pytest.raises(Retry) as retry:
            case.job(tries=tries)
        assert retry.value.after == 5.0
    outcome = case.job(tries=3)
    assert (outcome.record.status, outcome.record.why) == ("skipped", "not found")


@pytest.mark.parametrize("why", ["deleted", "withheld", "moved elsewhere"])
def test_an_issue_that_does_not_exist_is_skipped_without_a_retry(why: str) -> None:
    case = make_case()
    case.forge.fail("get_issue", NotFound(why))
    assert case.job().record.why == why


def test_labels_that_may_not_be_set_are_suggested_in_the_comment() -> None:
    case = make_case(ANSWER)
    case.forge.fail("add_labels", *[Forbidden("refused (status 403)")] * 3)
    assert case.job().record.status == "answered"
    assert case.labels == []
    (comment,) = case.comments
    assert "- **Labels:** Suggested, not applied: `bug`, `area/login`, `regression`" in comment
    assert case.record.labels == ()


def test_a_label_deleted_during_the_job_is_neither_set_nor_recorded() -> None:
    case = make_case(ANSWER)
    case.forge.deleted = {"bug"}
    assert case.job().record.status == "answered"
    assert (case.labels, case.record.labels) == (["area/login"], ("area/login",))
    (comment,) = case.comments
    assert "- **Labels:** `area/login`. Suggested, not applied: `bug`, `regression`" in comment
    marker = read_marker(comment)
    assert marker is not None
    assert marker.labels == ("area/login",)


def test_labels_are_recorded_as_the_bots_although_the_comment_is_refused() -> None:
    case = make_case(ANSWER, ANSWER, config="on: [opened, edited]")
    case.forge.fail("post_comment", *[Forbidden("refused (status 403)")] * 2)
    outcome = case.job()
    assert (outcome.record.status, outcome.record.why) == ("skipped", "refused (status 403)")
    assert (case.labels, case.comments) == (BY_MODEL, [])
    case.forge.person_removes("bug")
    case.forge.person_edits(TITLE, BODY + " Again.")
    case.forge.errors.clear()
    case.job("edited")
    assert case.labels == ["area/login"]


def test_the_record_names_the_delivery_and_holds_no_text_of_the_issue() -> None:
    case = make_case(ANSWER)
    case.job()
    assert case.record.delivery == "d-1"
    record = repr(case.record)
    for word in ("Firefox", "upgrade", "ada", "button"):
        assert word not in record


def test_an_issue_that_disappears_while_labels_are_written_is_skipped() -> None:
    case = make_case(ANSWER, ANSWER)
    error = NotFound("not found", may_be_lag=True)
    case.forge.fail("add_labels", *[error] * 3)
    case.forge.fail("post_comment", error)
    assert case.job(tries=3).record.status == "skipped"
    assert case.job(tries=1).record.status == "answered"
    assert case.labels == BY_MODEL
    assert len(case.comments) == 1


def test_a_preview_of_an_answered_issue_leaves_it_answered() -> None:
    case = make_case(ANSWER, ANSWER)
    case.job()
    case.mode = "dry-run"
    case.job("manual")
    case.mode = "apply"
    assert case.job(tries=2).record.why == "already answered"


def test_edits_never_bring_more_labels_than_the_maximum() -> None:
    replies = [model_reply("It is broken.", (f"l{n}", "sure", "")) for n in range(6)]
    labels = tuple(Label(f"l{n}") for n in range(6))
    case = make_case(*replies, labels=labels, config="on: [opened, edited]\nlabels: {max: 2}")
    for number in range(6):
        case.forge.person_edits("Broken", f"text {number}")
        case.job("edited")
    assert case.labels == ["l0", "l1"]


@pytest.mark.parametrize(
    "error", [RateLimited("wait", 3600), OperatorError("the token was revoked")]
)
def test_a_comment_is_recorded_although_the_search_for_a_duplicate_fails(
    error: RateLimited | OperatorError,
) -> None:
    case = make_case(ANSWER, config="on: [opened, edited]")

    class FailingListForge(FakeForge):
        def post_comment(self, ref: IssueRef, body: str) -> OwnComment:
            self.fail("list_own_comments", error)
            return super().post_comment(ref, body)

    case.forge = FailingListForge(case.forge.current, case.forge.repository, case.forge.config)
    assert case.job().record.comment_id == 901
    case.forge.person_deletes_comment()
    case.forge.person_edits("Something else", "Quite another matter with other words in it.")
    assert case.job("edited").record.why == "a person deleted the comment"
    assert case.comments == []
