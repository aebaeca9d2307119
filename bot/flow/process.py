"""One job, whole: read the issue afresh → skip? → enrich → Plan → write → record."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import msgspec

from bot.core.config.caution import MODES
from bot.core.config.parser import RepoConfig
from bot.core.errors import (
    ConfigProblem,
    Forbidden,
    NotCovered,
    OperatorError,
    PermanentError,
    Postponed,
    RateLimited,
    Retry,
)
from bot.core.history import IssueHistory, has_digests, input_hash, resolved
from bot.core.labels.policy import fold
from bot.core.ports import BudgetStore, Forge, Lock, Model, RateLimiter, Store
from bot.core.pricing import Limits
from bot.core.text import globs
from bot.core.text.bounded import without_body
from bot.core.types import Enrichment, Issue, Job, Outcome, Plan, Record, Status
from bot.flow import publish
from bot.flow.answer_cache import AnswerCache
from bot.flow.budget_check import BudgetCheck
from bot.flow.enrich import conclude, prepare
from bot.flow.load_config import choose_model, load_config, save_reported_problems
from bot.flow.render import read_marker, render, with_labels
from bot.flow.retry_fallbacks import FallbackRetries

OLD_SECONDS = 24 * 3600
LAG_TRIES, LAG_SECONDS = 2, 5.0
EDITED_TRIES, EDITED_SECONDS = 2, 1.0
ON_REQUEST = ("manual", "heal")  # kinds to which neither an issue's age nor `on` applies


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a job works with. Of the operator's `mode` and the repository's the stricter wins.

    The first of the `models` is asked unless the repository names another one. `day_usd` is what
    all model calls of a day may cost together, None without a limit.
    """

    forge: Forge
    models: Mapping[str, Model]
    store: Store
    budgets: BudgetStore
    rate_limiter: RateLimiter
    retries: FallbackRetries
    day_usd: float | None = None
    mode: str = "apply"
    sleep: Callable[[float], None] = time.sleep


def process(delivery: Job, context: JobContext, tries: int = 1) -> Outcome:
    """Bring one issue to an end state and record it. Raises `Retry` and `OperatorError`."""
    key, account = delivery.ref.key, delivery.ref.account_key
    if wait := context.rate_limiter.pause_left(account):
        context.retries.postpone(delivery, wait)
        raise RateLimited("the forge asked to wait", wait)
    with context.store.lock(key) as lock:
        try:
            outcome = _enrich_issue(delivery, context, lock, tries)
        except Postponed as busy:
            if isinstance(busy, RateLimited):
                context.rate_limiter.pause(account, busy.after or 0)
            context.retries.postpone(delivery, busy.after or 0)
            raise
        except OperatorError:
            context.retries.postpone(delivery)
            raise
        except PermanentError as final:
            if final.may_be_lag and tries <= LAG_TRIES:
                raise Retry(f"the issue is {final}; it may only be late", LAG_SECONDS) from None
            if isinstance(final, NotCovered) and delivery.kind != "heal":
                return Outcome(delivery, Record("skipped", str(final)))
            outcome = _unreachable(delivery, context.store.record(key), str(final))
        wait_from_now = context.retries.schedule_after(outcome)
        record = replace(outcome.record, delivery=delivery.id, wait=wait_from_now)
        lock.finish(record)
        return replace(outcome, record=record)


def _enrich_issue(delivery: Job, context: JobContext, lock: Lock, tries: int) -> Outcome:
    ref, forge = delivery.ref, context.forge
    known = lock.record
    if known and context.retries.expired(delivery, known):  # else Redis forgot it: as good as new
        return Outcome(delivery, replace(known, why="waits no longer"))
    issue = forge.issue(ref)
    config, problems = load_config(ref, forge.config_text(ref), context.store, context.models)
    config = _stricter_mode(config, context.mode)
    history = IssueHistory(without_body(issue), input_hash(issue), known)
    if reason := why_skip(delivery, issue, config):
        return Outcome(delivery, history.ended("skipped", reason))
    if issue.commented or known or tries > 1:
        history = _with_own_comment(history, forge)
    if reason := history.why_settled(delivery.kind, has_model=bool(context.models)):
        return Outcome(delivery, history.ended("unchanged", reason))
    if history.comment is None and config.mode != "dry-run":
        _reserve_comment(delivery, context)
    history = _with_label_changes(delivery, history, context)
    asked = _model_for(delivery, history.issue, config, context)
    material = prepare(issue, forge.labels(ref), config)
    del issue  # its body may be long, and a model takes its time
    enrichment = conclude(material, history.current_labels, asked)
    outcome = _publish_unless_changed(
        delivery, Decision(history, config, problems, enrichment), context, lock, tries
    )
    if asked and outcome.record.status == "answered":
        asked.keep()
    return outcome


