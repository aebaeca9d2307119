"""Which labels of the past are people's judgement, and not only an echo of the bot's own."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.labels.names import fold
from bot.core.types import Issue, Record

KEPT_SECONDS = 7 * 86_400.0
LOST_SECONDS = 30 * 86_400.0  # of the bot's earlier work, if Redis has lost its data


@dataclass(frozen=True, slots=True)
class PastIssue:
    """An issue with what the bot knows of its own work on it.

    `record` is None where it did none, or it was long ago; `labelled_at` is the time of its last
    label or type, in seconds since the epoch, as far as it is known.
    """

    issue: Issue
    record: Record | None = None
    labelled_at: float = 0.0


def find_own_labels(past: PastIssue) -> tuple[str, ...]:
    """Return the labels on the issue, and its type, that the bot has set."""
    if past.record is None:
        return ()
    own = {fold(name) for name in past.record.labels}
    labels = tuple(name for name in past.issue.labels if fold(name) in own)
    return (*labels, past.issue.type) if _has_own_type(past.issue, past.record) else labels


def _has_own_type(issue: Issue, record: Record) -> bool:
    choice = record.type
    return choice is not None and choice.applied and fold(choice.label) == fold(issue.type)


def is_truth(past: PastIssue, since: float, now: float) -> bool:
    """Return whether the issue's labels may be learned.

    A label of the bot must have been kept for a week, and a person must have handled the issue.
    `since` is when the bot first saw the repository, as far as Redis knows. Labels of an issue
    without a record may be the bot's, unless the issue is from well before that time.
    """
    issue = past.issue
    if find_own_labels(past):
        labelled_at = past.labelled_at or issue.created_at
        return issue.handled and now - labelled_at >= KEPT_SECONDS
    may_be_own = past.record is None and issue.created_at >= since - LOST_SECONDS
    return issue.handled or not may_be_own
