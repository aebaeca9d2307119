"""The search for older issues in the `Forge` port: both clients over HTTP."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.errors import Forbidden, RateLimited, Retry, TaglineError
from bot.core.related import MAX_CANDIDATES, SearchQuery
from bot.forges.registry import ForgeClient
from tests.contracts.related_case import ANY, Case, box, forges, make_case, read
from tests.simulation import Exchange, Sandbox

__all__ = ["box", "forges"]  # fixtures

MAX_REQUESTS = {"github": 2, "gitlab": 3}
BOTS = {"github": "tagline-bot[bot]", "gitlab": "project_77_bot_ab12cd34"}


@pytest.fixture(params=["github", "gitlab"])
def case(request: pytest.FixtureRequest, box: Sandbox, forges: dict[str, ForgeClient]) -> Case:
    return make_case(box, forges, request.param)


def test_issues_of_all_searches_are_found_once_and_not_the_issue_itself(case: Case) -> None:
    upload, timeout = case.open("The upload stops"), case.open("Again a timeout", "upload")
    case.open("Something else")
    found = case.search(ANY, SearchQuery(("timeout",), "all"))
    assert sorted(one.number for one in found) == [upload, timeout]
    assert 1 <= len(case.requests()) <= MAX_REQUESTS[case.ref.forge]


def test_a_candidate_has_what_is_shown_of_it(case: Case) -> None:
    original = case.open("Upload is slow")
    number = case.open("Upload", "It stops.", labels=["bug"], created_at=1_700_000_000)
    case.host.set_milestone(case.ref.repo, number, "2.4")
    case.host.close_issue(case.ref.repo, number, duplicate_of=original, deliver=False)
    found = {one.number: one for one in case.search(ANY)}
    one = found[number]
    assert (one.title, one.body, one.labels) == ("Upload", "It stops.", ("bug",))
    assert (one.is_open, one.state_reason, one.milestone) == (False, "duplicate", "2.4")
    assert one.created_at == 1_700_000_000
    assert one.duplicate_of == (0 if case.is_github else original)  # GitHub does not say
    middle = "/issues?q={}" if case.is_github else "/-/issues/{}?from=Tagline"
    web = case.box.url if case.is_github else case.box.gitlab_url
    assert one.url == f"{web}/{case.ref.repo}{middle.format(number)}"
    assert one.url == case.forge.related.make_link(replace(case.ref, number=number))
    other = found[original]
    assert (other.is_open, other.state_reason, other.milestone) == (True, "", "")


@pytest.mark.parametrize("wrong", ["javascript:alert(1)//x", "https://evil.example/issues/1", None])
def test_a_link_to_another_place_is_replaced(
    case: Case, wrong: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = case.open("Upload")
    serializer = type(case.box.hooks.serializer if case.is_github else case.box.gitlab.serializer)
    make = serializer.issue

    def make_wrong(self: object, repo: object, issue: object) -> dict[str, object]:
        return make(self, repo, issue) | {"html_url": wrong, "web_url": wrong}  # type: ignore[arg-type]

    monkeypatch.setattr(serializer, "issue", make_wrong)
    (one,) = case.search(ANY)
    assert one.url == case.forge.related.make_link(replace(case.ref, number=number))


def test_what_nobody_may_be_sent_to_is_left_out(case: Case) -> None:
    shown = case.open("Upload")
    case.host.lock_issue(case.ref.repo, case.open("Upload, locked"), deliver=False)
    case.open("Upload, by the bot", author=BOTS[case.ref.forge], bot=True)
    if case.is_github:
        case.open("Upload, a pull request", pull_request=True)
    else:
        case.open("Upload, confidential", confidential=True)
        case.open("Upload, a task", type="Task")
    assert case.find(ANY, SearchQuery(("upload",), "all"), title="upload") == [shown]


def test_at_most_a_hundred_are_found_and_each_search_has_its_part(case: Case) -> None:
    numbers = [case.open(f"Upload {n}") for n in range(110)]
    last = [case.open(f"Timeout {n}", created_at=1_600_000_000) for n in range(20)]
    found = case.find(*(SearchQuery((word,), "all") for word in ("upload", "timeout")), title="")
    assert len(found) <= MAX_CANDIDATES
    assert set(found) & set(numbers)
    assert set(last) <= set(found)


HOSTILE = [
    "repo:acme/secret upload",
    'x" repo:acme/secret "upload',
    "upload) OR (repo:acme/secret",
    "upload OR repo:acme/secret",
    "NOT repo:acme/x -repo:acme/related is:pr upload",
    "upload\nrepo:acme/secret&per_page=1&q=x#",
    "upload \uff52\uff45\uff50\uff4f\uff1aacme\uff0fsecret",  # the same in full width
    "user:acme org:acme in:title author:@me is:private upload",
    "upload " + "a" * 300,
    "upload " + "(((((((((((" + '"',
    "upload " + "very " * 100,
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_of_an_issue_changes_a_search(case: Case, hostile: str) -> None:
    """Only words are left of it, and the answer is none of a wrong query."""
    case.host.add_repo("acme/secret", private=True)
    case.host.open_issue("acme/secret", "Upload secret acme", deliver=False)
    number = case.open("Upload acme secret")
    for query in ((), (SearchQuery((hostile,), "any"),), (SearchQuery((hostile,), "all"),)):
        found = case.search(*query, title=hostile)
        assert {one.number for one in found} <= {number}
    assert case.requests()
    for one in case.requests():
        assert one.status == 200
        text = read(one, "q" if case.is_github else "search")
        if case.is_github:
            assert len(text) <= 256
            assert text.endswith(f" repo:{case.ref.repo} is:issue")
            text = text.removesuffix(f" repo:{case.ref.repo} is:issue")
            assert not set(text.split()) & {"AND", "NOT"}
            if read(one, "advanced_search") and text.startswith("("):
                text = text.removeprefix("(").removesuffix(")").replace(" OR ", " ")
        assert "OR" not in text.split()
        assert all(char.isalnum() or char == " " for char in text), text


def test_results_of_another_repository_are_dropped(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = case.open("Upload")
    serializer = type(case.box.hooks.serializer if case.is_github else case.box.gitlab.serializer)
    make = serializer.issue

    def make_wrong(self: object, repo: object, issue: object) -> dict[str, object]:
        content: dict[str, object] = make(self, repo, issue)  # type: ignore[arg-type]
        place = content.get("repository_url", "")
        return content | {"repository_url": f"{place}-other", "project_id": 1}

    assert case.find(ANY) == [number]
    monkeypatch.setattr(serializer, "issue", make_wrong)
    assert case.find(ANY) == []


def test_a_search_without_words_sends_nothing(case: Case) -> None:
    assert case.find(SearchQuery((), "any"), SearchQuery(("!", "or"), "all"), title="?! :(") == []
    assert case.requests() == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("forge-403", Forbidden),
        ("forge-422", Forbidden),
        ("forge-429", RateLimited),
        ("forge-500", Retry),
        ("forge-503", Retry),
        ("forge-web-page", Retry),
    ],
)
def test_an_error_is_the_forge_s_own(case: Case, fault: str, error: type[TaglineError]) -> None:
    case.open("Upload")
    case.find(ANY)  # the token and the name are known now
    match = "/search/issues" if case.is_github else f"/{case.ref.repo_id}/issues"
    case.box.fault(fault, None, match)
    with pytest.raises(error):
        case.search(ANY)


def test_a_later_search_that_fails_leaves_the_results_of_the_first(case: Case) -> None:
    case.open("Timeout")
    number = case.open("Upload")
    queries = [SearchQuery((word,), "all") for word in ("upload", "timeout", "fails")]
    case.find(*queries, title="upload")
    match = "/search/issues" if case.is_github else f"/{case.ref.repo_id}/issues"
    before = len(case.requests())
    case.host.log.observers.append(lambda one: arm_once(case, one, match))
    try:
        assert case.find(*queries, title="upload") == [number]
    finally:
        case.host.log.observers.clear()
    assert len(case.requests()) == before + 2


def arm_once(case: Case, exchange: Exchange, match: str) -> None:
    """Arm a fault after the first search was answered."""
    if match in exchange.path and not exchange.fault:
        case.box.fault("forge-500", 1, match)


def test_a_slow_server_ends_the_search_in_time(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.open("Upload")
    case.find(ANY)
    for client in ("github", "gitlab"):
        monkeypatch.setattr(f"bot.forges.{client}.search.SEARCH_SECONDS", 0.3)
    case.box.fault("forge-slow", None, "issues")
    with pytest.raises(Retry):
        case.search(ANY)


def test_the_limit_for_searches_is_a_rate_limit(case: Case) -> None:
    case.open("Upload")
    case.server.per_minute = 1
    with pytest.raises(RateLimited) as raised:
        case.search(ANY, ANY, SearchQuery(("fails",), "all"))
    assert 0 < (raised.value.after or 0) <= 60


def test_only_where_issues_can_become_confidential_they_are_read_again(case: Case) -> None:
    first, second = case.open("Upload"), case.open("Other")
    case.host.state.issue(case.ref.repo, second).confidential = True
    found = case.forge.related.get_issues(case.ref, [first, second, 9_999])
    if case.is_github:
        assert found == {}
    else:
        assert {number: one.confidential for number, one in found.items()} == {
            first: False,
            second: True,
        }
        assert (found[first].title, found[first].ref.number) == ("Upload", first)
