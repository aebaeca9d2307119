"""People write commands in comments, on both hosts."""

from __future__ import annotations

import json

import pytest

from bot.core.jobs import JobRecord
from bot.sandbox.state import MAINTAINER
from tests.whole.app import BODY, App
from tests.whole.test_issue_types import add_types, issue_type, reply
from tests.whole.test_suggestions import suggestions, switch_on
from tests.whole.test_training import repo_key

STRANGER = "octocat"  # the author of the issues


def prefix(app: App) -> str:
    """Return what people write before a command: GitLab's bot has a name that nobody types."""
    app.configure("commands: {alias: tagline}")
    return {"github": "/tagline", "gitlab": "@tagline"}[app.on]


def write(app: App, number: int, body: str, login: str = MAINTAINER) -> tuple[int, JobRecord]:
    """Write a comment with a command; return its id, and the job after its end."""
    comment = app.host.comment_by_person(app.repo, number, body, login=login)
    return comment, app.wait_for_end()


def reactions(app: App, comment: int) -> list[str]:
    return app.host.reactions(app.repo, comment)


def model_calls(app: App) -> int:
    return len(app.box.model_requests)


def test_a_maintainer_s_redo_asks_again_and_edits_the_one_comment(app: App) -> None:
    name = prefix(app)
    number = app.issue()
    (before,), calls = app.comments(number), model_calls(app)
    app.box.replies.append('{"summary": "The login button is dead.", "labels": ["documentation"]}')
    comment, job = write(app, number, f"Please again.\n\n{name} ReDo")
    assert (job.outcome, job.why) == ("executed", "redo: answered")
    (after,) = app.comments(number)
    assert after.id == before.id
    assert "The login button is dead" in after.body
    assert "documentation" in app.labels(number)
    assert reactions(app, comment) == ["eyes"]
    assert model_calls(app) == calls + 1


def test_an_old_issue_gets_its_comment_when_a_maintainer_asks(app: App) -> None:
    name = prefix(app)
    number = app.host.open_issue(
        app.repo, "Login is broken", BODY, created_at=1_600_000_000, deliver=False
    )
    write(app, number, f"{name} redo")
    assert len(app.comments(number)) == 1
    assert "bug" in app.labels(number)


def test_a_stranger_s_command_leaves_no_trace(app: App) -> None:
    name = prefix(app)
    number = app.issue()
    (before,), labels, calls = app.comments(number), app.labels(number), model_calls(app)
    writes = len(app.host.writes(app.repo))
    text = f"quokkaberry\n{name} redo"
    comment, job = write(app, number, text, STRANGER)
    assert (job.outcome, job.why) == ("skipped", "its author may not change labels")
    assert reactions(app, comment) == []
    assert app.comments(number) == [before]
    assert (app.labels(number), model_calls(app)) == (labels, calls)
    assert len(app.host.writes(app.repo)) == writes
    assert "quokkaberry" not in app.lines.getvalue()


def test_a_member_with_the_lowest_role_that_may_label_commands_and_one_below_does_not(
    app: App,
) -> None:
    name = prefix(app)
    number = app.issue()
    roles = {"github": ("triage", "read"), "gitlab": ("reporter", "planner")}[app.on]
    app.host.state.repo(app.repo).roles.update(zip(("robin", "kim"), roles, strict=True))
    assert reactions(app, write(app, number, f"{name} redo", "robin")[0]) == ["eyes"]
    assert reactions(app, write(app, number, f"{name} redo", "kim")[0]) == []


def test_a_command_that_is_delivered_again_is_carried_out_once(app: App) -> None:
    name = prefix(app)
    number = app.issue()
    comment, _ = write(app, number, f"{name} redo")
    calls, writes = model_calls(app), len(app.host.writes(app.repo))
    for claims in app.redis.keys("tagline:claims:*"):
        app.redis.delete(claims)
    delivery = next(d for d in reversed(app.host.deliveries) if d.job)
    app.host.redeliver(delivery.id)
    job = app.wait_for_end()
    assert (job.outcome, job.why) == ("skipped", "carried out before")
    assert (model_calls(app), len(app.host.writes(app.repo))) == (calls, writes)
    assert reactions(app, comment) == ["eyes"]


