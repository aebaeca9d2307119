"""What is counted and measured for `/metrics`: its names, its labels, what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Key = tuple[str, ...]  # what, then the value of each label


class MetricDefinition(NamedTuple):
    help: str
    labels: tuple[str, ...]


COUNTED = {
    "deliveries": MetricDefinition("Deliveries at the door", ("forge", "result")),
    "jobs": MetricDefinition("Tries of jobs that ended", ("forge", "outcome")),
    "model_calls": MetricDefinition("Questions to a language model", ("model", "result")),
}
MEASURED = {
    "queue_jobs": MetricDefinition(
        "Jobs in the queue: waiting, to be tried later, dead letters", ("state",)
    ),
    "breaker_open": MetricDefinition(
        "1 while a provider fails and is asked once a minute", ("provider",)
    ),
}


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """Counters since Redis was last empty, and measures of this moment."""

    counters: Mapping[Key, int] = field(default_factory=dict)
    gauges: Mapping[Key, int] = field(default_factory=dict)
