"""What people did with the labels of an issue, and with the bot's suggestions.

An issue's type counts as a label with the type's name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bot.core.journal import Write, is_ours, list_type_writes
from bot.core.labels.names import fold
from bot.core.labels.policy import scope
from bot.core.labels.truth import KEPT_SECONDS, PastIssue, find_own_labels
from bot.core.suggestions import Review
from bot.core.types import HeldSuggestion, Issue, LabelChange, Record

Verdict = Literal[
    # A label of the bot that was still there when a person changed labels, or closed the issue.
    "kept",
    "removed",  # a label of the bot that a person removed
    "added",  # a label that a person set
    "approved",  # a label that a person set by accepting the bot's suggestion on the forge
    "dismissed",  # a suggestion of the bot on the forge that a person did not accept
    "resumed",  # a person ended a demotion, or all of them by another configuration
]
REFUSALS = frozenset[Verdict]({"removed", "dismissed"})
OPENING_SECONDS = 5.0  # labels of a template, or by the author, are set just after the opening
# Of the same time, as GitHub's whole seconds often are, refusals come first, and an approval counts
# in place of the addition that it is.
_ORDER: Mapping[Verdict, int] = {"removed": 0, "dismissed": 0, "approved": 2}
SAME_CHANGE_SECONDS = 2.0  # a swap of scoped labels is two changes


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person did with a label of an issue.

    "resumed" is of no issue: its number is 0, and its label "" where another configuration has
    ended all demotions. `at` is in seconds since the epoch. `source` and `certainty` are the bot's
    for this label, "" where it neither set nor suggested it. `config` is the digest of the
    configuration in force.
    """

    number: int
    label: str
    verdict: Verdict
    at: float
    source: str = ""
    certainty: str = ""
    config: str = ""


@dataclass(frozen=True, slots=True)
class LabelledIssue:
    """An issue, the bot's record and writes, and all changes of its labels, oldest first.

    `existing` are the labels of the repository, `config` the digest of its configuration.
    """

    issue: Issue
    record: Record
    writes: Sequence[Write]
    changes: Sequence[LabelChange]
    existing: Collection[str]
    config: str

    @property
    def ours(self) -> dict[str, str]:
        """Return the labels that the bot has set, by their folded names.

        A later try does not count as set what a person removed since an interrupted one.
        """
        return {fold(name): name for name in (*self.record.removed, *self.record.labels)}

    def for_type(self, changes: Sequence[LabelChange], existing: Collection[str]) -> LabelledIssue:
        """Return the issue's type, the bot's writes of it and its changes in place of labels."""
        issue, record, choice = self.issue, self.record, self.record.type
        return replace(
            self,
            issue=replace(issue, labels=(issue.type,) if issue.type else ()),
            record=replace(
                record,
                labels=(choice.label,) if choice and choice.applied else (),
                removed=(),
                choices=(choice,) if choice else (),
            ),
            writes=list_type_writes(self.writes),
            changes=changes,
            existing=existing,
        )

    def make_correction(
        self, label: str, verdict: Verdict, at: float, *, is_ours: bool
    ) -> Correction:
        """Return a verdict on a label; `is_ours`: the bot has set or suggested it."""
        choices = (one for one in self.record.choices if fold(one.label) == fold(label))
        choice = next(choices, None)
        source = choice.source if choice else self.record.source if is_ours else ""
        certainty = choice.certainty if choice else ""
        number = self.issue.ref.number
        return Correction(number, label, verdict, at, source, certainty, self.config)


def find_corrections(case: LabelledIssue) -> tuple[Correction, ...]:
    """Return what people have done with the issue's labels, by the forge's history of them.

    A label that was renamed or deleted, or that a program changed, has no verdict. Nor has a scoped
    label that another one of its scope replaced: the new one says more.
    """
    ours = case.ours
    on_issue = {fold(name): name for name in case.issue.labels}
    by_people = [change for change in case.changes if _is_by_person(change, case, ours)]
    last = {fold(change.name): n for n, change in enumerate(case.changes)}
    return tuple(
        case.make_correction(name, *verdict, is_ours=key in ours)
        for key, name in (ours | on_issue).items()
        if key in last and (verdict := _find_verdict(last[key], case, by_people))
    )


def _find_verdict(
    place: int, case: LabelledIssue, by_people: Sequence[LabelChange]
) -> tuple[Verdict, float] | None:
    """Return the verdict on a label by its last change, and when it was given."""
    last = case.changes[place]
    key = fold(last.name)
    is_ours = key in case.ours
    is_set = last.added and key in map(fold, case.issue.labels)
    by_person = last in by_people
    if by_person and is_set and last.at > case.issue.created_at + OPENING_SECONDS:
        return "added", last.at
    if last.own and not by_person and is_set and is_ours:
        # By their order: GitHub's times are whole seconds.
        later = (change.at for change in case.changes[place + 1 :] if change in by_people)
        at = next(later, None)
        return None if at is None else ("kept", at)
    was_rejected = by_person and not last.added and is_ours and key in map(fold, case.existing)
    return ("removed", last.at) if was_rejected and not _is_swap(last, by_people) else None


def _is_by_person(change: LabelChange, case: LabelledIssue, ours: Collection[str]) -> bool:
    if change.by_bot or is_ours(change, case.writes):
        return False
    # Of a label that the journal lacks, as of an earlier version, the record says who set it.
    key = fold(change.name)
    is_recorded = change.own and change.added and key in ours
    return not is_recorded or key in {fold(write.label) for write in case.writes}


