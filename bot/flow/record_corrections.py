"""One job after people changed labels or the type of an issue: compare them with the bot's, record
corrections.

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
    Demotion,
    LabelledIssue,
    find_change,
    find_corrections,
    find_demotions,
    list_unjudged,
)
from bot.core.errors import PermanentError, RateLimited, Retry
from bot.core.labels.names import fold
from bot.core.ports import Lock
from bot.core.text.bounded import drop_body
from bot.core.types import IssueRef, Job, Record
from bot.flow.context import JobContext
from bot.flow.load_config import load_config_in_force
from bot.flow.plan import Outcome

MAX_LOOKS = 10  # requests before a label is demoted


def record_corrections(job: Job, context: JobContext) -> Outcome:
    """Record what people did with the issue's labels; return the outcome. Raises `Retry` and
    `OperatorError`."""
    account = job.ref.account_key
    record = context.store.record(job.ref.key)
    if record is None or not record.has_decided:
        return Outcome(job, Record("unchanged", "the bot has not decided on its labels"))
    if wait := context.rate_limiter.pause_left(account):
        raise RateLimited("the forge asked to wait", wait)
    with context.store.lock(job.ref.key) as lock:
        try:
            why = _compare(job, context, lock)
        except RateLimited as error:
            if error.account_wide:
                context.rate_limiter.pause(account, error.after or 0)
            raise
        except PermanentError as error:
            return Outcome(job, Record("unchanged", str(error)), refused=error.refused)
    return Outcome(job, Record("recorded" if why else "unchanged", why or "nothing new"))


def load_corrections(ref: IssueRef, config: str, context: JobContext) -> tuple[Correction, ...]:
    """Return the repository's corrections; a changed configuration is recorded among them.

    `config` is the digest of the one in force.
    """
    corrections = context.corrections.list(ref.repo_key)
    change = find_change(corrections, config)
    if change is None:
        return corrections
    context.corrections.add(ref.repo_key, [change])
    return (*corrections, change)


def _compare(job: Job, context: JobContext, lock: Lock) -> str:
    """Record what is new; return it in words, "" for nothing."""
    ref, record = job.ref, lock.record
    in_force = load_config_in_force(ref, context)
    if record is None or not in_force.learns_from_corrections:
        return ""
    issue = drop_body(context.forge.get_issue(ref))
    if issue.confidential or issue.is_pull_request:
        return ""
    case = LabelledIssue(
        issue=issue,
        record=record,
        writes=context.journal.list_writes(ref.key),
        changes=context.forge.list_label_changes(ref),
        existing=[label.name for label in context.forge.list_labels(ref)],
        config=in_force.digest,
    )
    found = find_corrections(case)
    removed = [one.label for one in found if one.verdict == "removed"]
    merged = tuple(dict.fromkeys((*record.removed, *removed)))
    if merged != record.removed and not lock.save(replace(record, removed=merged)):
        raise Retry("the lock of this issue was lost")
    if types := context.forge.list_types(ref) if in_force.config.types.set else ():
        changes = context.forge.list_type_changes(ref)
        found += find_corrections(case.for_type(changes, [one.name for one in types]))
    # People remove this one after their review, whether the bot was right or not.
    review = fold(in_force.config.fallback.needs_review)
    found = tuple(one for one in found if fold(one.label) != review)
    return _add(found, job, in_force.digest, context)


def _add(found: Sequence[Correction], job: Job, config: str, context: JobContext) -> str:
    """Add the corrections that are not known; those keep the configuration of their time."""
    before = load_corrections(job.ref, config, context)
    known = {replace(one, config="") for one in before}
    new = [one for one in found if replace(one, config="") not in known]
    counts = Counter(one.verdict for one in new)
    demoted = {fold(one.label) for one in find_demotions(before, config)}
    for demotion in find_demotions([*before, *new], config):
        if fold(demotion.label) not in demoted:
            new += _find_kept(demotion, [*before, *new], job, config, context)
    context.corrections.add(job.ref.repo_key, new)
    return ", ".join(f"{number} {verdict}" for verdict, number in counts.items())


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
