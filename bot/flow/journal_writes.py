"""The journal of one job: a write to the issue is in it before it is made.

Its lines are saved together with the issue's record. What became of a write follows with the next
lines. A write whose job ended between is still "pending":
it may have happened, and the next try settles what the issue shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from bot.core.history import IssueHistory
from bot.core.journal import Write, WriteKind, WriteState
from bot.core.labels.names import fold
from bot.core.ports import Journal
from bot.core.suggestions import digest_reason
from bot.core.types import Choice, HeldSuggestion, LabelSuggestion

# Kinds of writes, and whether the issue has the label or type after them.
SHOWN = (("add-label", True), ("remove-label", False), ("set-type", True), ("remove-type", False))


@dataclass(slots=True)
class JobJournal:
    """Writes of a job to the journal of its issue."""

    journal: Journal
    issue: str
    job: str
    _unsaved: list[Write] = field(default_factory=list)
    _suggested: list[Write] = field(default_factory=list)

    def begin_labels(
        self, kind: WriteKind, names: Iterable[str], choices: Iterable[Choice] = ()
    ) -> tuple[Write, ...]:
        """Add the writes of some labels or types, with the source and certainty of the choices."""
        origins = {choice.label: (choice.source, choice.certainty) for choice in choices}
        writes = []
        for name in names:
            source, certainty = origins.get(name, ("", ""))
            writes.append(Write(self._make_id(kind, name), kind, name, 0, source, certainty))
        self._unsaved += writes
        return tuple(writes)

    def begin_type(self, name: str, replaced: str, choice: Choice | None) -> tuple[Write, ...]:
        """Add the writes that set a type, or none, in place of another one."""
        choices = [choice] if choice else []
        removed = self.begin_labels("remove-type", [replaced] if replaced else [])
        return (*removed, *self.begin_labels("set-type", [name] if name else [], choices))

    def begin_suggestions(self, kind: WriteKind, suggested: Iterable[LabelSuggestion]) -> None:
        for one in suggested:
            write = Write(self._make_id(kind, one.label), kind, one.label)
            self._suggested.append(replace(write, reason=digest_reason(one.reason)))
            self._unsaved.append(self._suggested[-1])

    def begin_dismissal(self, one: HeldSuggestion) -> tuple[Write, ...]:
        kind: WriteKind = "dismiss-suggestion"
        write = Write(self._make_id(kind, one.id), kind, one.name, suggestion_id=one.id)
        self._unsaved.append(write)
        return (write,)

    def add(self, lines: Iterable[Write]) -> None:
        """Add what became of writes of an interrupted try."""
        self._unsaved += lines

    def settle_suggestions(self, found: Mapping[tuple[bool, str], int]) -> None:
        """Note which suggestions of this job the forge holds, by kind and name, with their ids."""
        for write in self._suggested:
            number = found.get((write.kind == "suggest-type", write.label), 0)
            state: WriteState = "done" if number else "refused"
            self._unsaved.append(Write(write.id, write.kind, suggestion_id=number, state=state))
        self._suggested.clear()

    def begin_comment(self, kind: WriteKind, comment_id: int = 0) -> tuple[Write, ...]:
        write = Write(self._make_id(kind, comment_id), kind, comment_id=comment_id)
        self._unsaved.append(write)
        return (write,)

    def take_unsaved(self) -> tuple[Write, ...]:
        """Return what is not saved yet, for `Lock.save` or `Lock.finish`."""
        unsaved = tuple(self._unsaved)
        self._unsaved.clear()
        return unsaved

    def settle(self, writes: Iterable[Write], state: WriteState = "done", comment: int = 0) -> None:
        """Note what became of writes."""
        self._unsaved += [
            Write(write.id, write.kind, comment_id=comment, state=state) for write in writes
        ]

    def settle_earlier(self, history: IssueHistory) -> None:
        """Settle and save the pending writes of an interrupted try that the issue shows."""
        pending = [one for one in self.journal.list_writes(self.issue) if one.state == "pending"]
        on_issue = {fold(name) for name in history.issue.labels}
        for write in pending:
            is_set = fold(write.label) in on_issue
            if write.kind in ("set-type", "remove-type"):
                is_set = fold(write.label) == fold(history.issue.type)
            if (write.kind, is_set) in SHOWN:
                self.settle([write])
            elif write.kind == "post-comment" and history.comment:
                self.settle([write], comment=history.comment.id)
            elif write.kind == "delete-comment" and not history.comment:
                self.settle([write])
        if unsaved := self.take_unsaved():
            self.journal.append(self.issue, unsaved)

    def _make_id(self, kind: WriteKind, what: str | int) -> str:
        return hashlib.sha256(f"{self.job}\0{kind}\0{what}".encode()).hexdigest()[:16]
