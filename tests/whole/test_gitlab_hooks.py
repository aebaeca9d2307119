"""`tagline gitlab add-hook` and `remove-hook`, against the sandbox."""

from __future__ import annotations

import base64
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.simulation import Sandbox
from tests.whole.test_command_line import tagline

URL = "https://tagline.example/webhooks/gitlab"


class Project:
    """A project of the sandbox, and the commands for its hooks."""

    def __init__(self, box: Sandbox, folder: Path, url: str) -> None:
        self.box, self.folder, self.url = box, folder, url
        self.name = f"acme/hooked-{folder.name}"
        self.number = box.gitlab.add_repo(self.name, {"bug": "Broken", "bare": ""}).id
        self.environment = {
            "GITLAB_URL": box.gitlab_url,
            "GITLAB_TOKEN": box.gitlab.maintainer_token,
            "DATA_DIR": str(folder / "data"),
        }

    def run(self, command: str, *options: str, code: int = 0) -> str:
        result = tagline(
            *("gitlab", command, self.name, "--url", self.url, *options),
            cwd=self.folder,
            environment=self.environment,
        )
        assert result.returncode == code, result.stderr
        return result.stdout + result.stderr

    def hooks(self) -> list[dict[str, Any]]:
        hooks: list[dict[str, Any]] = httpx.get(
            f"{self.box.gitlab_url}/api/v4/projects/{self.number}/hooks",
            headers={"PRIVATE-TOKEN": self.box.gitlab.maintainer_token},
            trust_env=False,
        ).json()
        return hooks


@pytest.fixture
def project(box: Sandbox, tmp_path: Path) -> Iterator[Project]:
    # Without a receiver there, the sandbox's test delivery fails at once.
    project = Project(box, tmp_path, f"{box.url}/nowhere/webhooks/gitlab")
    yield project
    project.run("remove-hook", "--apply")


def test_without_apply_nothing_changes(project: Project) -> None:
    output = project.run("add-hook")
    assert "would create a hook" in output
    assert "--apply" in output
    assert project.hooks() == []


def test_the_report_has_scope_role_expiry_labels_and_local_addresses(project: Project) -> None:
    output = project.run("add-hook")
    assert "token scope: api" in output
    assert "role: Maintainer" in output
    assert "expire" in output
    assert "1 of 2 labels have no description: bare" in output
    assert "Allow requests to the local network from webhooks" in output


def test_a_hook_is_made_once_and_updated(project: Project) -> None:
    for _ in range(2):
        project.run("add-hook", "--apply", code=3)
    (hook,) = project.hooks()
    assert hook["url"] == project.url
    assert (hook["issues_events"], hook["note_events"]) == (True, True)
    assert (hook["push_events"], hook["confidential_issues_events"]) == (False, False)


def test_a_generated_signing_token_is_readable_by_its_owner_only_and_never_printed(
    project: Project,
) -> None:
    output = project.run("add-hook", "--apply", code=3)
    again = project.run("add-hook", "--apply", code=3)
    path = project.folder / "data" / "gitlab-signing-token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    token = path.read_text().strip()
    assert len(base64.b64decode(token.removeprefix("whsec_"))) == 32
    assert token not in output + again
    assert f"set GITLAB_SIGNING_TOKEN_FILE={path}" in output


def test_a_configured_signing_token_is_used(project: Project) -> None:
    token = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    project.environment["GITLAB_SIGNING_TOKEN"] = token
    assert "the secret is stored" not in project.run("add-hook", "--apply", code=3)
    assert not (project.folder / "data").exists()


def test_a_hook_can_be_removed_twice(project: Project) -> None:
    project.run("add-hook", "--apply", code=3)
    assert "would be removed" in project.run("remove-hook")
    assert "is removed" in project.run("remove-hook", "--apply")
    assert "no such hook" in project.run("remove-hook", "--apply")
    assert project.hooks() == []


def test_for_a_token_that_may_not_make_hooks_the_error_names_the_role(
    project: Project, box: Sandbox
) -> None:
    project.environment["GITLAB_TOKEN"] = box.gitlab.token
    output = project.run("add-hook", "--apply", code=1)
    assert "role: Reporter" in output
    assert "Hooks need the role Maintainer" in output
    project.environment["GITLAB_TOKEN"] = box.gitlab.maintainer_token


