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
    bot's own label stays on the
    issue, unless it is replaceable and not chosen again.
    """
    known = {label.name: label for label in reversed(labels)}
    find_name = name_finder(label.name for label in labels)
    missing = {fold(tag): tag for tag in suggestions}
    replaceable = {fold(name) for name in present.replaceable}
    fixed = present.fixed
    families = {family for name in fixed for family in _list_families(name, rules)}
    excluded = {fold(name) for name in (*fixed, *present.removed)}
    choices = [replace(choice, label=find_name(choice.label) or choice.label) for choice in choices]
    own = {fold(name) for name in present.applied_by_bot} & {fold(name) for name in fixed}
    keep = {fold(c.label): c for c in reversed(choices) if fold(c.label) in own}
    apply: dict[str, LabelSuggestion] = {}
    suggest: dict[str, LabelSuggestion] = {}
    demoted = {fold(name) for name in present.demoted} - replaceable
    for choice in choices:
        key = fold(choice.label)
        label = known.get(choice.label)
        if key in excluded or key in apply:
            continue
        if label is None:
            if key in missing:
                suggest[key] = replace(choice, label=missing[key])
            continue
        its_families = _list_families(label.name, rules)
        is_full = len(apply) + len(own) >= rules.max or not its_families.isdisjoint(families)
        is_sure = choice.certainty != "unsure" and key not in demoted
        if not is_sure or is_full or not label.settable:
            suggest[key] = choice
            continue
        families |= its_families
        apply[key] = choice
    keep |= {key: choice for key, choice in apply.items() if key in replaceable}
    withheld = {fold(name) for name in present.withheld}
    suggested = [x for key, x in suggest.items() if key not in apply and key not in withheld]
    suggested = suggested[: rules.max]
    return LabelDecision(
        apply=tuple(choice for key, choice in apply.items() if key not in replaceable),
        suggested=tuple(suggested),
        keep=tuple(keep.values()),
        remove=tuple(name for name in present.replaceable if fold(name) not in apply),
        demoted=tuple(x.label for x in suggested if fold(x.label) in demoted),
        withheld=tuple(choice.label for key, choice in apply.items() if key in withheld),
    )


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
