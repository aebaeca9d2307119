"""A repository's name comes from the platform, by its number."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest

from bot.core.errors import NotFound, Retry
from bot.core.types import IssueRef
from bot.forges.cache import NAME_SECONDS, OTHER_NAME_SECONDS, NameCache
from bot.forges.github.api import GitHub
from bot.forges.github.auth import Auth
from bot.forges.github.client import GitHubClient
from bot.forges.gitlab.api import GitLab
from tests.fakes import REF
from tests.scripted_web import ScriptedWeb

JSON = {"content-type": "application/json"}


class Platform:
    """Returns the same name each time, and counts the requests."""

    def __init__(self, name: str) -> None:
        self.name, self.requested, self.now = name, 0, 0.0
        self.names = NameCache(self.fetch, lambda: self.now)

    def fetch(self, ref: IssueRef) -> str:
        self.requested += 1
        return self.name


def test_the_name_is_fetched_once_an_hour() -> None:
    platform = Platform("acme/widget")
    for _ in range(5):
        assert platform.names.get(REF) == "acme/widget"
    platform.now = NAME_SECONDS
    platform.names.get(REF)
    assert platform.requested == 1
    platform.now += 1
    platform.names.get(REF)
    assert platform.requested == 2


@pytest.mark.parametrize("given", ["", "ACME/Widget"])
def test_a_reference_without_a_name_or_in_another_case_is_fetched_no_more_often(given: str) -> None:
    platform = Platform("acme/widget")
    for now in (0.0, NAME_SECONDS / 2, NAME_SECONDS):
        platform.now = now
        assert platform.names.get(replace(REF, repo=given)) == "acme/widget"
    assert platform.requested == 1


def test_another_name_than_the_cached_one_is_checked_once_a_minute() -> None:
    """A delivery after a rename has the new name; one that lies costs no request more."""
    platform = Platform("acme/widget")
    for _ in range(5):
        assert platform.names.get(replace(REF, repo="evil/widget")) == "acme/widget"
    assert platform.requested == 1
    platform.name, platform.now = "acme/new", OTHER_NAME_SECONDS + 1
    assert platform.names.get(replace(REF, repo="acme/new")) == "acme/new"
    assert platform.names.get(REF) == "acme/new"
    assert platform.requested == 2


def test_a_reference_that_a_person_typed_keeps_its_name() -> None:
    platform = Platform("acme/widget")
    assert platform.names.get(replace(REF, repo="typed/name", repo_id=0)) == "typed/name"
    assert platform.requested == 0


def test_a_name_that_came_with_its_number_is_not_fetched() -> None:
    platform = Platform("acme/gizmo")
    platform.names.put(replace(REF, repo="acme/widget"))
    platform.names.put(replace(REF, repo=""))  # of a response that cannot be read
    assert (platform.names.get(REF), platform.requested) == ("acme/widget", 0)
    platform.now += NAME_SECONDS + 1
    assert (platform.names.get(REF), platform.requested) == ("acme/gizmo", 1)


def test_of_many_threads_one_fetches() -> None:
    platform, all_here = Platform("acme/widget"), threading.Barrier(8)

    def ask(_: int) -> str:
        all_here.wait(5)
        return platform.names.get(REF)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {"acme/widget"}
    assert platform.requested == 1


class GitLabHost:
    """A project at some path, and the files of `.gitlab` projects by their groups."""

    def __init__(self, path: object, files: dict[str, str] | None = None, number: int = 7) -> None:
        self.path, self.files, self.number = path, files or {}, number
        self.requested: Counter[str] = Counter()
        self.forge = GitLab("https://gitlab.example", "t", ScriptedWeb(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        raw = request.url.raw_path.decode()
        place = raw.removeprefix("/api/v4/projects/").partition("/")[0].replace("%2F", "/")
        self.requested[place] += 1
        if raw == "/api/v4/projects/7":
            return self._json({"id": self.number, "path_with_namespace": self.path})
        text = self.files.get(place.removesuffix("/.gitlab"))
        if text is None:
            return httpx.Response(404, headers=JSON, json={"message": "404 File Not Found"})
        return httpx.Response(200, headers={"content-type": "text/plain"}, text=text)

    def _json(self, value: Any) -> httpx.Response:
        return httpx.Response(200, headers=JSON, json=value)


def project(path: str = "") -> IssueRef:
    return IssueRef("gitlab", "gitlab.example", path, 41, 7)


@pytest.mark.parametrize("given", ["", "evil/x", "team/widget", "/".join("e" * 500)])
def test_the_groups_are_those_of_the_project_s_own_path(given: str) -> None:
    host = GitLabHost("team/sub/widget", {"team": "mode: suggest", "evil": "mode: apply"})
    assert host.forge.get_config_text(project(given)) == "mode: suggest"
    assert set(host.requested) == {"7", "team/sub/.gitlab", "team/.gitlab"}


def test_no_more_groups_are_searched_than_gitlab_nests() -> None:
    host = GitLabHost("/".join(f"g{n}" for n in range(1000)))
    assert host.forge.get_config_text(project()) is None
    assert sum(host.requested.values()) == 1 + 2 * 21  # two names of the file


def test_the_file_of_a_group_is_cached_under_its_own_name() -> None:
    host = GitLabHost("team/widget", {"team": "mode: suggest"})
    host.forge.get_config_text(project("evil/widget"))
    host.forge.get_config_text(IssueRef("gitlab", "gitlab.example", "evil/.gitlab", 1))
    assert host.requested["evil/.gitlab"] == 2  # two names of the file


def test_a_group_s_project_of_defaults_is_not_read_twice() -> None:
    host = GitLabHost("Team/.gitlab")
    assert host.forge.get_config_text(project("team/.gitlab")) is None
    assert host.requested["Team/.gitlab"] == host.requested["team/.gitlab"] == 0


@pytest.mark.parametrize("answer", [None, "", 7])
def test_a_project_without_a_readable_path_is_tried_again(answer: object) -> None:
    with pytest.raises(Retry, match="cannot be read"):
        GitLabHost(answer).forge.get_config_text(project())


def test_a_response_about_a_project_of_another_number_is_rejected() -> None:
    with pytest.raises(Retry, match="cannot be read"):
        GitLabHost("team/widget", number=8).forge.get_config_text(project())


@pytest.mark.parametrize(
    ("found", "error"),
    [
        (httpx.Response(404, headers=JSON, json={"message": "Not Found"}), NotFound),
        (httpx.Response(200, headers=JSON, json={"id": 8, "full_name": "acme/widget"}), Retry),
        (httpx.Response(200, headers=JSON, json={"id": 7001}), Retry),
        (httpx.Response(200, headers=JSON, json=[]), Retry),
    ],
    ids=["unknown", "another number", "no name", "a list"],
)
def test_no_request_uses_a_name_that_github_did_not_give(
    found: httpx.Response, error: type[Exception]
) -> None:
    web = ScriptedWeb(found)
    github = GitHub(GitHubClient(web, "https://api.github.com"), Auth())
    with pytest.raises(error):
        github.get_issue(REF)
    assert [request.url.path for request in web.requests] == ["/repositories/7001"]
