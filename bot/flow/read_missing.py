"""What a report lacks, by its repository's templates and its author's comments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.core.config.schema import RepoConfig
from bot.core.missing_info import MissingItem, Report, choose_shown, find_missing
from bot.core.ports import Forge
from bot.core.text.bounded import bound_body
from bot.core.types import Issue, LabelDecision


def read_missing(issue: Issue, config: RepoConfig, forge: Forge) -> tuple[MissingItem, ...]:
    """Return what the report lacks; nothing where the comment does not ask for it.

    Raises the errors of a forge.
    """
    if not config.comment.missing_info or config.comment.post == "never":
        return ()
    issue = bound_body(issue)
    if issue.text_stats and issue.text_stats.cut:  # what is not in memory may have it
        return ()
    templates = forge.reports.list_templates(issue.ref)
    missing = find_missing(Report(issue.title, issue.body), templates)
    if missing and issue.comments:
        comments = forge.reports.list_author_comments(issue)
        missing = find_missing(Report(issue.title, issue.body, comments), templates)
    return missing


def choose_missing(
    items: Sequence[MissingItem], issue: Issue, decisions: Iterable[LabelDecision]
) -> tuple[str, ...]:
    """Return what the comment asks for: an issue that is no bug does not need all items."""
    labels = (one for x in decisions for one in (*x.apply, *x.keep, *x.suggested))
    return choose_shown(items, (*issue.labels, issue.type, *(one.label for one in labels)))
