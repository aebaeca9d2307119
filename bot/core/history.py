"""What is known of an issue's past: our record, our comment, and what people did to them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from bot.core.labels import Present, fold
from bot.core.model import Comment, Issue, Kind, Marker, Record, Status


def input_hash(issue: Issue) -> str:
    """A short fingerprint of the text that an enrichment was made from."""
    text = f"{issue.title}\0{issue.body}".encode(errors="replace")
    return hashlib.sha256(text).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Past:
    """The forge's comment is the truth; the record in Redis adds what the comment cannot hold."""

    issue: Issue
    input: str
    record: Record | None = None
    comment: Comment | None = None
    marker: Marker | None = None

    @property
    def ours(self) -> tuple[str, ...]:
        """Labels that we added at any time."""
        marked = self.marker.labels if self.marker else ()
        recorded = self.record.labels if self.record else ()
        return tuple(dict.fromkeys((*marked, *recorded)))

    @property
    def present(self) -> Present:
        """Labels on the issue, and those of ours that a person took off it.

        A record that was left at `writing` does not tell: its labels may never have been added.
        """
        interrupted = self.record is not None and self.record.status == "writing"
        marked = self.marker.labels if self.marker else ()
        put = marked if interrupted else self.ours
        have = {fold(name) for name in self.issue.labels}
        removed = tuple(name for name in put if fold(name) not in have)
        return Present(labels=self.issue.labels, removed=removed)

    def why_settled(self, kind: Kind) -> str:
        """Why nothing more is to be done, or "". A command overrules all but a deletion."""
        if self.record and self.record.comment_id and self.comment is None:
            return "a person deleted our comment"
        if kind == "manual" or (self.record and self.record.status in ("writing", "dry-run")):
            return ""
        if self.marker and self.marker.source == "model" and self.marker.input == self.input:
            return "already answered"
        if self.record and self.record.source == "model" and self.record.input == self.input:
            return "already answered"
        return ""

    def ended(self, status: Status, why: str = "") -> Record:
        """The record of an end that wrote nothing: what was known before stays known."""
        return replace(self.record or Record(status), status=status, why=why)
