"""Older issues like a new one, from the forge's own search; whatever fails, there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from bot.core.config.schema import RepoConfig
from bot.core.errors import RateLimited, TaglineError
from bot.core.labels.names import fold
from bot.core.prompt import Example
from bot.core.related import Related, RelatedCandidate, SearchQuery, follow_duplicates
from bot.core.text.redact import redact
from bot.core.text.sanitize import to_one_line
from bot.core.types import Issue, Label
from bot.flow.context import JobContext
from bot.flow.enrich import list_usable_labels
from bot.learn.frequencies import read_frequencies
from bot.learn.model import RepositoryModel
from bot.learn.search_queries import make_and_queries, make_or_queries
from bot.learn.similarity import rank_related

MAX_EXAMPLES = 3
DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class OlderIssues:
    """Issues to show beside a new one, the most probable first, and examples for a model."""

    related: tuple[Related, ...] = ()
    examples: tuple[Example, ...] = ()


def find_older_issues(
    issue: Issue,
    labels: Sequence[Label],
    config: RepoConfig,
    classifier: RepositoryModel | None,
    context: JobContext,
    most: int,
) -> OlderIssues:
    """Return the older issues of use for a new one; none where the configuration wants none.

    `labels` are the repository's, `most` is how many may be shown: none where the repository is
    quiet. Holds no body of another issue.
    """
    if not (config.comment.similar and context.searches):
        return OlderIssues()
    make_queries = make_or_queries if context.forge.related.takes_any else make_and_queries
    frequencies = read_frequencies(classifier)
    queries = make_queries(issue.title, issue.body, issue.ref.number, frequencies)
    ranked = rank_related(issue, find_candidates(issue, queries, context))
    examples = _list_examples(issue, ranked, labels, config, context)
    shown = _replace_duplicates(ranked, issue.ref.number)[:most]
    return OlderIssues(tuple(shown), tuple(examples))


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


def _replace_duplicates(ranked: Sequence[Related], number: int) -> list[Related]:
    """Return the issues to show, each once: in place of a duplicate the original, where that was
    found too."""
    found = {one.candidate.number: one.candidate for one in ranked}
    links = {key: one.duplicate_of or None for key, one in found.items()}
    shown: dict[int, Related] = {}
    for one in ranked:
        candidate: RelatedCandidate | None = one.candidate
        if not one.reasons:  # it is not similar enough
            continue
        if one.candidate.state_reason == DUPLICATE:
            original = follow_duplicates(links | {number: one.candidate.number}, number)
            candidate = found.get(original or 0)
            if candidate is None or candidate.state_reason == DUPLICATE:
                continue
        assert candidate
        shown.setdefault(candidate.number, replace(one, candidate=replace(candidate, body="")))
    return list(shown.values())


def _list_examples(
    issue: Issue,
    ranked: Sequence[Related],
    labels: Sequence[Label],
    config: RepoConfig,
    context: JobContext,
) -> list[Example]:
    """Return the first candidates that people labelled, the most similar first."""
    usable = {fold(label.name): label.name for label in list_usable_labels(labels, config)}
    labelled = (
        (one.candidate, names)
        for one in ranked
        if (names := [usable[fold(x)] for x in one.candidate.labels if fold(x) in usable])
    )
    examples: list[Example] = []
    while len(examples) < MAX_EXAMPLES and (some := list(islice(labelled, MAX_EXAMPLES))):
        keys = [replace(issue.ref, number=candidate.number).key for candidate, _ in some]
        for (candidate, names), record in zip(some, context.store.records(keys), strict=True):
            own = {fold(name) for name in record.labels} if record else set()
            if by_people := tuple(name for name in names if fold(name) not in own):
                title = redact(to_one_line(candidate.title), config.privacy.redact)
                examples.append(Example(title, by_people))
    return examples[:MAX_EXAMPLES]
