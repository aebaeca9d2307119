"""What a job of continuous integration says about itself, and what its log may contain."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from bot import log
from bot.cli.ci_job import (
    CiProblem,
    CleanLines,
    GitHubReport,
    NothingToDo,
    choose_report,
    clean_line,
    read_ci_job,
)
from tests.cli.test_hostile_arguments import FILES
from tests.whole.test_command_line import tagline

GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "issues", "GITHUB_REPOSITORY": "acme/app"}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PIPELINE_SOURCE": "trigger",
    "CI_PROJECT_PATH": "acme/app",
    "CI_SERVER_URL": "https://gitlab.example",
}
OUTSIDE = "inside a job of GitHub Actions or GitLab CI/CD"


def read(environment: dict[str, str]) -> None:
    read_ci_job(environment, choose_report(environment))


@pytest.mark.parametrize("missing", ["GITHUB_EVENT_PATH", "GITHUB_EVENT_NAME", "GITHUB_REPOSITORY"])
def test_outside_of_a_job_the_command_says_where_it_runs(tmp_path: Path, missing: str) -> None:
    (tmp_path / "event.json").write_text("{}")
    environment = {**GITHUB, "GITHUB_EVENT_PATH": str(tmp_path / "event.json")}
    del environment[missing]
    result = tagline("action", cwd=tmp_path, environment=environment)
    assert result.returncode == 2
    assert missing in result.stdout
    assert OUTSIDE in result.stdout


@pytest.mark.parametrize("base", [GITHUB, GITLAB], ids=["github", "gitlab"])
@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_a_file_without_an_event_is_a_problem(
    tmp_path: Path, data: bytes, base: dict[str, str]
) -> None:
    path = tmp_path / "event.json"
    path.write_bytes(data)
    names = {"GITHUB_EVENT_PATH": str(path), "TRIGGER_PAYLOAD": str(path)}
    token = {"GITHUB_TOKEN": "ghs_quokkaberry", "GITLAB_TOKEN": "glpat-quokkaberry"}
    result = tagline("action", cwd=tmp_path, environment={**base, **names, **token})
    assert result.returncode in (0, 2)  # a JSON object may be an event of another kind
    assert (result.returncode == 0) <= data.startswith(b"{")
    assert len(result.stdout.splitlines()) == 1
    assert "Unexpected" not in result.stdout


@pytest.mark.parametrize("kind", ["missing", "folder", "\0", "x" * 5000])
@pytest.mark.parametrize("base", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_a_file_that_cannot_be_read_is_a_problem(
    tmp_path: Path, kind: str, base: dict[str, str]
) -> None:
    (tmp_path / "folder").mkdir()
    path = str(tmp_path / kind)
    with pytest.raises(CiProblem, match="cannot be read"):
        read({**base, "GITHUB_EVENT_PATH": path, "TRIGGER_PAYLOAD": path})


def test_a_file_that_is_too_long_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.cli.ci_job.MAX_EVENT", 10)
    (tmp_path / "event.json").write_text('{"a": "long"}')
    with pytest.raises(CiProblem, match="25 MB"):
        read({**GITHUB, "GITHUB_EVENT_PATH": str(tmp_path / "event.json")})


@pytest.mark.parametrize("event", ["issues", "schedule", "workflow_dispatch", "pull_request"])
def test_a_fork_has_nothing_to_do(tmp_path: Path, event: str) -> None:
    (tmp_path / "event.json").write_text(json.dumps({"repository": {"fork": True}}))
    path = str(tmp_path / "event.json")
    with pytest.raises(NothingToDo, match="fork"):
        read({**GITHUB, "GITHUB_EVENT_NAME": event, "GITHUB_EVENT_PATH": path})


@pytest.mark.parametrize("source", ["push", "merge_request_event", "pipeline", "parent_pipeline"])
def test_a_pipeline_of_another_kind_has_nothing_to_do(source: str) -> None:
    with pytest.raises(NothingToDo):
        read({**GITLAB, "CI_PIPELINE_SOURCE": source})


def test_a_trigger_without_a_payload_is_a_problem() -> None:
    with pytest.raises(CiProblem, match="webhook"):
        read(GITLAB)


HOSTILE_LINES = [
    "::error::x",
    "\n::set-output name=x::y",
    "##[error]x",
    "a ##[set-env name=x]y",
    "\r::stop-commands::x",
    "\u2028::x",
    "\x1b[2J\x85::x",
]


@pytest.mark.parametrize("text", HOSTILE_LINES)
def test_no_text_becomes_a_command_of_a_runner(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(clean_line(text).splitlines()) == 1
    GitHubReport({"GITHUB_ACTIONS": "true"}).tell("notice", text)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("::notice title=Tagline::")
    assert "##[" not in line
    out = io.StringIO()
    CleanLines(out).write(f"Warning: {text}\n")
    assert all(line.startswith("tagline: ") for line in out.getvalue().splitlines())
    assert "##[" not in out.getvalue()


def test_a_log_line_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_logger", log.get())
    out = io.StringIO()
    log.configure("warning", "plain", stream=CleanLines(out))
    log.get().warning("the forge failed", why="x\n::error::##[y]")
    assert all(line.startswith("tagline: ") for line in out.getvalue().splitlines())
    assert "##[" not in out.getvalue()


def test_percent_signs_stay_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    GitHubReport({"GITHUB_ACTIONS": "true"}).tell("error", "100%0A")
    assert capsys.readouterr().out == "::error title=Tagline::100%250A\n"
