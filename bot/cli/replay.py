"""Replays labelled issues: a classifier learns from what came before, then each gets its labels.

An issue's own labels and its type are taken off before anything sees it, and are known again when
its answer is compared with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import msgspec

import bot
from bot.cli.batch import Enricher, Totals, enrich_all
from bot.cli.checkpoint import Checkpoint, make_key
from bot.core.config.schema import RepoConfig
from bot.core.enrichment import Enrichment
from bot.core.labels.issue_types import find_types
from bot.core.labels.names import fold
from bot.core.labels.process import is_process_label
from bot.core.ports import ModelService
from bot.core.types import Issue, Label
from bot.flow.enrich import list_usable_labels
from bot.learn import codec
from bot.learn.evaluation import Case, plan_blocks
from bot.learn.features import VERSION, extract_features
from bot.learn.model import Example, RepositoryModel
from bot.learn.train import MAX_EXAMPLES, train

MAX_REPLAYED = 300


@dataclass(frozen=True, slots=True)
class Material:
    """A repository's labels and issue types, its configuration, and its issues in time order.

    Each range of `blocks` is predicted by what was learned from all issues before it.
    """

    name: str
    labels: Sequence[Label]
    config: RepoConfig
    issues: Sequence[Issue]
    blocks: Sequence[range]
    left_out: int = 0  # issues with labels of which none counts
    types: Sequence[Label] = ()

    @property
    def replayed(self) -> list[Issue]:
        return [self.issues[n] for block in self.blocks for n in block]

    def list_scored(self) -> list[Label]:
        """Return the labels and types that count."""
        return _list_scored(self.labels, self.types, self.config)

    def find_truth(self, issue: Issue) -> tuple[str, ...]:
        """Return the labels that people gave an issue, and its type, spelled as in `labels`."""
        merged = find_types(self.types, self.labels, self.config).merge(issue)
        names = {fold(label.name): label.name for label in (*self.labels, *self.types)}
        return tuple(names.get(fold(name), name) for name in merged.labels)


@dataclass(frozen=True, slots=True)
class Run:
    """The answers for all replayed issues, by a language model or without one (model "").

    `cases` compare them with people's labels, in the same order.
    """

    model: str
    answers: Sequence[Enrichment]
    cases: Sequence[Case]
    totals: Totals


@dataclass(slots=True)
class Replay:
    """Replays one repository. `classifiers` are those of its blocks, once they are trained.

    `checkpoint` has the classifiers and the answers of models of a run that was stopped.
    """

    material: Material
    show_progress: Callable[[str], None]
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    classifiers: list[RepositoryModel] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # of the classifiers in the checkpoint

    def learn(self) -> None:
        """Train the classifier of each block on what came before it."""
        blocks, examples = self.material.blocks, list[Example]()
        for number, block in enumerate(blocks, 1):
            past = self.material.issues[self._first : block.start]
            key = self._make_key(past)
            saved = self.checkpoint.load(key)
            classifier = codec.load(saved) if saved else None
            if classifier is None:
                self._extract(past[len(examples) :], examples)
                self.show_progress(f"learning, {number} of {len(blocks)}")
                target = self.material.config.labels.precision
                data = codec.dump(train(examples, self.material.list_scored(), target, 0.0))
                self.checkpoint.save(key, data)
                classifier = codec.load(data)
            assert classifier is not None
            self.classifiers.append(classifier)
            self.keys.append(key)

    @property
    def _first(self) -> int:
        """The first issue to learn from."""
        blocks = self.material.blocks
        return max(0, blocks[0].start - MAX_EXAMPLES) if blocks else 0

    def _make_key(self, past: Sequence[Issue]) -> str:
        truth, config = self.material.find_truth, self.material.config
        rows = [(x.title, x.body, truth(x), x.created_at) for x in past]
        known = self.material.labels, self.material.types
        return make_key(bot.__version__, VERSION, config, known, rows)

    def _extract(self, issues: Sequence[Issue], examples: list[Example]) -> None:
        """Append the examples of issues."""
        total = len(examples) + len(issues)
        for issue in issues:
            if len(examples) % 50 == 0:
                self.show_progress(f"reading issue {len(examples) + 1:,} of {total:,}")
            features = extract_features(issue.title, issue.body)
            truth = self.material.find_truth(issue)
            examples.append(Example(features, truth, issue.created_at))

    def run(
        self, name: str, model: ModelService | None, threads: int, day_usd: float | None
    ) -> Run:
        """Return the labels that each issue would have got."""
        totals, answers, cases = Totals(), list[Enrichment](), list[Case]()
        names = {fold(label.name): label.name for label in self.material.list_scored()}
        for number, block in enumerate(self.material.blocks):
            classifier = self.classifiers[number]
            issues = [self.material.issues[n] for n in block]
            hidden = [replace(issue, labels=(), type="") for issue in issues]
            known = self.material.labels, self.material.types
            enricher = Enricher(
                known[0], self.material.config, model, day_usd, classifier, known[1]
            )
            enrich = self._remember(enricher, name, self.keys[number]) if model else enricher.enrich
            of_model = f" with {name}" if name else ""

            def show(suffix: str = of_model) -> None:
                total = len(self.material.replayed)
                self.show_progress(f"issue {totals.done:,} of {total:,}{suffix}")

            results = enrich_all(hidden, enrich, threads, totals, show)
            for issue, result in zip(issues, results, strict=True):
                if result is not None:
                    answers.append(result)
                    truth = self.material.find_truth(issue)
                    cases.append(_make_case(issue, truth, result, names, classifier))
        return Run(name, answers, cases, totals)

    def _remember(self, enricher: Enricher, name: str, key: str) -> Callable[[Issue], Enrichment]:
        """Return a function that asks a model once for each issue, also over several runs."""

        def enrich(issue: Issue) -> Enrichment:
            issue_key = make_key(key, name, issue.title, issue.body, issue.confidential)
            if saved := self.checkpoint.load(issue_key):
                with suppress(msgspec.DecodeError):
                    return msgspec.json.decode(saved, type=Enrichment)
            result = enricher.enrich(issue)
            if not result.why:
                kept = replace(result, summary="", cache_entry=None)
                self.checkpoint.save(issue_key, msgspec.json.encode(kept))
            return result

        return enrich


def learn_from(
    issues: Sequence[Issue], labels: Sequence[Label], config: RepoConfig
) -> RepositoryModel:
    """Return a classifier of the newest issues."""
    material = Material("", labels, config, select_issues(issues, labels, config), ())
    examples = [
        Example(extract_features(x.title, x.body), material.find_truth(x), x.created_at)
        for x in material.issues[-MAX_EXAMPLES:]
    ]
    return train(examples, material.list_scored(), config.labels.precision, 0.0)


def select_issues(
    issues: Sequence[Issue],
    labels: Sequence[Label],
    config: RepoConfig,
    types: Sequence[Label] = (),
) -> list[Issue]:
    """Return the issues with a label or type that counts, the oldest first."""
    scored = {fold(label.name) for label in _list_scored(labels, types, config)}
    names = find_types(types, labels, config)
    known = (x for x in issues if not scored.isdisjoint(map(fold, names.merge(x).labels)))
    return sorted(known, key=lambda issue: issue.created_at)


def make_material(
    name: str,
    labels: Sequence[Label],
    config: RepoConfig,
    issues: Sequence[Issue],
    types: Sequence[Label] = (),
) -> Material:
    """Return the material for a replay of the newest issues, in time order."""
    known = select_issues(issues, labels, config, types)
    chosen = known[-(MAX_EXAMPLES + MAX_REPLAYED) :]
    blocks = plan_blocks(len(chosen), MAX_REPLAYED)
    left_out = _count_labelled(issues) - len(known)
    return Material(name, labels, config, chosen, blocks, left_out, types)


def make_split_material(
    name: str,
    labels: Sequence[Label],
    config: RepoConfig,
    parts: tuple[Sequence[Issue], Sequence[Issue]],
) -> Material:
    """Return the material where issues to learn from and issues to predict are given apart."""
    past, test = (select_issues(part, labels, config) for part in parts)
    blocks = [range(len(past), len(past) + len(test))] if test else []
    left_out = sum(map(_count_labelled, parts)) - len(past) - len(test)
    return Material(name, labels, config, [*past, *test], blocks, left_out)


def make_recent_material(
    name: str,
    labels: Sequence[Label],
    config: RepoConfig,
    past: Sequence[Issue],
    recent: Sequence[Issue],
    types: Sequence[Label] = (),
) -> Material:
    """Return the material for a replay of all recent issues, also of those without a label.

    Both kinds of issues come newest first.
    """
    known = select_issues(past, labels, config, types) if config.learn.from_history else []
    replayed = recent[::-1]
    blocks = [range(len(known), len(known) + len(replayed))] if replayed else []
    return Material(name, labels, config, [*known, *replayed], blocks, types=types)


def _count_labelled(issues: Sequence[Issue]) -> int:
    return sum(bool(issue.labels or issue.type) for issue in issues)


def _list_scored(
    labels: Sequence[Label], types: Sequence[Label], config: RepoConfig
) -> list[Label]:
    """Return the labels and types that count: the bot may set them, and texts can show them."""
    usable, review = list_usable_labels(labels, config), fold(config.fallback.needs_review)
    choices = find_types(types, labels, config).list_choices(usable)
    return [x for x in choices if not is_process_label(x.name) and fold(x.name) != review]


def _make_case(
    issue: Issue,
    truth: Iterable[str],
    result: Enrichment,
    names: dict[str, str],
    classifier: RepositoryModel,
) -> Case:
    def keep(found: Iterable[str]) -> tuple[str, ...]:
        return tuple(names[fold(name)] for name in found if fold(name) in names)

    return Case(
        truth=frozenset(keep(truth)),
        applied=keep(choice.label for choice in result.applied),
        suggested=keep(choice.label for choice in result.suggested),
        ranking=classifier.rank(extract_features(issue.title, issue.body)),
    )
