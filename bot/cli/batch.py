"""Enriches the issues of a file: concurrent model calls, budgets, totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Condition, Lock

import click

from bot import wiring
from bot.core.config.schema import RepoConfig
from bot.core.enrichment import Enrichment
from bot.core.errors import ModelSkipped
from bot.core.labels.policy import CurrentLabels
from bot.core.ports import ModelCall, ModelService
from bot.core.pricing import Limits
from bot.core.prompt import Prompt
from bot.core.reply import ModelAnswer
from bot.core.text.numbers import format_count
from bot.core.types import Issue, Label
from bot.flow.enrich import (
    NO_PROVIDER,
    ClassifierLabeller,
    Labeller,
    ModelLabeller,
    RulesLabeller,
    enrich,
    prepare,
)
from bot.http import ClientPool
from bot.learn.model import RepositoryModel
from bot.settings.load import Settings
from bot.settings.models import ModelSettings

OVER_BUDGET = "over-budget-"
AFTER_FAILURES = "breaker-open"
REFRESH_SECONDS = 0.2


class PatientModel:
    """A `ModelService` for concurrent calls near the limit of a budget.

    Calls reserve their highest cost. One that is refused waits for those that run, since most cost
    less in the end, and is refused for good if none runs.
    """

    def __init__(self, model: ModelService) -> None:
        self._model = model
        self._changed = Condition()
        self._running = self._completed = 0

    def complete(self, prompt: Prompt, call: ModelCall | None) -> ModelAnswer:
        """Return the answer. Raises `ModelFailed`."""
        while True:
            with self._changed:
                self._running += 1
                before = self._completed
            try:
                answer = self._model.complete(prompt, call)
            except ModelSkipped:
                with self._changed:
                    self._running -= 1
                    if self._running:
                        self._changed.wait()
                    elif self._completed == before:
                        self._changed.notify_all()
                        raise
            except BaseException:
                self._complete_one()
                raise
            else:
                self._complete_one()
                return answer

    def _complete_one(self) -> None:
        with self._changed:
            self._running -= 1
            self._completed += 1
            self._changed.notify_all()


def open_models(
    settings: Settings, clients: ClientPool, names: Iterable[str] = (), concurrency: int = 0
) -> dict[str, ModelService]:
    """Return the configured models by name; a budget holds for the calls of each.

    Raises `UsageError` for one of `names` that is not configured. `concurrency` as for
    `wiring.models`.
    """
    models = wiring.models(settings.model, clients, wiring.no_store(), concurrency=concurrency)
    for name in names:
        if name not in models:
            known = ", ".join(models) or "none; set LLM_PROVIDER and LLM_MODEL"
            raise click.UsageError(f"--model {name} is not configured. There are: {known}.")
    return {name: PatientModel(model) for name, model in models.items()}


@dataclass(frozen=True, slots=True)
class Enricher:
    """Enriches issues with the labels and types of a repository, a model and a classifier.

    `model` is None without a language model, `classifier` where no history was learned from.
    """

    labels: Sequence[Label]
    config: RepoConfig
    model: ModelService | None
    day_usd: float | None = None
    classifier: RepositoryModel | None = None
    types: Sequence[Label] = ()

    def enrich(self, issue: Issue) -> Enrichment:
        """Return labels and a summary. A confidential issue never reaches a model."""
        budget = self.config.budget
        limits = Limits(self.day_usd, budget.per_day_usd, budget.per_author_per_hour)
        call = ModelCall(issue, None, limits, author_exempt=True)
        model = None if issue.confidential else self.model
        labellers: list[Labeller] = [
            ModelLabeller(model, call),
            ClassifierLabeller(),
            RulesLabeller(),
        ]
        material = prepare(issue, self.labels, self.config, self.classifier, self.types)
        types = CurrentLabels(labels=(issue.type,) if issue.type else ())
        return enrich(material, CurrentLabels(labels=issue.labels), labellers, types)


@dataclass(slots=True)
class Totals:
    """What a run came to. `cost_usd` counts the answers with a known price."""

    sources: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)  # for which issues fell back to rules
    unreadable: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0

    def add(self, enrichment: Enrichment | None) -> None:
        """Count a result, None for an issue that cannot be read."""
        if enrichment is None:
            self.unreadable += 1
            return
        usage = enrichment.usage
        self.sources[enrichment.source] += 1
        if enrichment.why not in ("", NO_PROVIDER):
            self.reasons[enrichment.why] += 1
        self.tokens_in += usage.tokens_in
        self.tokens_out += usage.tokens_out
        self.cost_usd += usage.cost_usd or 0.0
        self.unpriced += usage.cost_usd is None

    @property
    def done(self) -> int:
        return self.sources.total() + self.unreadable

    @property
    def over_budget(self) -> int:
        return sum(n for reason, n in self.reasons.items() if reason.startswith(OVER_BUDGET))

    @property
    def failed(self) -> int:
        """Return for how many issues the model failed."""
        return self.reasons.total() - self.over_budget

    @property
    def main_failure(self) -> str:
        """Return the most frequent reason of failures, "" without any."""
        counts = {x: n for x, n in self.reasons.items() if not x.startswith(OVER_BUDGET)}
        causes = {x: n for x, n in counts.items() if x != AFTER_FAILURES} or counts
        return max(causes, key=causes.__getitem__, default="")


def explain_failure(totals: Totals, model: ModelSettings) -> str:
    """Return for how many issues the model failed, why, and what to do; without the final stop."""
    from bot.llm.checks import find_fix

    reason = totals.main_failure
    count = format_count(totals.failed, "issue")
    return (
        f"The model {model.model} gave no usable answer for {count}, whose labels come from rules"
        f" ({reason}): {find_fix(reason, model.variables)}"
    )


def enrich_all(
    issues: Sequence[Issue | None],
    enrich_one: Callable[[Issue], Enrichment],
    threads: int,
    totals: Totals,
    show_progress: Callable[[], None],
) -> Generator[Enrichment | None, None, None]:
    """Yield a result for each issue in their order, None for None, and keep `totals` up to date.

    `show_progress` is called now and then, in the thread of the caller.
    """
    lock = Lock()

    def run(issue: Issue | None) -> Enrichment | None:
        result = enrich_one(issue) if issue else None
        with lock:
            totals.add(result)
        return result

    pool = ThreadPoolExecutor(threads)
    try:
        for future in [pool.submit(run, issue) for issue in issues]:
            while not wait([future], REFRESH_SECONDS).done:
                show_progress()
            yield future.result()
            show_progress()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
