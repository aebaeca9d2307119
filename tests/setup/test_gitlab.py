"""The step “GitLab”: a token that cannot be used is one sentence, and nothing is half stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bot.sandbox.gitlab.access import BOT, GUEST, REPORTER
from bot.settings.load import load
from tests.setup.conftest import Start
from tests.setup.wizard import Wizard, alert, status
from tests.simulation import Sandbox
from tests.waiting import wait_until

PROJECT = "acme/gadget"


def connect(wizard: Wizard, token: str, project: str = PROJECT, url: str = "") -> httpx.Response:
    url = url or wizard.box.gitlab_url
    return wizard.post("gitlab", url=url, project=project, token=token)


def list_hooks(box: Sandbox) -> list[dict[str, Any]]:
    hooks: list[dict[str, Any]] = httpx.get(
        f"{box.gitlab_url}/api/v4/projects/{PROJECT.replace('/', '%2F')}/hooks",
        headers={"PRIVATE-TOKEN": box.gitlab.maintainer_token},
        trust_env=False,
    ).json()
    return hooks


@pytest.fixture(autouse=True)
def roles(box: Sandbox) -> Iterator[None]:
    yield
    box.gitlab.access.bot_level = REPORTER
    for hook in list_hooks(box):
        httpx.delete(
            f"{box.gitlab_url}/api/v4/projects/{PROJECT.replace('/', '%2F')}/hooks/{hook['id']}",
            headers={"PRIVATE-TOKEN": box.gitlab.maintainer_token},
            trust_env=False,
        )


def test_a_maintainers_token_creates_the_webhook_and_tests_it(box: Sandbox, wizard: Wizard) -> None:
    box.gitlab.open_issue(PROJECT, "An issue", "GitLab tests only projects with issues.")
    page = connect(wizard, box.gitlab.maintainer_token)
    assert "GitLab's test delivery arrived" in status(page)
    assert page.url.path == "/setup/model"
    (hook,) = list_hooks(box)
    assert hook["url"] == f"{wizard.url}/webhooks/gitlab"
    assert "GITLAB_SIGNING_TOKEN=" in wizard.stored
    connect(wizard, box.gitlab.maintainer_token)  # repeated
    assert len(list_hooks(box)) == 1
    for step in ("host", "delivery", "mode"):
        text = wizard.get(f"/{step}").text
        assert "whsec_" not in text
        assert box.gitlab.maintainer_token not in text


def test_a_reporters_token_is_stored_and_the_hook_is_shown_once(
    box: Sandbox, wizard: Wizard
) -> None:
    page = connect(wizard, box.gitlab.token)
    assert page.url.path == "/setup/host"
    assert f"{wizard.url}/webhooks/gitlab" in page.text
    assert page.text.count(">Continue</a>") == 1
    (secret,) = re.findall(r"whsec_[\w+/=]+", page.text)
    assert secret in wizard.stored
    assert list_hooks(box) == []
    assert "whsec_" not in wizard.get("/host").text
    assert wizard.get("").url.path == "/setup/delivery"
    assert "Test → Issues events" in wizard.get("/delivery").text
    box.gitlab.webhook_url, box.gitlab.signing_token = f"{wizard.url}/webhooks/gitlab", secret
    try:
        box.gitlab.open_issue(PROJECT, "Created by hand", "")
        wait_until(lambda: "GitLab: verified" in wizard.get("/delivery").text)
    finally:
        box.gitlab.webhook_url = None


def test_a_webhook_with_another_secret_is_pointed_out(box: Sandbox, wizard: Wizard) -> None:
    connect(wizard, box.gitlab.token)
    box.gitlab.webhook_url = f"{wizard.url}/webhooks/gitlab"
    try:
        box.gitlab.open_issue(PROJECT, "Wrong secret", "")
        wait_until(lambda: "GitLab: wrong signature" in wizard.get("/delivery").text)
    finally:
        box.gitlab.webhook_url = None


def test_tokens_that_cannot_be_used_are_explained(box: Sandbox, wizard: Wizard) -> None:
    access = box.gitlab.access
    access.issue("glpat-read-only", BOT, ("read_api",))
    late = access.issue("glpat-late", BOT)
    access.tokens["glpat-late"] = type(late)(
        late.text, late.login, box.gitlab.state.clock() - timedelta(days=1)
    )
    before = wizard.stored
    cases = {
        "glpat-read-only": "create a token with the scope `api`",
        "glpat-late": "it may have expired. To correct it, create a token",
        "glpat-unknown": "401",
        "": "Enter the token",
        "two words": "contains a blank",
        "ghp_0123456789abcdef0123456789abcdef0123": "token of the other host",
    }
    for token, expected in cases.items():
        assert expected in alert(connect(wizard, token)), token
    access.bot_level = GUEST
    assert "need the role Reporter" in alert(connect(wizard, box.gitlab.token))
    access.bot_level = 0
    assert "no member" in alert(connect(wizard, box.gitlab.token))
    assert wizard.stored == before
    assert list_hooks(box) == []


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        ("acme/nowhere", "No such project, or the token cannot see it: check the project"),
        ("acme", "GROUP/PROJECT"),
        ("", "GROUP/PROJECT"),
        ("https://elsewhere.example/a/b", "GROUP/PROJECT"),
        ("../../user", "o such project"),
    ],
)
def test_a_project_that_is_none_is_explained(
    box: Sandbox, wizard: Wizard, project: str, expected: str
) -> None:
    assert expected in alert(connect(wizard, box.gitlab.maintainer_token, project))
    assert "GITLAB_TOKEN" not in wizard.stored


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://gitlab.example.com", "must start with https://"),
        ("gitlab.example.com", "must start with http:// or https://"),
        ("https://gitlab.example.com/api/v4", "remove /api"),
        ("http://127.0.0.1:1", "Nothing was stored"),
        ("http://169.254.169.254", "link-local"),
    ],
)
def test_an_address_that_is_no_gitlab_is_explained(wizard: Wizard, url: str, expected: str) -> None:
    assert expected in alert(connect(wizard, "glpat-0123456789", url=url))
    assert "GITLAB_TOKEN" not in wizard.stored


def test_gitlab_com_cannot_reach_a_local_address(box: Sandbox, start: Start) -> None:
    wizard = start(PUBLIC_URL="http://127.0.0.1:1")
    page = connect(wizard, "glpat-0123456789", url="https://gitlab.com")
    assert "GitLab cannot reach" in alert(page)


def test_without_webhooks_none_is_created(box: Sandbox, start: Start) -> None:
    wizard = start()
    wizard.post("address", url="", how="poll")
    assert "is connected" in status(connect(wizard, box.gitlab.token))
    assert list_hooks(box) == []
    assert "GITLAB_SIGNING_TOKEN" not in wizard.stored


def test_a_second_project_keeps_the_secret_of_the_first(box: Sandbox, wizard: Wizard) -> None:
    connect(wizard, box.gitlab.token)
    first = load({"DATA_DIR": str(wizard.folder)}).gitlab_signing_tokens
    connect(wizard, box.gitlab.token)
    both = load({"DATA_DIR": str(wizard.folder)}).gitlab_signing_tokens
    assert (len(first), len(both)) == (1, 2)
    assert both[1:] == first
    connect(wizard, box.gitlab.maintainer_token)
    assert load({"DATA_DIR": str(wizard.folder)}).gitlab_signing_tokens == both


def test_where_nothing_can_be_stored_no_webhook_is_left(
    box: Sandbox, wizard: Wizard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bot.settings.stored.write", fail)
    page = connect(wizard, box.gitlab.maintainer_token)
    assert "Nothing was stored" in alert(page)
    assert "No space left" in alert(page)
    assert list_hooks(box) == []