def test_comments_that_are_no_commands_make_no_job(app: App) -> None:
    name = prefix(app)
    number = app.issue()
    jobs = [d.job for d in app.host.deliveries if d.job]
    texts = (f"> {name} redo", f"```\n{name} redo\n```", f"`{name} redo`", f"try {name} redo", "Hi")
    for text in texts:
        comment = app.host.comment_by_person(app.repo, number, text)
        assert reactions(app, comment) == []
    app.host.edit_comment_by_person(app.repo, comment, f"{name} redo")
    assert [d.job for d in app.host.deliveries if d.job] == jobs
    assert reactions(app, comment) == []


def test_the_queue_holds_no_word_of_a_comment(app: App) -> None:
    name = prefix(app)
    number = app.issue()
    write(app, number, f"quokkaberry\n{name} redo")
    for key in app.redis.scan_iter("*"):
        dumped = app.redis.dump(key) or b""
        assert b"quokkaberry" not in dumped
    assert "quokkaberry" not in app.lines.getvalue()


def test_many_commands_at_once_leave_one_comment_and_few_calls_of_the_model(app: App) -> None:
    name = prefix(app)
    number = app.issue()
    calls = model_calls(app)
    for _ in range(30):
        app.host.comment_by_person(app.repo, number, f"{name} redo")
    jobs = {delivery.job for delivery in app.host.deliveries if delivery.job}
    for job in jobs:
        app.wait_for_end(job)
    assert len(app.comments(number)) == 1
    assert 1 <= model_calls(app) - calls <= 10


def test_a_crash_between_reaction_and_edit_is_made_good(app: App) -> None:
    name = prefix(app)
    number = app.issue()
    reply = '{"summary": "The login button is dead.", "labels": []}'
    app.box.replies.extend([reply, reply])
    app.arm_fault("forge-500", "comments")
    comment, job = write(app, number, f"{name} redo")
    assert (job.tries, job.why) == (2, "redo: answered")
    (after,) = app.comments(number)
    assert "The login button is dead" in after.body
    assert reactions(app, comment) == ["eyes"]


@pytest.mark.parametrize("fault", ["forge-403", "forge-404", "forge-410", "forge-422"])
def test_a_role_that_cannot_be_read_is_none(app: App, fault: str) -> None:
    name = prefix(app)
    number = app.issue()
    app.box.fault(fault, match={"github": "/collaborators/", "gitlab": "/members/"}[app.on])
    comment, job = write(app, number, f"{name} redo")
    assert (job.outcome, job.why) == ("skipped", "its author may not change labels")
    assert reactions(app, comment) == []


@pytest.mark.parametrize("fault", ["forge-403", "forge-404", "forge-422"])
def test_a_reaction_that_is_refused_prevents_no_command(app: App, fault: str) -> None:
    name = prefix(app)
    number = app.issue()
    app.box.fault(fault, match={"github": "/reactions", "gitlab": "/award_emoji"}[app.on])
    comment, job = write(app, number, f"{name} undo")
    assert job.why == "undo: 2 labels removed, 1 comment deleted"
    assert reactions(app, comment) == []
    assert (app.labels(number), app.comments(number)) == ([], [])


def test_a_command_is_acknowledged_while_another_worker_holds_the_issue(app: App) -> None:
    name = prefix(app)
    number = app.issue()
    with app.store.lock(f"{repo_key(app)}:{number}"):
        comment = app.host.comment_by_person(app.repo, number, f"{name} undo")
        assert app.wait(lambda: reactions(app, comment)) == ["eyes"]
        assert app.labels(number)
    assert app.wait_for_end().why == "undo: 2 labels removed, 1 comment deleted"
    assert (app.labels(number), app.comments(number)) == ([], [])


def test_why_adds_the_decision_to_the_comment_s_details(app: App) -> None:
    name = prefix(app)
    number = app.issue()
    comment, job = write(app, number, f"{name} why")
    assert job.why == "why: explained"
    (after,) = app.comments(number)
    assert "<details><summary>Decision record</summary>" in after.body
    assert "- Decided by a language model\n- Model: `sandbox-rules`, " in after.body
    assert "- `bug`: applied, " in after.body
    assert reactions(app, comment) == ["eyes"]


