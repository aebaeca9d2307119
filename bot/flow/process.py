"""One job: load the issue → skip it? → decide → make a plan → publish it → record the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.core.config.schema import RepoConfig
from bot.core.corrections import Correction
from bot.core.demotions import find_demotions
from bot.core.enrichment import Enrichment
from bot.core.errors import (
    NotCovered,
    OperatorError,
    PermanentError,
    Postponed,
    RateLimited,
    Retry,
)
from bot.core.history import IssueHistory, issue_fingerprint
from bot.core.labels.names import fold
from bot.core.ports import ModelCall
from bot.core.pricing import Limits
from bot.core.text import globs
from bot.core.text.bounded import drop_body
from bot.core.types import MAX_ISSUE_AGE_SECONDS, Issue, IssueRef, Job, Record, Status
from bot.flow.answer import Answer, Question
from bot.flow.classify import find_doubted_labels
from bot.flow.context import Attempt, JobContext, heed_rate_limits, retry_on_lag
from bot.flow.enrich import (
    ClassifierLabeller,
    Labeller,
    ModelLabeller,
    RulesLabeller,
    prepare,
)
from bot.flow.find_related import find_older_issues
from bot.flow.load_config import ConfigInForce, choose_model, limit_mode, load_config_in_force
from bot.flow.load_history import add_changes_by_people, add_own_comment
from bot.flow.make_plan import make_plan
from bot.flow.plan import Outcome, Plan
from bot.flow.publish import publish
from bot.flow.publish_suggestions import load_suggestions
from bot.flow.read_missing import read_missing
from bot.flow.record_corrections import load_corrections
from bot.flow.record_duplicate import load_feedback
from bot.flow.render import digest_summary, read_marker
from bot.learn.model import RepositoryModel

EDIT_TRIES, EDIT_RETRY_SECONDS = 2, 1.0
ANSWERED_BY_OTHER = "another installation of Tagline has answered"
# Kinds of jobs to which neither an issue's age nor `on` applies.
WITHOUT_EVENT = ("manual", "backfill", "heal", "redo")


def process(job: Job, context: JobContext, try_number: int = 1) -> Outcome:
    """Bring one issue to an end state, and record it. Return the outcome.

    Raises `Retry` and `OperatorError`.
    """
    started_at = context.clock()
    with context.store.lock(job.ref.key) as lock:
        attempt = Attempt.start(job, context, lock, try_number)
        try:
            with heed_rate_limits(job, context):
                outcome = enrich_issue(attempt)
        except Postponed as error:
            context.model_retries.reschedule(job, error.after or 0)
            raise
        except OperatorError:
            context.model_retries.reschedule(job)
            raise
        except PermanentError as error:
            retry_on_lag(error, try_number)
            if isinstance(error, NotCovered) and job.kind != "heal":  # see `NotCovered`
                return Outcome(job, Record("skipped", str(error)), failure=error)
            record = _build_unreachable(context.store.record(job.ref.key), str(error))
            outcome = Outcome(job, record, failure=error)
        wait_for_model = context.model_retries.schedule_after(outcome)
        record = replace(outcome.record, delivery=job.id, wait=wait_for_model)
        record = _note_command(job, record, started_at)
        lock.finish(record, attempt.journal.take_unsaved())
        return replace(outcome, record=record)


def _note_command(job: Job, record: Record, at: float) -> Record:
    """Return the record with a command to ask again, which was carried out at that time."""
    if job.kind != "redo":
        return record
    done = record.commands.with_done(job.comment, "redo", job.received_at, at)
    return replace(record, commands=done)


def _why_needless(job: Job, record: Record, context: JobContext) -> str:
    """Return why the record shows that a job has nothing to do, "" if it does not."""
    if context.model_retries.expired(job, record):
        return "no longer waits for a model"
    if job.kind == "redo":
        return record.commands.why_done(job.comment, "redo", job.received_at)
    return ""


def enrich_issue(attempt: Attempt) -> Outcome:
    """Bring one issue to an end state, and return the outcome. Raises as `process`."""
    job, context, record = attempt.job, attempt.context, attempt.lock.record
    # A retry without a record: Redis has lost it, and the issue is treated as a new one.
    if record and (why := _why_needless(job, record, context)):
        return Outcome(job, replace(record, why=why))
    issue = context.forge.get_issue(job.ref)
    in_force = load_config_in_force(job.ref, context)
    history = IssueHistory(drop_body(issue), issue_fingerprint(issue), record)
    reason = why_skip(job, issue, in_force.config, closed_too=context.closed_too)
    if reason := reason or history.why_silent:
        return Outcome(job, history.ended("skipped", reason))
    if issue.comments or record or attempt.number > 1:
        history = add_own_comment(history, context)
    if history.interrupted:
        attempt.journal.settle_earlier(history)
    if end := _find_end(job, issue, history, context):
        return Outcome(job, history.ended(*end))
    if in_force.config.mode != "dry-run" and not context.labels_only:
        _reserve_comment(history, context)
    history = add_changes_by_people(job, history, context)
    question = _prepare(job, issue, in_force, context)
    del issue  # its body may be long, and the model call takes time
    answer = question.ask()
    outcome = _publish(answer, history, attempt)
    _save_cached_answer(answer, outcome, context)
    return outcome


def _prepare(job: Job, issue: Issue, in_force: ConfigInForce, context: JobContext) -> Question:
    """Return what labellers are asked, and what else the comment may say."""
    forge, ref = context.forge, issue.ref
    corrections = load_corrections(ref, in_force, context)
    in_force = limit_mode(in_force, corrections)
    config = in_force.config
    is_quiet = load_feedback(ref, in_force, context).quiet_since is not None
    most_related = 0 if is_quiet else config.comment.similar
    labels, classifier = forge.list_labels(ref), _find_classifier(ref, config, context)
    older = find_older_issues(issue, labels, config, classifier, context, most_related)
    types = forge.list_types(ref) if config.types.set else ()
    return Question(
        material=prepare(issue, labels, config, classifier, types, older.examples),
        labellers=_make_labellers(job, drop_body(issue), config, corrections, context),
        in_force=in_force,
        demotions=find_demotions(corrections, in_force.digest),
        missing=() if context.labels_only else read_missing(issue, config, forge),
        command_prefix=_find_command_prefix(config, context),
        related=older.related,
        most_related=most_related,
    )


def _save_cached_answer(answer: Answer, outcome: Outcome, context: JobContext) -> None:
    """Let other issues with the same text have this answer, once a comment has it."""
    entry = answer.proposed.proposal.cache_entry
    if outcome.record.status == "answered" and entry:
        comment = outcome.plan.comment if outcome.plan else None
        cached = replace(entry.answer, digest=digest_summary(comment or ""))
        context.store.save_cached_answer(outcome.job.ref.repo_key, entry.keys, cached)


def _find_command_prefix(config: RepoConfig, context: JobContext) -> str:
    """Return what people write before a command, "" where no command is carried out."""
    if not context.keeps_records:
        return ""
    return next(iter(context.forge.commands.list_prefixes(config.commands.alias)), "")


def _publish(answer: Answer, history: IssueHistory, attempt: Attempt) -> Outcome:
    """Write what follows from an answer, unless the issue changed during the model call; return the
    outcome."""
    job, context, config = attempt.job, attempt.context, answer.question.in_force.config
    decision = answer.decide(history)
    if config.mode == "dry-run":
        return Outcome(job, history.ended("dry-run"), make_plan(decision), decision.enrichment)
    answer, issue = answer.reread(job.ref, context.forge)
    reason = why_skip(job, issue, config, closed_too=context.closed_too)
    if reason or _is_answered_by_other(issue, history, context):
        record = history.ended("skipped", reason or ANSWERED_BY_OTHER)
        return Outcome(job, record, None, decision.enrichment)
    if issue_fingerprint(issue) != history.input and attempt.number <= EDIT_TRIES:
        raise Retry("the issue was edited meanwhile", EDIT_RETRY_SECONDS)
    if history.comment is None and attempt.number > 1:
        # The forge may show only now what an earlier try has posted.
        history = add_own_comment(history, context)
    # What a person set or decided during the model call counts too.
    history = load_suggestions(history.with_issue(issue), attempt)
    decision = answer.decide(history)
    may_suggest = decision.may_suggest and not context.labels_only
    if may_suggest and context.forge.takes_suggestions(job.ref):
        decision = replace(decision, takes_suggestions=True)
    plan, history, enrichment = make_plan(decision), decision.history, decision.enrichment
    published, record = publish(plan, history, attempt)
    record = replace(record, usage=enrichment.usage)
    return _make_outcome(plan, published, record, enrichment, attempt)


def _make_outcome(
    plan: Plan, published: Plan, record: Record, enrichment: Enrichment, attempt: Attempt
) -> Outcome:
    """Return the result of a job, with what the forge refused of its plan."""
    if published != plan:
        labels = enrichment.label_decision.with_only(published.add_labels)
        types = enrichment.type_decision
        if published.type_change != plan.type_change:
            types = types.with_only(())
        enrichment = replace(enrichment, label_decision=labels, type_decision=types)
    refused = tuple(name for name in plan.add_labels if name not in published.add_labels)
    refusals = tuple(dict.fromkeys(attempt.refusals))
    return Outcome(
        job=attempt.job,
        record=record,
        plan=published,
        enrichment=enrichment,
        refused_labels=refused,
        refusals=refusals,
    )


def _build_unreachable(before: Record | None, why: str) -> Record:
    """Return the record of an issue that the bot cannot access any more."""
    record = before or Record("skipped")
    if record.status == "writing":  # no write of the interrupted try was confirmed
        record = replace(record, labels=(), source="", type=None)
    return replace(record, status="skipped", why=why)


def _reserve_comment(history: IssueHistory, context: JobContext) -> None:
    """Reserve a new comment before a model call is paid for. Raises `RateLimited`."""
    ref = history.issue.ref
    if history.comment is not None:
        return
    if wait := context.rate_limiter.reserve(ref.account_key, ref.key, context.forge.rate):
        raise RateLimited(
            "the account has reached its rate limit for comments", wait, account_wide=False
        )


def _find_end(
    job: Job, issue: Issue, history: IssueHistory, context: JobContext
) -> tuple[Status, str] | None:
    """Return the end state of an issue that needs no change and the reason, None for any other."""
    if _is_answered_by_other(issue, history, context):
        return "skipped", ANSWERED_BY_OTHER
    if reason := history.why_settled(job.kind, has_model=bool(context.models)):
        return "unchanged", reason
    return None


def _is_answered_by_other(issue: Issue, history: IssueHistory, context: JobContext) -> bool:
    """Return whether another installation of Tagline has commented, as an App beside an Action."""
    if history.comment or not issue.comments:
        return False
    comments = context.forge.list_other_bots_comments(issue.ref)
    return any(read_marker(comment.body) for comment in comments)


def _make_labellers(
    job: Job,
    issue: Issue,
    config: RepoConfig,
    corrections: Sequence[Correction],
    context: JobContext,
) -> list[Labeller]:
    """Return the labellers in their order, the model's with the limits for this issue."""
    budget = config.budget
    limits = Limits(context.day_usd, budget.per_day_usd, budget.per_author_per_hour)
    exempt = job.kind in WITHOUT_EVENT  # a person started it, or the author was counted before
    call = ModelCall(issue, context.forge, limits, exempt, fresh=job.kind == "redo")
    doubted = find_doubted_labels(corrections, config.labels.precision)
    model = context.models.get(choose_model(config, context.models))
    return [
        ModelLabeller(model, call, doubted),
        ClassifierLabeller(),
        RulesLabeller(),
    ]


