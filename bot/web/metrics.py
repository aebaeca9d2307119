"""`/metrics` for Prometheus: with its token only, else it is not there."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bot.core.metric_definitions import COUNTED, MEASURED, Key, MetricDefinition, MetricsSnapshot
from bot.core.ports import Metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def page(counters: Metrics, tokens: Callable[[], Sequence[str]]) -> Callable[[Request], Any]:
    """The page; each of `tokens` opens it, and without any it does not exist."""

    async def answer(request: Request) -> Response:
        known = tokens()
        if not known:
            return Response(status_code=404)
        given = request.headers.get("authorization", "").encode("latin-1", "replace")
        if not any([hmac.compare_digest(given, f"Bearer {one}".encode()) for one in known]):
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        try:
            figures = await asyncio.to_thread(counters.snapshot)
        except ConnectionError:
            return Response("Redis does not answer\n", 503)
        return Response(text(figures), media_type=CONTENT_TYPE)

    return answer


def text(figures: MetricsSnapshot) -> bytes:
    """The figures in Prometheus's text format."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - 40 ms
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415

    families = [
        *_families(CounterMetricFamily, COUNTED, figures.counters),
        *_families(GaugeMetricFamily, MEASURED, figures.gauges),
    ]

    class Collector:
        def collect(self) -> Sequence[Any]:
            return families

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    return generate_latest(registry)


def _families(
    kind: Any, table: Mapping[str, MetricDefinition], found: Mapping[Key, int]
) -> list[Any]:
    families = []
    for name, (about, labels) in table.items():
        family = kind(f"tagline_{name}", about, labels=labels)
        for (what, *values), number in sorted(found.items()):
            if what == name and len(values) == len(labels):
                family.add_metric(values, number)
        families.append(family)
    return families
