"""A maintainer accepts and dismisses suggestions; the next issues show the effect."""

from __future__ import annotations

from pathlib import Path

from bot.http import ClientPool
from bot.sandbox.state import MAINTAINER
from tests.whole.app import App
from tests.whole.periodic import PeriodicTasks
from tests.whole.test_corrections import answered as open_answered
from tests.whole.test_corrections import command, stats
from tests.whole.test_suggestions import REPLY, number_of, suggestions, switch_on

ALL = {"bug", "area/login", "documentation"}


def answered(app: App) -> int:
    """Return a new issue for which the bot has suggested three labels."""
    app.box.replies.append(REPLY)
    return open_answered(app)


def decide(app: App, number: int, label: str, *, accept: bool) -> None:
    app.host.decide_by_person(app.repo, number, number_of(app, number, label), accept=accept)


def test_the_next_twenty_issues_show_what_a_maintainer_accepted_and_dismissed(
    app: App, clients: ClientPool, tmp_path: Path
) -> None:
    switch_on(app)
    app.configure("mode: suggest")
    tasks, decided = PeriodicTasks(app, clients), []
    for _ in range(3):
        number = answered(app)
        assert set(suggestions(app, number)) == ALL
        decide(app, number, "area/login", accept=False)
        decided.append(number)
        if len(decided) == 2:
            decide(app, number, "bug", accept=True)
            why = app.wait_for_end().why
            assert why == "1 approved, 1 dismissed", "one job reads both, and the addition is none"
        else:
            tasks.look()

    for _ in range(20):
        number = answered(app)
        assert set(suggestions(app, number)) == {"bug", "documentation"}
        (comment,) = app.comments(number)
        assert "area/login" not in comment.body.partition("<!--")[0]
        assert app.labels(number) == []

    shown = stats(app, tmp_path)
    rows = {row["label"]: row for row in shown["labels"]}
    login, bug = rows["area/login"], rows["bug"]
    assert (login["dismissed"], login["kept_share"], login["withheld"]) == (3, 0.0, True)
    assert (bug["approved"], bug["added"], bug["withheld"]) == (1, 0, False)
    (withheld,) = shown["withheld"]
    assert (withheld["label"], withheld["issues"]) == ("area/login", decided)
    assert shown["demotions"] == []
    text = command(app, tmp_path, "stats", f"{app.on}:{app.repo}").stdout
    assert "Not suggested: labels whose suggestions people dismissed three times in a row" in text
    assert ", ".join(f"#{number}" for number in decided) in text

    resumed = command(app, tmp_path, "resume", f"{app.on}:{app.repo}", "area/login")
    assert resumed.stdout == "Suggested again from now on: area/login\n"
    assert set(suggestions(app, answered(app))) == ALL
    assert [x.path for x in app.host.exchanges if x.path.endswith("/approve")] == []


def test_a_look_at_an_issue_that_is_gone_or_settled_is_the_last_one(
    app: App, clients: ClientPool
) -> None:
    switch_on(app)
    app.configure("mode: suggest")
    tasks = PeriodicTasks(app, clients)
    settled, gone, waiting = (answered(app) for _ in range(3))
    for label in ALL:
        decide(app, settled, label, accept=False)
    del app.host.state.repo(app.repo).issues[gone]
    for jobs in (3, 1):
        tasks.jobs.clear()
        tasks.look()
        assert len(tasks.jobs) == jobs
    app.host.close_issue(app.repo, waiting)
    tasks.look()
    tasks.jobs.clear()
    tasks.look()
    assert tasks.jobs == []


def test_what_was_dismissed_does_not_come_back_by_a_command(app: App) -> None:
    switch_on(app)
    app.configure("mode: apply")
    number = answered(app)
    assert set(suggestions(app, number)) == {"documentation"}
    decide(app, number, "documentation", accept=False)
    app.box.replies.append(REPLY.replace('"unsure"', '"sure"'))
    app.host.comment_by_person(app.repo, number, "/tagline redo", login=MAINTAINER)
    assert app.wait_for_end().why == "redo: answered"
    assert app.labels(number) == ["bug", "area/login"]
    assert set(suggestions(app, number, "dismissed")) == {"documentation"}
    assert suggestions(app, number) == {}
