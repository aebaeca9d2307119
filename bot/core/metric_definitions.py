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
    "enrichments": MetricDefinition(
        "Issues that got labels or a comment, by what chose them: model, classifier or rules",
        ("forge", "source"),
    ),
    "writes": MetricDefinition(
        "Changes to issues that the forge has confirmed (add-label, post-comment, ...), each once,"
        " also where a process was killed",
        ("forge", "kind"),
    ),
    "model_calls": MetricDefinition("Calls of a language model", ("model", "result")),
    "mode_limits": MetricDefinition(
        "Times that a repository's labels became suggestions, since people kept too few",
        ("forge",),
    ),
}
MEASURED = {
    "queue_jobs": MetricDefinition(
        "Jobs in the queue: waiting, delayed (later), dead letters", ("state",)
    ),
    "queue_oldest_seconds": MetricDefinition("How long the first job of the queue has waited", ()),
    "paused": MetricDefinition(
        "1 while a worker is paused, by TAGLINE_PAUSE or on the admin page", ()
    ),
    "breaker_open": MetricDefinition(
        "1 while a provider fails and is called once a minute", ("provider",)
    ),
    "spent_usd": MetricDefinition("Spent or reserved for models today (UTC), in US dollars", ()),
    "budget_used_ratio": MetricDefinition(
        "Share of TAGLINE_BUDGET_USD_PER_DAY that is spent or reserved; absent without a budget", ()
    ),
    "budget_alerts": MetricDefinition(
        "Budgets of which this percentage was used today (UTC)", ("scope", "percent")
    ),
    "rate_left_ratio": MetricDefinition(
        "Lowest share left of a rate limit of the forge, until that limit ends", ("forge",)
    ),
}


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """Counters since Redis was last empty, and current gauges."""

    counters: Mapping[Key, int] = field(default_factory=dict)
    gauges: Mapping[Key, float] = field(default_factory=dict)
