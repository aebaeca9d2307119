"""Counts what becomes of questions to a model."""

from __future__ import annotations

from bot.core.errors import ModelFailed
from bot.core.ports import Metrics, Model
from bot.core.prompt import Answer, Prompt


class CountingModel:
    """A model whose every answer and failure is counted."""

    def __init__(self, model: Model, metrics: Metrics) -> None:
        self.name = model.name
        self._model = model
        self._metrics = metrics

    def worst_usd(self, tokens_in: int) -> float:
        return self._model.worst_usd(tokens_in)

    def ask(self, prompt: Prompt) -> Answer:
        """Raises `ModelFailed`."""
        try:
            answer = self._model.ask(prompt)
        except ModelFailed as failure:
            self._metrics.count("model_calls", self.name, failure.reason)
            raise
        self._metrics.count("model_calls", self.name, "answered")
        return answer
