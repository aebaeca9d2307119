"""The line of the comment that names what a report lacks, and its withdrawal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core.commands import CommandState
from bot.core.errors import Forbidden, ModelFailed, NotFound, Retry
from bot.core.types import JobKind
from bot.flow.plan import Outcome
from bot.flow.render import LEAD, MISSING, replace_missing
from bot.flow.withdraw_missing import process_edited, withdraw_missing
from tests.core.issue_forms import BUG_FORM, fill
from tests.fakes import REF, make_context, make_job, model_reply
from tests.flow.issue_case import ANSWER, DOWN, IssueCase, make_case

ON = "comment: {missing_info: true}"
CRASH = "The widget crashes with an exception."
ALL = "Version, Steps to reproduce, Operating system"
IDEA = model_reply("Add a dark mode.", ("enhancement", "sure", "asks for it"))


def make(*answers: str | ModelFailed, config: str = ON, body: str = "", **more: Any) -> IssueCase:
    """Return an issue whose repository has a form for bugs."""
    issue = {"body": body or fill(CRASH), "comments": 0}
    case = make_case(*(answers or [ANSWER]), config=config, issue=issue, **more)
    case.forge.reports.templates = [BUG_FORM]
    return case


def line(case: IssueCase) -> str:
    """Return what the comment asks for, "" for nothing."""
    (comment,) = case.comments
    lines = [x.removeprefix(MISSING) for x in comment.split("\n") if x.startswith(MISSING)]
    assert len(lines) <= 1
    return lines[0] if lines else ""


def later(case: IssueCase, kind: JobKind = "missing", tries: int = 1) -> Outcome:
    """Run a later job of the issue."""
    handler = {"missing": withdraw_missing, "edited": process_edited}[kind]
    return handler(make_job(kind, f"late-{kind}"), make_context(case.forge, case.model, case.store))


def comment(case: IssueCase, body: str, author: str = "ada") -> Outcome:
    case.forge.reports.comments.append((author, body))
    case.forge.current = replace(case.forge.current, comments=1)
    return later(case)


def test_the_comment_names_what_the_report_lacks_in_one_line() -> None:
    case = make()
    case.job()
    assert line(case) == ALL
    assert case.record.missing == 3
    lead = case.comments[0].split("\n\n")[1]
    assert lead.split("\n")[-1] == f"- **Missing:** {ALL}"


def test_without_the_key_no_template_is_read() -> None:
    for config in (None, "comment: {missing_info: false}", "comment: {missing_info: please}"):
        case = make(config=config or "")
        case.job()
        assert (line(case), case.record.missing) == ("", 0)
        assert case.forge.reports.requests == 0
    case = make(config="comment: {missing_info: true, post: never}")
    case.job()
    assert case.forge.reports.requests == 0


def test_the_summary_stays_where_the_author_gives_it_bit_by_bit() -> None:
    case = make()
    case.job()
    before = case.comments[0]
    assert comment(case, "Version 4.2.").record.status == "updated"
    assert line(case) == "Steps to reproduce, Operating system, Component"
    outcome = comment(case, "Steps: 1. run it on Ubuntu, with the core component")
    assert outcome.record.why == "3 asked for before, 0 now"
    assert line(case) == ""
    assert case.comments == [before.replace(f"\n- **Missing:** {ALL}", "")]
    assert (case.record.status, case.record.missing) == ("answered", 0)
    assert case.forge.writes == ["labels", "comment", "edit", "edit"]


def test_an_edit_withdraws_it_though_on_leaves_edits_out() -> None:
    case = make()
    case.job()
    case.forge.person_edits("Crash", fill(CRASH, "4.2", "1. Run it", "Linux", "core"))
    assert later(case, "edited").record.status == "updated"
    assert line(case) == ""
    assert case.record.missing == 0


def test_an_edit_that_is_answered_anew_names_what_still_lacks() -> None:
    case = make(ANSWER, ANSWER, config=f"{ON}\non: [opened, edited]")
    case.job()
    case.forge.person_edits("Crash", fill(CRASH, "4.2", "1. Run it", "Linux"))
    later(case, "edited")
    assert line(case) == "Component"
    assert case.record.missing == 1


def test_a_stranger_s_comment_gives_nothing() -> None:
    case = make()
    case.job()
    before = case.comments
    assert comment(case, "I have it with 4.2 on Linux too.", "grace").record.status == "unchanged"
    assert case.comments == before
    assert case.record.missing == 3


def test_what_the_author_wrote_during_the_model_call_is_not_asked_for() -> None:
    case = make()
    assert case.model

    class Slow(type(case.model)):  # type: ignore[misc]
        def complete(self, *args: object) -> object:
            case.forge.reports.comments.append(
                ("ada", "4.2 on Linux; run the core component to reproduce it")
            )
            case.forge.current = replace(case.forge.current, comments=1)
            return super().complete(*args)

    case.model = Slow(ANSWER)
    case.job()
    assert line(case) == ""


def test_without_a_line_a_later_job_sends_no_request() -> None:
    case = make(body=fill(CRASH, "4.2", "1. Run it", "Linux", "core"))
    case.job()
    for method in ("get_issue", "get_config_text", "list_own_comments"):
        case.forge.fail(method, Retry("a request"))
    assert later(case).record.why == "the comment asks for nothing"
    case.store = type(case.store)()
    assert later(case).record.status == "skipped"


def test_where_no_template_can_be_read_the_line_is_left_out() -> None:
    case = make()
    case.forge.reports.templates = []
    case.job()
    assert (line(case), case.record.status) == ("", "answered")


def test_an_issue_that_the_model_takes_for_an_idea_is_not_asked_for_steps() -> None:
    labels = make().forge.repository
    case = make(IDEA, labels=(*labels, replace(labels[0], name="enhancement")))
    case.job()
    assert line(case) == "Component"
    comment(case, "Thanks.")
    assert line(case) == "Component"


def test_rules_name_it_too_and_a_model_s_answer_keeps_it() -> None:
    case = make(DOWN, ANSWER, config="comment: {missing_info: true, on_fallback: true}")
    case.job()
    assert line(case) == ALL
    case.job("heal")
    assert line(case) == ALL
    assert case.record.missing == 3


def test_a_second_run_changes_nothing() -> None:
    case = make()
    case.job()
    comment(case, "Version 4.2.")
    before, writes = case.comments, list(case.forge.writes)
    assert later(case).record.status == "unchanged"
    assert (case.comments, case.forge.writes) == (before, writes)


def test_an_interrupted_edit_is_repeated() -> None:
    case = make()
    case.job()
    case.forge.fail("edit_comment", Retry("GitHub failed (status 502)"))
    with pytest.raises(Retry):
        comment(case, "Version 4.2.")
    assert later(case).record.status == "updated"
    assert line(case) == "Steps to reproduce, Operating system, Component"


def test_a_refused_edit_ends_the_job() -> None:
    case = make()
    case.job()
    case.forge.fail("edit_comment", Forbidden("no permission (status 403)"))
    outcome = comment(case, "Version 4.2.")
    assert (outcome.record.status, outcome.record.why) == (
        "unchanged",
        "no permission (status 403)",
    )


def test_a_deleted_comment_is_not_written_again() -> None:
    case = make()
    case.job()
    case.forge.person_deletes_comment()
    assert comment(case, "Version 4.2.").record.missing == 0
    assert case.comments == []


@pytest.mark.parametrize(
    ("issue", "config", "silent"),
    [
        ({"is_open": False}, ON, False),
        ({"locked": True}, ON, False),
        ({"confidential": True}, ON, False),
        ({}, f"{ON}\nmode: off", False),
        ({}, f"{ON}\nmode: dry-run", False),
        ({}, ON, True),
    ],
    ids=["closed", "locked", "confidential", "off", "dry-run", "silenced"],
)
def test_the_comment_stays_as_it_is_where_the_bot_is_silent(
    issue: dict[str, bool], config: str, silent: bool
) -> None:
    case = make()
    case.job()
    case.forge.current = replace(case.forge.current, **issue)  # type: ignore[arg-type]
    case.forge.config = config
    with case.store.lock(REF.key) as lock:
        assert lock.record
        lock.finish(replace(lock.record, commands=CommandState(silent=silent)))
    comment(case, "Version 4.2.")
    assert line(case) == ALL


def test_a_key_that_is_switched_off_withdraws_the_line() -> None:
    case = make()
    case.job()
    case.forge.config = None
    comment(case, "Hello.")
    assert line(case) == ""


def test_an_issue_that_is_gone_ends_the_job() -> None:
    case = make()
    case.job()
    for _ in range(3):
        case.forge.fail("get_issue", NotFound("gone (status 404)"))
    assert comment(case, "Version 4.2.").record.why == "gone (status 404)"


def test_hostile_names_are_shown_as_plain_text() -> None:
    case = make()
    names = [
        "@acme/team #1 <img src=x>",
        "[link](https://evil.example) `code`",
        "<!-- tagline:v1 -->x",
    ]
    parts = "".join(
        f"  - type: input\n    attributes: {{label: {name!r}}}\n"
        "    validations: {required: true}\n"
        for name in names
    )
    form = replace(BUG_FORM, text=f"name: Bug\nbody:\n{parts}")
    case.forge.reports.templates = [form]
    body = f"### {names[0]}\n\n_No response_\n\n### {names[1]}\n\n_No response_\n"
    case.forge.current = replace(case.forge.current, body=body)
    case.job()
    shown = line(case)
    assert shown.startswith("@\u200bacme/team \\#\u200b1, ")
    for markup in ("<img", " [link", " `code`", "https://e", "<!--"):
        assert markup not in shown
    assert case.comments[0].count("<!-- tagline:v1") == 1


def test_only_the_bot_s_own_line_is_replaced() -> None:
    footer = "\n\n<sub>Written</sub>\n<!-- tagline:v1 e30= -->"
    detail = f"\n\n<details><summary>Why</summary>\n\n{MISSING}quoted\n\n</details>{footer}"
    for lead in ("", "- **Labels:** `bug`.\n"):
        comment = f"{LEAD}It fails.\n\n{lead}{MISSING}Version{detail}"
        kept = f"\n\n{lead}".rstrip("\n")
        assert replace_missing(comment, []) == f"{LEAD}It fails.{kept}{detail}"
        assert replace_missing(comment, ["Steps"]) == comment.replace("Version", "Steps")
    without = f"{LEAD}It fails.{detail}"
    assert replace_missing(without, ["Steps"]) == without
