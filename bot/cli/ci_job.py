"""The job of continuous integration in which `tagline action` runs: its event and its report.

https://docs.github.com/en/actions/reference/workflows-and-actions/variables
https://docs.gitlab.com/ci/triggers/#access-webhook-payload
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TextIO

import click
import msgspec

from bot.cli.bootstrap import USAGE

Level = Literal["notice", "warning", "error"]
Trigger = Literal["event", "schedule", "manual"]

MAX_EVENT = 25_000_000  # bytes; both forges send less
MAX_SUMMARY = 900_000  # bytes; GitHub takes 1 MiB for each step
UNREADABLE = re.compile(r"[^\S ]|[\x00-\x1f\x7f-\x9f]")
OUTSIDE = (
    "{} is not set: `tagline action` runs inside a job of GitHub Actions or GitLab CI/CD. For one"
    " issue from elsewhere, use `tagline enrich REF --apply`."
)


class CiProblem(Exception):
    """The job cannot do its task. The text is a sentence of ours, with the fix."""

    def __init__(self, text: str, code: int = USAGE) -> None:
        super().__init__(text)
        self.code = code


class NothingToDo(Exception):
    """The event is none that Tagline handles. The text gives the reason."""


class Report(Protocol):
    """Where a job tells its results. No text of an issue is given to `tell`."""

    def tell(self, level: Level, text: str) -> None:
        """Print one line for people."""

    def write_summary(self, markdown: str) -> None:
        """Add to the page that people see. Raises `OSError`."""

    def write_labels(self, names: tuple[str, ...]) -> None:
        """Hand the labels to later steps. Raises `OSError`."""


@dataclass(frozen=True, slots=True)
class CiJob:
    """One job. `repository` is a short form such as github:owner/name; `page` the address of an
    issue, with `{repo}` and `{number}` in it.

    `headers` and `body` are the event as a webhook would bring it. `defaults` are settings that
    hold where the environment has none. `missing_token` and `refused` say what to do about a token.
    """

    forge: str
    name: str
    repository: str
    page: str
    trigger: Trigger
    report: Report
    missing_token: str
    refused: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    defaults: Mapping[str, str] = field(default_factory=dict)


def choose_report(environ: Mapping[str, str]) -> Report:
    return (GitLabReport if environ.get("GITLAB_CI") else GitHubReport)(environ)


def read_ci_job(environ: Mapping[str, str], report: Report) -> CiJob:
    """Return the job that this environment describes. Raises `CiProblem`, `NothingToDo`."""
    return (_read_gitlab if environ.get("GITLAB_CI") else _read_github)(environ, report)


def clean_line(text: str) -> str:
    """Return one line that no runner takes for a command: without `##[` and control characters.

    https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
    """
    return UNREADABLE.sub(" ", text).replace("##[", "## [")


class CleanLines:
    """A stream for the log: each line is clean and begins with our name."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        lines = (f"tagline: {clean_line(line)}\n" for line in text.splitlines())
        self._stream.write("".join(lines))

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return False


class GitHubReport:
    """Workflow commands, the job's summary and the step's output."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._summary = environ.get("GITHUB_STEP_SUMMARY", "")
        self._output = environ.get("GITHUB_OUTPUT", "")
        self._is_command = bool(environ.get("GITHUB_ACTIONS"))

    def tell(self, level: Level, text: str) -> None:
        line = clean_line(text)
        if self._is_command:
            line = f"::{level} title=Tagline::{line.replace('%', '%25')}"
        click.echo(line)

    def write_summary(self, markdown: str) -> None:
        if self._summary:
            _append(self._summary, markdown)

    def write_labels(self, names: tuple[str, ...]) -> None:
        if self._output:
            _append(self._output, f"labels={json.dumps(names)}\n")


class GitLabReport:
    """Plain lines, and a file that the job keeps as an artifact."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._summary = Path(environ.get("CI_PROJECT_DIR", ""), "tagline.md")

    def tell(self, level: Level, text: str) -> None:
        click.echo(f"Tagline {level}: {clean_line(text)}")

    def write_summary(self, markdown: str) -> None:
        _append(self._summary, markdown)

    def write_labels(self, names: tuple[str, ...]) -> None:
        """Later jobs of a pipeline get variables only, which are no place for names."""


