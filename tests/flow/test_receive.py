"""The receiver verifies, then parses, then claims and enqueues."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from bot.core.errors import QueueUnavailable, Rejected
from bot.core.events import Event, Ignored
from bot.core.types import Job, JobKind
from bot.flow.receive import (
    CLOSED_WAIT_SECONDS,
    LABELS_SPAN_SECONDS,
    LABELS_SPREAD_SECONDS,
    ReceiveResult,
    WebhookRequest,
    receive,
)
from tests.fakes import NOW, REF
from tests.receiver_fakes import FakeQueue, FakeWebhookParser

OPENED = Event("opened", "d-1", REF)


def deliver(
    parser: FakeWebhookParser, queue: FakeQueue, signature: str = "good", at: float = NOW
) -> ReceiveResult:
    headers = {"signature": signature}
    webhook = WebhookRequest(headers, [b"{", b"}"], parser.check_headers(headers), at)
    return asyncio.run(receive(webhook, parser, queue))


@pytest.mark.parametrize("kind", ["opened", "reopened", "edited"])
def test_each_event_becomes_one_job(kind: JobKind) -> None:
    queue, reported = FakeQueue(), Event(kind, "d-1", REF)
    assert deliver(FakeWebhookParser(reported), queue) == ReceiveResult(reported, "job of d-1")
    assert queue.jobs == {"job of d-1": Job("d-1", kind, REF, NOW)}


def test_the_job_of_a_closed_issue_waits_for_what_it_is_a_duplicate_of() -> None:
    queue = FakeQueue()
    deliver(FakeWebhookParser(Event("closed", "d-1", REF)), queue)
    assert queue.jobs == {"job of d-1": Job("d-1", "closed", REF, NOW)}
    assert queue.waits == {"d-1": CLOSED_WAIT_SECONDS}


def test_label_changes_of_an_issue_within_ten_seconds_are_one_job_after_them() -> None:
    queue = FakeQueue()
    for n in range(500):
        deliver(FakeWebhookParser(Event("labels", f"d-{n}", REF)), queue, at=NOW + n * 0.0199)
    (job,) = queue.jobs.values()
    assert (job.kind, job.ref) == ("labels", REF)
    assert LABELS_SPAN_SECONDS <= queue.waits[job.id] < LABELS_SPAN_SECONDS + LABELS_SPREAD_SECONDS
    deliver(FakeWebhookParser(Event("labels", "d-1", REF)), queue, at=NOW + LABELS_SPAN_SECONDS)
    assert len(queue.jobs) == 2


@pytest.mark.parametrize("kind", ["edited", "reopened"])
def test_an_event_with_changed_labels_becomes_two_jobs(kind: JobKind) -> None:
    queue, parser = FakeQueue(), FakeWebhookParser(Event(kind, "d-1", REF, labels_changed=True))
    results = [deliver(parser, queue) for _ in range(2)]
    assert {result.job for result in results} == {"job of d-1"}
    own, labels = queue.jobs.values()
    assert (own.kind, labels.kind) == (kind, "labels")
    assert [*queue.waits] == [labels.id]
    deliver(FakeWebhookParser(Event("labels", "d-2", REF)), queue)
    assert len(queue.jobs) == 2, "it is the one of these ten seconds"


@pytest.mark.parametrize("lost", ["d-1", "labels"])
def test_a_repeat_enqueues_the_job_that_a_delivery_could_not(lost: str) -> None:
    queue = FakeQueue()
    parser = FakeWebhookParser(Event("edited", "d-1", REF, labels_changed=True))
    put = queue.put

    async def fail_once(delivery: Job, wait: float = 0.0) -> str:
        if delivery.id.startswith(lost):
            raise QueueUnavailable("no answer")
        return await put(delivery, wait)

    queue.put = fail_once  # type: ignore[method-assign]
    with pytest.raises(QueueUnavailable):
        deliver(parser, queue)
    assert len(queue.jobs) == 1
    queue.put = put  # type: ignore[method-assign]
    deliver(parser, queue)
    assert sorted(job.kind for job in queue.jobs.values()) == ["edited", "labels"]


def test_the_jobs_for_label_changes_of_many_issues_are_spread() -> None:
    queue = FakeQueue()
    for n in range(500):
        deliver(FakeWebhookParser(Event("labels", "d", replace(REF, number=n))), queue)
    assert len(queue.jobs) == 500
    seconds = Counter(int(wait) for wait in queue.waits.values())
    assert max(seconds.values()) < 30


def test_an_issue_s_own_job_does_not_wait() -> None:
    queue = FakeQueue()
    deliver(FakeWebhookParser(OPENED), queue)
    assert queue.waits == {}


def test_the_same_delivery_twice_is_the_same_job() -> None:
    queue = FakeQueue()
    jobs = {deliver(FakeWebhookParser(OPENED), queue).job for _ in range(2)}
    assert jobs == {"job of d-1"}
    assert len(queue.jobs) == 1


def test_an_ignored_delivery_is_accepted_and_queues_nothing() -> None:
    queue = FakeQueue()
    assert deliver(FakeWebhookParser(Ignored("event 'ping'")), queue) == ReceiveResult(
        Ignored("event 'ping'"), ""
    )
    assert queue.jobs == {}


def test_a_forged_delivery_is_refused_before_it_is_parsed() -> None:
    parser, queue = FakeWebhookParser(OPENED), FakeQueue()
    with pytest.raises(Rejected) as refusal:
        deliver(parser, queue, "forged")
    assert refusal.value.status == 401
    assert "parse" not in parser.calls
    assert queue.jobs == {}


@pytest.mark.parametrize("parsed", [OPENED, Ignored("nothing")])
def test_the_signature_is_verified_before_the_body_is_parsed(parsed: Event | Ignored) -> None:
    parser = FakeWebhookParser(parsed)
    deliver(parser, FakeQueue())
    assert parser.calls == ["check_headers", "verify", "parse"]


def test_a_delivery_of_the_wrong_shape_queues_nothing() -> None:
    queue = FakeQueue()
    with pytest.raises(Rejected) as refusal:
        deliver(FakeWebhookParser(Rejected(400, "not the JSON of an issues event")), queue)
    assert refusal.value.status == 400
    assert queue.jobs == {}


def test_a_delivery_is_not_accepted_without_redis() -> None:
    with pytest.raises(QueueUnavailable):
        deliver(FakeWebhookParser(OPENED), FakeQueue(down=True))


def test_a_comment_becomes_a_job_with_its_id_and_the_names_of_its_commands() -> None:
    queue = FakeQueue()
    event = Event("command", "d-1", REF, comment=77, commands=("redo", "why"))
    deliver(FakeWebhookParser(event), queue)
    assert queue.jobs == {"job of d-1": Job("d-1", "command", REF, NOW, 77, ("redo", "why"))}
