"""What GitHub's search for older issues is asked, and by which of its forms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot import wiring
from bot.core.related import SearchQuery
from bot.forges.registry import FORGES, ForgeClient
from bot.settings.load import load
from tests.contracts.related_case import ANY, TITLE, Case, box, forges, make_case, read
from tests.simulation import Sandbox

__all__ = ["box", "forges"]  # fixtures


@pytest.fixture
def on_github(box: Sandbox, forges: dict[str, ForgeClient]) -> Case:
    return make_case(box, forges, "github")


def test_an_incomplete_answer_counts(on_github: Case) -> None:
    number = on_github.open("Upload")
    on_github.server.is_incomplete = True
    assert on_github.find(ANY) == [number]


def list_forms(case: Case) -> list[str]:
    """Return the form of each search on GitHub: its search type, or "words"."""
    return [read(one, "search_type") or "words" for one in case.requests()]


def test_github_compares_meanings_once_and_searches_for_words_once(on_github: Case) -> None:
    by_meaning, by_word = on_github.open("Upload"), on_github.open("ECONNRESET")
    queries = [SearchQuery((word,), "any") for word in ("econnreset", "other", "third")]
    assert on_github.find(*queries, title="Upload fails") == [by_meaning, by_word]
    assert list_forms(on_github) == ["hybrid", "words"]


def test_words_of_the_title_are_not_searched_twice_where_meanings_are_compared(
    on_github: Case,
) -> None:
    queries = [ANY, SearchQuery(("upload", "econnreset"), "any")]
    for meanings, sent in (("on", "(upload OR econnreset)"), ("off", "(upload OR timeout)")):
        on_github.server.meanings = meanings  # type: ignore[assignment]
        on_github.search(*queries)
        assert read(on_github.requests()[-1], "q").startswith(sent)


@pytest.mark.parametrize("meanings", ["off", "refused", "unknown"])
def test_a_server_that_compares_no_meanings_is_not_asked_again(
    on_github: Case, meanings: str
) -> None:
    on_github.server.meanings = meanings  # type: ignore[assignment]
    number = on_github.open("Upload")
    assert on_github.find(ANY) == [number]
    assert list_forms(on_github) == ["hybrid", "words"]
    assert on_github.find(ANY, SearchQuery(("fails",), "all")) == [number]
    assert list_forms(on_github) == ["hybrid", "words", "words", "words"]


def test_a_reason_in_the_query_is_not_remembered(
    on_github: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_github.server.meanings, on_github.server.fallback = "off", ("no_text_terms",)
    for _ in range(2):
        on_github.find(ANY)
    assert list_forms(on_github) == ["hybrid", "words"] * 2


def test_a_client_without_a_token_searches_for_words(box: Sandbox, on_github: Case) -> None:
    clients = wiring.clients()
    anonymous = FORGES["github"].client(load({"GITHUB_API_URL": box.github_url}), clients)
    number = on_github.open("Upload")
    ref = replace(on_github.ref, account="")
    assert [one.number for one in anonymous.related.search(ref, [ANY], TITLE)] == [number]
    clients.close()


def test_issues_of_the_person_whose_token_the_bot_has_are_found(
    box: Sandbox, on_github: Case
) -> None:
    clients = wiring.clients()
    settings = load({"GITHUB_API_URL": box.github_url, "GITHUB_TOKEN": box.token})
    forge = FORGES["github"].client(settings, clients)
    number = on_github.open("Upload", author=box.token_login)
    ref = replace(on_github.ref, account="")
    assert [one.number for one in forge.related.search(ref, [ANY], TITLE)] == [number]
    clients.close()


def test_a_renamed_repository_is_searched_by_its_new_name(on_github: Case) -> None:
    number = on_github.open("Upload")
    on_github.host.rename_repo(on_github.ref.repo, f"{on_github.ref.repo}-new")
    other = FORGES["github"].client(load(on_github.box.environment()), clients := wiring.clients())
    (one,) = other.related.search(on_github.ref, [ANY], TITLE)
    assert one.url.endswith(f"/{on_github.ref.repo}-new/issues?q={number}")
    clients.close()
