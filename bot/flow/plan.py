"""A Plan: a value that lists every write to one issue before it is made; and a job's Outcome."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bot.core.enrichment import Enrichment
from bot.core.errors import ConfigProblem, PermanentError
from bot.core.labels.names import fold
from bot.core.suggestions import SuggestionKey, make_key
from bot.core.types import (
    Choice,
    HeldSuggestion,
    IssueRef,
    Job,
    LabelSuggestion,
    Marker,
    Record,
    Status,
)
from bot.flow.render import CommentContent, render


@dataclass(frozen=True, slots=True)
class SetType:
    """The issue's type, "" for none, in place of one that rules set (`replaced`)."""

    name: str
    replaced: str = ""


@dataclass(frozen=True, slots=True)
class Suggest:
    """Labels and a type for a person to accept on the forge, where it takes suggestions."""

    labels: tuple[LabelSuggestion, ...]
    type: LabelSuggestion | None = None

    @property
    def reasons(self) -> dict[SuggestionKey, str]:
        """Return the reason of each suggestion."""
        types = {(True, fold(self.type.label)): self.type.reason} if self.type else {}
        return types | {(False, fold(one.label)): one.reason for one in self.labels}

    @property
    def keys(self) -> frozenset[SuggestionKey]:
        return frozenset(self.reasons)

    def without(self, keys: Collection[SuggestionKey]) -> Suggest:
        labels = tuple(one for one in self.labels if (False, fold(one.label)) not in keys)
        is_known = self.type and (True, fold(self.type.label)) in keys
        return Suggest(labels, None if is_known else self.type)


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes to one issue, in the order in which they are made.

    `type_change` replaces the issue's type. `remove_labels` are labels that rules set and the model
    does not choose. `suggest` is what people can accept on the forge. `content` is what the comment
    says; it is created, or edited in place, if the plan `writes_comment`.

    `marker` is what the bot has set when all of them are made, `status` the end state then, and
    `why` the reason for a fallback. `choices` are the labels that it has set or suggests then,
    `type_choice` is the issue type. `held` are the bot's suggestions whose end is not recorded yet.
    """

    ref: IssueRef
    marker: Marker
    status: Status
    content: CommentContent
    type_change: SetType | None = None
    remove_labels: tuple[str, ...] = ()
    add_labels: tuple[str, ...] = ()
    suggest: Suggest | None = None
    writes_comment: bool = False
    why: str = ""
    choices: tuple[Choice, ...] = ()
    type_choice: Choice | None = None
    held: tuple[HeldSuggestion, ...] = ()

    @property
    def comment(self) -> str | None:
        """Return the Markdown of the comment, None if the plan has none."""
        return render(self.content, self.marker) if self.writes_comment else None

    @property
    def problems(self) -> tuple[ConfigProblem, ...]:
        """Return the problems of the configuration file that the comment reports."""
        return self.content.problems if self.writes_comment else ()

    def with_only(self, added: Collection[str]) -> Plan:
        """Return the same plan where only these labels could be added: it suggests the others."""
        refused = {name for name in self.add_labels if name not in added}
        kept = tuple(name for name in self.marker.labels if name not in refused)
        return replace(
            self,
            marker=replace(self.marker, labels=kept),
            content=replace(self.content, labels=self.content.labels.with_only(added)),
            add_labels=tuple(name for name in self.add_labels if name in added),
            choices=tuple(
                replace(choice, applied=choice.applied and choice.label not in refused)
                for choice in self.choices
            ),
        )

    def with_held(self, found: Sequence[HeldSuggestion], known: Collection[int] = ()) -> Plan:
        """Return the same plan where the forge has these suggestions: the comment lists the others.

        The bot's are those with the plan's reason, and those whose ids are `known`. One that a
        person has decided on, or that another program has made, is not made again.
        """
        keys = {make_key(one) for one in found}
        reasons = self.suggest.reasons if self.suggest else {}
        own = tuple(
            replace(one, reason="")
            for one in found
            if one.state == "pending"
            and (one.id in known or one.reason == reasons.get(make_key(one)))
        )
        left = self.suggest.without(keys) if self.suggest else None
        return replace(
            self,
            content=_drop_held(self.content, keys),
            suggest=left if left and left.keys else None,
            held=(*self.held, *own),
        )

    def without_type(self) -> Plan:
        """Return the same plan where the type cannot be changed: it suggests the type."""
        if self.type_change is None:
            return self
        marker = replace(self.marker, type=self.type_change.replaced)
        types = self.content.types.with_only(())
        return replace(
            self,
            marker=marker,
            content=replace(self.content, types=types, still_type=marker.type),
            type_change=None,
            type_choice=self.type_choice and replace(self.type_choice, applied=False),
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a job. `plan` and `enrichment` are None if it ended before they were made.

    `failure` is why the forge gave no access to the issue, `refused_labels` are labels of the plan
    that it refused to set, `refusals` its reasons, none where a label was deleted meanwhile.
    `new_limit` is why labels are only suggested from this job on, or "".
    """

    job: Job
    record: Record
    plan: Plan | None = None
    enrichment: Enrichment | None = None
    failure: PermanentError | None = None
    refused_labels: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    new_limit: str = ""

    @property
    def refused(self) -> bool:
        """Whether a setting of the forge prevents access to the issue."""
        return self.failure is not None and self.failure.refused

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Return the type and the labels that the bot set on the issue, or suggests."""
        choices, choice = self.record.choices, self.record.type
        if self.plan:
            choices, choice = self.plan.choices, self.plan.type_choice
        return (choice, *choices) if choice else choices


def _drop_held(content: CommentContent, keys: Collection[SuggestionKey]) -> CommentContent:
    """Return the content without the suggestions that the forge itself shows."""
    labels = [x for x in content.labels.suggested if (False, fold(x.label)) not in keys]
    types = [x for x in content.types.suggested if (True, fold(x.label)) not in keys]
    return replace(
        content,
        labels=replace(content.labels, suggested=tuple(labels)),
        types=replace(content.types, suggested=tuple(types)),
    )
