"""Further models behind the first: asked in order, each only while the ones before it fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from bot import log
from bot.core.errors import ModelFailed
from bot.core.ports import Model
from bot.core.prompt import Answer, Prompt
from bot.http import deadline

# Calls of a process to one server. Hosted ones are bounded by WORKER_THREADS and meet too many
# with 429; a server of one's own often works them off one by one.
MAX_CONCURRENT_CALLS = {"openai": 1000, "anthropic": 1000, "compatible": 8}
CHAIN_TIME_FACTOR = 2.0  # times the first model's own time, for all models together


class ConcurrencyLimit:
    """A model whose server is asked by a few threads at once; waiting counts against its time."""

    def __init__(self, model: Model, slots: threading.Semaphore, seconds: float) -> None:
        self.name = model.name
        self._model = model
        self._slots = slots
        self._seconds = seconds

    def worst_usd(self, tokens_in: int) -> float:
        return self._model.worst_usd(tokens_in)

    def ask(self, prompt: Prompt) -> Answer:
        """Raises `ModelFailed`."""
        with deadline(self._seconds) as until:
            if not self._slots.acquire(timeout=max(until - time.monotonic(), 0)):
                raise ModelFailed("busy", outage=True)
            try:
                return self._model.ask(prompt)
            finally:
                self._slots.release()


class FallbackChain:
    """Implements the `Model` port: the first model that answers. `seconds` bounds all of them."""

    def __init__(self, models: Sequence[Model], seconds: float) -> None:
        self.name = models[0].name
        self._models = models
        self._seconds = seconds

    def worst_usd(self, tokens_in: int) -> float:
        """All of them may be asked, and charge for it."""
        return sum(model.worst_usd(tokens_in) for model in self._models)

    def ask(self, prompt: Prompt) -> Answer:
        """Raises `ModelFailed` where none of them answers."""
        failures: list[ModelFailed] = []
        paid = 0.0
        with deadline(self._seconds) as until:
            for model in self._models:
                if failures and time.monotonic() >= until:
                    break
                try:
                    return _with_costs(model.ask(prompt), paid)
                except ModelFailed as failure:
                    log.get().warning("a model failed", model=model.name, why=failure.reason)
                    failures.append(failure)
                    paid += model.worst_usd(prompt.tokens) if failure.charged else 0.0
        # A failure that was charged for is reported before an outage.
        raise next((x for x in failures if x.charged), failures[0])


def _with_costs(answer: Answer, paid: float) -> Answer:
    """With what models before it took for nothing, at the worst."""
    if not paid or answer.usage.cost_usd is None:
        return answer
    return replace(answer, usage=replace(answer.usage, cost_usd=answer.usage.cost_usd + paid))
