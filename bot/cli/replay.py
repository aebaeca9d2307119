"""Replays labelled issues: a classifier learns from what came before, then each gets its labels.

An issue's own labels are taken off before anything sees it, and are known again when its answer is
compared with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from bot.cli.batch import Enricher, Totals, enrich_all
from bot.core.config.schema import RepoConfig
from bot.core.labels.names import fold
from bot.core.labels.process import is_process_label
from bot.core.ports import ModelService
from bot.core.types import Enrichment, Issue, Label
from bot.flow.enrich import list_usable_labels
from bot.learn.evaluation import Case, plan_blocks
from bot.learn.features import extract_features
from bot.learn.model import Example, RepositoryModel
from bot.learn.train import MAX_EXAMPLES, train

MAX_REPLAYED = 300


@dataclass(frozen=True, slots=True)
class Material:
    """A repository's labels, its configuration, and its issues in time order.

    Each range of `blocks` is predicted by what was learned from all issues before it.
    """

    name: str
    labels: Sequence[Label]
    config: RepoConfig
    issues: Sequence[Issue]
    blocks: Sequence[range]

    @property
    def replayed(self) -> list[Issue]:
        return [self.issues[n] for block in self.blocks for n in block]

    def list_scored(self) -> list[Label]:
        return _list_scored(self.labels, self.config)


@dataclass(frozen=True, slots=True)
class Run:
    """The answers for all replayed issues, by a language model or without one (model "")."""

    model: str
    cases: Sequence[Case]
    totals: Totals


@dataclass(slots=True)
class Replay:
    """Replays one repository. `classifiers` are those of its blocks, once they are trained."""

    material: Material
    show_progress: Callable[[str], None]
    classifiers: list[RepositoryModel] = field(default_factory=list)

    def learn(self) -> None:
        """Train the classifier of each block on what came before it."""
        material = self.material
        start = max(0, material.blocks[0].start - MAX_EXAMPLES) if material.blocks else 0
        last = material.blocks[-1].start if material.blocks else 0
        examples: list[Example] = []
        for issue in material.issues[start:last]:
            if len(examples) % 50 == 0:
                self.show_progress(f"reading issue {len(examples) + 1:,} of {last - start:,}")
            features = extract_features(issue.title, issue.body)
            examples.append(Example(features, issue.labels, issue.created_at))
        for number, block in enumerate(material.blocks, 1):
            self.show_progress(f"learning, {number} of {len(material.blocks)}")
            past = examples[: block.start - start]
            target = material.config.labels.precision
            self.classifiers.append(train(past, material.list_scored(), target, 0.0))

    def run(
        self, name: str, model: ModelService | None, threads: int, day_usd: float | None
    ) -> Run:
        """Return the labels that each issue would have got."""
        totals, cases = Totals(), []
        names = {fold(label.name): label.name for label in self.material.list_scored()}
        for block, classifier in zip(self.material.blocks, self.classifiers, strict=True):
            issues = [self.material.issues[n] for n in block]
            hidden = [replace(issue, labels=()) for issue in issues]
            enricher = Enricher(
                self.material.labels, self.material.config, model, day_usd, classifier
            )

            def show() -> None:
                self.show_progress(f"issue {totals.done:,} of {len(self.material.replayed):,}")

            results = enrich_all(hidden, enricher.enrich, threads, totals, show)
            for issue, result in zip(issues, results, strict=True):
                if result is not None:
                    cases.append(_make_case(issue, result, names, classifier))
        return Run(name, cases, totals)


def learn_from(
    issues: Sequence[Issue], labels: Sequence[Label], config: RepoConfig
) -> RepositoryModel:
    """Return a classifier of the newest issues."""
    material = Material("", labels, config, select_issues(issues, labels, config), ())
    examples = [
        Example(extract_features(issue.title, issue.body), issue.labels, issue.created_at)
        for issue in material.issues[-MAX_EXAMPLES:]
    ]
    return train(examples, material.list_scored(), config.labels.precision, 0.0)


def select_issues(
    issues: Sequence[Issue], labels: Sequence[Label], config: RepoConfig
) -> list[Issue]:
    """Return the issues with a label that counts, the oldest first; spelled as in `labels`."""
    names = {fold(label.name): label.name for label in _list_scored(labels, config)}
    known = [
        replace(issue, labels=tuple(names.get(fold(name), name) for name in issue.labels))
        for issue in issues
        if any(fold(name) in names for name in issue.labels)
    ]
    return sorted(known, key=lambda issue: issue.created_at)


def make_material(
    name: str, labels: Sequence[Label], config: RepoConfig, issues: Sequence[Issue]
) -> Material:
    """Return the material for a replay of the newest issues, in time order."""
    chosen = select_issues(issues, labels, config)[-(MAX_EXAMPLES + MAX_REPLAYED) :]
    return Material(name, labels, config, chosen, plan_blocks(len(chosen), MAX_REPLAYED))


def make_split_material(
    name: str,
    labels: Sequence[Label],
    config: RepoConfig,
    parts: tuple[Sequence[Issue], Sequence[Issue]],
) -> Material:
    """Return the material where issues to learn from and issues to predict are given apart."""
    past, test = (select_issues(part, labels, config) for part in parts)
    blocks = [range(len(past), len(past) + len(test))] if test else []
    return Material(name, labels, config, [*past, *test], blocks)


def _list_scored(labels: Sequence[Label], config: RepoConfig) -> list[Label]:
    """Return the labels that count: the bot may set them, and texts can show them."""
    usable = list_usable_labels(labels, config)
    return [label for label in usable if not is_process_label(label.name)]


def _make_case(
    issue: Issue, result: Enrichment, names: dict[str, str], classifier: RepositoryModel
) -> Case:
    decision = result.label_decision

    def keep(found: Iterator[str]) -> tuple[str, ...]:
        return tuple(names[fold(name)] for name in found if fold(name) in names)

    return Case(
        truth=frozenset(keep(iter(issue.labels))),
        applied=keep(choice.label for choice in decision.apply),
        suggested=keep(iter(decision.suggest)),
        ranking=classifier.rank(extract_features(issue.title, issue.body)),
    )