def _is_swap(removal: LabelChange, by_people: Sequence[LabelChange]) -> bool:
    """Return whether another label of the same scope replaced this one."""
    key = scope(removal.name)
    return bool(key) and any(
        other.added
        and scope(other.name) == key
        and abs(other.at - removal.at) <= SAME_CHANGE_SECONDS
        for other in by_people
    )


def add_decisions(
    found: Iterable[Correction], case: LabelledIssue, review: Review, *, is_type: bool
) -> tuple[Correction, ...]:
    """Return the corrections with what people decided on the bot's suggestions of labels, or of a
    type.

    An approval is also a change of labels by the person: it counts once. To dismiss the suggestion
    of a label that is on the issue says nothing against the label.
    """
    approved = {fold(one.name): one for one in review.approved if one.is_type == is_type}
    corrections = [
        replace(one, verdict="approved")
        if one.verdict == "added" and fold(one.label) in approved
        else one
        for one in found
    ]
    judged = {fold(one.label) for one in corrections if one.verdict == "approved"}
    last_added = {fold(one.name): one for one in case.changes if one.added}
    by_programs = {key for key, one in last_added.items() if one.by_bot}
    on_issue = {fold(name) for name in case.issue.labels}
    refused = {fold(one.name): one for one in review.dismissed if one.is_type == is_type}
    ends: list[tuple[Verdict, HeldSuggestion]] = [
        *(("approved", approved[key]) for key in approved.keys() - judged - by_programs),
        *(("dismissed", refused[key]) for key in refused.keys() - on_issue),
    ]
    decided = (case.make_correction(x.name, verdict, x.at, is_ours=True) for verdict, x in ends)
    return (*corrections, *decided)


def drop_known(found: Iterable[Correction], known: Iterable[Correction]) -> tuple[Correction, ...]:
    """Return the corrections that are new, also under another configuration.

    The addition that an approval is may be found again once the suggestion is no longer read.
    """
    before = {replace(one, config="") for one in known}
    before |= {replace(one, verdict="added") for one in before if one.verdict == "approved"}
    return tuple(one for one in found if replace(one, config="") not in before)


def find_kept(past: Sequence[PastIssue], config: str, now: float) -> Iterator[Correction]:
    """Yield a verdict for each label of the bot that was kept on an issue that a person handled.

    Without these, only labels of issues on which people changed labels would be judged.
    """
    for one in past:
        labelled_at = one.labelled_at or one.issue.created_at
        if one.record is None or not one.issue.handled or now - labelled_at < KEPT_SECONDS:
            continue
        own = {fold(name) for name in find_own_labels(one)}
        types = (one.record.type,) if one.record.type else ()
        for choice in (*one.record.choices, *types):
            if choice.applied and fold(choice.label) in own:
                yield Correction(
                    one.issue.ref.number,
                    choice.label,
                    "kept",
                    labelled_at + KEPT_SECONDS,
                    choice.source,
                    choice.certainty,
                    config,
                )


def sort_by_time(corrections: Iterable[Correction]) -> list[Correction]:
    """Return the corrections, oldest first."""
    return sorted(corrections, key=lambda one: (one.at, _ORDER.get(one.verdict, 1)))


def select_latest(corrections: Iterable[Correction]) -> tuple[Correction, ...]:
    """Return the last correction of each issue and label, oldest first, and every "resumed"."""
    latest: dict[object, Correction] = {}
    for correction in sort_by_time(corrections):
        key = (correction.number, fold(correction.label))
        latest.pop(key, None)
        latest[key if correction.number else (*key, correction.at)] = correction
    return tuple(latest.values())


class JudgedLabels:
    """A mixin: the number of the bot's labels that people `kept`, and that they `removed`."""

    __slots__ = ()
    kept: int
    removed: int

    @property
    def judged(self) -> int:
        return self.kept + self.removed

    @property
    def kept_share(self) -> float | None:
        """Return the share of the judged labels that people kept, None without any."""
        return self.kept / self.judged if self.judged else None


@dataclass(frozen=True, slots=True)
class LabelCount:
    """How often people kept, removed or added a label, and how often they approved or dismissed
    its suggestion; `source` is the bot's for it, or ""."""

    label: str
    source: str
    kept: int = 0
    removed: int = 0
    added: int = 0
    approved: int = 0
    dismissed: int = 0

    @property
    def kept_share(self) -> float | None:
        """Return the share that people kept or approved of those that the bot set, or suggested on
        the forge, and that they judged; None without any."""
        right = self.kept + self.approved
        judged = right + self.removed + self.dismissed
        return right / judged if judged else None


COUNTED: Sequence[Verdict] = ("kept", "removed", "added", "approved", "dismissed")


def count_labels(corrections: Iterable[Correction]) -> tuple[LabelCount, ...]:
    """Return the counts of each label and source, by name."""
    counts: dict[tuple[str, str], Counter[Verdict]] = {}
    names: dict[str, str] = {}
    for one in select_latest(corrections):
        if one.verdict != "resumed":
            key = fold(one.label)
            names[key] = one.label
            counts.setdefault((key, one.source), Counter())[one.verdict] += 1
    return tuple(
        LabelCount(names[key], source, *(found[verdict] for verdict in COUNTED))
        for (key, source), found in sorted(counts.items())
    )