def _append(path: str | Path, text: str) -> None:
    data = text.encode("utf-8", "replace")
    with Path(path).open("ab") as file:
        file.write(data)


class _Repository(msgspec.Struct, frozen=True):
    fork: bool = False


class _Payload(msgspec.Struct, frozen=True):
    repository: _Repository = _Repository()


def _read_github(environ: Mapping[str, str], report: Report) -> CiJob:
    path = _require(environ, "GITHUB_EVENT_PATH")
    event, repository = (
        _require(environ, "GITHUB_EVENT_NAME"),
        _require(environ, "GITHUB_REPOSITORY"),
    )
    body, payload = _read_payload(path, "GITHUB_EVENT_PATH")
    triggers: dict[str, Trigger] = {"schedule": "schedule", "workflow_dispatch": "manual"}
    if payload.repository.fork:
        raise NothingToDo("this repository is a fork.")
    server = environ.get("GITHUB_SERVER_URL", "https://github.com")
    run = f"{environ.get('GITHUB_RUN_ID') or 0}-{environ.get('GITHUB_RUN_ATTEMPT') or 1}"
    return CiJob(
        forge="github",
        name="GitHub",
        repository=f"github:{repository}",
        page=f"{server}/{{repo}}/issues/{{number}}",
        trigger=triggers.get(event, "event"),
        report=report,
        missing_token=(
            "GITHUB_TOKEN is empty: leave out the input github-token, or give it a token."
        ),
        refused=(
            "GitHub did not let the token write to the issue: give the job the permissions"
            " issues: write and contents: read."
        ),
        headers={
            "x-github-event": event,
            "x-github-delivery": f"run-{run}",
            "content-type": "application/json",
        },
        body=body,
    )


def _read_gitlab(environ: Mapping[str, str], report: Report) -> CiJob:
    source, project = _require(environ, "CI_PIPELINE_SOURCE"), _require(environ, "CI_PROJECT_PATH")
    server = _require(environ, "CI_SERVER_URL")
    triggers: dict[str, Trigger] = {
        "trigger": "event",
        "schedule": "schedule",
        "web": "manual",
        "api": "manual",
    }
    if source not in triggers:
        raise NothingToDo("only webhooks, schedules and manual runs start this job's task.")
    body = b""
    if source == "trigger":
        path = environ.get("TRIGGER_PAYLOAD", "")
        if not path:
            raise CiProblem(
                "TRIGGER_PAYLOAD is not set: start the pipeline by a webhook of the project, by a"
                " schedule or by hand."
            )
        body, _ = _read_payload(path, "TRIGGER_PAYLOAD")
    return CiJob(
        forge="gitlab",
        name="GitLab",
        repository=f"gitlab:{project}",
        page=f"{server}/{{repo}}/-/issues/{{number}}",
        trigger=triggers[source],
        report=report,
        missing_token=(
            "GITLAB_TOKEN is not set: store a project access token (role Reporter, scope api) as a"
            " masked CI/CD variable; a protected one exists on protected branches only."
        ),
        refused=(
            "GitLab did not let the token write to the issue: it needs the scope api and the role"
            " Reporter."
        ),
        body=body,
        defaults={"GITLAB_URL": server},
    )


def _require(environ: Mapping[str, str], name: str) -> str:
    if value := environ.get(name):
        return value
    raise CiProblem(OUTSIDE.format(name))


def _read_payload(path: str, name: str) -> tuple[bytes, _Payload]:
    """Return the event's bytes and what is read of them here. Raises `CiProblem`."""
    try:
        with Path(path).open("rb") as file:
            body = file.read(MAX_EVENT + 1)
    except (OSError, ValueError):
        raise CiProblem(f"The file of {name} cannot be read: re-run the job.") from None
    if len(body) > MAX_EVENT:
        raise CiProblem(f"The file of {name} has more than 25 MB, which no event has.")
    try:
        return body, msgspec.json.decode(body, type=_Payload)
    except (ValueError, RecursionError):
        text = f"The file of {name} is not the JSON of an event: re-run the job."
        raise CiProblem(text) from None
