"""GitHub's events of an issue → changes of its labels and of its type.

https://docs.github.com/en/rest/using-the-rest-api/issue-event-types
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from bot.core.types import LabelChange
from bot.forges.github.issue import read_label_name
from bot.forges.values import timestamp

IsOwn = Callable[[Mapping[str, Any]], bool]
# For each event, which fields name what was removed and what was added.
LABELS = {"labeled": ("", "label"), "unlabeled": ("label", "")}
TYPES = {
    "issue_type_added": ("", "issue_type"),
    "issue_type_removed": ("prev_issue_type", ""),
    "issue_type_changed": ("prev_issue_type", "issue_type"),
}


def read_changes(
    events: Iterable[Mapping[str, Any]], kinds: Mapping[str, tuple[str, str]], is_own: IsOwn
) -> Iterator[LabelChange]:
    """Yield the changes in these events, oldest first; `kinds` are `LABELS` or `TYPES`."""
    for event in events:
        removed, added = kinds.get(str(event.get("event")), ("", ""))
        for field in filter(None, (removed, added)):
            yield LabelChange(
                name=read_label_name(event.get(field)),
                added=field == added,
                at=timestamp(event.get("created_at")),
                own=is_own(event),
                by_bot=(event.get("actor") or {}).get("type") == "Bot",
            )
