"""`tagline check --repo`: the rights, labels and configuration of one repository."""

from __future__ import annotations

from urllib.parse import quote

import httpx

from bot.sandbox.gitlab.access import GUEST
from tests.simulation import Sandbox
from tests.whole.check_command import CheckCommand, messages


def test_a_repository_is_checked_on_request(check: CheckCommand, host: str) -> None:
    app = check.app
    app.refresh(host)
    app.configure("mode: aply\n")
    app.host.state.repo(app.repo).labels["bare"] = ""
    repo = ("--repo", f"{host}:{app.repo}")
    problem = check.problem("repository", *repo)
    assert "tagline.yml, line 1, mode: write one of" in problem
    more = messages(check.lines(*repo, code=1), "repository")
    assert "7 of 8 labels may be applied" in more
    assert "1 of 8 labels have no description: bare" in more


def test_a_configuration_file_in_another_place_is_named(check: CheckCommand, host: str) -> None:
    app = check.app
    app.refresh(host)
    app.host.state.repo(app.repo).files["tagline.yml"] = "mode: off\n"
    lines = check.lines("--repo", f"{host}:{app.repo}")
    (line,) = [line for line in lines if "tagline.yml" in line["what"]]
    assert line["what"] == "tagline.yml is not read"
    assert line["fix"] == f"move its content to .{host}/tagline.yml"


def test_a_webhook_without_comments_is_named(check: CheckCommand, box: Sandbox) -> None:
    check.app.refresh("gitlab")
    repo, url = check.app.repo, "https://tagline.example/webhooks/gitlab"
    headers = {"private-token": box.gitlab.maintainer_token}
    hooks = f"{box.gitlab_url}/api/v4/projects/{quote(repo, safe='')}/hooks"
    made = httpx.post(hooks, json={"url": url, "note_events": False}, headers=headers)
    assert made.status_code == 201

    def find() -> list[str]:
        return messages(check.lines("--repo", f"gitlab:{repo}"), "repository").splitlines()

    assert not any("webhook" in line for line in find()), "a Reporter cannot read webhooks"
    box.gitlab.access.bot_level = 40
    try:
        assert f"webhook {url} sends no comments" in find()
        httpx.put(f"{hooks}/{made.json()['id']}", json={"note_events": True}, headers=headers)
        assert f"webhook {url}" in find()
    finally:
        box.gitlab.access.bot_level = 20


def test_a_repository_that_does_not_exist(check: CheckCommand, host: str) -> None:
    problem = check.problem("repository", "--repo", f"{host}:acme/nowhere-at-all")
    assert "not found" in problem


def test_a_role_that_is_too_low(check: CheckCommand, box: Sandbox) -> None:
    check.app.refresh("gitlab")
    box.gitlab.access.bot_level = GUEST
    try:
        problem = check.problem("repository", "--repo", f"gitlab:{check.app.repo}")
    finally:
        box.gitlab.access.bot_level = 20
    assert "the role Reporter" in problem
