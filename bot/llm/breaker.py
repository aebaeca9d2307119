"""Stops calls to a failing provider until a probe succeeds, and logs the cause once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot import log
from bot.core.errors import ModelFailed
from bot.core.ports import BreakerStore


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """The circuit breaker of one provider, shared by all workers.

    `variables` are the environment variables of its settings, by `ModelSetting`.
    """

    store: BreakerStore
    provider: str
    variables: Mapping[str, str]

    def check(self) -> None:
        """Raise `ModelFailed` while the breaker is open, except for one probe a minute."""
        if not self.store.may_call(self.provider):
            raise ModelFailed("breaker-open", outage=True)

    def record_success(self) -> None:
        self.store.call_succeeded(self.provider)

    def record_failure(self, failure: ModelFailed) -> None:
        """Count a failure of the provider; one that only the operator can fix opens the breaker."""
        if failure.charged:  # the provider answered, but the answer was not usable
            return
        if not self.store.call_failed(self.provider, at_once=failure.needs_operator):
            return
        advice = "it is tried again every minute"
        if failure.setting:
            advice = f"look at {self.variables[failure.setting]}"
        log.get().error(
            f"the language model does not answer; {advice}",
            provider=self.provider,
            reason=failure.reason,
        )
