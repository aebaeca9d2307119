"""The port for what people did with labels."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the receiver needs neither them nor the label policy behind them
    from bot.core.corrections import Correction


class CorrectionStore(Protocol):
    """What people did with labels, per repository: at least the last `MAX_CORRECTIONS`."""

    def add(self, repo_key: str, corrections: Collection[Correction]) -> None: ...

    def list(self, repo_key: str) -> tuple[Correction, ...]:
        """Return the corrections, oldest first."""

    def is_limit_reported(self, repo_key: str, period: str) -> bool:
        """Return whether the limit of the repository's mode in this period was reported."""

    def report_limit(self, repo_key: str, period: str) -> bool:
        """Return True for the first caller."""
