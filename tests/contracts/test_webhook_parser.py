"""The `WebhookParser` port: the fake, GitHub and GitLab."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from bot.core.errors import Rejected
from bot.core.events import Event, Ignored
from bot.core.ports import WebhookParser
from bot.forges.github.webhooks import GitHubWebhooks
from bot.forges.gitlab.webhooks import GitLabWebhooks
from tests.fakes import REF
from tests.receiver_fakes import FakeWebhookParser
from tests.web.client import GITLAB_PAYLOAD, PAYLOAD, SECRET, github_headers, gitlab_headers

OTHER_SECRET = "another-secret-of-some-length"


@dataclass(frozen=True)
class Case:
    """A parser, and a delivery of an opened issue that is signed with a secret."""

    make_parser: Callable[[Event | Ignored], WebhookParser]
    payload: Mapping[str, Any]
    headers: Callable[[bytes, str], dict[str, str]]
    ref_key: str

    def receive(self, *, secret: str = SECRET, ignored: bool = False) -> Event | Ignored:
        """Pass a delivery through the parser as the receiver does."""
        event = Event("opened", "delivery-1", REF)
        parser = self.make_parser(Ignored("not an issue") if ignored else event)
        payload = {**self.payload, **({"object_kind": "push"} if ignored else {})}
        body = msgspec.json.encode(payload)
        headers = self.headers(body, secret)
        if ignored and "x-github-event" in headers:
            headers["x-github-event"] = "push"
        verifier = parser.check_headers(headers)
        for start in range(0, len(body), 7):
            verifier.update(body[start : start + 7])
        verifier.verify()
        return parser.parse(headers, body)


def fake_headers(body: bytes, secret: str) -> dict[str, str]:
    return {"delivery": "delivery-1", "signature": "good" if secret == SECRET else "bad"}


CASES = {
    "fake": Case(FakeWebhookParser, {}, fake_headers, REF.key),
    "github": Case(
        lambda _: GitHubWebhooks([SECRET], "github.com"),
        PAYLOAD,
        lambda body, secret: github_headers(body, "delivery-1", secret),
        "github:github.com:7001:41",
    ),
    "gitlab": Case(
        lambda _: GitLabWebhooks("gitlab.example", (), [SECRET]),
        GITLAB_PAYLOAD,
        lambda _, secret: {**gitlab_headers(secret), "idempotency-key": "delivery-1"},
        "gitlab:gitlab.example:77:41",
    ),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def test_an_opened_issue_is_an_event_with_its_address(case: Case) -> None:
    event = case.receive()
    assert isinstance(event, Event)
    assert event.kind == "opened"
    assert event.ref.key == case.ref_key
    assert event.delivery


def test_another_kind_of_delivery_is_ignored_with_a_reason(case: Case) -> None:
    event = case.receive(ignored=True)
    assert isinstance(event, Ignored)
    assert event.reason


def test_a_delivery_that_another_secret_signed_is_rejected(case: Case) -> None:
    with pytest.raises(Rejected) as rejected:
        case.receive(secret=OTHER_SECRET)
    assert rejected.value.status == 401


def test_the_header_with_the_delivery_s_id_is_named(case: Case) -> None:
    parser = case.make_parser(Event("opened", "delivery-1", REF))
    assert parser.secret_name.endswith(("_SECRET", "_TOKEN"))
    assert parser.id_header in case.headers(b"", SECRET)
