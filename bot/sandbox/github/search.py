"""GitHub's search for issues and pull requests.

https://docs.github.com/rest/search/search#search-issues-and-pull-requests
"""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from bot.sandbox.github.access import Denied
from bot.sandbox.github.api import Call, Row, error, success
from bot.sandbox.github.search_query import InvalidQuery, Query, parse, split_words
from bot.sandbox.rate_limit import find_address
from bot.sandbox.state import Issue, Missing, Repo

MOST_RESULTS = 1_000
ONLY_FIRST = "Only the first 1000 search results are available"
NO_ACCESS = (
    "The listed users and repositories cannot be searched either because the resources do not exist"
    " or you do not have permission to view them."
)
EXCEEDED = "API rate limit exceeded for {caller}."
BY_MEANING = ("semantic", "hybrid")


def search_issues(call: Call) -> Response:
    """Return matching issues, the best first."""
    server, kind = call.github.searches, call.request.query_params.get("search_type", "")
    by_meaning = kind in BY_MEANING and server.meanings != "unknown"
    if by_meaning and call.caller.kind == "nobody":
        raise Denied(401, "Requires authentication")
    caller = call.caller.login or find_address(call.request)
    counted = server.count(caller, call.state.clock(), by_meaning=by_meaning)
    response = (
        _search(call, kind if by_meaning else "")
        if counted.left >= 0
        else error(403, EXCEEDED.format(caller=caller))
    )
    names = ("limit", "remaining", "reset", "resource")
    values = (counted.limit, max(counted.left, 0), counted.reset, "search")
    for name, value in zip(names, values, strict=True):
        response.headers[f"x-ratelimit-{name}"] = str(value)
    return response


def _search(call: Call, meaning: str) -> Response:
    """`meaning` is the search type that compares meanings, "" for a search for words."""
    try:
        query = _read_query(call, meaning)
        reasons = _list_reasons(call, query) if meaning else ()
        found = _find(call, query, by_meaning=bool(meaning) and not reasons)
        page = call.page(found[:MOST_RESULTS])
        if page.number > 1 and page.number * page.size > MOST_RESULTS:
            raise InvalidQuery(ONLY_FIRST)
    except InvalidQuery as wrong:
        problem = {"message": str(wrong), "resource": "Search", "field": "q", "code": "invalid"}
        return error(422, "Validation Failed", errors=[problem])
    items = [call.serializer.issue(repo, one) | {"score": score} for score, repo, one in page.items]
    content = {
        "total_count": len(found),
        "incomplete_results": call.github.searches.is_incomplete,
        "items": items,
    }
    if call.github.searches.meanings != "unknown":
        content["search_type"] = meaning if meaning and not reasons else "lexical"
    if reasons:
        content["lexical_fallback_reason"] = [*reasons]
    return success(content, headers=page.headers)


def _read_query(call: Call, meaning: str) -> Query:
    """Raises `InvalidQuery`."""
    params, server = call.request.query_params, call.github.searches
    if params.get("search_type") and not meaning and server.meanings != "unknown":
        raise InvalidQuery(f"search_type must be one of {', '.join(BY_MEANING)}")
    if meaning and server.meanings == "refused":
        raise InvalidQuery("search_type is not available")
    query = parse(params.get("q", ""), advanced=params.get("advanced_search") == "true")
    if not all(_can_search(call, name) for name in query.repos):
        raise InvalidQuery(NO_ACCESS)
    return query


def _list_reasons(call: Call, query: Query) -> tuple[str, ...]:
    """Return why a search cannot compare meanings."""
    reasons = {
        "no_text_terms": not query.words,
        "quoted_text": query.phrases,
        "or_boolean_not_supported": query.alternatives,
        "non_issue_target": True in query.kinds,
    }
    of_server = call.github.searches.fallback if call.github.searches.meanings == "off" else ()
    return (*(name for name, holds in reasons.items() if holds), *of_server)


def _find(call: Call, query: Query, *, by_meaning: bool) -> list[tuple[float, Repo, Issue]]:
    """Return the matches with their scores, the best first.

    The comparison of meanings is simulated: an issue needs one of the words, not all.
    """
    words, found = set(query.words), []
    named = [call.state.repo(name) for name in query.repos]
    for repo in named or call.state.repos():
        if not call.can_see(repo):
            continue
        for issue in repo.issues.values():
            if issue.deleted or issue.moved_to or not call.state.is_listed(issue):
                continue
            title = set(split_words(issue.title))
            share = len(words & (title | set(split_words(issue.body or "")))) / max(len(words), 1)
            known = replace(issue, title=" ".join(query.words), body="") if by_meaning else issue
            if query.test(repo, known) and (share > 0 or not by_meaning):
                found.append((round(1 + share + len(words & title), 6), repo, issue))
    return sorted(found, key=lambda one: (-one[0], -one[2].id))


def _can_search(call: Call, name: str) -> bool:
    try:
        return call.can_see(call.state.repo(name))
    except Missing:
        return False


ROWS = [Row("GET", "/search/issues", search_issues, "nothing")]
