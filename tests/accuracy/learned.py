"""Figures of the classifier that learns from a repository's own labelled issues.

It is fitted to the `train` part of each repository alone and measured on its `test` part. Intervals
are of 95 %.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from statistics import mean

from bot.core.labels.process import is_process_label
from bot.core.types import Label
from bot.learn import evaluation
from bot.learn.codec import dump
from bot.learn.evaluation import Case, Figure, estimate_share
from bot.learn.model import Example, RepositoryModel
from bot.learn.train import MIN_EXAMPLES, train
from tests.accuracy import baseline, measures
from tests.accuracy.material import AGENT_WRITTEN, Repository, load_repositories
from tests.accuracy.measures import estimate, estimate_mean, predict_case

TARGET = 0.90
DRAWS = 6
MIN_TEST = 100


def measure() -> Iterator[str]:
    """Yield the figures as lines of Markdown."""
    yield from _measure_types()
    yield from _measure_own_labels()
    yield from _measure_applied()
    yield from _measure_time()


def _measure_types() -> Iterator[str]:
    yield "\n### Types from few issues of the repository (NLBSE 2024)\n"
    yield "| repository | macro-F1, 300 issues | 50 issues | precision at 70 % of issues |"
    yield "|---|---|---|---|"
    all_full, all_few = [], []
    confident = partial(measures.count_confident, coverage=0.7)
    for repository in load_repositories("type_nlbse24"):
        full = _predict(repository, repository.train)
        draws = (_draw(repository.train, 50, draw) for draw in range(DRAWS))
        few = list(zip(*(_predict(repository, drawn) for drawn in draws), strict=True))
        all_full.append(full)
        all_few.append(few)
        figures = (
            estimate(full, measures.measure_macro_f1),
            estimate(few, _measure_draws),
            estimate_share(full, confident),
        )
        yield _format_row(repository.name, figures)
    yield _format_row(
        "mean (goals .78, stretch .827; .71; .90)",
        (
            estimate_mean(all_full, measures.measure_macro_f1),
            estimate_mean(all_few, _measure_draws),
            estimate_mean(all_full, lambda cases: confident(cases).value),
        ),
    )
    yield f"\n50 issues: the mean of {DRAWS} draws with as many issues of each type."


def _measure_own_labels() -> Iterator[str]:
    yield "\n### The repository's own labels\n"
    yield "| repository | labels | micro-F1 | TF-IDF, one separator a label | hit@3 |"
    yield "|---|---|---|---|---|"
    for repository in _own_label_repositories():
        names = list_scored(repository)
        cases = _restrict(_predict(repository, repository.train), names)
        plain = baseline.predict(repository.train, repository.test, sorted(names))
        figures = (
            estimate(cases, measures.measure_micro_f1),
            estimate(_restrict(plain, names), measures.measure_micro_f1),
            estimate_share(cases, evaluation.count_hits),
        )
        yield _format_row(f"{repository.name} | {len(names)}", figures)
    yield "\nGoals: micro-F1 corefx .68, datasets .82, ahead of TF-IDF on the others; hit@3 .83."
    yield f"Scored are labels with {MIN_EXAMPLES} issues to learn from, without process labels."


def _measure_applied() -> Iterator[str]:
    yield f"\n### Labels that are applied, at `labels.precision` {TARGET:.2f}\n"
    yield "| repository | test issues | precision | coverage | recall |"
    yield "|---|---|---|---|---|"
    files = ("type_nlbse24", "type_nus", "types_more")
    own = list(_own_label_repositories())
    typed = [repository for file in files for repository in load_repositories(file)]
    for kind, repositories in (("types", typed), ("own labels", own)):
        for repository in repositories:
            if len(repository.test) < MIN_TEST:
                continue
            cases = _restrict(_predict(repository, repository.train), list_scored(repository))
            counts = (
                evaluation.count_precision,
                evaluation.count_coverage,
                evaluation.count_recall,
            )
            apart = ", written by agents" if repository.name == AGENT_WRITTEN else ""
            name = f"{repository.name} ({kind}{apart}) | {len(cases)}"
            yield _format_row(name, [estimate_share(cases, count) for count in counts])
    yield "\nGoals: precision .87 at coverage .30 on each."


def _measure_time() -> Iterator[str]:
    yield "\n### Time and size\n"
    small = load_repositories("type_nlbse24")[0]
    seconds, model = _time(lambda: train(small.train, small.labels, TARGET, 0.0))
    yield f"- train on {len(small.train)} issues, 3 labels: {seconds:.1f} s of CPU; goal <= 3 s"
    examples, labels = _make_large()
    seconds, model = _time(lambda: train(examples, labels, TARGET, 0.0))
    learned = sum(not label.why_silent for label in model.labels)
    size = f"{len(examples):,} issues, {learned} labels"
    yield f"- train on {size}: {seconds:.1f} s of CPU; goal <= 60 s"
    sample = examples[:200]
    seconds, _ = _time(lambda: [model.predict(example.features) for example in sample])
    yield f"- predict: {1000 * seconds / len(sample):.2f} ms of CPU an issue; goal <= 3 ms"
    yield f"- model: {len(dump(model)) / 1e6:.2f} MB; goal <= 2 MB"


def list_scored(repository: Repository) -> frozenset[str]:
    """Return the labels whose predictions are measured."""
    counts = {x.name: 0 for x in repository.labels}
    for example in repository.train:
        for name in example.labels:
            counts[name] += 1
    enough = (name for name, count in counts.items() if count >= MIN_EXAMPLES)
    return frozenset(name for name in enough if not is_process_label(name))


def _own_label_repositories() -> Iterator[Repository]:
    for file in ("multilabel", "labels_more"):
        yield from load_repositories(file)


def _predict(repository: Repository, history: Sequence[Example]) -> list[Case]:
    model = train(history, repository.labels, TARGET, 0.0)
    return [predict_case(model, example) for example in repository.test]


def _measure_draws(issues: Sequence[tuple[Case, ...]]) -> float:
    """Return the mean macro-F1 of the draws; each issue has a case of each draw."""
    return mean(map(measures.measure_macro_f1, zip(*issues, strict=True)))


def _draw(examples: Sequence[Example], size: int, draw: int) -> list[Example]:
    """Return a number of issues with as many of each label."""
    names = sorted({example.labels[0] for example in examples})
    random = Random(draw)
    drawn = []
    for k, name in enumerate(names):
        own = [example for example in examples if example.labels[0] == name]
        drawn += random.sample(own, (size + k) // len(names))
    return drawn


def _restrict(cases: Sequence[Case], names: frozenset[str]) -> list[Case]:
    return [replace(case, truth=case.truth & names) for case in cases]


def _make_large() -> tuple[list[Example], list[Label]]:
    """Return 2,000 issues with 20 labels, made of two repositories."""
    first, second = load_repositories("multilabel")
    counts: dict[str, int] = {}
    examples = [*first.train, *second.train, *first.test, *second.test][:2000]
    for example in examples:
        for name in example.labels:
            counts[name] = counts.get(name, 0) + (not is_process_label(name))
    return examples, [Label(x) for x in sorted(counts, key=lambda x: -counts[x])[:20]]


def _time(action: Callable[[], RepositoryModel | list[object]]) -> tuple[float, RepositoryModel]:
    """Return the CPU seconds of an action, and its result."""
    start = time.process_time()
    result = action()
    return time.process_time() - start, result  # type: ignore[return-value]


def _format_row(name: str, figures: Sequence[Figure | None]) -> str:
    return f"| {name} | {' | '.join(map(_format, figures))} |"


def _format(figure: Figure | None) -> str:
    if figure is None:
        return "-"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]".replace("0.", ".")
