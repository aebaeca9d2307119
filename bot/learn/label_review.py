"""Reviews a repository's labels: which of them its history shows to be confusing or useless."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from bot.core.labels.look_alikes import find_look_alikes
from bot.core.labels.process import is_process_label
from bot.core.text.numbers import format_count, format_share
from bot.core.types import Label
from bot.learn.calibration import find_lower_bound
from bot.learn.model import RepositoryModel

ProblemKind = Literal["look-alike", "overlapping", "unlearnable", "undescribed", "never-used"]

MIN_ISSUES = 100  # labelled ones, before a label counts as rare or unused
_MIN_SHARED, _MIN_SHARE = 5, 0.8  # issues of the rarer label that have the other one
_MIN_LIFT = 1.5  # how much more often than issues without the rarer label


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of some labels: its evidence from the history, and what a maintainer can do.

    `issues` is the number of issues of the history that it concerns.
    """

    kind: ProblemKind
    labels: tuple[str, ...]
    issues: int
    evidence: str
    proposal: str


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository's labels, those of them that the bot may set, and the labels of past issues.

    `model` was trained for the labels that the bot may set, on the same issues.
    """

    labels: Sequence[Label]
    usable: Sequence[Label]
    history: Sequence[Sequence[str]]
    model: RepositoryModel

    def count_uses(self) -> Counter[str]:
        return Counter(name for labels in self.history for name in set(labels))

    def list_learnable(self) -> list[str]:
        """Return the labels that the bot may set and that tell what an issue is about."""
        return [x.name for x in self.usable if not is_process_label(x.name)]


def review_labels(repository: Repository) -> tuple[Problem, ...]:
    """Return the problems by kind, the most harmful kind first, then by the issues concerned.

    Look-alike and overlapping labels come first: people and models choose between them at random,
    so that neither is learned.
    """
    return tuple(
        problem
        for find in _FINDERS
        for problem in sorted(find(repository), key=lambda x: (-x.issues, x.labels))
    )


def _find_look_alikes(repository: Repository) -> Iterator[Problem]:
    uses = repository.count_uses()
    described = {label.name for label in repository.labels if label.description}

    def rank(name: str) -> tuple[int, bool]:
        return -uses[name], name not in described

    names = sorted((label.name for label in repository.labels), key=rank)
    for found in find_look_alikes(names, sorted(repository.list_learnable(), key=rank)):
        kept, *others = found.names
        counts = ", ".join(f"{_quote(x)} on {_count_issues(uses[x])}" for x in found.names)
        rest = _join_names(others)
        yield Problem(
            "look-alike",
            found.names,
            sum(uses[name] for name in found.names),
            f"{found.why}: {counts}",
            f"Keep {_quote(kept)}: set it on the issues of {rest}, and delete {rest}."
            " If each is needed, say in the descriptions what tells them apart.",
        )


def _find_overlaps(repository: Repository) -> Iterator[Problem]:
    uses, total = repository.count_uses(), len(repository.history)
    names = {*repository.list_learnable()}
    order = sorted(names, key=lambda name: (uses[name], name))
    alike = {
        pair
        for found in find_look_alikes(order, order)
        for pair in combinations(sorted(found.names), 2)
    }
    shared = Counter(
        pair
        for labels in repository.history
        for pair in combinations(sorted(names.intersection(labels)), 2)
    )
    best: dict[str, tuple[float, str, int]] = {}
    for (one, other), both in shared.items():
        rare, frequent = sorted((one, other), key=lambda name: (uses[name], name))
        share = both / uses[rare]
        if both < _MIN_SHARED or share < _MIN_SHARE or (one, other) in alike:
            continue
        elsewhere = (uses[frequent] - both) / max(1, total - uses[rare])
        if find_lower_bound(both, uses[rare]) > _MIN_LIFT * elsewhere:
            best[rare] = max(best.get(rare, (0.0, "", 0)), (share, frequent, both))
    for rare, (share, frequent, both) in best.items():
        yield Problem(
            "overlapping",
            (rare, frequent),
            both,
            f"{both} of the {_count_issues(uses[rare])} with {_quote(rare)} ({format_share(share)})"
            f" also have {_quote(frequent)}, which is on {_count_issues(uses[frequent])}",
            f"If {_quote(rare)} says no more than {_quote(frequent)}, delete it. Else describe when"
            " each is set, or set only the more precise one.",
        )


def _find_unlearnable(repository: Repository) -> Iterator[Problem]:
    is_enough, learnable = len(repository.history) >= MIN_ISSUES, {*repository.list_learnable()}
    for label in repository.model.labels:
        if label.name not in learnable or not label.examples or label.apply_at is not None:
            continue
        if not label.why_silent:
            yield Problem(
                "unlearnable",
                (label.name,),
                label.examples,
                f"on {_count_issues(label.examples)}; what was learned from them is not right in"
                f" {format_share(repository.model.target)} of the cases",
                "Without a language model, Tagline only suggests it. Check that people set it for"
                " one reason, and on every issue that it fits; say that reason in its description."
                " A lower labels.precision in tagline.yml applies it sooner.",
            )
        elif is_enough:
            yield Problem(
                "unlearnable",
                (label.name,),
                label.examples,
                label.why_silent,
                "Set it on more issues, merge it into a broader label, or leave it to a language"
                " model.",
            )


def _find_undescribed(repository: Repository) -> Iterator[Problem]:
    uses = repository.count_uses()
    for label in repository.usable:
        if not label.description.strip():
            yield Problem(
                "undescribed",
                (label.name,),
                uses[label.name],
                f"no description; on {_count_issues(uses[label.name])}",
                "Describe when it is set, in its description or in labels.describe of tagline.yml:"
                " a language model sees only its name.",
            )


def _find_unused(repository: Repository) -> Iterator[Problem]:
    uses, total = repository.count_uses(), len(repository.history)
    usable = {label.name for label in repository.usable}
    for label in repository.labels if total >= MIN_ISSUES else ():
        if not uses[label.name]:
            yield Problem(
                "never-used",
                (label.name,),
                0,
                f"on none of the {total:,} labelled issues (pull requests are not read)",
                "Delete it, or list it in labels.deny of tagline.yml so that no model chooses it."
                if label.name in usable
                else "Delete it, unless pull requests or an automation need it.",
            )


_FINDERS: tuple[Callable[[Repository], Iterator[Problem]], ...] = (
    _find_look_alikes,
    _find_overlaps,
    _find_unlearnable,
    _find_undescribed,
    _find_unused,
)


def _count_issues(number: int) -> str:
    return format_count(number, "issue")


def _quote(name: str) -> str:
    return f'"{name}"'


def _join_names(names: Sequence[str]) -> str:
    *first, last = map(_quote, names)
    return f"{', '.join(first)} and {last}" if first else last
