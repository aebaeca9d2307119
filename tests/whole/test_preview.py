"""`tagline preview REPO`, on both hosts, without a token where that is not said."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.whole.app import App
from tests.whole.test_command_line import CommandResult, tagline
from tests.whole.test_issue_types import add_types, name_of

DAY = 86_400.0
SILENT = "redis://127.0.0.1:1/0"
CRASH, WISH = "The window crashes on start", "Please add an option for dark mode"


def anonymous(app: App) -> dict[str, str]:
    """The settings of somebody who has only the addresses of the servers."""
    urls = {"GITHUB_API_URL": app.box.github_url, "GITLAB_URL": app.box.gitlab_url}
    return {**urls, "REDIS_URL": SILENT}


def preview(
    app: App, folder: Path, *words: str, repo: str = "", environment: dict[str, str] | None = None
) -> CommandResult:
    result = tagline(
        *("preview", repo or f"{app.on}:{app.repo}", *words),
        cwd=folder,
        environment=anonymous(app) if environment is None else environment,
    )
    assert "Traceback" not in result.stderr
    return result


def read(result: CommandResult) -> Any:
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def add_issues(app: App, count: int = 1) -> None:
    """Open issues, the oldest first; a typed one on GitHub."""
    at = time.time() - 90 * DAY
    for n in range(count):
        for title, labels in ((CRASH, ["bug", "wontfix"]), (WISH, ["enhancement"]), (CRASH, [])):
            add(app, f"{title} of part {n}", labels, at + n * DAY)


def add(app: App, title: str, labels: list[str], at: float = 0.0, **more: Any) -> int:
    at = at or time.time()
    return app.host.open_issue(
        app.repo, title, "It fails.", labels=labels, created_at=at, deliver=False, **more
    )


def test_proposed_and_actual_labels_need_no_token_and_a_few_requests(
    app: App, tmp_path: Path
) -> None:
    add_issues(app, 50)
    add(app, f"{CRASH} at once", ["bug"], issue_type="Bug")
    known = len(app.host.exchanges)

    report = read(preview(app, tmp_path, "--json"))

    assert (report["v"], report["repository"]) == (1, f"{app.on}:{app.repo}")
    assert len(report["issues"]) == 20
    newest = report["issues"][0]
    assert newest["title"] == f"{CRASH} at once"
    assert "bug" in [label["name"] for label in newest["proposed"]]
    assert newest["actual"] == ["bug"]
    assert newest["type"] == ("Bug" if app.on == "github" else None)
    assert report["learned_from"] > 40
    bug = next(row for row in report["agreement"]["labels"] if row["name"] == "bug")
    assert bug["both"] == bug["people"] > 5
    assert [row["name"] for row in report["not_set"]] == ["bug"]
    tokens = {"authorization", "private-token"}  # the worker of the app has one
    asked = [x for x in app.host.exchanges[known:] if not tokens & x.request_headers.keys()]
    assert len(asked) == (8 if app.on == "github" else 7)  # and the types
    assert {exchange.method for exchange in asked} == {"GET"}
    assert not app.box.model_requests


def test_the_report_ends_with_one_sentence_to_paste(app: App, tmp_path: Path) -> None:
    add_issues(app)

    result = preview(app, tmp_path)

    assert result.returncode == 0
    last = result.stdout.rstrip().splitlines()[-1]
    assert re.fullmatch(
        rf"Of the newest 3 issues of {app.repo}, Tagline would have labelled 3 by rules; on the 2"
        r" that people labelled, they agree with 2 of its 2 labels; 1 issue without any label would"
        r" have got one; it cost \$0\.00\.",
        last,
    )


def test_an_address_of_the_repository_and_markdown(app: App, tmp_path: Path) -> None:
    add_issues(app)
    # GitHub's pages are on the host of its API here.
    web = app.box.url if app.on == "github" else app.box.gitlab_url

    result = preview(app, tmp_path, "--markdown", repo=f"{web}/{app.repo}")
    job = {"github": "a workflow of GitHub Actions", "gitlab": "a job of GitLab CI/CD"}[app.on]
    assert f"- Install it: {job} needs no server" in result.stdout

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"### Tagline preview of {app.repo}\n\nOf the newest 3 issues")
    assert "| `bug`, `wontfix` |" in result.stdout
    assert not re.search(r"#\d", result.stdout)


def test_confidential_and_private_content_stays_out(app: App, tmp_path: Path) -> None:
    add(app, CRASH, ["bug"])
    if app.on == "gitlab":
        add(app, "A secret crash", ["bug"], confidential=True)
    app.host.state.repo(app.repo).private = True

    without = preview(app, tmp_path)
    report = read(
        preview(app, tmp_path, "--json", environment={**app.environ, "REDIS_URL": SILENT})
    )

    assert without.returncode == 1
    hint = "check its spelling; a private repository needs"
    assert f"{app.repo}: not found: {hint} {app.on.upper()}_TOKEN" in without.stderr
    assert [issue["title"] for issue in report["issues"]] == [CRASH]
    assert "secret" not in json.dumps(report)


def test_issues_that_are_hidden_or_switched_off_are_explained(app: App, tmp_path: Path) -> None:
    add_issues(app)
    app.box.fault("forge-404", times=None, match="/issues")

    result = preview(app, tmp_path)

    assert result.returncode == 1
    assert "its issues and labels cannot be read (not found): look whether" in result.stderr


def test_a_rate_limit_without_a_token_says_what_to_do(app: App, tmp_path: Path) -> None:
    add_issues(app)
    app.host.anonymous.requests, most = 3, app.host.anonymous.requests
    try:
        result = preview(app, tmp_path)
    finally:
        app.host.anonymous.requests = most

    assert result.returncode == 75
    assert result.stdout == ""
    assert f"with {app.on.upper()}_TOKEN). Try again in " in result.stderr
    assert (app.on != "github") or "it accepts 3 requests an hour without a token" in result.stderr


def test_a_repository_that_was_renamed_is_named_with_the_way_to_its_address(
    app: App, tmp_path: Path
) -> None:
    old = app.repo
    app.host.rename_repo(old, f"{old}-new")

    result = preview(app, tmp_path, repo=f"{app.on}:{old}")

    assert result.returncode == 1
    hint = "moved elsewhere: use the address to which its page in a browser leads"
    assert f"{app.on}:{old}: {hint}" in result.stderr


def test_an_app_that_is_not_installed_there_is_not_needed(app: App, tmp_path: Path) -> None:
    add_issues(app)
    app.host.state.repo(app.repo).installed = False

    assert read(preview(app, tmp_path, "--json", environment=app.environ))["issues"]


def with_model(app: App, **settings: str) -> dict[str, str]:
    names = ("LLM_PROVIDER", "LLM_MODEL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "LLM_TIMEOUT")
    chosen = {name: value for name, value in app.environ.items() if name in names}
    return {**anonymous(app), **chosen, **settings}


def test_a_configured_model_writes_the_summaries_unless_it_is_declined(
    app: App, tmp_path: Path
) -> None:
    add_issues(app)

    used = read(preview(app, tmp_path, "--json", environment=with_model(app)))
    declined = read(
        preview(app, tmp_path, "--json", "--model", "none", environment=with_model(app))
    )

    assert (used["model"], used["sources"]) == ("sandbox-rules", {"model": 3})
    assert (declined["model"], declined["sources"]) == ("", {"rules": 3})


def test_a_model_that_fails_half_way_leaves_rules_and_exits_with_3(
    app: App, tmp_path: Path
) -> None:
    add_issues(app)
    app.box.fault("model-400", times=1)

    result = preview(app, tmp_path, "--json", environment=with_model(app))

    assert result.returncode == 3
    assert json.loads(result.stdout)["sources"] == {"model": 2, "rules": 1}
    assert "gave no usable answer for 1 issue, whose labels come from rules (" in result.stderr


def test_a_budget_that_is_reached_leaves_rules_and_exits_with_4(app: App, tmp_path: Path) -> None:
    add_issues(app)
    priced = with_model(app, LLM_MODEL="gpt-6-luna")

    result = preview(app, tmp_path, "--json", "--max-usd", "0.0001", environment=priced)

    assert result.returncode == 4
    assert json.loads(result.stdout)["over_budget"] == 3
    assert "The budget is reached: --max-usd is $0.0001." in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--json", "--markdown"], "Give either --json or --markdown."),
        (["--model", "big-one"], "--model big-one is not configured. There are: none; set LLM_"),
        (["--max-usd", "nan"], "must be a number of US dollars"),
        (["--limit", "0"], "0 is not in the range"),
        (["--since", "yesterday"], "does not match the format"),
    ],
)
def test_wrong_options_are_usage_errors(
    app: App, tmp_path: Path, words: list[str], message: str
) -> None:
    result = preview(app, tmp_path, *words)

    assert result.returncode == 2
    assert message in result.stderr


def test_a_host_that_cannot_be_reached_is_named(app: App, tmp_path: Path) -> None:
    nowhere = {"GITHUB_API_URL": "http://127.0.0.1:1", "GITLAB_URL": "http://127.0.0.1:1"}

    result = preview(app, tmp_path, environment=nowhere)

    assert result.returncode == 75
    assert "cannot be reached at 127.0.0.1" in result.stderr
    assert f"look at {'GITHUB_API_URL' if app.on == 'github' else 'GITLAB_URL'}" in result.stderr


def test_types_are_proposed_and_compared_as_labels(app: App, tmp_path: Path) -> None:
    if app.on == "github":
        add_types(app)
        typed: dict[str, Any] = {"labels": [], "issue_type": "Bug"}
    else:
        app.host.state.repo(app.repo).labels = {"type::bug": ""}
        typed = {"labels": ["type::bug"]}
    for number in range(4):
        add(app, f"{CRASH} of part {number}", **typed)
    report = read(preview(app, tmp_path, "--json"))
    name = name_of(app, "bug")
    assert name in [label["name"] for label in report["issues"][0]["proposed"]]
    (row,) = (row for row in report["agreement"]["labels"] if row["name"] == name)
    assert (row["people"], row["proposed"], row["both"]) == (4, 4, 4)
    assert report["not_set"] == []
