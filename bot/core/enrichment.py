"""What labellers chose for an issue, and what of it another issue can reuse."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.core.related import RelatedCandidate
from bot.core.types import Fault, FromSource, LabelDecision, LabelSuggestion, Source, Usage


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An issue whose answer another issue with the same text can reuse: number and labels.

    `digest` is that of the summary as it was published. An entry without one is not reused. One
    with nearly the same text, by its `sketch`, can reuse it for a day after `opened_at`.
    """

    number: int
    choices: tuple[LabelSuggestion, ...]
    digest: str = ""
    sketch: tuple[int, ...] = ()
    opened_at: float = 0.0


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A model's answer and the keys under which it can be cached."""

    keys: tuple[str, ...]
    answer: CachedAnswer


@dataclass(frozen=True, slots=True)
class Enrichment(FromSource):
    """A summary (plain text, not yet escaped), labels and an issue type, with their source.

    `why` is the reason for the fallback, `fault` the temporary failure behind it: of the provider,
    or of this one answer. `like` is the issue whose answer it reuses, None for a new one.
    `labels_usable` is False where the repository has no label that may be applied. `cache_entry`
    may be stored once the comment is published. `labels_not_shown` is the number of usable labels
    for which the prompt had no room.
    """

    summary: str
    label_decision: LabelDecision
    source: Source
    why: str = ""
    fault: Fault = ""
    labels_usable: bool = True
    usage: Usage = field(default_factory=Usage)
    cache_entry: CacheEntry | None = None
    labels_not_shown: int = 0
    type_decision: LabelDecision = field(default_factory=LabelDecision)
    like: RelatedCandidate | None = None

    @property
    def applied(self) -> tuple[LabelSuggestion, ...]:
        """Return the type and the labels to set."""
        return (*self.type_decision.apply, *self.label_decision.apply)

    @property
    def suggested(self) -> tuple[LabelSuggestion, ...]:
        """Return the type and the labels that are only suggested."""
        return (*self.type_decision.suggested, *self.label_decision.suggested)
