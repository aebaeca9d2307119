"""The ports of trainings: what is stored of them, and what learns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.core.training import TrainingProgress, TrainingState
from bot.core.types import Issue, Label


class TrainingStore(Protocol):
    """The classifiers of repositories, and the state of their training: no readable text."""

    def training_state(self, repo_key: str) -> TrainingState | None: ...

    def save_training_state(self, repo_key: str, state: TrainingState) -> None: ...

    def model_version(self, repo_key: str) -> str:
        """Return an identifier of the model's content, "" without a model."""

    def model(self, repo_key: str) -> bytes | None: ...

    def save_model(self, repo_key: str, model: bytes) -> None: ...

    def delete_model(self, repo_key: str) -> None: ...

    def progress(self, repo_key: str) -> tuple[TrainingProgress, tuple[bytes, ...]]:
        """Return how far a training got within two days, and the examples of its pages."""

    def save_progress(self, repo_key: str, progress: TrainingProgress, page: bytes) -> None:
        """Add the examples of one page, if any, and save the progress, in one atomic step."""

    def delete_progress(self, repo_key: str) -> None: ...


class Trainer(Protocol):
    """Learns from labelled issues, beside the worker's threads. Raises `TrainingFailed`, and
    `Postponed` where the worker stops."""

    def extract(self, issues: Sequence[Issue]) -> bytes:
        """Return examples: hashed features and label names, in the form that `fit` reads."""

    def fit(
        self, pages: Sequence[bytes], labels: Sequence[Label], target: float, at: float
    ) -> bytes:
        """Return a model of these labels, which reaches the precision `target`, made at a time."""
