"""The part of publishing that is about suggestions which people accept or dismiss on the forge.

What a forge accepted is not trusted: its list of pending suggestions says what it holds.
"""

from __future__ import annotations

from dataclasses import replace

from bot.core.errors import PermanentError
from bot.core.history import IssueHistory
from bot.core.suggestion_port import LOOK_AGAIN_SECONDS
from bot.core.suggestions import list_unsettled, make_key, review_suggestions
from bot.core.types import HeldSuggestion, Record
from bot.flow.context import Attempt
from bot.flow.plan import Plan, Suggest


def load_suggestions(history: IssueHistory, attempt: Attempt) -> IssueHistory:
    """Return the history with what became of the bot's suggestions, also of those that an
    interrupted try has left. Where there can be none, no request is sent."""
    record, journal = history.record, attempt.context.journal
    if record is None or not (record.held or history.interrupted):
        return history
    writes = journal.list_writes(attempt.ref.key)
    if not (record.held or list_unsettled(writes)):
        return history
    listed = attempt.forge.list_suggestions(attempt.ref, "all")
    review = review_suggestions(record, writes, listed)
    attempt.journal.add(review.settled)
    declined = tuple(dict.fromkeys((*record.declined, *review.dismissed)))
    record = replace(record, held=review.unrecorded, declined=declined)
    return replace(history, record=record, suggestions=listed)


def replace_suggestions(
    plan: Plan, history: IssueHistory, attempt: Attempt, unfinished: Record
) -> Plan:
    """Dismiss the bot's suggestions that the plan replaces; return the plan without those that were
    made before, also by an interrupted try, or decided by a person.

    `plan.held` are the bot's; those whose end is to be recorded stay among them. The record
    `unfinished` is saved before a write.
    """
    change, own = plan.suggest, {one.id for one in plan.held}
    if not (own or change) or _is_first(history, attempt):
        return plan
    known = history.suggestions
    if known is None:
        known = attempt.forge.list_suggestions(plan.ref, "all")
    wanted = change.keys if change else frozenset()
    pending = [one for one in known if one.id in own and one.state == "pending"]
    for one in pending:
        if make_key(one) not in wanted:
            dismiss_suggestion(one, attempt, unfinished)
    ids = {one.id for one in pending}
    plan = replace(plan, held=tuple(one for one in plan.held if one.id not in ids))
    return plan.with_held(_select(change, known), own) if change else plan


def dismiss_suggestion(one: HeldSuggestion, attempt: Attempt, unfinished: Record) -> None:
    """Save the record `unfinished`, and dismiss a suggestion unless a person has decided on it."""
    writes = attempt.journal.begin_dismissal(one)
    attempt.save(unfinished)
    attempt.forge.dismiss_suggestion(attempt.ref, one.id)
    attempt.journal.settle(writes)


def schedule_look(held: tuple[HeldSuggestion, ...], attempt: Attempt) -> None:
    """Let the issue be looked at: now where people have decided on a suggestion, else in a day.

    Before suggestions are made, so that none is forgotten.
    """
    is_decided = any(one.state != "pending" for one in held)
    context = attempt.context
    due = context.clock() + (0.0 if is_decided else LOOK_AGAIN_SECONDS)
    context.looks.schedule(attempt.ref, due)


def suggest_type(plan: Plan, attempt: Attempt, unfinished: Record) -> None:
    """Suggest the type of the plan, if it has one; the record `unfinished` is saved before."""
    change = plan.suggest
    if change is None or change.type is None:
        return
    attempt.journal.begin_suggestions("suggest-type", [change.type])
    attempt.save(unfinished)
    try:
        attempt.forge.suggest_type(plan.ref, change.type)
    except PermanentError as refusal:
        if attempt.may_be_lag(refusal):
            raise


def settle_suggestions(plan: Plan, attempt: Attempt) -> Plan:
    """Return the plan whose comment leaves out what the forge holds."""
    change = plan.suggest
    if change is None:
        return plan
    found = _select(change, attempt.forge.list_suggestions(plan.ref, "pending"))
    attempt.journal.settle_suggestions({(one.is_type, one.name): one.id for one in found})
    return plan.with_held(found)


def _is_first(history: IssueHistory, attempt: Attempt) -> bool:
    """Return whether the bot cannot have suggested anything before."""
    is_new = attempt.job.kind == "opened" and attempt.number == 1
    return is_new and history.record is None and history.comment is None


def _select(change: Suggest, listed: tuple[HeldSuggestion, ...]) -> tuple[HeldSuggestion, ...]:
    return tuple(one for one in listed if make_key(one) in change.keys)
