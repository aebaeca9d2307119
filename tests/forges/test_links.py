"""A link whose host is not the configured one counts only if the forge confirms the host."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bot.core.errors import NotFound
from bot.core.types import IssueRef
from bot.forges.registry import FORGES
from bot.settings.load import load
from tests.scripted_web import ScriptedWeb

SETTINGS = load(
    {
        "GITHUB_API_URL": "https://ghe-api.example/api/v3",
        "GITHUB_TOKEN": "ghp_x",
        "GITLAB_URL": "http://10.0.0.5",
        "GITLAB_TOKEN": "glpat-x",
    }
)
HOSTS = {"github": "ghe-api.example", "gitlab": "10.0.0.5"}
FIELDS = {"github": ("full_name", "html_url"), "gitlab": ("path_with_namespace", "web_url")}


def complete(forge: str, host: str, page: object) -> IssueRef:
    name, url = FIELDS[forge]
    answer: dict[str, Any] = {"id": 7, name: "acme/widget", url: page}
    web = ScriptedWeb(lambda _: httpx.Response(200, json=answer))
    client = FORGES[forge].client(SETTINGS, web)
    return client.complete_ref(IssueRef(forge, host, "acme/widget", 3))


@pytest.mark.parametrize("forge", HOSTS)
@pytest.mark.parametrize("host", ["git.example", ""])
def test_a_confirmed_host_is_replaced_by_that_of_the_keys(forge: str, host: str) -> None:
    page = "https://Git.example:8443/acme/widget"
    ref = complete(forge, host or HOSTS[forge], page)
    assert ref == IssueRef(forge, HOSTS[forge], "acme/widget", 3, 7)


@pytest.mark.parametrize("forge", HOSTS)
@pytest.mark.parametrize("page", ["https://elsewhere.example/acme/widget", "", None, "https://["])
def test_a_host_that_is_not_confirmed_is_named(forge: str, page: object) -> None:
    with pytest.raises(NotFound, match=r"the link's host is git\.example, but GIT(HUB|LAB)_"):
        complete(forge, "git.example", page)
