"""Suggestions of an issue, and what people decide on them, as changes of the state."""

from __future__ import annotations

from bot.sandbox.state import Event, Missing, RepoId, State
from bot.sandbox.suggestions import Action, Intent, Suggestion


def suggest(
    state: State, repo: RepoId, number: int, action: Action, intent: Intent, actor: str
) -> Suggestion:
    """Store a change that waits for a person; another type takes the place of a pending one."""
    with state.lock:
        issue, at = state.issue(repo, number), state.clock()
        if action == "set_type":
            for one in issue.suggestions:
                if one.action == action and one.state == "pending":
                    one.state, one.updated_at = "replaced", at
        made = Suggestion(
            state.next_id(),
            action,
            intent.target,
            intent.rationale,
            intent.confidence,
            actor,
            at,
            at,
        )
        issue.suggestions.append(made)
        return made


def find_pending(state: State, repo: RepoId, number: int, suggestion: int) -> Suggestion | None:
    """Return a pending suggestion, None for one that is resolved. Raises Missing."""
    with state.lock:
        for one in state.issue(repo, number).suggestions:
            if one.id == suggestion:
                return one if one.state == "pending" else None
    raise Missing(f"suggestion {suggestion}")


def dismiss(state: State, suggestion: Suggestion, login: str) -> None:
    with state.lock:
        suggestion.state, suggestion.resolved_by = "dismissed", login
        suggestion.updated_at = state.clock()


def approve(
    state: State, repo: RepoId, number: int, suggestion: Suggestion, login: str
) -> list[Event]:
    """Apply a suggested change in the name of the person who accepts it; rivals are dismissed."""
    with state.lock:
        suggestion.state, suggestion.resolved_by = "approved", login
        suggestion.updated_at = state.clock()
        for one in state.issue(repo, number).suggestions:
            if (
                one.state == "pending"
                and one.action == suggestion.action
                and (one.action == "set_type" or one.target == suggestion.target)
            ):
                dismiss(state, one, login)
        if suggestion.action == "set_type":
            return state.set_type(repo, number, suggestion.target, login)
        return state.relabel(repo, number, login, [suggestion.target])
