"""The metrics of `/metrics`: names, labels and help texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Key = tuple[str, ...]  # the name, then the value of each label


class MetricDefinition(NamedTuple):
    help: str
    labels: tuple[str, ...]


COUNTED = {
    "deliveries": MetricDefinition("Webhook deliveries to the receiver", ("forge", "result")),
    "jobs": MetricDefinition("Tries of jobs, by how they ended", ("forge", "outcome")),
    "model_calls": MetricDefinition("Calls of a language model", ("model", "result")),
}
MEASURED = {
    "queue_jobs": MetricDefinition(
        "Jobs in the queue: waiting, delayed (later), dead letters", ("state",)
    ),
    "breaker_open": MetricDefinition(
        "1 while a provider fails and is called once a minute", ("provider",)
    ),
}


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """Counters since Redis was last empty, and current gauges."""

    counters: Mapping[Key, int] = field(default_factory=dict)
    gauges: Mapping[Key, int] = field(default_factory=dict)
