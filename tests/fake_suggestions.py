"""The part of the faked forge that holds suggestions, as GitHub."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import replace

from bot.core.types import HeldSuggestion, Issue, IssueRef, LabelSuggestion


class FakeSuggestions:
    """`suggestions` are those of the issue, None where they are off; `reasons` has the last one of
    each name as it was sent."""

    current: Issue
    suggestions: list[HeldSuggestion] | None
    reasons: dict[str, LabelSuggestion]
    changes_from: float

    def person_adds(self, label: str, *, own: bool = False) -> None:
        raise NotImplementedError

    def person_sets_type(self, name: str) -> None:
        raise NotImplementedError

    def _call(self, method: str, ref: IssueRef) -> AbstractContextManager[None]:
        raise NotImplementedError

    def takes_suggestions(self, ref: IssueRef) -> bool:
        with self._call("takes_suggestions", ref):
            return self.suggestions is not None

    def suggest_type(self, ref: IssueRef, suggested: LabelSuggestion) -> None:
        with self._call("suggest_type", ref):
            self._hold(suggested, is_type=True)

    def list_suggestions(self, ref: IssueRef, state: str) -> tuple[HeldSuggestion, ...]:
        with self._call("list_suggestions", ref):
            return tuple(one for one in self.suggestions or () if state in ("all", one.state))

    def dismiss_suggestion(self, ref: IssueRef, suggestion: int) -> None:
        with self._call("dismiss_suggestion", ref):
            self._decide(suggestion)

    def person_dismisses(self, name: str) -> None:
        self._decide(self._find_pending(name).id)

    def person_approves(self, name: str) -> None:
        """Let a person accept a suggestion: the change is theirs, and rivals are dismissed."""
        accepted = self._find_pending(name)
        self._decide(accepted.id, "approved")
        for one in [*(self.suggestions or ())]:
            is_same = one.name == name or one.is_type
            if one.is_type == accepted.is_type and is_same and one.state == "pending":
                self._decide(one.id)
        if accepted.is_type:
            self.person_sets_type(name)
        else:
            self.person_adds(name)

    def _find_pending(self, name: str) -> HeldSuggestion:
        listed = self.suggestions or ()
        return next(one for one in listed if one.name == name and one.state == "pending")

    def _decide(self, suggestion: int, state: str = "dismissed") -> None:
        self.suggestions = [
            replace(one, state=state, at=self.changes_from + 1)
            if one.id == suggestion and one.state == "pending"
            else one
            for one in self.suggestions or ()
        ]

    def _hold_labels(self, ref: IssueRef, suggested: Iterable[LabelSuggestion]) -> None:
        with self._call("suggest_labels", ref):
            for one in suggested:
                self._hold(one, is_type=False)

    def _hold(self, suggested: LabelSuggestion, *, is_type: bool) -> None:
        if self.suggestions is None:
            return
        self.reasons[suggested.label] = suggested
        pending = [one for one in self.suggestions if one.state == "pending"]
        assert suggested.label not in [one.name for one in pending], "suggested twice"
        number = len(self.suggestions) + 1
        held = HeldSuggestion(number, suggested.label, is_type, reason=suggested.reason)
        self.suggestions.append(held)
