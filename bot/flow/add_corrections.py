"""Add to a repository's corrections, and say where that limits the mode to `suggest`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from bot.core.corrections import Correction
from bot.core.errors import PermanentError
from bot.core.labels.names import fold
from bot.core.mode_limit import ModeLimit, list_unjudged_issues
from bot.core.text.bounded import drop_body
from bot.core.types import IssueRef
from bot.flow.context import JobContext
from bot.flow.load_config import ConfigInForce, find_limit

MAX_LOOKS = 30  # requests before the mode is limited


def add_corrections(
    new: Sequence[Correction], ref: IssueRef, in_force: ConfigInForce, context: JobContext
) -> str:
    """Add corrections; return why labels are only suggested from now on, "" if that did not change.

    People rarely touch the labels of an issue where these are right, so that removed labels are
    noticed first. Some issues are therefore read before the mode is limited.
    """
    before = context.corrections.list(ref.repo_key)
    limit = find_limit(in_force, [*before, *new])
    if limit is None or find_limit(in_force, before):
        context.corrections.add(ref.repo_key, new)
        return ""
    kept = tuple(_find_kept(limit, [*before, *new], ref, in_force.digest, context))
    context.corrections.add(ref.repo_key, [*new, *kept])
    limit = find_limit(in_force, [*before, *new, *kept])
    return str(limit) if limit else ""


def _find_kept(
    limit: ModeLimit,
    corrections: Sequence[Correction],
    ref: IssueRef,
    config: str,
    context: JobContext,
) -> Iterator[Correction]:
    """Yield the labels of handled issues that nobody touched, as judged before the limit."""
    at = math.nextafter(limit.since, -math.inf)
    journal = context.journal.list_repository(ref.repo_key)
    for number, writes in list_unjudged_issues(limit, journal, corrections)[:MAX_LOOKS]:
        with suppress(PermanentError):
            issue = drop_body(context.forge.get_issue(replace(ref, number=number)))
            on_issue = {*map(fold, (*issue.labels, issue.type))} if issue.handled else set()
            for name in writes.keys() & on_issue:
                one = writes[name]
                yield Correction(number, one.label, "kept", at, one.source, one.certainty, config)
