"""Issue types: what they have in common with labels, and which one an issue gets.

GitHub has them beside labels. A label that means the same as a type is not set beside it: a choice
of the label is a choice of the type. On GitLab the scoped labels `type::…` play the same part: an
issue gets one of them, or of the labels that mean the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from bot.core.config.schema import LabelRules, RepoConfig
from bot.core.labels.keywords import find_meanings
from bot.core.labels.names import fold, name_finder
from bot.core.labels.policy import CurrentLabels, scope, usable_labels
from bot.core.types import Issue, Label, LabelDecision, LabelSuggestion

SCOPE = "type"  # of the labels that are types on GitLab


@dataclass(frozen=True, slots=True)
class TypeNames:
    """The types that the bot may set in a repository.

    `types` are those that a forge has beside labels, `synonyms` the name of a type by the folded
    names of the labels that mean it. `scoped` is the same for scoped labels that are types.
    """

    types: tuple[Label, ...] = ()
    synonyms: Mapping[str, str] = field(default_factory=dict)
    scoped: Mapping[str, str] = field(default_factory=dict)

    def offer(self, labels: Sequence[Label]) -> list[Label]:
        """Return the labels that a labeller may choose beside `types`."""
        return [label for label in labels if not self._means_type(label.name)]

    def list_choices(self, labels: Sequence[Label]) -> list[Label]:
        """Return the labels that a labeller may choose, and the types."""
        return [*self.offer(labels), *self.types]

    def merge(self, issue: Issue) -> Issue:
        """Return a past issue with its type among its labels.

        The type replaces labels that mean a type; without a type, such a label counts as one.
        """
        if not self.types:
            return issue
        labels = (
            issue.type or self.synonyms[fold(name)] if self._means_type(name) else name
            for name in issue.labels
        )
        own = (issue.type,) if issue.type else ()
        return replace(issue, labels=tuple(dict.fromkeys((*labels, *own))))

    def translate(
        self, choices: Sequence[LabelSuggestion]
    ) -> tuple[list[LabelSuggestion], list[LabelSuggestion]]:
        """Return the chosen types and the chosen labels."""
        find = name_finder(label.name for label in self.types)
        types, labels = [], []
        for choice in choices:
            if name := find(self.synonyms.get(fold(choice.label), choice.label)):
                types.append(replace(choice, label=name))
            else:
                labels.append(choice)
        return types, labels

    def has_synonym(self, labels: Collection[str]) -> bool:
        """Return whether one of the labels means a type, and is none itself."""
        return any(map(self._means_type, labels))

    def _means_type(self, label: str) -> bool:
        return fold(label) in self.synonyms

    def drop_repeated(
        self, choices: Sequence[LabelSuggestion], present: Collection[str]
    ) -> list[LabelSuggestion]:
        """Return the choices without labels that repeat, beside a scoped label that is a type, what
        an earlier one or another label on the issue says."""
        on_issue = {fold(name) for name in present}
        said = {self.scoped.get(name, name) for name in on_issue}
        kept = []
        for choice in choices:
            key = fold(choice.label)
            meaning = self.scoped.get(key, key)
            if meaning not in said or key in on_issue:
                kept.append(choice)
            said.add(meaning)
        return kept

    def add_group(self, rules: LabelRules) -> LabelRules:
        """Return rules by which an issue gets one type among its labels."""
        if not self.scoped:
            return rules
        members = tuple({*self.scoped, *self.scoped.values()})
        return msgspec.structs.replace(rules, groups={**rules.groups, f"{SCOPE}::": members})


def find_types(types: Sequence[Label], labels: Sequence[Label], config: RepoConfig) -> TypeNames:
    """Return the types that the bot may set; none where `types.set` is false.

    `labels.allow` and `labels.deny` hold for them as for labels.
    """
    if not config.types.set:
        return TypeNames()
    usable = usable_labels(types, config.labels)
    if types:
        names = [label.name for label in usable]
        return TypeNames(usable, _find_synonyms(names, labels, config.types.map))
    names = [label.name for label in labels if scope(label.name) == SCOPE]
    scoped = _find_synonyms(names, labels, config.types.map)
    return TypeNames(scoped={key: fold(name) for key, name in scoped.items()})


def _find_synonyms(
    names: Sequence[str], labels: Sequence[Label], mapped: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Return the type by the folded name of each label that means it.

    The repository's own table comes first.
    """
    by_key = {fold(name): name for name in names}
    synonyms = {
        fold(label): by_key[fold(name)]
        for name, members in mapped.items()
        if fold(name) in by_key
        for label in members
    }
    meanings = [(name, find_meanings(name)) for name in names]
    for label in labels:
        key, its_meanings = fold(label.name), find_meanings(label.name)
        found = (name for name, others in meanings if not its_meanings.isdisjoint(others))
        if key not in synonyms and (name := next(found, "")):
            synonyms[key] = name
    return {key: name for key, name in synonyms.items() if scope(key) != SCOPE or not scope(name)}


def decide_type(
    choices: Sequence[LabelSuggestion], present: CurrentLabels, *, has_synonym: bool = False
) -> LabelDecision:
    """Return which type to set, suggest, keep and remove: at most one.

    `present` has the issue's type in place of its labels. A type that is there stays, unless it is
    replaceable and another one or none is chosen. Where a person removed one of the bot's, or where
    a label says the type (`has_synonym`), nothing is set.
    """
    own = {fold(name) for name in present.applied_by_bot}
    replaceable = {fold(name) for name in present.replaceable}
    if has_synonym or present.fixed or present.removed:
        on_issue = {fold(name) for name in present.labels}
        kept = [choice for choice in choices if fold(choice.label) in own & on_issue]
        return LabelDecision(keep=tuple(kept[:1]))
    demoted = present.only_suggested
    sure = [x for x in choices if x.certainty != "unsure" and fold(x.label) not in demoted]
    chosen = tuple(sure[:1])
    is_kept = any(fold(choice.label) in replaceable for choice in chosen)
    withheld = {fold(name) for name in present.withheld}
    suggested = () if chosen else tuple(x for x in choices if fold(x.label) not in withheld)[:1]
    return LabelDecision(
        apply=() if is_kept else chosen,
        suggested=suggested,
        keep=chosen if is_kept else (),
        remove=() if is_kept else tuple(present.replaceable),
        demoted=tuple(choice.label for choice in suggested if fold(choice.label) in demoted),
        withheld=tuple(choice.label for choice in chosen if fold(choice.label) in withheld),
    )
