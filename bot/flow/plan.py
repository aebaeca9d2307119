"""A Plan: a value that lists every write to one issue before it is made; and a job's Outcome."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

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

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class RemoveLabels:
    """Labels that rules set and the model does not choose."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddLabels:
    names: tuple[str, ...]


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
class WriteComment:
    """The bot's comment: created, or edited in place. `body` is Markdown with the marker."""

    content: CommentContent
    marker: Marker

    @property
    def body(self) -> str:
        return render(self.content, self.marker)


Change = SetType | RemoveLabels | AddLabels | Suggest | WriteComment


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes to one issue.

    `marker` is what the bot has set when all of them are made, `status` the end state then, and
    `why` the reason for a fallback. `choices` are the labels that it has set or suggests then,
    `type_choice` is the issue type. `content` is what the comment says, also where none is written.
    `held` are the bot's suggestions whose end is not recorded yet.
    """

    ref: IssueRef
    changes: tuple[Change, ...]
    marker: Marker
    status: Status
    content: CommentContent
    why: str = ""
    choices: tuple[Choice, ...] = ()
    type_choice: Choice | None = None
    held: tuple[HeldSuggestion, ...] = ()

    @property
    def suggest(self) -> Suggest | None:
        """Return what is suggested on the forge, None for nothing."""
        change = self._find(Suggest)
        return change if change and change.keys else None

    @property
    def type_change(self) -> SetType | None:
        return self._find(SetType)

    @property
    def add_labels(self) -> tuple[str, ...]:
        change = self._find(AddLabels)
        return change.names if change else ()

    @property
    def remove_labels(self) -> tuple[str, ...]:
        change = self._find(RemoveLabels)
        return change.names if change else ()

    @property
    def comment_change(self) -> WriteComment | None:
        return self._find(WriteComment)

    @property
    def comment(self) -> str | None:
        """Return the Markdown of the comment, None if the plan has none."""
        return self.comment_change.body if self.comment_change else None

    @property
    def problems(self) -> tuple[ConfigProblem, ...]:
        """Return the problems of the configuration file that the comment reports."""
        return self.comment_change.content.problems if self.comment_change else ()

    def with_only(self, added: Collection[str]) -> Plan:
        """Return the same plan where only these labels could be added: it suggests the others."""
        refused = {name for name in self.add_labels if name not in added}
        kept = tuple(name for name in self.marker.labels if name not in refused)
        marker = replace(self.marker, labels=kept)
        content = replace(self.content, labels=self.content.labels.with_only(added))
        changes = tuple(
            AddLabels(tuple(name for name in change.names if name in added))
            if isinstance(change, AddLabels)
            else change
            for change in _replace_content(self.changes, content, marker)
        )
        choices = tuple(
            replace(choice, applied=choice.applied and choice.label not in refused)
            for choice in self.choices
        )
        return replace(self, changes=changes, marker=marker, choices=choices, content=content)

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
        content = _drop_held(self.content, keys)
        changes = tuple(
            change.without(keys) if isinstance(change, Suggest) else change
            for change in _replace_content(self.changes, content, self.marker)
        )
        return replace(self, changes=changes, content=content, held=(*self.held, *own))

    def without_type(self) -> Plan:
        """Return the same plan where the type cannot be changed: it suggests the type."""
        change = self.type_change
        if change is None:
            return self
        marker = replace(self.marker, type=change.replaced)
        types = self.content.types.with_only(())
        content = replace(self.content, types=types, still_type=marker.type)
        others = tuple(x for x in self.changes if x != change)
        changes = _replace_content(others, content, marker)
        choice = self.type_choice and replace(self.type_choice, applied=False)
        return replace(self, changes=changes, marker=marker, type_choice=choice, content=content)

    def _find(self, kind: type[C]) -> C | None:
        return next((change for change in self.changes if isinstance(change, kind)), None)


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


def _replace_content(
    changes: Sequence[Change], content: CommentContent, marker: Marker
) -> tuple[Change, ...]:
    """Return the changes with this content of the comment, if they write one."""
    return tuple(
        WriteComment(content, marker) if isinstance(change, WriteComment) else change
        for change in changes
    )


def _drop_held(content: CommentContent, keys: Collection[SuggestionKey]) -> CommentContent:
    """Return the content without the suggestions that the forge itself shows."""
    labels = [x for x in content.labels.suggested if (False, fold(x.label)) not in keys]
    types = [x for x in content.types.suggested if (True, fold(x.label)) not in keys]
    return replace(
        content,
        labels=replace(content.labels, suggested=tuple(labels)),
        types=replace(content.types, suggested=tuple(types)),
    )
