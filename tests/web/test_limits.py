"""Unverified senders can use up little, and never what a valid delivery needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from bot.web import app as web
from bot.web import limits
from bot.web.limits import RefusalLimiter, Uploads
from tests.attack.receiver import BODY
from tests.serving import served
from tests.web.client import LocalReceiver, github_headers
from tests.web.raw_requests import Request, Response, send_request, send_requests


def request(body: bytes = BODY, signature: str | None = None, source: str = "192.0.2.1") -> Request:
    headers = github_headers(body)
    if signature is not None:
        headers["x-hub-signature-256"] = signature
    return Request("/webhooks/github", body, headers, source=source)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "MAX_REFUSALS", 3)


def statuses(answers: list[Response]) -> list[int]:
    return [answer.status for answer in answers]


def test_a_source_that_is_refused_again_and_again_gets_429_and_the_log_stays_short(
    few: None, logged: Callable[[], list[Any]]
) -> None:
    forged = [request(signature="sha256=" + "0" * 64)] * 50
    answers = send_requests(LocalReceiver().app, forged)
    assert statuses(answers) == [401] * 3 + [429] * 47
    assert answers[-1].headers[b"retry-after"] == b"60"
    assert answers[-1].headers[b"connection"] == b"close"
    assert [line["event"][:12] for line in logged()] == ["refused"] * 3 + ["this address"]


def test_a_wrong_signature_is_one_warning_in_ten_minutes_that_names_the_secret(
    logged: Callable[[], list[Any]],
) -> None:
    times = [0.0]
    endpoint = LocalReceiver(clock=lambda: times[-1])
    for now in (0.0, 599.0, 600.0):
        times.append(now)
        endpoint.github(x_hub_signature_256="sha256=" + "0" * 64)
        endpoint.gitlab(headers={"x-gitlab-token": "another"})
    assert [(line["forge"], line["level"], "fix" in line) for line in logged()] == [
        *(("github", "warning", True), ("gitlab", "warning", True)),
        *(("github", "info", False), ("gitlab", "info", False)),
        *(("github", "warning", True), ("gitlab", "warning", True)),
    ]
    assert "GITHUB_WEBHOOK_SECRET" in logged()[0]["fix"]
    assert "GITLAB_WEBHOOK_SECRET" in logged()[1]["fix"]


def test_a_webhook_without_the_signature_that_gitlab_needs_names_the_signing_token(
    logged: Callable[[], list[Any]],
) -> None:
    LocalReceiver(signing=["whsec_" + "A" * 32]).gitlab()
    assert "GITLAB_SIGNING_TOKEN" in logged()[0]["fix"]


def test_an_authentic_delivery_from_the_same_source_is_never_refused(few: None) -> None:
    endpoint = LocalReceiver()
    forged = request(signature="")
    answers = send_requests(endpoint.app, [forged] * 20 + [request()] + [forged])
    assert statuses(answers)[-2:] == [202, 429]
    assert len(endpoint.queue.jobs) == 1


def test_an_authentic_body_that_is_no_event_is_always_400(few: None) -> None:
    assert set(statuses(send_requests(LocalReceiver().app, [request(b"[]")] * 20))) == {400}


def test_other_sources_are_not_limited(few: None) -> None:
    requests = [request(signature="", source=f"192.0.2.{n}") for n in range(20)]
    assert set(statuses(send_requests(LocalReceiver().app, requests))) == {401}


def test_the_count_starts_again_after_a_minute() -> None:
    refusals = RefusalLimiter()
    assert [refusals.count("a", now) for now in (0, 1, 59, 60, 61)] == [1, 2, 3, 1, 2]
    assert refusals.count("a", -100) == 1  # a clock that was set back


def test_all_addresses_of_one_host_are_one_source() -> None:
    refusals = RefusalLimiter()
    sources = ("2001:db8::1", "2001:db8::2:3:4:5", "2001:db8:0:1::1", "fe80::1%eth0", "not:one")
    assert [refusals.count(source, 0) for source in sources] == [1, 2, 1, 1, 1]


def test_a_million_sources_take_no_more_memory_than_some_thousand() -> None:
    refusals = RefusalLimiter()
    for number in range(3 * limits.MAX_SOURCES):
        refusals.count(str(number), 0)
    assert len(refusals._counts) == limits.MAX_SOURCES


def test_unfinished_bodies_share_a_limit_and_the_longest_is_cancelled() -> None:
    async def users() -> list[bool]:
        uploads = Uploads(100)
        long, longer, valid = uploads.start(), uploads.start(), uploads.start()
        uploads.grow(long, 40)
        uploads.grow(longer, 50)
        uploads.grow(valid, 20)
        for late in (longer, long):
            with pytest.raises(TimeoutError):
                uploads.grow(late, 61)
        return [long.cancelled, longer.cancelled, valid.cancelled]

    assert asyncio.run(users()) == [True, True, False]


def test_a_finished_body_does_not_count() -> None:
    async def many() -> None:
        uploads = Uploads(100)
        for _ in range(10):
            upload = uploads.start()
            uploads.grow(upload, 100)
            uploads.end(upload)

    asyncio.run(many())


def test_large_forged_bodies_are_cancelled_for_a_valid_delivery(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(web, "MAX_IN_FLIGHT", 64 * 1024)
    endpoint = LocalReceiver()

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            await asyncio.sleep(0)
            yield b"x" * 16_384
        await asyncio.Event().wait()

    async def send_all() -> tuple[Response, list[int]]:
        headers = request(signature="sha256=" + "0" * 64).headers
        forged = [Request("/webhooks/github", chunks(), headers) for _ in range(3)]
        large = [asyncio.create_task(send_request(endpoint.app, one)) for one in forged]
        await asyncio.sleep(0.05)
        answer = await send_request(endpoint.app, request())
        done = [one.result().status for one in large if one.done()]
        for one in large:
            one.cancel()
        await asyncio.gather(*large, return_exceptions=True)
        return answer, done

    answer, cancelled = asyncio.run(send_all())
    assert answer.status == 202
    assert set(cancelled) == {503}
    assert len(cancelled) >= 2


def test_a_delivery_over_the_limit_of_an_installation_is_2xx_and_no_job() -> None:
    endpoint = LocalReceiver()
    endpoint.queue.full = True
    (answer,) = send_requests(endpoint.app, [request()])
    assert (answer.status, answer.body, endpoint.queue.jobs) == (202, b"", {})
    assert b"x-tagline-job" not in answer.headers


FORGER, OPERATOR, PROXY = "192.0.2.66", "192.0.2.7", "127.0.0.1"
# The configured proxies, and the header of each request → statuses, with 429 after three refusals.
FORWARDED: dict[str, tuple[tuple[str, ...], list[str], list[int]]] = {
    "no proxy is configured": ((), [FORGER] * 4 + [OPERATOR], [401] * 3 + [429, 429]),
    "another one is configured": (
        ("192.0.2.0/24",),
        [FORGER] * 4 + [OPERATOR],
        [401] * 3 + [429] * 2,
    ),
    "senders behind the proxy": ((PROXY,), [FORGER] * 4 + [OPERATOR], [401] * 3 + [429, 401]),
    "a sender that claims to be another": (
        ("127.0.0.0/8",),
        [f"{OPERATOR}, {FORGER}"] * 4 + [OPERATOR],
        [401] * 3 + [429, 401],
    ),
    "two proxies": (
        (PROXY, "10.0.0.0/8"),
        [f"{FORGER}, 10.1.2.3"] * 4 + [f"{OPERATOR}, 10.9.9.9"],
        [401] * 3 + [429, 401],
    ),
    "with ports": ((PROXY,), [f"{FORGER}:{port}" for port in range(4)], [401] * 3 + [429]),
    "no header": ((PROXY,), [""] * 4, [401] * 3 + [429]),
}


@pytest.mark.parametrize("case", FORWARDED)
def test_only_a_configured_proxy_names_the_sender(few: None, case: str) -> None:
    proxies, senders, expected = FORWARDED[case]
    with served(LocalReceiver().app, proxies) as url, httpx.Client(trust_env=False) as client:
        found = [
            client.post(
                f"{url}/webhooks/github",
                content=BODY,
                headers={"content-type": "application/json"}
                | ({"x-forwarded-for": sender} if sender else {}),
            ).status_code
            for sender in senders
        ]
    assert found == expected


def test_a_long_name_of_a_sender_takes_no_more_memory_than_an_address() -> None:
    refusals = RefusalLimiter()
    refusals.count("x" * 60_000, 0)
    assert max(map(len, refusals._counts)) <= limits.MAX_SOURCE
