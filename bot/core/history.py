"""What is known of an issue's past: our record, our comment, and what people did to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from bot.core.labels.policy import CurrentLabels, fold
from bot.core.types import Issue, JobKind, Marker, OwnComment, Record, Status

_CHUNK = 65_536  # characters that are encoded at once


def input_hash(issue: Issue) -> str:
    """A short fingerprint of the text that an enrichment was made from."""
    return issue.full_text.input if issue.full_text else fingerprint(issue.title, issue.body)


def fingerprint(title: str, body: str) -> str:
    """The first 16 hex digits of the SHA-256 of both, without a copy of a long body."""
    digest = hashlib.sha256(f"{title}\0".encode(errors="replace"))
    for start in range(0, len(body), _CHUNK):
        digest.update(body[start : start + _CHUNK].encode(errors="replace"))
    return digest.hexdigest()[:16]


_LONGEST_NAME = 64  # bytes of JSON
_DIGESTED = "\0"  # a forge's texts have none, see `forges/wire.py`


def shortened(name: str) -> str:
    """A label's name in at most 64 bytes of JSON: of a longer one NUL and a digest."""
    if name.startswith(_DIGESTED) or len(msgspec.json.encode(name)) <= _LONGEST_NAME:
        return name
    return _DIGESTED + hashlib.sha256(fold(name).encode()).hexdigest()[:16]


def has_digests(marker: Marker) -> bool:
    """Whether there is anything for `resolved` to do."""
    return any(name.startswith(_DIGESTED) for name in marker.labels)


def resolved(marker: Marker, names: Iterable[str]) -> Marker:
    """The marker with those of the names whose digests it holds; a digest of none of them stays."""
    known = {shortened(name): name for name in names}
    return replace(marker, labels=tuple(known.get(name, name) for name in marker.labels))


@dataclass(frozen=True, slots=True)
class IssueHistory:
    """The forge's comment is the truth; the record in Redis adds what the comment cannot hold.

    `replaceable` are labels of ours that nobody touched since rules set them. `replied` = somebody
    of the repository's people has answered meanwhile.
    """

    issue: Issue
    input: str
    record: Record | None = None
    comment: OwnComment | None = None
    marker: Marker | None = None
    replaceable: tuple[str, ...] = ()
    replied: bool = False

    @property
    def by_rules(self) -> tuple[str, ...]:
        """Labels on the issue that rules had set, as far as is known."""
        told = self.marker.labels if self.marker and self.marker.source == "rules" else ()
        recorded = self.record.by_rules if self.record else ()
        known = {fold(name) for name in (*told, *recorded)}
        return tuple(name for name in self.issue.labels if fold(name) in known)

    @property
    def applied_by_bot(self) -> tuple[str, ...]:
        """Labels that we added at any time.

        A record that was left at `writing` does not tell: its labels may never have been added.
        """
        marked = self.marker.labels if self.marker else ()
        recorded = self.record.labels if self.record else ()
        if self._interrupted:
            recorded = tuple(name for name in recorded if fold(name) in self._have)
        return tuple(dict.fromkeys((*marked, *recorded)))

    @property
    def current_labels(self) -> CurrentLabels:
        """Labels on the issue, and those of ours that a person took off it."""
        known = self.record.removed if self.record else ()
        put = dict.fromkeys((*known, *self.applied_by_bot))
        removed = tuple(name for name in put if fold(name) not in self._have)
        return CurrentLabels(self.issue.labels, removed, self.applied_by_bot, self.replaceable)

    @property
    def unsure(self) -> tuple[str, ...]:
        """Labels that a try which was cut short may have added, and that are not on the issue."""
        if self.record is None or not self._interrupted:
            return ()
        gone = {fold(name) for name in self.record.removed}
        return tuple(n for n in self.record.labels if fold(n) not in self._have | gone)

    def removed(self, names: tuple[str, ...]) -> IssueHistory:
        """The same, knowing that people took these labels of ours off the issue."""
        if self.record is None or not names:
            return self
        return replace(self, record=replace(self.record, removed=(*self.record.removed, *names)))

    @property
    def _have(self) -> set[str]:
        return {fold(name) for name in self.issue.labels}

    @property
    def _interrupted(self) -> bool:
        return self.record is not None and self.record.status == "writing"

    def why_settled(self, kind: JobKind, *, has_model: bool = True) -> str:
        """Why nothing more is to be done, or "". A command overrules all but a deletion.

        What rules answered is open again as soon as there is a model. A comment is the last thing
        that is written: with it a try that was cut short had done all.
        """
        if self.record and self.record.comment_id and self.comment is None:
            return "a person deleted our comment"
        if kind == "manual":
            return ""
        final = ("model",) if has_model else ("model", "rules")
        told = (self.marker, None if self._interrupted else self.record)
        known = [x for x in told if x and x.input == self.input]
        return "already answered" if any(x.source in final for x in known) else ""

    def ended(self, status: Status, why: str = "") -> Record:
        """The record of an end that wrote nothing: what was known before stays known."""
        known = self.record or Record(status)
        if self._interrupted:
            known = replace(known, labels=self.applied_by_bot, source="")
        if self.comment and self.marker:
            source, text = self.marker.source, self.marker.input
            known = replace(known, comment_id=self.comment.id, source=source, input=text)
        return replace(known, status=status, why=why)
