"""What the door answers, and what it lets in."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import random
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from bot.web import app as web
from tests.web.client import PAYLOAD, SECRET, LocalReceiver, sign

BODY = msgspec.json.encode(PAYLOAD)


def test_a_signed_delivery_is_accepted_and_names_its_job() -> None:
    endpoint = LocalReceiver()
    answer = endpoint.github(X_GitHub_Delivery="d-1")
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["X-Tagline-Job"] == "job of d-1"
    (delivery,) = endpoint.queue.jobs.values()
    assert str(delivery.ref) == "github:acme/widget#41"
    assert (delivery.ref.repo_id, delivery.ref.account, delivery.kind) == (7001, "5001", "opened")


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        sign(BODY, "another-secret-of-some-length"),
        sign(BODY + b" "),
        sign(BODY).upper(),
        sign(BODY, ""),
        sign(BODY) + ", " + sign(BODY),
        "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest(),
        "sha256=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest(),
        "sha256=\xe9" + "0" * 63,
    ],
)
def test_a_wrong_signature_is_401_with_an_empty_body(signature: str | None) -> None:
    endpoint = LocalReceiver()
    answer = endpoint.github(X_Hub_Signature_256=signature)
    assert (answer.status_code, answer.content, endpoint.queue.jobs) == (401, b"", {})


def test_a_signature_sent_twice_is_401() -> None:
    endpoint = LocalReceiver()
    headers = [("X-Hub-Signature-256", sign(BODY)), ("X-Hub-Signature-256", sign(BODY))]
    assert endpoint.request("POST", "/webhooks/github", BODY, headers).status_code == 401


def test_an_unsigned_body_is_not_even_read() -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    headers = [("Content-Type", "application/json")]
    assert LocalReceiver().request("POST", "/webhooks/github", never(), headers).status_code == 401


def test_both_secrets_hold_while_one_is_rotated() -> None:
    endpoint = LocalReceiver(["the-new-secret-of-some-length", SECRET])
    for secret in ("the-new-secret-of-some-length", SECRET):
        assert endpoint.github(secret=secret).status_code == 202
    assert endpoint.github(secret="the-old-one-which-is-gone").status_code == 401


def test_one_flipped_bit_anywhere_is_refused() -> None:
    endpoint, dice = LocalReceiver(), random.Random(7)
    good = sign(BODY)
    for _ in range(300):
        changed = bytearray(BODY)
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
        answer = endpoint.github(body=bytes(changed), X_Hub_Signature_256=good)
        assert answer.status_code == 401
    assert endpoint.queue.jobs == {}


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
        ({"X_GitHub_Delivery": "no spaces allowed"}, 400),
        ({"X_GitHub_Delivery": "x" * 65}, 400),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": None}, 415),
        ({"Content_Encoding": "gzip"}, 415),
        ({"Content_Length": "99999999999"}, 413),
        ({"Content_Length": "minus one"}, 413),
    ],
)
def test_odd_headers_are_refused(headers: dict[str, Any], status: int) -> None:
    endpoint = LocalReceiver()
    assert endpoint.github(**headers).status_code == status
    assert endpoint.queue.jobs == {}


def test_a_body_over_the_cap_is_refused_while_it_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "MAX_BODY", 1000)
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 100
            yield b"x" * 100

    headers = [("Content-Type", "application/json"), ("X-Hub-Signature-256", sign(b""))]
    assert LocalReceiver().request("POST", "/webhooks/github", chunks(), headers).status_code == 413
    assert sent < 2000 or sent == 10_000  # the test transport may hand over the body as a whole


def test_a_body_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "BODY_SECONDS", 0.05)

    async def drip() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.02)
            yield b"x"

    async def receive_slowly() -> int:
        statuses: list[int] = []
        body = drip()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": await anext(body), "more_body": True}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        headers = [
            (b"content-type", b"application/json"),
            (b"x-hub-signature-256", b"sha256=" + b"0" * 64),
        ]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/webhooks/github",
            "headers": headers,
            "query_string": b"",
        }
        await LocalReceiver().app(scope, receive, send)
        return statuses[0]

    assert asyncio.run(receive_slowly()) == 408


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[]",
        b"null",
        b'{"action":"opened"}',
        b"\xef\xbb\xbf" + BODY,
        BODY + b"x",
        BODY.replace(b"41", b'"41"'),
        BODY.replace(b"41", b"true"),
        BODY.replace(b"41", b"0"),
        BODY.replace(b"41", b"9" * 5000),
        BODY.replace(b"41", b"NaN"),
        BODY.replace(b"acme/widget", b"../../etc"),
        BODY.replace(b"Login", b"\xff\xfe"),
        b'{"action":"opened","issue":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=range(15),
)
def test_a_signed_body_that_is_no_issues_event_is_400(body: bytes) -> None:
    endpoint = LocalReceiver()
    answer = endpoint.github(body=body)
    assert (answer.status_code, answer.content, endpoint.queue.jobs) == (400, b"", {})


@pytest.mark.parametrize(
    ("changes", "headers"),
    [
        ({}, {"X_GitHub_Event": "ping"}),
        ({}, {"X_GitHub_Event": "an_event_of_the_future"}),
        ({"action": "labeled"}, {}),
        ({"action": "an action of the future"}, {}),
        ({"action": "edited"}, {}),
        ({"action": "edited", "changes": {"title": {}}, "sender": {"type": "Bot"}}, {}),
        ({"issue": {"number": 41, "pull_request": {}}}, {}),
        ({"issue": {"number": 41, "user": {"type": "Bot"}}}, {}),
        ({"installation": None}, {}),
    ],
    ids=range(9),
)
def test_authentic_and_uninteresting_is_2xx_and_no_job(
    changes: dict[str, Any], headers: dict[str, Any]
) -> None:
    endpoint = LocalReceiver()
    answer = endpoint.github({**PAYLOAD, **changes}, **headers)
    assert (answer.status_code, answer.content, endpoint.queue.jobs) == (202, b"", {})


@pytest.mark.parametrize("changes", [{"title": {"from": "x"}}, {"body": {"from": ""}}])
def test_a_really_edited_issue_is_a_job(changes: dict[str, Any]) -> None:
    endpoint = LocalReceiver()
    endpoint.github({**PAYLOAD, "action": "edited", "changes": changes})
    assert [delivery.kind for delivery in endpoint.queue.jobs.values()] == ["edited"]


def test_a_repository_hook_needs_no_installation_where_a_token_is_set() -> None:
    endpoint = LocalReceiver(app=False)
    endpoint.github({**PAYLOAD, "installation": None})
    assert [delivery.ref.account for delivery in endpoint.queue.jobs.values()] == [""]


def test_a_silent_redis_is_503_and_asks_to_come_again() -> None:
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
        ("POST", "/webhooks/github/", 404),
        ("GET", "/webhooks/../etc/passwd", 404),
    ],
)
def test_other_ways_lead_nowhere(method: str, path: str, status: int) -> None:
    answer = LocalReceiver().request(method, path)
    assert answer.status_code == status
    assert "location" not in answer.headers


def test_a_delivery_s_id_in_the_log_cannot_steer_a_terminal(
    logged: Callable[[], list[Any]],
) -> None:
    LocalReceiver().github(X_GitHub_Delivery="a\x9b31m\xe9" + "b" * 100, X_Hub_Signature_256=None)
    assert [line["delivery"] for line in logged()] == ["a?31m?" + "b" * 58]


def test_the_schema_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = LocalReceiver()
    first = endpoint.request("GET", "/schema/v1.json").content
    monkeypatch.delattr("bot.core.config.docs.schema")
    assert endpoint.request("GET", "/schema/v1.json").content == first