@pytest.mark.parametrize("command", ["add-hook", "remove-hook"])
@pytest.mark.parametrize("options", [(), ("--group",)])
def test_a_misspelt_path_ends_with_what_is_not_there(
    project: Project, command: str, options: tuple[str, ...]
) -> None:
    right, project.name = project.name, "acme/nowhere-at-all"
    output = project.run(command, *options, code=1)
    project.name = right
    missing = "no such group, or" if options else "no such project, or"
    assert f"Not done: {missing} the token cannot see it" in output
    assert ("add --group" in output) is not bool(options)
    assert "Reporter" not in output


def test_a_user_that_is_no_member_is_told_the_role_for_hooks(
    project: Project, box: Sandbox
) -> None:
    box.fault("forge-404", times=None, match="/members/")
    assert "add the user with the role Maintainer" in project.run("add-hook")
    box.clear_faults()


def test_a_temporary_error_exits_with_75_after_the_findings_made_before(
    project: Project, box: Sandbox
) -> None:
    box.fault("forge-503", times=None, match="/members/")
    output = project.run("add-hook", code=75)
    assert "token scope: api" in output
    assert "Not done: " in output
    box.clear_faults()
    box.fault("forge-503", times=None)
    assert "Not done: " in project.run("remove-hook", code=75)
    box.clear_faults()


def test_without_a_token_the_error_names_the_variable(project: Project) -> None:
    del project.environment["GITLAB_TOKEN"]
    assert "GITLAB_TOKEN is not set" in project.run("add-hook", code=2)
    project.environment["GITLAB_TOKEN"] = project.box.gitlab.maintainer_token


def test_a_dry_run_lists_the_triggers(project: Project) -> None:
    output = project.run("add-hook")
    assert (
        "triggers: issues events, note events; not: confidential issues events, confidential note"
        in output
    )


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("https://tagline.example", URL),
        ("https://tagline.example/", URL),
        (f"{URL}/", URL),
        ("https://tagline.example:8443/bots/webhooks/gitlab",) * 2,
    ],
)
def test_a_host_alone_is_completed_with_the_path(project: Project, url: str, stored: str) -> None:
    project.url = url
    assert f"for {stored}\n" in project.run("add-hook")


@pytest.mark.parametrize(
    "url",
    [
        "https://tagline.example/hooks",
        "https://tagline.example/webhooks/github",
        "https://tagline.example/?a=b",
        "tagline.example/webhooks/gitlab",
        "ftp://tagline.example/webhooks/gitlab",
        "https:///webhooks/gitlab",
        "https://[::1/webhooks/gitlab",
        "https://tagline.example:port/webhooks/gitlab",
        "https://tagline example/webhooks/gitlab",
        "",
    ],
)
def test_an_address_at_which_tagline_does_not_receive_is_refused(
    project: Project, url: str
) -> None:
    right, project.url = project.url, url
    output = project.run("add-hook", "--apply", code=2)
    project.url = right
    assert "write https://your.host/webhooks/gitlab" in output
    assert project.hooks() == []


@pytest.mark.slow
def test_before_the_receiver_runs_the_hook_is_set_up_and_the_next_step_is_named(
    project: Project, box: Sandbox
) -> None:
    box.gitlab.open_issue(project.name, "A sample for the test", "", deliver=False)
    output = project.run("add-hook", "--apply", code=3)
    assert "hook 1 is set up" in re.sub(r"hook \d+", "hook 1", output)
    assert "set the variable above, start it (`tagline run`), then press Test" in output
    assert len(project.hooks()) == 1


def test_a_project_without_issues_is_tested_by_its_first_issue(project: Project) -> None:
    output = project.run("add-hook", "--apply", code=3)
    assert "open an issue; it is the test" in output


@pytest.mark.parametrize("form", ["gitlab:{}", "{url}/{}", "{url}/{}.git", "/{}/"])
def test_the_path_may_be_an_address(project: Project, form: str) -> None:
    project.name = form.format(project.name, url=project.environment["GITLAB_URL"])
    assert "would create a hook" in project.run("add-hook")


def test_the_report_can_be_json(project: Project) -> None:
    shown = json.loads(project.run("add-hook", "--json").splitlines()[0])
    assert shown["v"] == 1
    assert {"what", "fix"} == set(shown["lines"][0])
