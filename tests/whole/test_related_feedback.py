"""A maintainer says whether the older issues in comments are the right ones, on both hosts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from bot.core.jobs import JobRecord
from bot.core.related import RelatedVerdict
from bot.flow.load_config import digest_config
from tests.whole.app import App
from tests.whole.test_corrections import command, stats
from tests.whole.test_related import AGAIN, MORE, lines, open_old, open_others
from tests.whole.test_training import repo_key


def named(app: App) -> tuple[int, int]:
    """Return an older issue, and a new one whose comment names it."""
    open_others(app)
    first = open_old(app)
    second = app.issue(AGAIN, MORE)
    assert len(lines(app, second)) == 1
    return first, second


def close(app: App, number: int, original: int) -> JobRecord:
    """Let a maintainer close an issue as a duplicate, and wait for the job that follows."""
    app.host.close_issue(app.repo, number, duplicate_of=original)
    return app.wait_for_end()


def feedback(app: App, folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = stats(app, folder)["related"]
    return rows


def correct_others(app: App, count: int, config: str | None = None) -> None:
    """Record that people have corrected the comments on further issues."""
    digest = digest_config(config)
    some = [RelatedVerdict(900 + n, "corrected", 1.0 + n, digest) for n in range(count)]
    app.store.related_verdicts.add(repo_key(app), some)


def test_closing_as_a_duplicate_confirms_or_corrects(app: App, tmp_path: Path) -> None:
    first, second = named(app)
    assert feedback(app, tmp_path) == []
    job = close(app, second, first)
    assert (job.outcome, job.why) == ("recorded", "older issue confirmed")
    (row,) = feedback(app, tmp_path)
    assert (row["confirmed"], row["corrected"], row["quiet_since"]) == (1, 0, None)

    app.host.reopen_issue(app.repo, second, deliver=False)
    time.sleep(1.1)  # GitLab's times are whole seconds: the same change is the same delivery
    job = close(app, second, first - 1)
    assert (job.outcome, job.why) == ("recorded", "older issue corrected")
    (row,) = feedback(app, tmp_path)
    assert (row["confirmed"], row["corrected"], row["shown"]) == (0, 1, True)
    assert app.events("warning") == []


def test_another_closing_and_an_author_s_are_no_verdict(app: App, tmp_path: Path) -> None:
    first, second = named(app)
    app.host.close_issue(app.repo, second)
    app.host.reopen_issue(app.repo, second, deliver=False)
    time.sleep(1.1)
    app.host.close_issue(app.repo, second, duplicate_of=first, login="octocat")
    assert app.wait_for_end().why == "closed by somebody who may not change labels"
    assert feedback(app, tmp_path) == []


def test_a_closed_issue_whose_comment_names_none_costs_no_request(app: App) -> None:
    first, second = open_old(app), app.issue("A dark theme", "Please add one for the charts.")
    app.host.close_issue(app.repo, first, deliver=False)
    app.host.settle()
    before = len(app.host.exchanges)
    assert close(app, second, first).why == "the comment names no older issue"
    assert len(app.host.exchanges) == before


def test_a_repository_goes_quiet_and_resumes(app: App, tmp_path: Path) -> None:
    first, second = named(app)
    correct_others(app, 19)
    close(app, second, first - 1)
    repo = f"{app.on}:{app.repo}"
    (row,) = feedback(app, tmp_path)
    assert (row["corrected"], row["confirmed_share"], row["shown"]) == (20, 0.0, False)
    text = command(app, tmp_path, "stats", repo).stdout
    assert "quiet since" in text
    assert f"`tagline resume {repo}`" in " ".join(text.split())
    assert lines(app, app.issue(f"{AGAIN}, too", f"{MORE} On a laptop.")) == []

    resumed = command(app, tmp_path, "resume", repo)
    assert resumed.stdout == "Comments name older issues again from now on.\n"
    assert len(lines(app, app.issue(f"{AGAIN}: why?", f"{MORE} On a tablet."))) == 1
    assert command(app, tmp_path, "resume", repo).stdout == ""
    assert feedback(app, tmp_path) == []


def test_a_changed_configuration_ends_the_quiet(app: App, tmp_path: Path) -> None:
    named(app)
    correct_others(app, 20)
    (row,) = feedback(app, tmp_path)
    assert not row["shown"]
    app.configure("language: [de")
    assert feedback(app, tmp_path) == [row], "a file that cannot be read is no change"
    app.configure("language: en")
    assert feedback(app, tmp_path) == []


def test_undo_corrects(app: App, tmp_path: Path) -> None:
    _, second = named(app)
    prefix = "/tagline" if app.on == "github" else f"@{app.host.bot_accounts[0]}"
    app.host.comment_by_person(app.repo, second, f"{prefix} undo")
    assert app.wait_for_end().outcome == "executed"
    (row,) = feedback(app, tmp_path)
    assert (row["confirmed"], row["corrected"]) == (0, 1)


def test_what_is_stored_is_numbers(app: App) -> None:
    first, second = named(app)
    close(app, second, first)
    (stored,) = app.redis.zrange(f"tagline:related:{repo_key(app)}", 0, -1)
    assert b"quokkaberry" not in stored
    (one,) = app.store.related_verdicts.list(repo_key(app))
    assert (one.number, one.verdict, one.config) == (second, "confirmed", "")
