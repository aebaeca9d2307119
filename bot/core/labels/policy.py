"""The label policy: which labels may be applied at all, and which of the chosen ones are."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.core.config.parser import LabelRules
from bot.core.labels.protected import is_protected
from bot.core.text import globs
from bot.core.types import Label, LabelDecision, LabelSuggestion

PREFIX = re.compile(r"([^:/]+)[:/] ?(?=[^\s:/])")


def fold(name: str) -> str:
    """The form in which label names are compared: case and outer or repeated blanks ignored."""
    return " ".join(name.split()).casefold()


def scope(name: str) -> str:
    """The key of a scoped label `key::value`, folded; "" where it has none."""
    return fold(name.rpartition("::")[0])


def usable_labels(labels: Iterable[Label], rules: LabelRules) -> tuple[Label, ...]:
    """The repository's labels that may be applied, in their order."""
    return tuple(label for label in labels if _is_allowed(label, rules))


def _is_allowed(label: Label, rules: LabelRules) -> bool:
    name = fold(label.name)
    deny, allow = _folded(rules.deny), _folded(rules.allow)
    if globs.matches(name, deny):
        return False
    if name in allow:
        return True
    if is_protected(label):
        return False
    return globs.matches(name, allow)


@lru_cache(maxsize=128)
def _folded(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(fold, names))


@dataclass(frozen=True, slots=True)
class CurrentLabels:
    """What is on the issue already, which of it is ours, and what a person has taken off it.

    `replaceable` are those of ours that a better answer may take off again.
    """

    labels: Collection[str] = ()
    removed: Collection[str] = ()
    applied_by_bot: Collection[str] = ()
    replaceable: Collection[str] = ()


def decide(
    choices: Sequence[LabelSuggestion],
    labels: Sequence[Label],
    suggestions: Sequence[str],
    present: CurrentLabels,
    rules: LabelRules,
) -> LabelDecision:
    """Choose what is applied: allowed names only, additive, one per group, `rules.max` in all.

    Unsure choices, and common tags that the repository lacks, are suggested. A label that a person
    set or removed is neither; one of ours that is on the issue already is kept, unless it is loose
    and nobody chooses it now.
    """
    known = {fold(label.name): label for label in reversed(labels)}
    known |= {label.name: label for label in labels}
    lacking = {fold(tag): tag for tag in suggestions}
    replaceable = {fold(name) for name in present.replaceable}
    fixed = [name for name in present.labels if fold(name) not in replaceable]
    taken = {family for name in fixed for family in _families(name, rules)}
    unwanted = {fold(name) for name in (*fixed, *present.removed)}
    ours = {fold(name) for name in present.applied_by_bot} & {fold(name) for name in fixed}
    keep = {fold(c.label): c for c in reversed(choices) if fold(c.label) in ours}
    apply: dict[str, LabelSuggestion] = {}
    suggest: dict[str, str] = {}
    for choice in choices:
        key = fold(choice.label)
        label = known.get(choice.label) or known.get(key)
        if key in unwanted or key in apply:
            continue
        if label is None:
            if key in lacking:
                suggest[key] = lacking[key]
            continue
        families = _families(label.name, rules)
        full = len(apply) + len(ours) >= rules.max or not families.isdisjoint(taken)
        if choice.certainty == "unsure" or full or not label.settable:
            suggest[key] = label.name
            continue
        taken |= families
        apply[key] = LabelSuggestion(label.name, choice.certainty, choice.reason)
    keep |= {key: choice for key, choice in apply.items() if key in replaceable}
    return LabelDecision(
        apply=tuple(choice for key, choice in apply.items() if key not in replaceable),
        suggest=tuple(name for key, name in suggest.items() if key not in apply)[: rules.max],
        keep=tuple(keep.values()),
        remove=tuple(name for name in present.replaceable if fold(name) not in apply),
    )


def _families(name: str, rules: LabelRules) -> set[str]:
    found = {
        f"group {group}"
        for group, members in rules.groups.items()
        if fold(name) in map(fold, members)
    }
    prefix = PREFIX.match(name)
    if key := scope(name):
        found.add(f"scope {key}")
    elif prefix:
        found.add(f"prefix {fold(prefix[1])}")
    return found
