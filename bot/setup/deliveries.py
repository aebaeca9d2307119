"""Notices which forges have sent a delivery with a valid signature, and which a wrong one."""

from __future__ import annotations

from bot.core.metric_definitions import MetricsSnapshot
from bot.core.ports import Metrics

WRONG_SIGNATURE = "refused-401"


class ObservedMetrics:
    """Counts in other metrics, and keeps the forges of the deliveries that it counted."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.verified: set[str] = set()
        self.refused: set[str] = set()

    def count(self, what: str, *labels: str) -> None:
        self._metrics.count(what, *labels)
        if what != "deliveries":
            return
        forge, result = labels
        if result == WRONG_SIGNATURE:
            self.refused.add(forge)
        elif not result.startswith("refused-"):
            self.verified.add(forge)

    def snapshot(self) -> MetricsSnapshot:
        return self._metrics.snapshot()

    def close(self) -> None:
        self._metrics.close()
