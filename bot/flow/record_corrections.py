"""One job after people changed labels or the type of an issue, and once a day while suggestions
wait for them: compare these with the bot's, record corrections.

An issue on which the bot has not decided is left alone: people's labels there say nothing about its
own, and a change of many old issues costs no request. The job holds no labels, it reads the forge's
history of them: it may come late, twice, or once for several changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from bot.core.corrections import (
    Correction,
    LabelledIssue,
    add_decisions,
    drop_known,
    find_corrections,
)
from bot.core.demotions import (
    Demotion,
    find_change,
    find_demotions,
    list_names,
    list_unjudged,
)
from bot.core.errors import PermanentError, Retry
from bot.core.labels.names import fold
from bot.core.ports import Lock
from bot.core.suggestion_port import LOOK_AGAIN_SECONDS
from bot.core.suggestions import Review, list_unsettled, review_suggestions
from bot.core.text.bounded import drop_body
from bot.core.types import IssueRef, Job, Record
from bot.flow.add_corrections import add_corrections
from bot.flow.context import JobContext, heed_rate_limits
from bot.flow.load_config import ConfigInForce, load_config_in_force
from bot.flow.plan import Outcome

MAX_LOOKS = 10  # requests before a label is demoted
NOTHING_NEW = Record("unchanged", "nothing new")


def record_corrections(job: Job, context: JobContext, _try_number: int = 1) -> Outcome:
    """Record what people did with the issue's labels; return the outcome. Raises `Retry` and
    `OperatorError`."""
    record = context.store.record(job.ref.key)
    if record is None or not record.has_decided:
        context.looks.remove(job.ref)
        return Outcome(job, Record("unchanged", "the bot has not decided on its labels"))
    with heed_rate_limits(job, context), context.store.lock(job.ref.key) as lock:
        try:
            return _record_new(job, context, lock)
        except PermanentError as error:
            context.looks.remove(job.ref)
            return Outcome(job, Record("unchanged", str(error)), failure=error)


def load_corrections(
    ref: IssueRef, in_force: ConfigInForce, context: JobContext
) -> tuple[Correction, ...]:
    """Return the repository's corrections, none where the configuration learns from none.

    A changed configuration is recorded among them.
    """
    corrections = context.corrections.list(ref.repo_key)
    if change := find_change(corrections, in_force.digest):
        context.corrections.add(ref.repo_key, [change])
        corrections = (*corrections, change)
    return corrections if in_force.learns_from_corrections else ()


def _record_new(job: Job, context: JobContext, lock: Lock) -> Outcome:
    """Record what people did that is not recorded yet. Raises the errors of a forge."""
    ref, record = job.ref, lock.record
    in_force = load_config_in_force(ref, context)
    if record is None or not in_force.learns_from_corrections:
        context.looks.remove(ref)
        return Outcome(job, NOTHING_NEW)
    issue = drop_body(context.forge.get_issue(ref))
    if issue.confidential or issue.is_pull_request:
        context.looks.remove(ref)
        return Outcome(job, NOTHING_NEW)
    case = LabelledIssue(
        issue=issue,
        record=record,
        writes=context.journal.list_writes(ref.key),
        changes=context.forge.list_label_changes(ref),
        existing=[label.name for label in context.forge.list_labels(ref)],
        config=in_force.digest,
    )
    types = context.forge.list_types(ref) if in_force.config.types.set else ()
    review = _review(case, context)
    labels = find_corrections(case)
    found = add_decisions(labels, case, review, is_type=False)
    if types:
        changes = context.forge.list_type_changes(ref)
        of_type = case.for_type(changes, [one.name for one in types])
        found += add_decisions(find_corrections(of_type), of_type, review, is_type=True)
    # People remove this one after their review, whether the bot was right or not.
    needs_review = fold(in_force.config.fallback.needs_review)
    found = tuple(one for one in found if fold(one.label) != needs_review)
    outcome = _add(found, job, in_force, context)
    # Afterwards: what the record no longer has would not be found again.
    _save_review(review, [one.label for one in labels if one.verdict == "removed"], lock)
    if review.pending and issue.is_open:
        context.looks.schedule(ref, context.clock() + LOOK_AGAIN_SECONDS)
    else:
        context.looks.remove(ref)
    return outcome


def _review(case: LabelledIssue, context: JobContext) -> Review:
    """Return what became of the bot's suggestions; no request is sent where there are none."""
    has_any = case.record.held or list_unsettled(case.writes)
    # After the labels and types were listed: suggestions have only the ids of these.
    listed = context.forge.list_suggestions(case.issue.ref, "all") if has_any else ()
    return review_suggestions(case.record, case.writes, listed)


def _save_review(review: Review, removed: Sequence[str], lock: Lock) -> None:
    """Save what the bot may not set again, and its suggestions that still wait for a person."""
    record = lock.record
    assert record is not None
    changed = replace(
        record,
        removed=tuple(dict.fromkeys((*record.removed, *removed))),
        held=review.pending,
        declined=tuple(dict.fromkeys((*record.declined, *review.dismissed))),
    )
    if (changed != record or review.settled) and not lock.save(changed, review.settled):
        raise Retry("the lock of this issue was lost")


def _add(
    found: Sequence[Correction], job: Job, in_force: ConfigInForce, context: JobContext
) -> Outcome:
    """Add the corrections that are not known; those keep the configuration of their time."""
    config = in_force.digest
    before = load_corrections(job.ref, in_force, context)
    new = [*drop_known(found, before)]
    counts = Counter(one.verdict for one in new)
    demoted = {*map(fold, list_names(find_demotions(before, config), "removed"))}
    for demotion in find_demotions([*before, *new], config):
        if demotion.refusal == "removed" and fold(demotion.label) not in demoted:
            new += _find_kept(demotion, [*before, *new], job, config, context)
    new_limit = add_corrections(new, job.ref, in_force, context)
    if not counts:
        return Outcome(job, NOTHING_NEW, new_limit=new_limit)
    why = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
    return Outcome(job, Record("recorded", why), new_limit=new_limit)


def _find_kept(
    demotion: Demotion,
    corrections: Sequence[Correction],
    job: Job,
    config: str,
    context: JobContext,
) -> list[Correction]:
    """Return one issue that was closed with a label that is about to be demoted, if there is one.

    People rarely touch the labels of an issue where these are right, so a few issues are read
    before a label is demoted.
    """
    journal = context.journal.list_repository(job.ref.repo_key)
    for number, write in list_unjudged(demotion, journal, corrections)[:MAX_LOOKS]:
        with suppress(PermanentError):
            issue = drop_body(context.forge.get_issue(replace(job.ref, number=number)))
            if not issue.is_open and fold(write.label) in map(fold, (*issue.labels, issue.type)):
                origin = write.source, write.certainty
                return [Correction(number, write.label, "kept", demotion.since, *origin, config)]
    return []
