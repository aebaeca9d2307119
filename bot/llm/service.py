"""A prompt → a parsed answer: from the cache, else within the budgets from a provider."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

from bot import log
from bot.core.errors import ModelFailed, ModelSkipped
from bot.core.history import issue_fingerprint
from bot.core.ports import BudgetStore, Metrics, ModelCall, Store
from bot.core.prompt import Prompt
from bot.core.reply import ModelAnswer, ParsedReply, parse_reply, require_summary
from bot.core.types import Issue, Usage
from bot.http import deadline, seconds_left
from bot.llm.answer_cache import find_reply, make_entry, make_question
from bot.llm.breaker import CircuitBreaker

# Concurrent calls of a process to one server. Hosted ones are bounded by WORKER_THREADS and answer
# 429 to too many; a self-hosted server often processes one request at a time.
MAX_CONCURRENT_CALLS = {"openai": 1000, "anthropic": 1000, "compatible": 8}
WORDS_TO_SUM_UP = 5  # of a body; the summary of a shorter one may repeat the title
CHAIN_TIME_FACTOR = 2.0  # times the first model's time limit, for all models together

T = TypeVar("T")
Parse = Callable[[str], ParsedReply]


class Model(Protocol):
    """One language model."""

    @property
    def name(self) -> str: ...

    def worst_usd(self, tokens_in: int) -> float:
        """Return the highest cost of a prompt in US dollars; 0 where no price is known."""

    def complete(self, prompt: Prompt, parse: Callable[[str], T]) -> tuple[T, Usage]:
        """Return the parsed answer and its usage. Raises `ModelFailed`, as `parse` does."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A model, and the limits on calls to its server.

    `slots` limits concurrent calls; the wait for a slot counts against the call's `seconds`.
    """

    model: Model
    breaker: CircuitBreaker
    slots: threading.Semaphore
    seconds: float


@dataclass(frozen=True, slots=True)
class RemoteModelService:
    """Implements `ModelService`. `seconds` bounds the calls of all providers together."""

    providers: Sequence[Provider]
    seconds: float
    store: Store
    budgets: BudgetStore
    metrics: Metrics | None = None

    @property
    def name(self) -> str:
        return self.providers[0].model.name

    def complete(self, prompt: Prompt, call: ModelCall | None) -> ModelAnswer:
        if call is None:
            return ModelAnswer(*self._try_providers(prompt, parse_reply))
        question = make_question(self.name, prompt)
        if not call.fresh and (cached := find_reply(question, prompt, call, self.store)):
            reply, like = cached
            return ModelAnswer(reply, Usage(self.name), like=like)
        # Every provider may be called and charge for its answer.
        worst_usd = sum(each.model.worst_usd(prompt.tokens) for each in self.providers)
        self._reserve(call, worst_usd)
        try:
            reply, usage = self._try_providers(prompt, partial(parse_answer, issue=call.issue))
        except ModelFailed as failure:
            if not failure.charged:
                self.budgets.settle(call.issue.ref.repo_key, -worst_usd)
            raise
        if usage.cost_usd is not None:  # otherwise the worst case stays charged
            self.budgets.settle(call.issue.ref.repo_key, usage.cost_usd - worst_usd)
        return ModelAnswer(reply, usage, make_entry(question, call, reply))

    def _reserve(self, call: ModelCall, worst_usd: float) -> None:
        """Reserve the cost in one atomic step. Raises `ModelSkipped` if a budget is exhausted.

        The author's limit does not apply to people who can write to the repository.
        """
        issue, limits = call.issue, call.limits
        repository, text = issue.ref.repo_key, f"{issue.ref.key} {issue_fingerprint(issue)}"
        author = "" if call.author_exempt else f"{repository}:{issue.author}"
        exhausted = self.budgets.reserve(repository, author, text, worst_usd, limits)
        if exhausted == "author" and call.forge and call.forge.author_can_write(issue):
            exhausted = self.budgets.reserve(repository, "", text, worst_usd, limits)
        if exhausted:
            raise ModelSkipped(f"over-budget-{exhausted}")

    def _try_providers(self, prompt: Prompt, parse: Parse) -> tuple[ParsedReply, Usage]:
        """Return the first successful answer; its cost includes that of failed providers."""
        failures: list[ModelFailed] = []
        failed_usd = 0.0
        with deadline(self.seconds):
            for provider in self.providers:
                if failures and not seconds_left():
                    break
                try:
                    reply, usage = self._call_provider(provider, prompt, parse)
                except ModelFailed as failure:
                    failures.append(failure)
                    failed_usd += provider.model.worst_usd(prompt.tokens) * failure.charged
                    if len(self.providers) > 1:
                        model, why = provider.model.name, failure.reason
                        log.get().warning("a model failed", model=model, why=why)
                    continue
                if failed_usd and usage.cost_usd is not None:
                    usage = replace(usage, cost_usd=usage.cost_usd + failed_usd)
                return reply, usage
        # A failure that was charged comes first: the reserved cost has to stay charged.
        raise next((failure for failure in failures if failure.charged), failures[0])

    def _call_provider(
        self, provider: Provider, prompt: Prompt, parse: Parse
    ) -> tuple[ParsedReply, Usage]:
        """Return the answer of one provider. Raises `ModelFailed`, also without a free slot."""
        with deadline(provider.seconds), _hold_slot(provider.slots):
            provider.breaker.check()
            try:
                reply, usage = provider.model.complete(prompt, parse)
            except ModelFailed as failure:
                self._count(provider, failure.reason)
                provider.breaker.record_failure(failure)
                raise
            self._count(provider, "answered")
            provider.breaker.record_success()
            return reply, usage

    def _count(self, provider: Provider, result: str) -> None:
        if self.metrics:
            self.metrics.count("model_calls", provider.model.name, result)


def parse_answer(text: str, issue: Issue) -> ParsedReply:
    """Return the content of an answer about an issue. Raises `ModelFailed`."""
    words = issue.text_stats.words if issue.text_stats else len(issue.body.split())
    says_more = words - len(issue.title.split()) >= WORDS_TO_SUM_UP
    return require_summary(parse_reply(text), issue.title if says_more else "")


@contextmanager
def _hold_slot(slots: threading.Semaphore) -> Iterator[None]:
    """Hold a slot. Raises `ModelFailed` where none is free before the thread's deadline."""
    if not slots.acquire(timeout=seconds_left()):
        raise ModelFailed("busy", outage=True)
    try:
        yield
    finally:
        slots.release()
