"""Keeps a failing provider from being asked for every issue, and tells the operator once."""

from __future__ import annotations

from collections.abc import Sequence

from bot import log
from bot.core.errors import ModelFailed
from bot.core.ports import BreakerStore, Model
from bot.core.prompt import Answer, Prompt


class CircuitBreaker:
    """A model behind a breaker. `key_name` and `named_by` are the variables that hold its key and
    its name."""

    def __init__(
        self, model: Model, breaker: BreakerStore, provider: str, key_name: str, named_by: str
    ) -> None:
        self.name = model.name
        self._model = model
        self._breaker = breaker
        self._provider = provider
        self._key_name = key_name
        self._named_by = named_by

    def worst_usd(self, tokens_in: int) -> float:
        return self._model.worst_usd(tokens_in)

    def ask(self, prompt: Prompt) -> Answer:
        """Ask unless the breaker is open. Raises `ModelFailed`."""
        if not self._breaker.may_call(self._provider):
            raise ModelFailed("breaker-open", outage=True)
        try:
            answer = self._model.ask(prompt)
        except ModelFailed as failure:
            if not failure.charged:
                self._failed(failure)
            raise
        self._breaker.call_succeeded(self._provider)
        return answer

    def _failed(self, failure: ModelFailed) -> None:
        opened = self._breaker.call_failed(self._provider, at_once=failure.needs_operator)
        if not opened:
            return
        of_account = failure.reason in ("status-400", "status-401", "status-402")
        look_at = self._key_name if of_account else self._named_by
        advice = (
            f"look at {look_at}" if failure.needs_operator else "it is tried again every minute"
        )
        log.get().error(
            f"the language model does not answer; {advice}",
            provider=self._provider,
            reason=failure.reason,
        )


class StoredProviderHealth:
    """Implements the `Health` port: how the configured providers do together.

    What repositories have `chosen` counts where it answers: it may never be asked at all.
    """

    def __init__(
        self, breaker: BreakerStore, providers: Sequence[str], chosen: Sequence[str] = ()
    ) -> None:
        self._breaker = breaker
        self._providers = providers
        self._chosen = chosen

    def down(self) -> bool:
        return all(self._breaker.is_open(provider) for provider in self._providers)

    def answers(self) -> int:
        return sum(map(self._breaker.answers, (*self._providers, *self._chosen)))
