"""Jobs of GitHub Actions and GitLab CI/CD, with the events of a simulated forge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.sandbox.github import payloads as github
from bot.sandbox.gitlab import payloads as gitlab
from bot.sandbox.state import Event
from tests.simulation import Host, Sandbox
from tests.whole.test_command_line import tagline

PERMISSIONS = {"issues": "write", "contents": "read"}


@dataclass(frozen=True)
class CiResult:
    """`labels` are None where the job has no such output."""

    code: int
    stdout: str
    stderr: str
    summary: str
    labels: list[str] | None

    @property
    def printed(self) -> str:
        return self.stdout + self.stderr


@dataclass
class Ci:
    """The jobs of one repository. `folder` holds the files that a runner makes for a job."""

    box: Sandbox
    on: str
    repo: str
    folder: Path

    @property
    def host(self) -> Host:
        return self.box.hosts[self.on]

    def token(self, permissions: Mapping[str, str] = PERMISSIONS) -> str:
        """Return the token of a job: a workflow's, or the project's access token."""
        if self.on == "gitlab":
            return self.box.gitlab.token
        return self.box.access.create_workflow_token(self.host.state.repo(self.repo), permissions)

    def opened(self, number: int) -> Event:
        repo, issue = self.host.state.repo(self.repo), self.host.state.issue(self.repo, number)
        return Event("opened", repo, issue, issue.author)

    def event(self, event: Event) -> dict[str, str]:
        """Return the environment of the job that an event starts."""
        if self.on == "gitlab":
            hook = gitlab.payload(event, self.box.gitlab.serializer)
            assert hook is not None
            return {"CI_PIPELINE_SOURCE": "trigger", "TRIGGER_PAYLOAD": self._write(hook[1])}
        name, payload = github.payload(event, self.box.hooks.serializer, 0)
        del payload["installation"]
        return self.github_event(name, payload)

    def github_event(self, name: str, payload: Any) -> dict[str, str]:
        return {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": self._write(payload)}

    def schedule(self) -> dict[str, str]:
        if self.on == "gitlab":
            return {"CI_PIPELINE_SOURCE": "schedule"}
        return self.github_event("schedule", {"schedule": "17 4 * * *"})

    def by_hand(self) -> dict[str, str]:
        if self.on == "gitlab":
            return {"CI_PIPELINE_SOURCE": "web"}
        return self.github_event("workflow_dispatch", {"inputs": {}, "ref": "refs/heads/main"})

    def _write(self, payload: Any) -> str:
        path = self.folder / "event.json"
        path.write_text(json.dumps(payload))
        return str(path)

    def environment(self, *, has_model: bool = True) -> dict[str, str]:
        """Return the variables that a runner sets for each job, and the settings."""
        model = {"LLM_PROVIDER": "openai", "OPENAI_API_KEY": self.box.model_key}
        common = {
            **(model if has_model else {"LLM_PROVIDER": "none"}),
            "OPENAI_BASE_URL": self.box.openai_url,
            "LLM_MODEL": "sandbox-rules",
        }
        if self.on == "gitlab":
            return common | {
                "GITLAB_CI": "true",
                "CI_SERVER_URL": self.box.gitlab_url,
                "CI_PROJECT_PATH": self.repo,
                "CI_PROJECT_DIR": str(self.folder),
                "GITLAB_TOKEN": self.token(),
            }
        return common | {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.box.github_url,
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": self.repo,
            "GITHUB_RUN_ID": "16400000000",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_TOKEN": self.token(),
        }

    def run(
        self, *options: str, has_model: bool = True, **environment: str | dict[str, str]
    ) -> CiResult:
        """Run `tagline action` in this process. `job` has the variables of the job's trigger."""
        variables: dict[str, str] = self.environment(has_model=has_model)
        for name, value in environment.items():
            variables |= value if isinstance(value, dict) else {name: value}
        self.remove_results()
        result = tagline("action", *options, cwd=self.folder, environment=variables)
        return self.read_results(result.returncode, result.stdout, result.stderr)

    def remove_results(self) -> None:
        for name in ("summary.md", "output", "tagline.md"):
            (self.folder / name).unlink(missing_ok=True)

    def read_results(self, code: int, stdout: str, stderr: str) -> CiResult:
        name = "tagline.md" if self.on == "gitlab" else "summary.md"
        summary, output = self.folder / name, self.folder / "output"
        text = summary.read_text() if summary.exists() else ""
        labels = None
        if output.exists():
            (line,) = output.read_text().splitlines()
            labels = json.loads(line.removeprefix("labels="))
        return CiResult(code, stdout, stderr, text, labels)
