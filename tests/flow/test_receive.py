"""At the door: verify first, then read, then claim and enqueue; nothing slower."""

from __future__ import annotations

import asyncio

import pytest

from bot.core.errors import QueueUnavailable, Rejected
from bot.core.types import Ignored, Job
from bot.flow.receive import ReceiveResult, WebhookRequest, receive
from tests.fakes import NOW, FakeQueue, FakeWebhookParser, a_delivery

DELIVERY = a_delivery()


def knock(parser: FakeWebhookParser, queue: FakeQueue, signature: str = "good") -> ReceiveResult:
    headers = {"signature": signature}
    return asyncio.run(
        receive(
            WebhookRequest(headers, [b"{", b"}"], parser.check_headers(headers), NOW), parser, queue
        )
    )


def test_an_authentic_delivery_becomes_one_job() -> None:
    queue = FakeQueue()
    assert knock(FakeWebhookParser(DELIVERY), queue) == ReceiveResult(DELIVERY, "job of d-1")
    assert queue.jobs == {"job of d-1": DELIVERY}


def test_the_same_delivery_twice_is_the_same_job() -> None:
    queue = FakeQueue()
    receipts = {knock(FakeWebhookParser(DELIVERY), queue).job for _ in range(2)}
    assert receipts == {"job of d-1"}
    assert len(queue.jobs) == 1


def test_an_uninteresting_delivery_is_received_and_queues_nothing() -> None:
    queue = FakeQueue()
    assert knock(FakeWebhookParser(Ignored("event 'ping'")), queue) == ReceiveResult(
        Ignored("event 'ping'"), ""
    )
    assert queue.jobs == {}


def test_a_forged_delivery_is_refused_before_anything_is_read() -> None:
    parser, queue = FakeWebhookParser(DELIVERY), FakeQueue()
    with pytest.raises(Rejected) as refusal:
        knock(parser, queue, "forged")
    assert refusal.value.status == 401
    assert "read" not in parser.calls
    assert queue.jobs == {}


@pytest.mark.parametrize("what", [DELIVERY, Ignored("nothing")])
def test_the_signature_is_checked_before_the_body_is_read(what: Job | Ignored) -> None:
    parser = FakeWebhookParser(what)
    knock(parser, FakeQueue())
    assert parser.calls == ["admit", "check", "read"]


def test_a_delivery_of_the_wrong_shape_queues_nothing() -> None:
    queue = FakeQueue()
    with pytest.raises(Rejected) as refusal:
        knock(FakeWebhookParser(Rejected(400, "not the JSON of an issues event")), queue)
    assert refusal.value.status == 400
    assert queue.jobs == {}


def test_a_silent_redis_is_never_a_receipt() -> None:
    with pytest.raises(QueueUnavailable):
        knock(FakeWebhookParser(DELIVERY), FakeQueue(down=True))
