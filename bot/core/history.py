"""The bot's earlier changes to an issue, and later changes by people."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from bot.core.labels.names import fold
from bot.core.labels.policy import CurrentLabels
from bot.core.types import (
    HeldSuggestion,
    Issue,
    JobKind,
    LabelChange,
    Marker,
    OwnComment,
    Record,
    Status,
)

_CHUNK = 65_536  # characters


def issue_fingerprint(issue: Issue) -> str:
    """Return the fingerprint of the issue's title and body."""
    return issue.text_stats.input if issue.text_stats else fingerprint(issue.title, issue.body)


def fingerprint(title: str, body: str) -> str:
    """Return 16 hex digits of the SHA-256 of both, without making a copy of a long body."""
    digest = hashlib.sha256(f"{title}\0".encode(errors="replace"))
    for start in range(0, len(body), _CHUNK):
        digest.update(body[start : start + _CHUNK].encode(errors="replace"))
    return digest.hexdigest()[:16]


_MAX_NAME = 64  # bytes of JSON
_DIGEST_MARK = "\0"  # `forges/values.py` removes it from a forge's texts


def shorten_name(name: str) -> str:
    """Return a label's name in at most 64 bytes of JSON: of a longer one NUL and a digest."""
    if name.startswith(_DIGEST_MARK) or len(msgspec.json.encode(name)) <= _MAX_NAME:
        return name
    stored = " ".join(name.split()).casefold()  # not `fold`: comments hold digests of this form
    return _DIGEST_MARK + hashlib.sha256(stored.encode()).hexdigest()[:16]


def has_digests(marker: Marker) -> bool:
    """Return whether the marker has digests in place of long names."""
    return any(name.startswith(_DIGEST_MARK) for name in (*marker.labels, marker.type))


def resolve_digests(marker: Marker, names: Iterable[str]) -> Marker:
    """Return the marker with names in place of their digests; an unknown digest stays."""
    names_by_digest = {shorten_name(name): name for name in names}
    labels = tuple(names_by_digest.get(name, name) for name in marker.labels)
    return replace(marker, labels=labels, type=names_by_digest.get(marker.type, marker.type))


