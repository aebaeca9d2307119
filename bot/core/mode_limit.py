"""Whether people kept so few of the labels that a repository's labels are only suggested now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.core.corrections import Correction, sort_by_time
from bot.core.journal import Write
from bot.core.labels.names import fold

JUDGED_TO_LIMIT = 50
MARGIN = 0.2  # below `labels.precision`
HIGHEST_PRECISION = 1.0  # that a configuration can ask for


@dataclass(frozen=True, slots=True)
class ModeLimit:
    """The bot works as with `mode: suggest` since then: of the last `judged` labels that it had
    set and people had judged, they had kept `kept`. `since` is in seconds since the epoch.

    `first` is when the first of these was judged, `period` begins with what ended the limit before
    this one, 0 without one.
    """

    since: float
    first: float
    kept: int
    judged: int = JUDGED_TO_LIMIT
    period: float = 0.0

    def __str__(self) -> str:
        return f"people kept {self.kept} of the last {self.judged} labels"


def find_lowest_share(precision: float) -> float:
    """Return the share of kept labels below which labels are only suggested."""
    return round(precision - MARGIN, 4)


def find_mode_limit(
    corrections: Iterable[Correction], config: str, precision: float
) -> ModeLimit | None:
    """Return the limit in force, None where there is none.

    It begins with a label that they remove, once people have kept too few of the last 50 labels
    that they judged. What they do later does not end it: another configuration does, and "resumed"
    without a label. What they did before that does not count any more. A removed label that a
    person sets again is not judged.
    """
    limit: ModeLimit | None = None
    judged: dict[tuple[int, str], Correction] = {}
    period = 0.0
    for one in sort_by_time(corrections):
        if one.verdict == "resumed" and one.label:  # it is about this label alone
            continue
        # Another configuration ends the limit also if the former one is in force again.
        if one.verdict == "resumed" or one.config != config:
            limit, period = None, one.at
            judged.clear()
            continue
        key = one.number, fold(one.label)
        judged.pop(key, None)
        if one.verdict in ("kept", "removed"):
            judged[key] = one
        if one.verdict == "removed" and limit is None:
            limit = _judge([*judged.values()][-JUDGED_TO_LIMIT:], precision, period)
    return limit


def _judge(latest: Sequence[Correction], precision: float, period: float) -> ModeLimit | None:
    kept = sum(one.verdict == "kept" for one in latest)
    if len(latest) < JUDGED_TO_LIMIT or kept / len(latest) >= find_lowest_share(precision):
        return None
    return ModeLimit(latest[-1].at, latest[0].at, kept, period=period)


def list_unjudged_issues(
    limit: ModeLimit,
    journal: Iterable[tuple[int, Sequence[Write]]],
    corrections: Iterable[Correction],
) -> tuple[tuple[int, Mapping[str, Write]], ...]:
    """Return the issues with labels that the bot has set and that nobody has judged, the newest
    first; with the writes of these labels by their folded names.

    Those that were set before the labels which a limit counts are left out.
    """
    known = [one for one in corrections if one.number]
    judged = {(one.number, fold(one.label)) for one in known}
    numbers = {one.number for one in known if limit.first <= one.at <= limit.since}
    given: dict[int, dict[str, Write]] = {}
    set_at: dict[int, float] = {}
    for number, writes in journal:
        for write in writes:
            if write.has_set_label:
                set_at[number] = max(write.at, set_at.get(number, 0.0))
                if (number, fold(write.label)) not in judged:
                    given.setdefault(number, {})[fold(write.label)] = write
    since = min(set_at.get(number, limit.first) for number in numbers)
    found = [(number, labels) for number, labels in given.items() if set_at[number] >= since]
    return tuple(sorted(found, key=lambda pair: set_at[pair[0]], reverse=True))
