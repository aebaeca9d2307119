"""The table of end states: the labels and comments after a job, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from bot.core.config.caution import MODES
from bot.core.errors import (
    ModelFailed,
)
from bot.core.types import JobKind, Label
from tests.fakes import (
    DAY,
    NOW,
)
from tests.flow.issue_case import (
    ANSWER,
    BODY,
    BY_MODEL,
    BY_RULES,
    DOWN,
    LABELS,
    TITLE,
    IssueCase,
    make_case,
)


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
