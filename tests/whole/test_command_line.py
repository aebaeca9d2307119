"""The commands, run against the sandbox."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli.main import cli
from tests.whole.app import BODY, TITLE, App, Build

ROOT = Path(__file__).parents[2]


PREFIXES = ("GITHUB_", "GITLAB_", "LLM_", "OPENAI_", "ANTHROPIC_", "TAGLINE_", "REDIS_")


@dataclass(frozen=True)
class CommandResult:
    returncode: int
    stdout: str
    stderr: str


def tagline(
    *arguments: str, cwd: Path = ROOT, environment: Mapping[str, str] | None = None
) -> CommandResult:
    """Run a command in this process, with only the given ones of Tagline's variables."""
    unset: dict[str, str | None] = {n: None for n in os.environ if n.startswith(PREFIXES)}
    with contextlib.chdir(cwd):
        result = CliRunner().invoke(cli, arguments, env={**unset, **(environment or {})})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return CommandResult(result.exit_code, result.stdout, result.stderr)


def process(
    *arguments: str, cwd: Path = ROOT, environment: Mapping[str, str] | None = None
) -> CommandResult:
    """Run a command as a separate process."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIXES)}
    completed = subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=cwd,
        env={**clean, **(environment or {}), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    return CommandResult(completed.returncode, completed.stdout, completed.stderr)


def test_enrich_prints_what_it_would_write_and_writes_nothing(app: App, tmp_path: Path) -> None:
    number = app.host.open_issue(app.repo, TITLE, BODY, deliver=False)
    addresses = {
        "github": f"http://127.0.0.1/{app.repo}/issues/{number}",
        "gitlab": f"{app.box.gitlab_url}/{app.repo}/-/issues/{number}",
    }
    url = addresses[app.on]
    result = tagline("enrich", url, "--json", cwd=tmp_path, environment=app.environ)
    assert result.returncode == 0, result.stderr
    shown = json.loads(result.stdout)
    assert (shown["v"], shown["outcome"]) == (1, "dry-run")
    assert "bug" in shown["labels"]
    assert shown["comment"].startswith("**Summary (automated):**")
    assert (app.labels(number), app.comments(number)) == ([], [])


def test_enrich_reads_a_public_issue_without_any_token_or_key(app: App, tmp_path: Path) -> None:
    number = app.host.open_issue(app.repo, TITLE, BODY, deliver=False)
    bot = {"github": "other[bot]", "gitlab": "group_9_bot_77"}[app.on]
    app.host.state.comment(app.repo, number, "Thank you.", bot, None)
    environment = {
        "GITHUB_API_URL": app.box.github_url,
        "GITLAB_URL": app.box.gitlab_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    ref = app.ref(number)
    result = tagline("enrich", ref, cwd=tmp_path, environment=environment)
    assert result.returncode == 0, result.stderr
    assert "Labels: bug, needs-review" in result.stdout
    assert "without a language model" in result.stdout


def test_enrich_says_that_the_labels_of_its_comment_are_set_already(
    app: App, tmp_path: Path
) -> None:
    number = app.host.open_issue(app.repo, TITLE, BODY, deliver=False)
    for _ in range(2):
        ref = app.ref(number)
        tagline("enrich", ref, "--apply", cwd=tmp_path, environment=app.environ)
    result = tagline("enrich", ref, cwd=tmp_path, environment=app.environ)
    assert "Labels: none to add (already set)\n" in result.stdout


def test_enrich_with_apply_writes_also_on_an_old_issue(app: App, tmp_path: Path) -> None:
    number = app.host.open_issue(app.repo, TITLE, BODY, deliver=False, created_at=1.0)
    ref = app.ref(number)
    result = tagline("enrich", ref, "--apply", cwd=tmp_path, environment=app.environ)
    assert result.returncode == 0, result.stderr
    assert "bug" in app.labels(number)
    assert len(app.comments(number)) == 1


def test_enrich_reports_that_it_wrote_nothing(app: App, tmp_path: Path) -> None:
    app.configure("mode: dry-run")
    number = app.host.open_issue(app.repo, TITLE, BODY, deliver=False)
    result = tagline("enrich", app.ref(number), "--apply", cwd=tmp_path, environment=app.environ)
    assert result.returncode == 1
    assert "Not written" in result.stderr
    assert (app.labels(number), app.comments(number)) == ([], [])


def test_enrich_with_a_delay_queues_a_job_that_the_job_command_shows(
    app: App, tmp_path: Path
) -> None:
    number = app.host.open_issue(app.repo, TITLE, BODY, deliver=False)
    ref = app.ref(number)
    queued = tagline(
        *("enrich", ref, "--apply", "--delay", "0.5"), cwd=tmp_path, environment=app.environ
    )
    job = queued.stdout.strip()
    record = app.wait_for_job(job)
    assert record.outcome == "answered"
    assert ("bug", "model") in [(one.label, one.source) for one in record.choices if one.applied]
    shown = tagline("job", job, cwd=tmp_path, environment=app.environ)
    assert "state: done" in shown.stdout
    assert f"issue: {app.ref(number)}" in shown.stdout
    assert re.search(r"^model: \S+\ntokens_in: \d+\ntokens_out: \d+$", shown.stdout, re.M)


def test_a_job_that_still_waits_is_queued(build: Build, tmp_path: Path) -> None:
    with build().open(worker=False) as app:
        app.host.open_issue(app.repo, TITLE, BODY)
        job = app.opened.job or ""
        shown = tagline("job", job, "--json", cwd=tmp_path, environment=app.environ)
        assert json.loads(shown.stdout)["state"] == "queued"


def test_a_dead_letter_is_listed_and_can_be_sent_again(build: Build, tmp_path: Path) -> None:
    with build().open() as app:
        app.box.fault("forge-401", times=None)
        number = app.issue()
        job = app.opened.job
        listed = tagline("dead", "list", "--json", cwd=tmp_path, environment=app.environ)
        (dead,) = [x for x in json.loads(listed.stdout)["dead"] if x["job"] == job]
        assert dead["issue"] == app.ref(number)
        assert "refused" in dead["why"]
        app.box.clear_faults()
        sent = tagline("dead", "retry", str(job), cwd=tmp_path, environment=app.environ)
        assert (sent.returncode, sent.stderr) == (0, "1 sent again.\n")
        app.wait(lambda: app.comments(number))
        again = tagline("dead", "retry", str(job), cwd=tmp_path, environment=app.environ)
        assert again.returncode == 1
        assert tagline("dead", "retry", cwd=tmp_path, environment=app.environ).returncode == 2


TOKEN = {"GITHUB_TOKEN": "github_pat_11AAAAAAA0000000000000"}
SOCKS = {"ALL_PROXY": "socks5h://user:shorty@127.0.0.1:1080"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "environment", "code", "message"),
    [
        (["serve"], {}, 2, "GITHUB_WEBHOOK_SECRET is not set"),
        (["serve"], {"GITHUB_WEBHOOK_SECRET": ""}, 2, "GITHUB_WEBHOOK_SECRET is empty"),
        (["serve"], {"GITHUB_WEBHOOK_SECRET": "shorty"}, 2, "GITHUB_WEBHOOK_SECRET is empty or"),
        (["worker"], {}, 2, "tagline demo"),
        (["worker"], {"TAGLINE_MOED": "off"}, 2, "did you mean TAGLINE_MODE"),
        (
            ["worker"],
            {**TOKEN, **SOCKS},
            2,
            "  - ALL_PROXY must be the http:// or https:// address",
        ),
        (["enrich", "github:o/r#1"], SOCKS, 2, "ALL_PROXY must be the http:// or https://"),
        (["dead", "list"], {"REDIS_URL": "redis://127.0.0.1:1/0"}, 75, "REDIS_URL"),
        (["job", "none"], {"REDIS_URL": "redis://127.0.0.1:1/0"}, 75, "REDIS_URL"),
        (["enrich", "something"], {}, 2, "owner/repository#1"),
        (["enrich", "github:o/r#1", "--delay", "3"], {}, 2, "--apply"),
        (["version"], {}, 0, ""),
        (["--help"], {}, 0, ""),
    ],
)
def test_a_command_that_cannot_run_tells_what_to_do(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], code: int, message: str
) -> None:
    result = process(*arguments, cwd=tmp_path, environment=environment)
    assert result.returncode == code, result.stderr
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert "shorty" not in result.stderr


def test_the_demo_prints_a_complete_example_of_both_hosts(tmp_path: Path) -> None:
    result = process("demo", "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    stories = json.loads(result.stdout)["stories"]
    assert [story["issue"].partition(":")[0] for story in stories] == ["github", "gitlab"]
    github, gitlab = stories
    assert (github["type"], github["labels"]) == ("Bug", ["area/login", "regression"])
    assert github["suggested"] == ["area/ui"]
    assert (gitlab["type"], gitlab["suggested"]) == ("", [])
    assert "type::bug" in gitlab["labels"]
    for story in stories:
        assert len(story["comments"]) == 1
        # A worker may log before the receiver does.
        assert {event["event"] for event in story["log"]} == {
            "accepted",
            "starting enrichment",
            "enrichment succeeded",
        }


NAMING_A_REPOSITORY = (
    ("enrich", "{repo}#1"),
    ("config", "show", "--repo", "{repo}"),
    ("stats", "{repo}"),
    ("undo", "--since", "1h", "--repo", "{repo}"),
    ("export", "{repo}", "--format", "csv"),
    ("labels", "doctor", "{repo}"),
)


@pytest.mark.parametrize("command", NAMING_A_REPOSITORY, ids=lambda words: words[0])
def test_a_repository_that_is_not_found_is_named(
    app: App, tmp_path: Path, command: tuple[str, ...]
) -> None:
    repo = f"{app.on}:acme/nowhere-at-all"
    words = [word.format(repo=repo) for word in command]
    result = tagline(*words, cwd=tmp_path, environment=app.environ)
    assert result.returncode == 1
    assert f"Not done: {repo}: not found: check its spelling" in result.stderr


def test_an_issue_that_is_not_found_is_named(app: App, tmp_path: Path) -> None:
    ref = app.ref(98765)
    result = tagline("enrich", ref, cwd=tmp_path, environment=app.environ)
    assert f"Nothing to do for {ref}: not found: check its spelling" in result.stderr
    assert result.returncode == 1


@pytest.mark.slow
def test_a_demo_whose_model_does_not_answer_says_so_in_a_sentence(tmp_path: Path) -> None:
    model = {"LLM_PROVIDER": "compatible", "LLM_MODEL": "m", "LLM_BASE_URL": "http://127.0.0.1:1"}
    result = tagline("demo", cwd=tmp_path, environment=model)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("The model failed (it cannot be reached): ") == 2
