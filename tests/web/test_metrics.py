"""`/metrics`: there only with its token, and it counts what happened."""

from __future__ import annotations

import pytest

from bot.core.metric_definitions import COUNTED, MEASURED
from tests.web.client import LocalReceiver

TOKEN = "a-token-for-the-metrics"


def metrics(endpoint: LocalReceiver, given: str | None = f"Bearer {TOKEN}") -> tuple[int, str]:
    headers = [("Authorization", given)] if given is not None else []
    answer = endpoint.request("GET", "/metrics", headers=headers)
    return answer.status_code, answer.text


@pytest.mark.parametrize("given", [None, f"Bearer {TOKEN}", "Bearer "])
def test_without_a_token_in_the_settings_there_is_no_such_page(given: str | None) -> None:
    assert metrics(LocalReceiver(), given) == (404, "")


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "\xe9"]
)
def test_without_the_right_token_nothing_is_told(given: str | None) -> None:
    endpoint = LocalReceiver()
    endpoint.metrics_tokens = [TOKEN]
    assert metrics(endpoint, given) == (401, "")


def test_both_tokens_open_it_while_one_is_rotated() -> None:
    endpoint = LocalReceiver()
    endpoint.metrics_tokens = ["the-next-token-for-it", TOKEN]
    assert metrics(endpoint)[0] == metrics(endpoint, "Bearer the-next-token-for-it")[0] == 200
    endpoint.metrics_tokens = ["the-next-token-for-it"]
    assert metrics(endpoint)[0] == 401


def test_deliveries_are_counted_by_forge_and_result() -> None:
    endpoint = LocalReceiver()
    endpoint.metrics_tokens = [TOKEN]
    endpoint.github()
    endpoint.github(X_GitHub_Event="ping")
    endpoint.github(X_Hub_Signature_256=None)
    endpoint.gitlab()
    endpoint.queue.down = True
    endpoint.gitlab()
    status, text = metrics(endpoint)
    assert status == 200
    assert 'tagline_deliveries_total{forge="github",result="queued"} 1.0' in text
    assert 'tagline_deliveries_total{forge="github",result="ignored"} 1.0' in text
    assert 'tagline_deliveries_total{forge="github",result="refused-401"} 1.0' in text
    assert 'tagline_deliveries_total{forge="gitlab",result="not-queued"} 1.0' in text
    assert 'tagline_queue_jobs{state="waiting"} 3.0' in text
    for name in (*COUNTED, *MEASURED):
        assert f"# HELP tagline_{name}" in text


def test_a_silent_redis_is_503() -> None:
    endpoint = LocalReceiver()
    endpoint.metrics_tokens, endpoint.counters.down = [TOKEN], True
    assert metrics(endpoint) == (503, "Redis does not answer\n")
