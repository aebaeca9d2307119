"""One job after a person closed an issue whose comment names older ones: was one of them the
original?

The job holds only the issue's number and reads how it is closed now: it may come late or twice.
Without older issues in the comment, as the record says, no request is sent.
"""

from __future__ import annotations

from typing import Literal

from bot.core.errors import PermanentError
from bot.core.related import RelatedFeedback, RelatedVerdict, count_feedback, find_resumption
from bot.core.types import IssueRef, Job, Record
from bot.flow.context import JobContext, heed_rate_limits
from bot.flow.load_config import ConfigInForce, load_config_in_force
from bot.flow.plan import Outcome

NAMES_NONE = "the comment names no older issue"


def record_duplicate(job: Job, context: JobContext, _try_number: int = 1) -> Outcome:
    """Record whether the comment named the original; return the outcome. Raises `Retry` and
    `OperatorError`."""
    record = context.store.record(job.ref.key)
    if record is None or not record.related:
        return Outcome(job, Record("unchanged", NAMES_NONE))
    try:
        with heed_rate_limits(job, context), context.store.lock(job.ref.key) as lock:
            return Outcome(job, _judge(job.ref, lock.record, context))
    except PermanentError as error:
        return Outcome(job, Record("unchanged", str(error)), failure=error)


def load_feedback(ref: IssueRef, in_force: ConfigInForce, context: JobContext) -> RelatedFeedback:
    """Return what people said of older issues in the repository's comments; nothing where the
    configuration wants none of it. A changed configuration is recorded."""
    if not in_force.learns_from_corrections:
        return RelatedFeedback()
    return count_feedback(_load_verdicts(ref, in_force.digest, context), in_force.digest)


def record_verdict(
    ref: IssueRef,
    verdict: Literal["confirmed", "corrected"],
    in_force: ConfigInForce,
    context: JobContext,
) -> bool:
    """Record a verdict on the issue, unless the last one on it says the same."""
    if not in_force.learns_from_corrections:
        return False
    verdicts = _load_verdicts(ref, in_force.digest, context)
    before = [one.verdict for one in verdicts if one.number == ref.number]
    if before[-1:] == [verdict]:
        return False
    at = max([context.clock(), *(one.at for one in verdicts)])  # workers' clocks may differ
    new = RelatedVerdict(ref.number, verdict, at, in_force.digest)
    context.related_verdicts.add(ref.repo_key, [new])
    return True


def _load_verdicts(ref: IssueRef, config: str, context: JobContext) -> tuple[RelatedVerdict, ...]:
    verdicts = context.related_verdicts.list(ref.repo_key)
    change = find_resumption(verdicts, config)
    if change is None:
        return verdicts
    context.related_verdicts.add(ref.repo_key, [change])
    return (*verdicts, change)


def _judge(ref: IssueRef, record: Record | None, context: JobContext) -> Record:
    """Return the end of the job: what was recorded, or why nothing was."""
    if record is None or not record.related:
        return Record("unchanged", NAMES_NONE)
    in_force = load_config_in_force(ref, context)
    if not in_force.learns_from_corrections:
        return Record("unchanged", "learn.from_corrections is false, or mode is off")
    duplicate = context.forge.related.find_duplicate(ref)
    if duplicate is None:
        return Record("unchanged", "not closed as a duplicate")
    if not duplicate.original:
        return Record("unchanged", "the original is not known, or in another repository")
    if not context.forge.commands.may_command(ref, duplicate.closed_by):
        return Record("unchanged", "closed by somebody who may not change labels")
    verdict: Literal["confirmed", "corrected"] = (
        "confirmed" if duplicate.original in record.related else "corrected"
    )
    if not record_verdict(ref, verdict, in_force, context):
        return Record("unchanged", f"{verdict} before")
    return Record("recorded", f"older issue {verdict}")