def test_undo_takes_the_bot_s_work_back_and_nothing_is_written_again(app: App) -> None:
    name = prefix(app)
    app.configure("commands: {alias: tagline}\non: [opened, edited, reopened]")
    number = app.issue()
    app.host.label_by_person(app.repo, number, "documentation")
    app.wait_for_end()
    comment, job = write(app, number, f"{name} undo")
    assert job.why == "undo: 2 labels removed, 1 comment deleted"
    assert reactions(app, comment) == ["eyes"]
    app.host.edit_issue(app.repo, number, title="Another title")
    app.wait_for_end()
    app.deliver_again()
    write(app, number, f"{name} redo")
    assert (app.comments(number), app.labels(number)) == ([], ["documentation"])


def test_undo_takes_the_type_and_the_suggestions_back(app: App) -> None:
    name = prefix(app)
    add_types(app)
    switch_on(app)
    unsure = {"name": "documentation", "certainty": "unsure", "reason": "a guess"}
    answer = json.loads(reply(app, "bug"))
    app.box.replies.append(json.dumps({**answer, "labels": [*answer["labels"], unsure]}))
    number = app.issue()
    assert issue_type(app, number) == "bug"
    held = {"documentation": "low"} if app.on == "github" else {}
    assert suggestions(app, number) == held
    job = write(app, number, f"{name} undo")[1]
    work = (
        "1 label removed, its type removed, suggestions dismissed" if held else "2 labels removed"
    )
    assert job.why == f"undo: {work}, 1 comment deleted"
    assert (issue_type(app, number), app.labels(number), app.comments(number)) == ("", [], [])
    assert suggestions(app, number) == {}
    assert suggestions(app, number, "dismissed") == held


def test_off_silences_the_issue_until_on(app: App) -> None:
    name = prefix(app)
    app.configure("commands: {alias: tagline}\non: [opened, edited, reopened]")
    number = app.issue()
    (before,) = app.comments(number)
    calls = model_calls(app)
    write(app, number, f"{name} off")
    app.host.edit_issue(app.repo, number, title="Another title", body=f"{BODY} More words.")
    assert app.wait_for_end().why == "silenced by a command"
    write(app, number, f"{name} redo")
    assert (app.comments(number), model_calls(app)) == ([before], calls)
    job = write(app, number, f"Thanks.\n{name} on\n{name} redo")[1]
    assert job.why == "on: not silent, redo: answered"
    assert model_calls(app) == calls + 1
    assert len(app.comments(number)) == 1


def test_the_comment_names_the_commands_in_the_host_s_form(app: App) -> None:
    name = prefix(app)
    (comment,) = app.comments(app.issue())
    shown = f"Commands for maintainers: `{name} redo`, `why`, `undo`, `off`."
    assert shown in comment.body


def test_comments_of_bots_and_on_pull_requests_make_no_job(app: App) -> None:
    name = prefix(app)
    number = app.issue()
    jobs = [d.job for d in app.host.deliveries if d.job]
    (bot, *_) = app.host.bot_accounts
    app.host.comment_by_person(app.repo, number, f"{name} redo", login=bot)
    if app.on == "github":
        pull = app.host.open_issue(app.repo, "A pull request", pull_request=True)
        app.host.comment_by_person(app.repo, pull, f"{name} redo")
    else:
        app.host.comment_by_person(app.repo, number, f"{name} redo", internal=True)
    assert [d.job for d in app.host.deliveries if d.job] == jobs


def test_where_tagline_yml_turns_the_bot_off_commands_leave_no_trace(app: App) -> None:
    name = prefix(app)
    app.configure("commands: {alias: tagline}\nmode: off")
    number = app.host.open_issue(app.repo, "Login is broken", BODY, deliver=False)
    comment, job = write(app, number, f"{name} redo")
    assert job.why == "mode is off"
    assert reactions(app, comment) == []
