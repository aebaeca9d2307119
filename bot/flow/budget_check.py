"""A model that is asked only while there is budget for it; over budget, rules take over."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.errors import ModelFailed, ModelSkipped
from bot.core.history import input_hash
from bot.core.ports import BudgetStore, Forge, Model
from bot.core.pricing import Limits
from bot.core.prompt import Answer, Prompt
from bot.core.types import Issue


@dataclass(frozen=True, slots=True)
class BudgetCheck:
    """Implements the `Model` port for one issue.

    The worst case is set aside in one atomic step before the call, and settled after it. `exempt`
    lifts the author's limit, as does the right to write to the repository.
    """

    model: Model
    budgets: BudgetStore
    limits: Limits
    issue: Issue
    forge: Forge
    exempt: bool = False

    @property
    def name(self) -> str:
        return self.model.name

    def worst_usd(self, tokens_in: int) -> float:
        return self.model.worst_usd(tokens_in)

    def ask(self, prompt: Prompt) -> Answer:
        """Ask within the budgets. Raises `ModelFailed`."""
        repository = self.issue.ref.repo_key
        worst = self.worst_usd(prompt.tokens)
        if why := self._reserve(repository, worst):
            raise ModelSkipped(f"over-budget-{why}")
        try:
            answer = self.model.ask(prompt)
        except ModelFailed as failure:
            if not failure.charged:
                self.budgets.settle(repository, -worst)
            raise
        if answer.usage.cost_usd is not None:  # else the worst is taken for it
            self.budgets.settle(repository, answer.usage.cost_usd - worst)
        return answer

    def _reserve(self, repository: str, worst: float) -> str:
        author = "" if self.exempt else f"{repository}:{self.issue.author}"
        text = f"{self.issue.ref.key} {input_hash(self.issue)}"
        why = self.budgets.reserve(repository, author, text, worst, self.limits)
        if why == "author" and self.forge.can_write(self.issue):
            return self.budgets.reserve(repository, "", text, worst, self.limits)
        return why
