"""GitLab's search for older issues; implements `RelatedIssues`.

It finds issues with every word of the search, or words that begin with these; it drops words like
"after", and finds nothing for such words alone. Servers without its index for the text drop words
of fewer than three characters. A list with a search counts towards the limit for searches too, 30
a minute on some servers.
https://docs.gitlab.com/api/issues/#list-project-issues
https://docs.gitlab.com/administration/settings/rate_limit_on_search/ (in the source:
`validate_search_rate_limit!`)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import gitlab

from bot.core.related import Duplicate, RelatedCandidate, SearchQuery
from bot.core.related_port import SEARCH_SECONDS
from bot.core.types import Issue, IssueRef
from bot.footprint import large_responses
from bot.forges.gitlab.backend import call, fetch_page
from bot.forges.gitlab.bot_users import is_bot_user
from bot.forges.gitlab.issue import parse_issue, read_issue
from bot.forges.gitlab.paths import PAGE, format_issue_path, format_issues_path
from bot.forges.related import (
    Known,
    choose_link,
    collect,
    is_candidate,
    list_words,
    make_candidate,
)
from bot.forges.values import require_id, require_object, text
from bot.http import deadline

MAX_REQUESTS = 3
MIN_LETTERS = 3
PUBLIC = "gitlab.com"
# GitLab takes the address of an issue for a reference to it, with a query only where that has no
# capital letter: `Referable.link_reference_pattern` in app/models/concerns/referable.rb.
NO_REFERENCE = "?from=Tagline"
DUPLICATE = re.compile(r"/projects/(\d{1,18})/issues/(\d{1,18})")
Json = dict[str, Any]


class GitLabSearch:
    """`client` sends requests; `get_path` returns a project's path; `is_own` says whether the bot
    opened an issue; `types` are the work item types that count as issues."""

    per_minute = 8  # of three requests each
    takes_any = False

    def __init__(
        self,
        client: gitlab.Gitlab,
        get_path: Callable[[IssueRef], str],
        is_own: Callable[[Mapping[str, Any]], bool],
        types: Collection[str],
    ) -> None:
        self._gl, self._get_path, self._is_own, self._types = client, get_path, is_own, types
        self._is_public = urlsplit(client.url).hostname == PUBLIC

    def search(
        self, ref: IssueRef, queries: Sequence[SearchQuery], title: str
    ) -> tuple[RelatedCandidate, ...]:
        searches = dict.fromkeys(_list_searches(queries))
        with deadline(SEARCH_SECONDS):
            return collect(
                (partial(self._search, ref, words) for words in islice(searches, MAX_REQUESTS)),
                ref.number,
            )

    def _search(self, ref: IssueRef, words: str, known: Known) -> list[RelatedCandidate]:
        query: dict[str, str | int] = {"search": words, "in": "title,description", "state": "all"}
        query |= {"order_by": "created_at", "sort": "desc", "confidential": "false"}
        with large_responses():
            items = fetch_page(self._gl, format_issues_path(ref), query | {"per_page": PAGE}).items
            project = self._get_path(ref) if items else ""
            parsed = (self._parse(ref, project, item, known) for item in items)
            return [candidate for candidate in parsed if candidate]

    def _parse(
        self, ref: IssueRef, project: str, item: Json, known: Known
    ) -> RelatedCandidate | None:
        number = require_id("GitLab", item, "iid")
        project_id = require_id("GitLab", item, "project_id")
        if ref.repo_id not in (0, project_id):
            return None
        if number in known:
            return known[number]
        issue = read_issue(replace(ref, number=number), item, self._types)
        if not is_candidate(issue) or (issue.is_bot and self._is_own(item)):
            return None
        pages = [f"{self._gl.url}/{project}/-/{kind}/{number}" for kind in ("issues", "work_items")]
        url = choose_link(item.get("web_url"), pages, any_host=not self._is_public)
        original = _read_original(item)
        reason = "duplicate" if original is not None else ""
        same = original[1] if original and original[0] == project_id else 0
        milestone = item.get("milestone")
        return make_candidate(
            issue,
            f"{url}{NO_REFERENCE}",
            milestone=milestone,
            state_reason=reason,
            duplicate_of=same,
        )

    def get_issues(self, ref: IssueRef, numbers: Sequence[int]) -> Mapping[int, Issue]:
        query: dict[str, Any] = {"iids[]": list(numbers), "per_page": PAGE}
        with large_responses():
            items = fetch_page(self._gl, format_issues_path(ref), query).items
            found = {require_id("GitLab", item, "iid"): item for item in items}
            return {
                number: parse_issue(replace(ref, number=number), item, self._types)
                for number, item in found.items()
            }

    def find_duplicate(self, ref: IssueRef) -> Duplicate | None:
        path = format_issue_path(ref)
        with large_responses():
            item = require_object("GitLab", call(lambda: self._gl.http_get(path)), "iid")
            original = _read_original(item)
            is_closed = item.get("state") == "closed" and item.get("confidential") is False
            if original is None or not is_closed:
                return None
            closer = item.get("closed_by") or {}
            is_person = not is_bot_user(text(closer.get("username")))
            closed_by = str(closer.get("id") or "") if is_person else ""
            same = original[0] == require_id("GitLab", item, "project_id")
            return Duplicate(original[1] if same else 0, closed_by)

    def make_link(self, ref: IssueRef) -> str:
        return f"{self._gl.url}/{self._get_path(ref)}/-/issues/{ref.number}{NO_REFERENCE}"


def _list_searches(queries: Sequence[SearchQuery]) -> Iterator[str]:
    """Yield searches: each word alone of a query for any of its words."""
    for query in queries:
        words = [word for word in list_words(query.words) if len(word) >= MIN_LETTERS]
        if words:
            yield from words if query.match == "any" else [" ".join(words)]


def _read_original(item: Json) -> tuple[int, int] | None:
    """Return project and number of the issue that this one was closed as a duplicate of."""
    links = item.get("_links")
    found = links.get("closed_as_duplicate_of") if isinstance(links, Mapping) else None
    match = DUPLICATE.search(text(found))
    return (int(match[1]), int(match[2])) if match else None