def _publish_unless_changed(
    delivery: Job, decision: Decision, context: JobContext, lock: Lock, tries: int
) -> Outcome:
    """The model took its time: what a person did meanwhile counts."""
    history, config, enrichment = decision.history, decision.config, decision.enrichment
    if config.mode == "dry-run":
        return Outcome(delivery, history.ended("dry-run"), decision.plan, enrichment)
    now = without_body(context.forge.issue(delivery.ref))
    if reason := why_skip(delivery, now, config):
        return Outcome(delivery, history.ended("skipped", reason), None, enrichment)
    if input_hash(now) != history.input and tries <= EDITED_TRIES:
        raise Retry("the issue was edited meanwhile", EDITED_SECONDS)
    if history.comment is None and tries > 1:  # what an earlier try sent may have come to light
        decision = replace(decision, history=_with_own_comment(history, context.forge))
    return _write(delivery, decision, context, lock, tries)


def _unreachable(delivery: Job, known: Record | None, why: str) -> Outcome:
    """The forge let nothing more be done."""
    known = known or Record("skipped")
    if known.status == "writing":  # nothing of it is known to have been written
        known = replace(known, labels=(), source="")
    return Outcome(delivery, replace(known, status="skipped", why=why))


def _reserve_comment(delivery: Job, context: JobContext) -> None:
    """Before a model is paid for a comment that may not be posted yet. Raises `Postponed`."""
    ref = delivery.ref
    if wait := context.rate_limiter.reserve(ref.account_key, ref.key, context.forge.rate):
        raise Postponed("no more comments than the forge takes", wait)


def _with_label_changes(delivery: Job, history: IssueHistory, context: JobContext) -> IssueHistory:
    """What people did since a try was cut short, and, where a model may answer now, since rules
    answered."""
    if history.unsure:
        history = history.removed(context.forge.set_by_us(delivery.ref, history.unsure))
    if not context.models or not history.record:
        return history
    ref, by_rules = delivery.ref, history.by_rules
    replaceable = context.forge.set_by_us(ref, by_rules) if by_rules else ()
    replied = delivery.kind == "heal" and history.comment is None and context.forge.replied(ref)
    return replace(history, replaceable=replaceable, replied=replied)


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided for an issue, and from what."""

    history: IssueHistory
    config: RepoConfig
    problems: tuple[ConfigProblem, ...]
    enrichment: Enrichment

    @property
    def plan(self) -> Plan:
        return render(self.history, self.enrichment, self.config, self.problems)

    def with_labels(self, names: tuple[str, ...]) -> Decision:
        """The same where only these labels could be set."""
        return replace(self, enrichment=with_labels(self.enrichment, names))


def _write(
    delivery: Job, decision: Decision, context: JobContext, lock: Lock, tries: int
) -> Outcome:
    """Labels first, so that the comment's marker never promises what was not done."""
    history, plan = decision.history, decision.plan
    begun = _pending_record(plan, history)
    publish.record_pending(begun, lock)
    _remove_labels(
        plan, context.forge
    )  # first: on GitLab a sibling in the same scope keeps others off
    written = _set_labels(plan, context.forge, tries)
    if written or plan.comment:  # one that is gone by the next try was taken off by a person
        publish.record_pending(replace(begun, removed=(*begun.removed, *written)), lock)
    if written != plan.add_labels:
        decision = decision.with_labels(written)
        plan = decision.plan
    begun, enrichment = _pending_record(plan, history), decision.enrichment
    try:
        comment_id = _write_comment(plan, history, context)
    except Forbidden as refusal:
        unsaid = replace(begun, status="skipped", why=str(refusal), source="")
        return Outcome(delivery, unsaid, plan, enrichment)
    if comment_id:
        save_reported_problems(plan.ref, decision.problems, context.store)
    status = _status(plan, comment_id, enrichment, decision.config)
    record = replace(
        begun,
        status=status,
        why=enrichment.why,
        by_rules=begun.labels if enrichment.source == "rules" else (),
        comment_id=comment_id or begun.comment_id,
    )
    return Outcome(delivery, record, plan, enrichment)


