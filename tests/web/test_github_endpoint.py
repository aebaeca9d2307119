"""GitHub's endpoint: statuses and headers of responses, limits, and which deliveries are jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from bot.web import app as web
from tests.web.client import PAYLOAD, LocalReceiver, github_headers, sign
from tests.web.raw_requests import Request, send_requests

BODY = msgspec.json.encode(PAYLOAD)


def test_a_signed_delivery_is_accepted_and_names_its_job() -> None:
    endpoint = LocalReceiver()
    answer = endpoint.github(X_GitHub_Delivery="d-1")
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["X-Tagline-Job"] == "job of d-1"
    (delivery,) = endpoint.queue.jobs.values()
    assert str(delivery.ref) == "github:acme/widget#41"
    assert (delivery.ref.repo_id, delivery.ref.account, delivery.kind) == (7001, "5001", "opened")


@pytest.mark.parametrize("end", ["", "/", "?x=1", "/?x=1"])
def test_a_final_slash_and_a_query_change_nothing(end: str) -> None:
    headers = [
        ("content-type", "application/json"),
        ("X-GitHub-Event", "issues"),
        ("X-GitHub-Delivery", "d-1"),
        ("X-Hub-Signature-256", sign(BODY)),
    ]
    endpoint = LocalReceiver()
    answer = endpoint.request("POST", f"/webhooks/github{end}", BODY, headers)
    assert (answer.status_code, len(endpoint.queue.jobs)) == (202, 1)
    forged = endpoint.request("POST", f"/webhooks/github{end}", BODY + b" ", headers)
    assert forged.status_code == 401


@pytest.mark.parametrize(
    "signature", [None, "sha256=" + "0" * 64, sign(BODY + b" "), "sha256=\xe9" + "0" * 63]
)
def test_a_wrong_signature_is_401_with_an_empty_body(signature: str | None) -> None:
    endpoint = LocalReceiver()
    answer = endpoint.github(X_Hub_Signature_256=signature)
    assert (answer.status_code, answer.content, endpoint.queue.jobs) == (401, b"", {})


def test_a_signature_sent_twice_is_401() -> None:
    endpoint = LocalReceiver()
    headers = [("X-Hub-Signature-256", sign(BODY)), ("X-Hub-Signature-256", sign(BODY))]
    assert endpoint.request("POST", "/webhooks/github", BODY, headers).status_code == 401


def test_an_unsigned_body_is_not_read() -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    headers = [("Content-Type", "application/json")]
    assert LocalReceiver().request("POST", "/webhooks/github", never(), headers).status_code == 401


def test_an_event_that_is_ignored_is_202_without_a_job() -> None:
    endpoint = LocalReceiver()
    answer = endpoint.github(X_GitHub_Event="ping")
    assert (answer.status_code, answer.content, endpoint.queue.jobs) == (202, b"", {})


def test_a_form_encoded_delivery_is_accepted() -> None:
    endpoint = LocalReceiver()
    body = urlencode({"payload": BODY.decode()}).encode()
    kind = "application/x-www-form-urlencoded"
    assert endpoint.github(body=body, Content_Type=kind).status_code == 202
    assert len(endpoint.queue.jobs) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X_GitHub_Event": None}, 400),
        ({"X_GitHub_Delivery": None}, 400),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": None}, 415),
        ({"Content_Encoding": "gzip"}, 415),
        ({"Content_Length": "99999999999"}, 413),
        ({"Content_Length": "minus one"}, 413),
    ],
)
def test_invalid_headers_are_refused(headers: dict[str, Any], status: int) -> None:
    endpoint = LocalReceiver()
    assert endpoint.github(**headers).status_code == status
    assert endpoint.queue.jobs == {}


def send_unverified(body: AsyncIterator[bytes]) -> int:
    """Send a body without end and with a wrong signature; return the status."""
    request = Request("/webhooks/github", body, github_headers(b""))
    (answer,) = send_requests(LocalReceiver().app, [request])
    return answer.status


def test_a_body_over_the_cap_is_refused_while_it_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "MAX_BODY", 1000)
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 100
            yield b"x" * 100

    assert send_unverified(chunks()) == 413
    assert sent < 2000


def test_a_body_that_arrives_too_slowly_is_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "BODY_SECONDS", 0.05)

    async def drip() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.02)
            yield b"x"

    assert send_unverified(drip()) == 408


def test_without_redis_the_status_is_503_with_a_time_to_retry() -> None:
    endpoint = LocalReceiver()
    endpoint.queue.down = True
    answer = endpoint.github()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert endpoint.request("GET", "/readyz").status_code == 503
    assert endpoint.request("GET", "/healthz").status_code == 200


def test_the_schema_of_the_configuration_file_is_served() -> None:
    answer = LocalReceiver().request("GET", "/schema/v1.json")
    assert answer.status_code == 200
    assert answer.json()["properties"]["version"]["enum"] == [1]
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/webhooks/github", 405),
        ("PUT", "/webhooks/github", 405),
        ("POST", "/webhooks/nope", 404),
        ("GET", "/docs", 404),
        ("GET", "/healthz/", 404),
        ("GET", "/webhooks/github/", 405),
        ("POST", "/webhooks/github//", 404),
        ("POST", "/webhooks/github/x", 404),
        ("GET", "/webhooks/../etc/passwd", 404),
    ],
)
def test_other_methods_and_paths_are_errors_without_a_redirect(
    method: str, path: str, status: int
) -> None:
    answer = LocalReceiver().request(method, path)
    assert answer.status_code == status
    assert "location" not in answer.headers


def test_a_delivery_s_id_is_logged_without_control_characters(
    logged: Callable[[], list[Any]],
) -> None:
    LocalReceiver().github(X_GitHub_Delivery="a\x9b31m\xe9" + "b" * 100, X_Hub_Signature_256=None)
    assert [line["delivery"] for line in logged()] == ["a?31m?" + "b" * 58]


def test_the_schema_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = LocalReceiver()
    first = endpoint.request("GET", "/schema/v1.json").content
    monkeypatch.delattr("bot.core.config.docs.schema")
    assert endpoint.request("GET", "/schema/v1.json").content == first
