"""GitHub's search for older issues; implements `RelatedIssues`.

Limits of a query: 256 characters, and five of the operators AND, OR and NOT; GitHub answers 422 to
more. No other limits are documented for `advanced_search`, except five levels of parentheses, so
the same are kept there. Searches have a rate limit of their own: 30 a minute, and 10 for those
that compare meanings.
https://docs.github.com/en/search-github/getting-started-with-searching-on-github/troubleshooting-search-queries
https://docs.github.com/en/rest/search/search#rate-limit

No response to a search names the issue that another one is a duplicate of.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, Literal
from urllib.parse import urlsplit

from bot.core.errors import PermanentError
from bot.core.related import Duplicate, RelatedCandidate, SearchQuery
from bot.core.related_port import SEARCH_SECONDS
from bot.core.types import Issue, IssueRef
from bot.footprint import large_responses
from bot.forges.cache import RepositoryCache
from bot.forges.github.client import Credential, format_query
from bot.forges.github.duplicates import find_duplicate
from bot.forges.github.errors import Unauthorized
from bot.forges.github.issue import read_issue
from bot.forges.github.paths import Variables, join_name
from bot.forges.github.repository_requests import RepositoryRequests
from bot.forges.history import PAGE_BYTES
from bot.forges.related import (
    MAX_TITLE,
    Known,
    choose_link,
    collect,
    is_candidate,
    list_words,
    make_candidate,
)
from bot.forges.values import require_id, require_object, require_objects, text
from bot.http import deadline

MAX_REQUESTS = 2
MAX_QUERY, MAX_OPERATORS = 256, 5
PAGE = 50
DAY, HOUR = 86_400.0, 3_600.0
# Why a search did not compare meanings: reasons that lie in the query, and those that pass.
OF_QUERY = frozenset({"no_text_terms", "quoted_text", "or_boolean_not_supported"})
REDIRECT = "https://redirect.github.com"
PASSING = frozenset({"server_error", "service_unavailable"})
Json = dict[str, Any]


class GitHubSearch:
    """Implements `RelatedIssues`.

    The first search compares meanings, where the server can do that; others are for words.
    """

    per_minute = 8  # of 10, as other programs use the same installation or token
    takes_any = True

    def __init__(
        self,
        api: RepositoryRequests,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._api, self._clock = api, clock
        self._lexical_until = RepositoryCache(lambda _: 0.0, DAY)

    def search(
        self, ref: IssueRef, queries: Sequence[SearchQuery], title: str
    ) -> tuple[RelatedCandidate, ...]:
        searches = self._list_searches(ref, queries, title)
        with deadline(SEARCH_SECONDS):
            return collect(islice(searches, MAX_REQUESTS), ref.number)

    def _list_searches(
        self, ref: IssueRef, queries: Sequence[SearchQuery], title: str
    ) -> Iterator[Callable[[Known], list[RelatedCandidate]]]:
        """Yield searches, each after the one before was carried out."""
        of_title = list_words([title[:MAX_TITLE]])
        if of_title and self._compares_meanings(ref):
            yield partial(self._search_meaning, ref, of_title)
            if self._compares_meanings(ref):
                # The words of the title were searched: those of the body find other issues.
                known = {word.casefold() for word in of_title}
                queries = sorted(queries, key=lambda one: known.issuperset(one.words))
        for query in queries:
            if words := list_words(query.words):
                yield partial(self._search_words, ref, words, query.match)

    def _compares_meanings(self, ref: IssueRef) -> bool:
        return self._lexical_until.get(ref) <= self._clock()

    def _search_meaning(
        self, ref: IssueRef, words: Sequence[str], known: Known
    ) -> list[RelatedCandidate]:
        try:
            name, found = self._send(ref, words, "all", search_type="hybrid")
        except (PermanentError, Unauthorized):  # an older server, or a client without a token
            self._lexical_until.put(ref, self._clock() + DAY)
            return []
        if found.get("search_type") != "hybrid":
            reasons = found.get("lexical_fallback_reason")
            why = frozenset(map(str, reasons if isinstance(reasons, list) else ()))
            if not (why and why <= OF_QUERY):
                seconds = HOUR if why & PASSING else DAY
                self._lexical_until.put(ref, self._clock() + seconds)
        return self._parse(ref, name, found, known)

    def _search_words(
        self, ref: IssueRef, words: Sequence[str], match: Literal["any", "all"], known: Known
    ) -> list[RelatedCandidate]:
        name, found = self._send(ref, words, match, advanced_search="true")
        return self._parse(ref, name, found, known)

    def _send(
        self, ref: IssueRef, words: Sequence[str], match: Literal["any", "all"], **form: str
    ) -> tuple[str, Json]:
        """Return the repository's name and the response to a search in it."""

        def send(values: Variables, credential: Credential) -> tuple[str, Json]:
            name = join_name(values)
            query: dict[str, str | int] = {"q": format_search(name, words, match), **form}
            query["per_page"] = PAGE
            path = f"/search/issues?{format_query(query)}"
            with large_responses():
                page = self._api.rest.page(path, query, credential, PAGE_BYTES)
                return name, require_object("GitHub", page.items, "items")

        return self._api.send_about(ref, "/search/issues", send)

    def _parse(self, ref: IssueRef, name: str, found: Json, known: Known) -> list[RelatedCandidate]:
        """Return the issues of this repository that may be shown."""
        items = require_objects("GitHub", found["items"])
        parsed = (self._parse_issue(ref, name, item, known) for item in items)
        return [candidate for candidate in parsed if candidate]

    def _parse_issue(
        self, ref: IssueRef, name: str, item: Json, known: Known
    ) -> RelatedCandidate | None:
        if not text(item.get("repository_url")).lower().endswith(f"/repos/{name.lower()}"):
            return None
        number = require_id("GitHub", item, "number")
        if number in known:
            return known[number]
        issue = read_issue(replace(ref, number=number), item)
        if not is_candidate(issue) or (issue.is_bot and self._api.auth.is_own(item)):
            return None
        page = f"{self._api.rest.web_url}/{name}/issues/{number}"
        url = choose_link(item.get("html_url"), [page], any_host=not self._api.rest.is_public)
        reason = "" if issue.is_open else text(item.get("state_reason"))
        link, milestone = self._avoid_reference(url), item.get("milestone")
        return make_candidate(issue, link, milestone=milestone, state_reason=reason)

    def find_duplicate(self, ref: IssueRef) -> Duplicate | None:
        return find_duplicate(ref, self._api)

    def get_issues(self, ref: IssueRef, numbers: Sequence[int]) -> Mapping[int, Issue]:
        return {}

    def make_link(self, ref: IssueRef) -> str:
        url = f"{self._api.rest.web_url}/{self._api.names.get(ref)}/issues/{ref.number}"
        return self._avoid_reference(url)

    def _avoid_reference(self, url: str) -> str:
        """Return an address that leads to an issue's, and is no reference to it.

        Other servers than github.com have no redirecting host: their list of issues finds numbers.
        https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls#avoiding-backlinks-to-linked-references
        """
        if self._api.rest.is_public:
            return REDIRECT + urlsplit(url).path
        base, _, number = url.rpartition("/")
        return f"{base}?q={number}"


def format_search(name: str, words: Sequence[str], match: Literal["any", "all"]) -> str:
    """Return a query for issues of a repository with any or all of the first of these words."""
    where = f"repo:{name} is:issue"
    if match == "any":
        words = words[: MAX_OPERATORS + 1]
    for count in range(len(words), 0, -1):
        some = " OR ".join(words[:count]) if match == "any" else " ".join(words[:count])
        query = f"({some}) {where}" if match == "any" and count > 1 else f"{some} {where}"
        if len(query) <= MAX_QUERY:
            return query
    return where
