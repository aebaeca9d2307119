"""`/metrics` for Prometheus. The page requires a token; without one in the settings it is a 404."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bot.core.metric_definitions import COUNTED, MEASURED, Key, MetricDefinition, MetricsSnapshot
from bot.core.ports import Metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def page(counters: Metrics, tokens: Callable[[], Sequence[str]]) -> Callable[[Request], Any]:
    """Return the page's endpoint. Each of `tokens` gives access; without any it is a 404."""

    async def answer(request: Request) -> Response:
        valid = tokens()
        if not valid:
            return Response(status_code=404)
        authorization = request.headers.get("authorization", "").encode("latin-1", "replace")
        # A list, so that the time of the answer does not depend on which token matches.
        if not any(
            [hmac.compare_digest(authorization, f"Bearer {token}".encode()) for token in valid]
        ):
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        try:
            snapshot = await asyncio.to_thread(counters.snapshot)
        except ConnectionError:
            return Response("Redis does not answer\n", 503)
        return Response(render(snapshot), media_type=CONTENT_TYPE)

    return answer


def render(snapshot: MetricsSnapshot) -> bytes:
    """Return the metrics in Prometheus's text format."""
    from prometheus_client import generate_latest  # noqa: PLC0415 - 40 ms
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415

    class Collector:
        def collect(self) -> Iterator[Any]:
            yield from _build_families(CounterMetricFamily, COUNTED, snapshot.counters)
            yield from _build_families(GaugeMetricFamily, MEASURED, snapshot.gauges)

    return generate_latest(Collector())


def _build_families(
    kind: Any, definitions: Mapping[str, MetricDefinition], values: Mapping[Key, float]
) -> Iterator[Any]:
    for name, (text, labels) in definitions.items():
        family = kind(f"tagline_{name}", text, labels=labels)
        for (metric, *label_values), number in sorted(values.items()):
            if metric == name and len(label_values) == len(labels):
                family.add_metric(label_values, number)
        yield family