def _model_for(
    delivery: Job, issue: Issue, config: RepoConfig, context: JobContext
) -> AnswerCache | None:
    """The model for this issue: an answer that is known already, else one within the budgets."""
    model = choose_model(config, context.models)
    if model is None:
        return None
    budget = config.budget
    limits = Limits(context.day_usd, budget.per_day_usd, budget.per_author_per_hour)
    exempt = delivery.kind in ON_REQUEST  # a person asks, or the author was counted before
    paid = BudgetCheck(model, context.budgets, limits, issue, context.forge, exempt)
    return AnswerCache(paid, context.store, context.forge, issue.ref)


def why_skip(delivery: Job, issue: Issue, config: RepoConfig) -> str:
    """Why nothing is said or set on this issue, or ""."""
    unasked = delivery.kind in ON_REQUEST
    ignored = {fold(name) for name in config.ignore.labels}
    reasons = {
        "mode is off": config.mode == "off",
        "a pull request": issue.is_pull_request,
        "confidential": issue.confidential,
        "opened by a bot": issue.is_bot,
        "closed": not issue.is_open,
        "locked": issue.locked,
        "older than a day": not unasked and delivery.received_at - issue.created_at > OLD_SECONDS,
        f"{delivery.kind} is not in `on`": not unasked and delivery.kind not in config.on,
        "its author is ignored": _matches(issue.author, config.ignore.authors),
        "its title is ignored": _matches(issue.title, config.ignore.title),
        "one of its labels is ignored": any(fold(name) in ignored for name in issue.labels),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _matches(text: str, patterns: tuple[str, ...]) -> bool:
    return globs.matches(text[:1000].casefold(), tuple(glob.casefold() for glob in patterns))


def _stricter_mode(config: RepoConfig, mode: str) -> RepoConfig:
    return msgspec.structs.replace(config, mode=max(config.mode, mode, key=MODES.index))


def _with_own_comment(history: IssueHistory, forge: Forge) -> IssueHistory:
    comment = publish.own_comment(history.issue.ref, forge)
    marker = read_marker(comment.body) if comment else None
    if marker and has_digests(marker):
        names = (label.name for label in forge.labels(history.issue.ref))
        marker = resolved(marker, (*names, *history.applied_by_bot, *history.issue.labels))
    return replace(history, comment=comment, marker=marker)


def _pending_record(plan: Plan, history: IssueHistory) -> Record:
    """What is about to be written; after a crash the next try knows what may be there already."""
    return Record(
        status="writing",
        labels=plan.marker.labels,
        removed=tuple(history.current_labels.removed),
        by_rules=plan.marker.labels if plan.marker.source == "rules" else history.by_rules,
        comment_id=history.comment.id if history.comment else 0,
        input=history.input,
        source=plan.marker.source,
        wait=history.record.wait if history.record else None,
    )


def _set_labels(plan: Plan, forge: Forge, tries: int) -> tuple[str, ...]:
    """Those that could be set: one that is refused does not keep the others off."""
    try:
        return forge.add_labels(plan.ref, plan.add_labels) if plan.add_labels else ()
    except PermanentError as refusal:
        if refusal.may_be_lag and tries <= LAG_TRIES:
            raise
        # Without the right to set labels the comment still helps: they are suggested.
        each = [(name,) for name in plan.add_labels] if len(plan.add_labels) > 1 else []
        return tuple(
            name
            for one in each
            for name in _set_labels(replace(plan, add_labels=one), forge, tries)
        )


def _remove_labels(plan: Plan, forge: Forge) -> None:
    """Those that nobody touched while the model took its time."""
    if plan.remove_labels and (names := forge.set_by_us(plan.ref, plan.remove_labels)):
        with suppress(Forbidden):
            forge.remove_labels(plan.ref, names)


def _write_comment(plan: Plan, history: IssueHistory, context: JobContext) -> int:
    """The number of our comment, 0 where none is due or a person deleted it."""
    if plan.comment is None:
        return 0
    comment = publish.write_comment(plan, history.comment, context.forge, context.sleep)
    return comment.id if comment else 0


def _status(plan: Plan, comment_id: int, enrichment: Enrichment, config: RepoConfig) -> Status:
    if plan.comment is not None and not comment_id:
        return "deleted"
    if config.mode == "suggest":
        return "suggested"
    if plan.comment is None:
        return "fallback" if enrichment.source == "rules" else "quiet"
    return "answered"
