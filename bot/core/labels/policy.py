"""The label policy: which labels may be set, and which of the suggested ones are."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from bot.core.config.schema import LabelRules
from bot.core.labels.names import fold, name_finder
from bot.core.labels.protected import is_protected
from bot.core.text import globs
from bot.core.types import Label, LabelDecision, LabelSuggestion

Restriction = Literal["", "denied", "not allowed", "protected"]

PREFIX = re.compile(r"([^:/]+)[:/] ?(?=[^\s:/])")


def scope(name: str) -> str:
    """Return the folded key of a scoped label `key::value`, "" for other labels."""
    return fold(name.rpartition("::")[0])


def usable_labels(labels: Iterable[Label], rules: LabelRules) -> tuple[Label, ...]:
    """Return the labels that the bot may set, in their order."""
    return tuple(label for label in labels if not find_restriction(label, rules))


def find_restriction(label: Label, rules: LabelRules) -> Restriction:
    """Return why the bot may not set a label, "" if it may."""
    name, allow = fold(label.name), _fold_all(rules.allow)
    if globs.matches(name, _fold_all(rules.deny)):
        return "denied"
    if name in allow:
        return ""
    if not globs.matches(name, allow):
        return "not allowed"
    return "protected" if is_protected(label) else ""


@lru_cache(maxsize=128)
def _fold_all(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(fold, names))


@dataclass(frozen=True, slots=True)
class CurrentLabels:
    """The labels on an issue, those that people have removed, and those that the bot has set.

    `replaceable` are those of the bot's that a better answer may remove again, `demoted` those that
    are only suggested in this repository, `withheld` those that are not suggested.
    """

    labels: Collection[str] = ()
    removed: Collection[str] = ()
    applied_by_bot: Collection[str] = ()
    replaceable: Collection[str] = ()
    demoted: Collection[str] = ()
    withheld: Collection[str] = ()

    @property
    def fixed(self) -> tuple[str, ...]:
        """Return the labels that stay on the issue."""
        replaceable = {fold(name) for name in self.replaceable}
        return tuple(name for name in self.labels if fold(name) not in replaceable)

    @property
    def own(self) -> frozenset[str]:
        """Return the folded names of the bot's labels that stay on the issue."""
        return frozenset(map(fold, self.applied_by_bot)) & frozenset(map(fold, self.fixed))

    @property
    def only_suggested(self) -> frozenset[str]:
        """Return the folded names of labels that are not set, unless they replace themselves."""
        return frozenset(map(fold, self.demoted)) - frozenset(map(fold, self.replaceable))


@dataclass(frozen=True, slots=True)
class Selection:
    """Choices to set and to suggest, by the folded names of their labels."""

    apply: dict[str, LabelSuggestion]
    suggest: dict[str, LabelSuggestion]


def decide(
    choices: Sequence[LabelSuggestion],
    labels: Sequence[Label],
    suggestions: Sequence[str],
    present: CurrentLabels,
    rules: LabelRules,
) -> LabelDecision:
    """Return which labels to apply, suggest, keep and remove.

    Applied are allowed labels only: at most `rules.max`, one of each family. Suggested are unsure
    choices, demoted labels, and `suggestions`, common tags that the repository lacks; not those
    that are withheld. A label that a person set or removed is neither applied nor suggested. The
    bot's own label stays on the issue, unless it is replaceable and not chosen again.
    """
    find_name = name_finder(label.name for label in labels)
    choices = [replace(choice, label=find_name(choice.label) or choice.label) for choice in choices]
    selection = _select(choices, labels, suggestions, present, rules)
    apply = selection.apply
    replaceable = {fold(name) for name in present.replaceable}
    withheld = {fold(name) for name in present.withheld}
    keep = {fold(c.label): c for c in reversed(choices) if fold(c.label) in present.own}
    keep |= {key: choice for key, choice in apply.items() if key in replaceable}
    suggested = [
        choice
        for key, choice in selection.suggest.items()
        if key not in apply and key not in withheld
    ][: rules.max]
    return LabelDecision(
        apply=tuple(choice for key, choice in apply.items() if key not in replaceable),
        suggested=tuple(suggested),
        keep=tuple(keep.values()),
        remove=tuple(name for name in present.replaceable if fold(name) not in apply),
        demoted=tuple(x.label for x in suggested if fold(x.label) in present.only_suggested),
        withheld=tuple(choice.label for key, choice in apply.items() if key in withheld),
    )


def _select(
    choices: Sequence[LabelSuggestion],
    labels: Sequence[Label],
    missing: Sequence[str],
    present: CurrentLabels,
    rules: LabelRules,
) -> Selection:
    """Return the choices that the issue may get, in their order; the first of a family counts.

    `missing` are names that may be suggested although the repository has no such label.
    """
    known = {label.name: label for label in reversed(labels)}
    names = {fold(name): name for name in missing}
    taken = {family for name in present.fixed for family in _list_families(name, rules)}
    excluded = {fold(name) for name in (*present.fixed, *present.removed)}
    selection, places = Selection({}, {}), rules.max - len(present.own)
    for choice in choices:
        key, label = fold(choice.label), known.get(choice.label)
        if key in excluded or key in selection.apply:
            continue
        if label is None:
            if key in names:
                selection.suggest[key] = replace(choice, label=names[key])
            continue
        families = _list_families(label.name, rules)
        has_place = len(selection.apply) < places and families.isdisjoint(taken)
        is_sure = choice.certainty != "unsure" and key not in present.only_suggested
        if is_sure and has_place and label.settable:
            selection.apply[key] = choice
            taken |= families
        else:
            selection.suggest[key] = choice
    return selection


def _list_families(name: str, rules: LabelRules) -> set[str]:
    """Return what a label is one of: groups of the configuration, a scope or else a prefix."""
    families = {
        f"group {group}"
        for group, members in rules.groups.items()
        if fold(name) in map(fold, members)
    }
    prefix = PREFIX.match(name)
    if key := scope(name):
        families.add(f"scope {key}")
    elif prefix:
        families.add(f"prefix {fold(prefix[1])}")
    return families
