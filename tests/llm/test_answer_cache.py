"""An issue with the same text as another gets its answer without a model call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.core.enrichment import CachedAnswer
from bot.core.errors import NotFound
from bot.core.text.sketch import make_sketch
from bot.core.types import Issue, IssueRef, Label, LabelSuggestion, OwnComment
from bot.flow.plan import Outcome
from bot.flow.process import process
from bot.flow.render import digest_summary, read_summary
from tests.fakes import (
    DAY,
    REF,
    FakeForge,
    ScriptedModel,
    make_context,
    make_issue,
    make_job,
    model_reply,
)
from tests.memory_store import MemoryStore

URL = "https://forge.example/acme/widget/issues?q="
OPENED = make_issue("").created_at
TITLE, BODY = "Login fails", "It does nothing since the upgrade."
HARD = "Press @admin, see #1 in snake_case_name or C++ (v1.2.3) * and https://example.com/x?"


class SecondIssue(FakeForge):
    """An issue in the repository of another one, whose comments can be read too."""

    first: FakeForge

    def get_issue(self, ref: IssueRef) -> Issue:
        return self.first.get_issue(ref) if ref == REF else super().get_issue(ref)

    def list_own_comments(self, ref: IssueRef) -> tuple[OwnComment, ...]:
        if ref == REF:
            return self.first.list_own_comments(ref)
        return super().list_own_comments(ref)


class Repository:
    """Issue 41, a second one of any text, and what all jobs share."""

    def __init__(self, *answers: str) -> None:
        self.store, self.model = MemoryStore(), ScriptedModel(*answers)
        self.first = FakeForge(make_issue(TITLE, BODY), (Label("bug"),))

    def first_job(self) -> Outcome:
        return self._job(self.first, REF)

    def second_job(self, body: str = BODY, opened_after: float = 0.0) -> Outcome:
        ref = replace(REF, number=77)
        issue = replace(make_issue(TITLE, body), ref=ref, created_at=OPENED + opened_after)
        forge = SecondIssue(issue, self.first.repository)
        forge.first = self.first
        return self._job(forge, ref)

    def _job(self, forge: FakeForge, ref: IssueRef) -> Outcome:
        at = forge.current.created_at + 60
        delivery = replace(make_job(), ref=ref, id=f"d-{ref.number}", received_at=at)
        return process(delivery, make_context(forge, self.model, self.store))


@pytest.mark.parametrize("summary", ["Login does nothing.", HARD, "登录按钮没有反应。"])
def test_the_same_text_in_the_same_repository_is_answered_once(summary: str) -> None:
    one = Repository(model_reply(summary, ("bug", "sure", "it says so")))
    first = one.first_job()
    second = one.second_job()
    assert first.plan is not None
    assert second.plan is not None
    assert (first.record.status, second.record.status) == ("answered", "answered")
    assert read_summary(str(first.plan.comment)) == read_summary(str(second.plan.comment))
    assert second.plan.add_labels == ("bug",)
    assert second.enrichment is not None
    assert second.enrichment.usage.cost_usd == 0.0


def test_another_text_is_sent_to_the_model() -> None:
    answer = model_reply("It is broken.", ("bug", "sure", ""))
    one = Repository(answer, answer)
    one.first_job()
    assert one.second_job("Something else.").record.status == "answered"
    assert len(one.model.prompts) == 2


def _rewrite(forge: FakeForge) -> None:
    (comment,) = forge.own_comments
    body = comment.body.replace("It is broken.", "A customer lost data.")
    assert body != comment.body
    forge.own_comments = [OwnComment(comment.id, body)]


def _move_summary(forge: FakeForge) -> None:
    (comment,) = forge.own_comments
    forge.own_comments = [OwnComment(comment.id, f"Note: {comment.body}")]


# What may happen to the first issue before the second one is opened.
CHANGES: dict[str, Callable[[FakeForge], None]] = {
    "its comment is deleted": lambda forge: forge.own_comments.clear(),
    "a person rewrites the summary": _rewrite,
    "a person writes something before the summary": _move_summary,
    "it is confidential": lambda forge: setattr(
        forge, "current", replace(forge.current, confidential=True)
    ),
    "it is deleted": lambda forge: forge.fail("list_own_comments", NotFound("not found")),
    "it is deleted a moment later": lambda forge: forge.fail("get_issue", NotFound("deleted")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_answer_is_not_reused_if_its_issue_has_changed_so(change: str) -> None:
    first, second = model_reply("It is broken."), model_reply("It fails after the upgrade.")
    one = Repository(first, second)
    one.first_job()
    CHANGES[change](one.first)
    outcome = one.second_job()
    assert outcome.record.status == "answered"
    assert outcome.plan is not None
    assert read_summary(str(outcome.plan.comment)) == "It fails after the upgrade."
    assert len(one.model.prompts) == 2


def test_an_entry_of_a_former_version_is_not_reused() -> None:
    answer = model_reply("It is broken.")
    one = Repository(answer, answer)
    one.first_job()
    for (_, key), cached in [*one.store._answers.items()]:
        one.store.save_cached_answer(REF.repo_key, [key], replace(cached, digest=""))
    one.second_job()
    assert len(one.model.prompts) == 2


def test_an_answer_that_was_not_published_is_not_cached() -> None:
    answer = model_reply("It is broken.", ("bug", "sure", ""))
    one = Repository(answer, answer)
    one.first.config = "mode: dry-run"
    assert one.first_job().record.status == "dry-run"
    assert one.second_job().record.status == "answered"
    assert len(one.model.prompts) == 2


def test_the_cache_holds_label_names_and_no_text() -> None:
    one = Repository(model_reply("It is broken.", ("bug", "sure", "it says so")))
    one.first_job()
    (cached,) = {*one.store._answers.values()}
    digest = digest_summary(one.first.own_comments[0].body)
    assert len(digest) == 32
    choices = (LabelSuggestion("bug", "sure"),)
    sketch = make_sketch(BODY)
    assert cached == CachedAnswer(REF.number, choices, digest, sketch, OPENED)


NEAR = f"{BODY}\n\n" + "\n".join(
    f"Step {n}: press the button of part {name} and look at the page."
    for n, name in enumerate("abcdefgh")
)


@pytest.mark.parametrize(
    "text",
    [
        NEAR.replace("\n", "\r\n"),
        NEAR.upper(),
        NEAR + "\n\nThanks!",
        NEAR.replace("Step 3", "Step 33").replace("part c", "part  c,"),
    ],
)
def test_nearly_the_same_text_within_a_day_is_answered_once_and_names_the_other(text: str) -> None:
    one = Repository(model_reply("Login does nothing.", ("bug", "sure", "")))
    one.first.current = replace(one.first.current, body=NEAR)
    one.first_job()
    second = one.second_job(text, opened_after=DAY - 60)
    assert second.enrichment is not None
    assert second.enrichment.like is not None
    assert (second.enrichment.like.number, second.enrichment.usage.cost_usd) == (REF.number, 0.0)
    assert len(one.model.prompts) == 1
    assert f"[{REF.number} {TITLE}](<{URL}{REF.number}>) (open; nearly the same text)" in str(
        second.plan and second.plan.comment
    )
    assert second.record.related == (REF.number,)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        (NEAR + "\n\nThanks!", 1.1),
        (NEAR.replace("press the button", "close the window"), 0.1),
        (NEAR.replace("It does nothing", "The export to PDF stops"), 0.1),
        ("It does nothing.", 0.1),
    ],
)
def test_an_older_or_another_text_is_sent_to_the_model(text: str, days: float) -> None:
    answer = model_reply("Login does nothing.", ("bug", "sure", ""))
    one = Repository(answer, answer)
    one.first.current = replace(one.first.current, body=NEAR)
    one.first_job()
    assert one.second_job(text, opened_after=days * DAY).record.status == "answered"
    assert len(one.model.prompts) == 2


def test_a_summary_with_a_number_that_the_new_issue_lacks_is_not_reused() -> None:
    old, new = NEAR + " Seen in 4.2.1.", NEAR + " Seen in 4.3.0."
    one = Repository(
        model_reply("Login does nothing in 4.2.1.", ("bug", "sure", "")),
        model_reply("Login does nothing in 4.3.0.", ("bug", "sure", "")),
    )
    one.first.current = replace(one.first.current, body=old)
    one.first_job()
    second = one.second_job(new)
    assert second.plan is not None
    assert "4.3.0" in str(second.plan.comment)
    assert len(one.model.prompts) == 2
