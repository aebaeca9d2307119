"""The search for issues on both simulated forges, as the real ones answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bot.sandbox.demo import DEMO_PROJECT
from tests.simulation import Sandbox

from .conftest import REPO

IN_REPO = f"repo:{REPO} is:issue"


@pytest.fixture
def github(box: Sandbox) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {box.token}"}
    with httpx.Client(base_url=box.github_url, headers=headers) as client:
        yield client


@pytest.fixture
def gitlab(box: Sandbox) -> Iterator[httpx.Client]:
    headers = {"private-token": box.gitlab.token}
    with httpx.Client(base_url=f"{box.gitlab_url}/api/v4", headers=headers) as client:
        yield client


def search(client: httpx.Client, query: str, **form: str) -> Any:
    answer = client.get("/search/issues", params={"q": query, **form})
    assert answer.status_code == 200, answer.text
    return answer.json()


def find(client: httpx.Client, query: str, **form: str) -> list[str]:
    found = search(client, f"{query} {IN_REPO}", **form)
    assert found["total_count"] == len(found["items"])
    return [item["title"] for item in found["items"]]


@pytest.fixture
def issues(box: Sandbox) -> None:
    box.add_repo(REPO, {"bug": ""})
    box.open_issue(REPO, "Login fails", "After the update.")
    closed = box.open_issue(REPO, "Upload fails", "A login is not needed. Timeouts everywhere.")
    box.open_issue(REPO, "Dark mode", None, labels=["bug"])
    box.open_issue(REPO, "Fix the login", "", pull_request=True)
    box.close_issue(REPO, closed, reason="not_planned")


ADVANCED = {"advanced_search": "true"}
FOUND: list[tuple[str, dict[str, str], list[str]]] = [
    ("LOGIN", {}, ["Login fails", "Upload fails"]),
    ("login upload", {}, ["Upload fails"]),
    ("timeout", {}, ["Upload fails"]),
    ("log", {}, []),
    ('"login fails"', {}, ["Login fails"]),
    ('"fails login"', {}, []),
    ("login -upload", {}, ["Login fails"]),
    ("login NOT upload", {}, ["Login fails"]),
    ("dark OR upload", {}, ["Dark mode", "Upload fails"]),
    ("(dark OR upload) fails", {}, ["Dark mode", "Upload fails"]),  # without parentheses
    ("(dark OR upload) fails", ADVANCED, ["Upload fails"]),
    ("(dark OR (login AND upload))", ADVANCED, ["Dark mode", "Upload fails"]),
    ("login is:closed", {}, ["Upload fails"]),
    ("label:bug", {}, ["Dark mode"]),
]


@pytest.mark.parametrize(("query", "form", "titles"), FOUND)
@pytest.mark.usefixtures("issues")
def test_github_finds_words_by_its_syntax(
    github: httpx.Client, query: str, form: dict[str, str], titles: list[str]
) -> None:
    assert sorted(find(github, query, **form)) == titles


@pytest.mark.usefixtures("issues")
def test_github_s_results_are_those_with_the_best_scores_first(github: httpx.Client) -> None:
    found = search(github, f"login {IN_REPO}")
    assert [item["title"] for item in found["items"]] == ["Login fails", "Upload fails"]
    scores = [item["score"] for item in found["items"]]
    assert scores == sorted(scores, reverse=True)
    assert found["items"][1]["state_reason"] == "not_planned"


@pytest.mark.usefixtures("issues")
def test_github_compares_meanings_unless_the_query_or_the_server_prevents_it(
    box: Sandbox, github: httpx.Client
) -> None:
    def ask(query: str) -> tuple[str, list[str], int]:
        found = search(github, f"{query} {IN_REPO}", search_type="hybrid")
        reasons = found.get("lexical_fallback_reason", [])
        return found["search_type"], reasons, found["total_count"]

    assert ask("upload mode missing") == ("hybrid", [], 2)
    assert ask('"upload mode"') == ("lexical", ["quoted_text"], 0)
    assert ask("upload OR mode") == ("lexical", ["or_boolean_not_supported"], 2)
    assert ask("") == ("lexical", ["no_text_terms"], 3)
    box.github.searches.meanings = "off"
    assert ask("upload mode") == ("lexical", ["service_unavailable"], 0)
    box.github.searches.meanings = "unknown"
    assert "search_type" not in search(github, f"upload {IN_REPO}", search_type="hybrid")


WRONG = [
    ("x" * 257, {}, "longer than 256"),
    (f"{IN_REPO} a OR b OR c OR d OR e OR f OR g", {}, "More than five"),
    (f"repo:{REPO} login", {}, "is:issue"),
    ("repo:acme/nowhere is:issue login", {}, "cannot be searched"),
    (f"(login {IN_REPO}", ADVANCED, "invalid syntax"),
    (f"login OR {IN_REPO} OR", ADVANCED, "invalid syntax"),
    ("", {}, "missing"),
    (f"login {IN_REPO}", {"search_type": "fuzzy"}, "search_type"),
    (f"login {IN_REPO}", {"per_page": "100", "page": "11"}, "1000"),
]


@pytest.mark.parametrize(("query", "form", "message"), WRONG)
@pytest.mark.usefixtures("issues")
def test_github_refuses_a_wrong_query(
    github: httpx.Client, query: str, form: dict[str, str], message: str
) -> None:
    answer = github.get("/search/issues", params={"q": query, **form})
    assert answer.status_code == 422
    assert message in answer.json()["errors"][0]["message"]


@pytest.mark.usefixtures("issues")
def test_github_counts_searches_apart_from_other_requests(
    box: Sandbox, github: httpx.Client
) -> None:
    def ask(**form: str) -> httpx.Response:
        return github.get("/search/issues", params={"q": f"login {IN_REPO}", **form})

    assert ask().headers["x-ratelimit-resource"] == "search"
    box.github.searches.per_minute, box.github.searches.meanings_per_minute = 4, 1
    statuses = [ask(search_type="hybrid").status_code for _ in range(2)]
    assert statuses == [200, 403]
    assert [ask().status_code for _ in range(2)] == [200, 403]
    refused = ask()
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert github.get(f"/repos/{REPO}").headers["x-ratelimit-resource"] == "core"


def test_github_shows_a_private_repository_only_to_those_who_see_it(
    box: Sandbox, github: httpx.Client
) -> None:
    box.add_repo("acme/secret", private=True)
    box.open_issue("acme/secret", "Login fails")
    assert search(github, "login repo:acme/secret is:issue")["total_count"] == 1
    with httpx.Client(base_url=box.github_url) as nobody:
        query = {"q": "login repo:acme/secret is:issue"}
        assert nobody.get("/search/issues", params=query).status_code == 422
        assert search(nobody, "login is:issue")["total_count"] == 0
        meanings = nobody.get("/search/issues", params=query | {"search_type": "hybrid"})
        assert meanings.status_code == 401


IN_PROJECT: list[tuple[str, str, list[str]]] = [
    ("login", "", ["Upload fails", "Login fails"]),
    ("login upload", "", ["Upload fails"]),
    ("upl", "", ["Upload fails"]),
    ("login", "title", ["Login fails"]),
    ("login", "description", ["Upload fails"]),
    ("after login", "", ["Upload fails", "Login fails"]),  # a common word is dropped
    ("after", "", []),
    ("login OR dark", "", []),
    ("ログイン", "", ["ログイン できません"]),
    ("ログ できま", "", ["ログイン できません"]),
    ("ロ イ", "", []),
]


@pytest.mark.parametrize(("text", "fields", "titles"), IN_PROJECT)
def test_gitlab_finds_issues_with_every_word_the_newest_first(
    box: Sandbox, gitlab: httpx.Client, text: str, fields: str, titles: list[str]
) -> None:
    box.gitlab.open_issue(DEMO_PROJECT, "Login fails", "It was updated.")
    box.gitlab.open_issue(DEMO_PROJECT, "Upload fails", "A login is not needed.")
    box.gitlab.open_issue(DEMO_PROJECT, "ログイン できません")
    params = {"search": text, "state": "all", **({"in": fields} if fields else {})}
    found = gitlab.get("/projects/acme%2Fgadget/issues", params=params).json()
    assert [issue["title"] for issue in found] == titles


def test_gitlab_limits_searches_and_no_other_list(box: Sandbox, gitlab: httpx.Client) -> None:
    box.gitlab.gitlab.searches.per_minute = 1
    path = "/projects/acme%2Fgadget/issues"
    statuses = [gitlab.get(path, params={"search": "x"}).status_code for _ in range(2)]
    assert [*statuses, gitlab.get(path).status_code] == [200, 429, 200]


def test_gitlab_names_what_an_issue_duplicates(box: Sandbox, gitlab: httpx.Client) -> None:
    first, second = (box.gitlab.open_issue(DEMO_PROJECT, "Login") for _ in range(2))
    box.gitlab.set_milestone(DEMO_PROJECT, second, "2.4")
    box.gitlab.close_issue(DEMO_PROJECT, second, duplicate_of=first)
    issue = gitlab.get(f"/projects/acme%2Fgadget/issues/{second}").json()
    assert issue["milestone"]["title"] == "2.4"
    project = box.gitlab.state.repo(DEMO_PROJECT).id
    link = f"{box.gitlab_url}/api/v4/projects/{project}/issues/{first}"
    assert issue["_links"]["closed_as_duplicate_of"] == link
