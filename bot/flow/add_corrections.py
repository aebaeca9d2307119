"""Add to a repository's corrections, and say where that limits the mode to `suggest`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from bot.core.corrections import Correction
from bot.core.errors import PermanentError
from bot.core.labels.names import fold
from bot.core.labels.truth import KEPT_SECONDS
from bot.core.mode_limit import ModeLimit, list_unjudged_issues
from bot.core.text.bounded import drop_body
from bot.core.types import IssueRef
from bot.flow.context import JobContext
from bot.flow.load_config import ConfigInForce, find_limit

MAX_LOOKS = 30  # requests before the mode is limited


def add_corrections(
    new: Sequence[Correction], ref: IssueRef, in_force: ConfigInForce, context: JobContext
) -> str:
    """Add corrections; return why labels are only suggested now, "" if that was reported before or
    is not so.

    People rarely touch the labels of an issue where these are right, so that removed labels are
    noticed first. Some issues are therefore read before the mode is limited.
    """
    store, key = context.corrections, ref.repo_key

    def find_new_limit(more: Sequence[Correction] = ()) -> tuple[ModeLimit | None, str]:
        limit = find_limit(in_force, [*store.list(key), *more])
        period = f"{in_force.digest} {limit.period}" if limit else ""
        return (None, "") if store.is_limit_reported(key, period) else (limit, period)

    limit, _ = find_new_limit(new)
    kept = _find_kept(limit, new, ref, in_force.digest, context) if limit else ()
    store.add(key, [*new, *kept])
    # Read again: what other workers have added meanwhile may make a limit that none of them saw.
    found, period = find_new_limit()
    if found and not limit:
        store.add(key, [*_find_kept(found, (), ref, in_force.digest, context)])
        found, period = find_new_limit()
    return str(found) if found and store.report_limit(key, period) else ""


def _find_kept(
    limit: ModeLimit,
    new: Sequence[Correction],
    ref: IssueRef,
    config: str,
    context: JobContext,
) -> Iterator[Correction]:
    """Yield labels that nobody touched, as judged before the limit: those of issues that people
    handled, and those that were set more than a week ago."""
    old = context.clock() - KEPT_SECONDS
    at = math.nextafter(limit.since, -math.inf)
    journal = context.journal.list_repository(ref.repo_key)
    corrections = [*context.corrections.list(ref.repo_key), *new]
    for number, writes in list_unjudged_issues(limit, journal, corrections)[:MAX_LOOKS]:
        with suppress(PermanentError):
            issue = drop_body(context.forge.get_issue(replace(ref, number=number)))
            for name in writes.keys() & {*map(fold, (*issue.labels, issue.type))}:
                one = writes[name]
                if issue.handled or one.at <= old:
                    origin = one.source, one.certainty
                    yield Correction(number, one.label, "kept", at, *origin, config)