def _find_classifier(
    ref: IssueRef, config: RepoConfig, context: JobContext
) -> RepositoryModel | None:
    if not config.learn.from_history:
        return None
    return context.learned.get(ref.repo_key, config.labels.precision)


def why_skip(job: Job, issue: Issue, config: RepoConfig, *, closed_too: bool = False) -> str:
    """Return why the issue is skipped, "" if it is not."""
    if config.mode == "off":
        return "mode is off"
    on_event = job.kind not in WITHOUT_EVENT
    ignored = {fold(name) for name in config.ignore.labels}
    reasons = {
        "closed": not (issue.is_open or closed_too),
        "locked": issue.locked,
        "older than a day": on_event and job.received_at - issue.created_at > MAX_ISSUE_AGE_SECONDS,
        f"{job.kind} is not in `on`": on_event and job.kind not in config.on,
        "its author is ignored": _matches(issue.author, config.ignore.authors),
        "its title is ignored": _matches(issue.title, config.ignore.title),
        "one of its labels is ignored": any(fold(name) in ignored for name in issue.labels),
    }
    found = (reason for reason, holds in reasons.items() if holds)
    return why_out_of_scope(issue) or next(found, "")


def why_out_of_scope(issue: Issue) -> str:
    """Return why the bot never answers an issue like this, "" for any other."""
    reasons = {
        "a pull request": issue.is_pull_request,
        f"a work item of type {issue.other_type!r}": bool(issue.other_type),
        "confidential": issue.confidential,
        "opened by a bot": issue.is_bot,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _matches(text: str, patterns: tuple[str, ...]) -> bool:
    return globs.matches(text[:1000].casefold(), tuple(glob.casefold() for glob in patterns))