@dataclass(frozen=True, slots=True)
class IssueHistory:
    """The issue as it is now, and the bot's earlier work: its record, comment and marker.

    `input` is the fingerprint of the issue's text. `replaceable` are labels that rules set and that
    no person has touched since, `removed` labels that were removed from it, beside the record's.
    `type_changes` are those of the issue's type, `suggestions` those that the forge has for the
    issue in any state; both are None where they were not needed. With `keeps_silent`, no new
    comment is written: a member of the repository has commented, or the run may not.
    """

    issue: Issue
    input: str
    record: Record | None = None
    comment: OwnComment | None = None
    marker: Marker | None = None
    replaceable: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    keeps_silent: bool = False
    type_changes: tuple[LabelChange, ...] | None = None
    suggestions: tuple[HeldSuggestion, ...] | None = None

    def with_issue(self, issue: Issue) -> IssueHistory:
        """Return the history with the issue as it is after the model call."""
        on_issue = {fold(name) for name in issue.labels}
        replaceable = tuple(name for name in self.replaceable if fold(name) in on_issue)
        return replace(self, issue=issue, replaceable=replaceable)

    @property
    def by_rules(self) -> tuple[str, ...]:
        """Return the labels on the issue that rules have set."""
        marked = self.marker.labels if self.marker and self.marker.provisional else ()
        recorded = self.record.by_rules if self.record else ()
        names = {fold(name) for name in (*marked, *recorded)}
        return tuple(name for name in self.issue.labels if fold(name) in names)

    @property
    def applied_by_bot(self) -> tuple[str, ...]:
        """Return all labels that the bot has added.

        Those in the record of an interrupted try count only where they are on the issue: they may
        never have been added.
        """
        marked = self.marker.labels if self.marker else ()
        recorded = self.record.labels if self.record else ()
        if self.interrupted:
            on_issue = self._on_issue
            recorded = tuple(name for name in recorded if fold(name) in on_issue)
        return tuple(dict.fromkeys((*marked, *recorded)))

    @property
    def current_labels(self) -> CurrentLabels:
        """Return the labels on the issue, and the bot's labels that a person removed, or did not
        accept."""
        recorded = self.record.removed if self.record else ()
        declined = self._list_declined(is_type=False)
        names = dict.fromkeys((*recorded, *self.removed, *declined, *self.applied_by_bot))
        on_issue = self._on_issue
        removed = tuple(name for name in names if fold(name) not in on_issue)
        return CurrentLabels(self.issue.labels, removed, self.applied_by_bot, self.replaceable)

    @property
    def own_type(self) -> str:
        """Return the type that the bot has set, "" without one; an interrupted try may not have."""
        if self.record and self.record.type and self.record.type.applied:
            return self.record.type.label
        return self.marker.type if self.marker else ""

    @property
    def type_by_rules(self) -> bool:
        """Return whether a model's answer may replace the bot's type."""
        if self.record and self.record.type_by_rules:
            return True
        return bool(self.marker and self.marker.type and self.marker.provisional)

    @property
    def needs_type_changes(self) -> bool:
        """Return whether only the forge can tell if the issue's type is the bot's."""
        return bool(self.own_type) and (self.interrupted or self.type_by_rules)

    @property
    def current_type(self) -> CurrentLabels:
        """Return the issue's type in place of its labels, and the bot's that a person removed."""
        own, present = self.own_type, self.issue.type
        declined = self._list_declined(is_type=True)
        if self.type_changes is None:
            was_set, is_own = bool(own), bool(own) and fold(own) == fold(present)
        else:
            was_set = any(one.own and one.added for one in self.type_changes)
            last = self.type_changes[-1] if self.type_changes else None
            is_own = bool(last and last.own and last.added and fold(last.name) == fold(present))
        is_replaceable = is_own and self.type_changes is not None and self.type_by_rules
        return CurrentLabels(
            labels=(present,) if present else (),
            removed=((own,) if own and was_set and not is_own else ()) or declined,
            applied_by_bot=(present,) if is_own else (),
            replaceable=(present,) if is_replaceable else (),
        )

    @property
    def maybe_added(self) -> tuple[str, ...]:
        """Return labels that an interrupted try may have added, and that are not on the issue."""
        if self.record is None or not self.interrupted:
            return ()
        excluded = self._on_issue | {fold(name) for name in self.record.removed}
        return tuple(name for name in self.record.labels if fold(name) not in excluded)

    def with_removed(self, names: tuple[str, ...]) -> IssueHistory:
        """Return the history with these labels of the bot recorded as removed by people."""
        if self.record is None or not names:
            return self
        return replace(self, record=replace(self.record, removed=(*self.record.removed, *names)))

    def _list_declined(self, *, is_type: bool) -> tuple[str, ...]:
        declined = self.record.declined if self.record else ()
        return tuple(one.name for one in declined if one.is_type == is_type)

    @property
    def _on_issue(self) -> set[str]:
        return {fold(name) for name in self.issue.labels}

    @property
    def interrupted(self) -> bool:
        """Return whether an earlier try began to write and did not come to its end."""
        return self.record is not None and self.record.status == "writing"

    @property
    def why_silent(self) -> str:
        """Return why the bot writes nothing until a person says otherwise, "" if it may write."""
        return "silenced by a command" if self.record and self.record.commands.silent else ""

    def why_settled(self, kind: JobKind, *, has_model: bool = True) -> str:
        """Return why no change is needed, or "". A person's request overrides every reason but a
        deletion.

        What rules wrote is final only while there is no model. The comment is written last: where
        it exists, an interrupted try had completed its writes.
        """
        if self.record and self.record.commands.undone:
            return "undone by a command"
        if self.record and self.record.comment_id and self.comment is None:
            return "a person deleted the comment"
        if kind in ("manual", "redo"):
            return ""
        if self.record and self.record.commands.withdrawn:
            return "undone by the operator"
        sources = (self.marker, None if self.interrupted else self.record)
        current = [x for x in sources if x and x.input == self.input]
        is_final = any(x.by_model or (x.provisional and not has_model) for x in current)
        return "already answered" if is_final else ""

    def ended(self, status: Status, why: str = "") -> Record:
        """Return the record of an end that wrote nothing; it keeps what was recorded before."""
        # After a loss of Redis the comment's marker alone has the labels.
        record = replace(self.record or Record(status), labels=self.applied_by_bot)
        if self.interrupted:
            was_set = fold(self.own_type) == fold(self.issue.type)
            record = replace(record, source="", type=record.type if was_set else None)
        if self.comment and self.marker:
            source, text = self.marker.source, self.marker.input
            record = replace(record, comment_id=self.comment.id, source=source, input=text)
        return replace(record, status=status, why=why)
