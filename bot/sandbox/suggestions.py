"""GitHub's issue suggestions: changes that an agent proposes and a person accepts or dismisses.

https://docs.github.com/rest/issues/issues#list-issue-suggestions
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Confidence = Literal["low", "medium", "high"]
Action = Literal["add_label", "set_type"]
SuggestionState = Literal["pending", "applied", "approved", "dismissed", "replaced"]
# The repository's automation level → the confidence of changes that are applied at once. A change
# that is sent with `suggest: true` is held at each level; without a confidence it counts as "low".
LEVELS: dict[str, tuple[str, ...]] = {
    "full-control": (),
    "cautious": ("high",),
    "balanced": ("high", "medium"),
    "full-automation": ("high", "medium"),
}
LONGEST_RATIONALE = 280
KEYS = {"rationale", "confidence", "suggest"}


@dataclass(slots=True)
class Suggestion:
    """A proposed change of an issue; `target` is the name of a label or type."""

    id: int
    action: Action
    target: str
    rationale: str | None
    confidence: Confidence | None
    actor: str
    created_at: datetime
    updated_at: datetime
    state: SuggestionState = "pending"
    resolved_by: str = ""


@dataclass(frozen=True, slots=True)
class Intent:
    """A change as it was sent, with what an agent says of it."""

    target: str
    rationale: str | None = None
    confidence: Confidence | None = None
    suggest: bool = False

    def is_held(self, level: str) -> bool:
        """Return whether the change waits for a person at this automation level."""
        return self.suggest or (self.confidence or "low") not in LEVELS[level]


def parse_intent(given: dict[str, object], key: str) -> Intent | None:
    """Return a change in its object form, whose target is at `key`; None for a wrong one."""
    target, rationale = given.get(key), given.get("rationale")
    confidence, suggest = given.get("confidence"), given.get("suggest", False)
    is_right = (
        isinstance(target, str)
        and target
        and (rationale is None or isinstance(rationale, str))
        and len(rationale or "") <= LONGEST_RATIONALE
        and confidence in (None, "low", "medium", "high")
        and isinstance(suggest, bool)
    )
    return Intent(target, rationale, confidence, suggest) if is_right else None  # type: ignore[arg-type]  # checked above
