"""Three maintainers keep 90, 60 and 20 % of the labels: `stats` says so, and the third repository
suggests labels by itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from bot.core.types import IssueRef, Rate
from tests.whole.app import BODY, TITLE, App, Build
from tests.whole.test_command_line import tagline

ISSUES, PAUSE_AFTER = 27, 18  # of two labels each
SHARES = (0.9, 0.6, 0.2)
RULE = "they kept 70 % or more (labels.precision less 20 points): worth keeping;"


def judge(app: App, share: float, issues: int) -> int:
    """Open issues and let a maintainer review each: remove some of its labels, and add one.

    Return how many labels were kept.
    """
    at = time.time() - 60  # what is added just after the opening is the author's or a template's
    numbers = [
        app.host.open_issue(
            app.repo, TITLE, f"{BODY} Attempt {n}.", author=f"author-{n}", created_at=at
        )
        for n in range(issues)
    ]
    app.wait(lambda: all(app.comments(number) for number in numbers))
    # Spread as in life: of ten labels in a row the same number is right.
    is_right = cycle([n % 10 in range(round(share * 10)) for n in range(0, 70, 7)])
    kept = 0
    for number in numbers:
        if number == numbers[PAUSE_AFTER]:
            time.sleep(1.1)  # GitHub's times are whole seconds, and refusals come first in each
        for label in app.labels(number):
            if next(is_right):
                kept += 1
            else:
                app.host.unlabel_by_person(app.repo, number, label)
        app.host.label_by_person(app.repo, number, "documentation")
    for job in {delivery.job for delivery in app.host.deliveries if delivery.job}:
        app.wait_for_end(job)
    return kept


def stats(app: App, folder: Path, *words: str) -> Any:
    result = tagline("stats", *words, cwd=folder, environment=app.environ)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout) if "--json" in words else result.stdout


def judge_and_check(app: App, share: float, issues: int, folder: Path) -> str:
    """Let a maintainer judge labels, compare the figures, and return the advice."""
    kept = judge(app, share, issues)
    name = f"{app.on}:{app.repo}"
    report = stats(app, folder, name, "--json")
    figures = report["usefulness"]
    assert (figures["kept"], figures["applied"]) == (kept, figures["kept"] + figures["removed"])
    assert figures["kept_share"] == pytest.approx(share, abs=0.05)
    assert figures["answered"] == figures["by_model"] == issues
    assert figures["seconds_p95"] >= figures["seconds_p50"] > 0
    assert figures["usd"] > 0
    assert figures["added"] == issues
    assert report["costs"][0]["issues"] == issues
    result = tagline(
        *("runs", "--repo", name, "--limit", "2000", "--json"), cwd=folder, environment=app.environ
    )
    runs = [run for run in json.loads(result.stdout)["runs"] if run["kind"] == "opened"]
    assert {run["labeller"] for run in runs} == {"model"}
    assert sum(len(run["kept"]) for run in runs) == kept
    assert {tuple(run["added"]) for run in runs} == {("documentation",)}
    assert min(run["seconds"] for run in runs) > 0
    text = stats(app, folder, name)
    assert RULE in text
    assert f"within 7 days {kept} kept" in text
    return str(report["verdict"]["advice"])


@pytest.fixture
def priced(build: Build) -> Iterator[App]:
    """An app whose model has a known price."""
    app = build(LLM_MODEL="gpt-4o-mini")
    with app.open():
        yield app


def test_the_verdict_and_the_mode_follow_from_what_people_keep(
    priced: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = priced
    for client in ("github.api.GitHub", "gitlab.api.GitLab"):
        monkeypatch.setattr(f"bot.forges.{client}.rate", Rate(10_000, 10_000))
    # Every label is judged alone here: labels that were removed three times would be demoted.
    monkeypatch.setattr("bot.core.demotions.REFUSALS_TO_DEMOTE", 1000)
    advice, repos = {}, {}
    known: list[IssueRef] = []
    for share in SHARES:
        app.refresh()
        # Of the second one people judge too few for a limit.
        advice[share] = judge_and_check(app, share, 20 if share == SHARES[1] else ISSUES, tmp_path)
        repos[share] = app.repo
        known += app.store.reconcile_state.repositories()  # the next `refresh` removes them
    assert advice == {0.9: "keep", 0.6: "suggest", 0.2: "off"}

    limited = app.events("labels are only suggested from now on")
    assert len(limited) == 1, "it is said once"
    assert limited[0]["why"].startswith("people kept ")
    number = app.issue(body=f"{BODY} Once more.", author="somebody")
    assert app.labels(number) == []
    (comment,) = app.comments(number)
    assert "Suggested, not applied: `bug`, `area/login`" in comment.body
    text = stats(app, tmp_path, f"{app.on}:{app.repo}")
    assert "of no use here: consider `mode: off`. It suggests labels only, by itself:" in text

    app.store.reconcile_state.save_repositories(known)
    rows = {row["repository"]: row for row in stats(app, tmp_path, "--json")["repositories"]}
    modes = {share: rows[f"{app.on}:{repo}"]["limited"] for share, repo in repos.items()}
    assert modes == {0.9: False, 0.6: False, 0.2: True}

    name = f"{app.on}:{app.repo}"
    resumed = tagline("resume", name, cwd=tmp_path, environment=app.environ)
    assert "Labels are applied again from now on" in resumed.stdout
    assert stats(app, tmp_path, name, "--json")["mode_limit"] == []
