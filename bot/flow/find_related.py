"""Asks the forge's own search for older issues like a new one; whatever fails, there are none."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.errors import RateLimited, TaglineError
from bot.core.related import RelatedCandidate, SearchQuery
from bot.core.types import Issue
from bot.flow.context import JobContext


def find_candidates(
    issue: Issue, queries: Sequence[SearchQuery], context: JobContext
) -> tuple[RelatedCandidate, ...]:
    """Return issues that may be about the same thing, of any age.

    There are none for a confidential issue, over the budget of searches and after any error: the
    comment is neither delayed for long nor tried again for them. A rate limit pauses the searches
    of the account and no job.
    """
    ref, related = issue.ref, context.forge.related
    if issue.confidential:
        return ()
    if not context.search_budget.take(ref.account_key, related.per_minute):
        context.log("older issues not searched", issue=str(ref), why="limit of searches")
        return ()
    try:
        return related.search(ref, queries, issue.title)
    except RateLimited as error:
        context.search_budget.pause(ref.account_key, error.after or 0.0)
        why = type(error).__name__
    except TaglineError as error:  # its text may quote the forge's, which may quote the search
        why = type(error).__name__
    context.log("older issues not found", issue=str(ref), why=why)
    return ()
