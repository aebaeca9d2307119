"""A burst: many deliveries at once, some repeated, some forged; each accepted one is queued."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from bot.core import redis_keys
from bot.sandbox.state import Event
from tests.chaos.parts import Parts
from tests.chaos.users import REPOS, Users
from tests.simulation import Host

DELIVERIES, CONNECTIONS = 10_000, 64
REPEATED, FORGED = 0.05, 0.01
SLOWEST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The bytes of a request. `issue` identifies the issue; it is "" for a forged delivery."""

    issue: str
    request: bytes


@dataclass(slots=True)
class Responses:
    """Seconds of each response, statuses of genuine and forged deliveries, job ids by issue."""

    seconds: list[float] = field(default_factory=list)
    genuine: Counter[int] = field(default_factory=Counter)
    forged: Counter[int] = field(default_factory=Counter)
    jobs: dict[str, set[str]] = field(default_factory=dict)

    def add(self, sent: SignedRequest, status: int, job: str, seconds: float) -> None:
        self.seconds.append(seconds)
        (self.genuine if sent.issue else self.forged)[status] += 1
        if sent.issue and status == 202:
            self.jobs.setdefault(sent.issue, set()).add(job)


def prepare(parts: Parts, rng: Random, deliveries: int) -> list[SignedRequest]:
    """Make deliveries, half for each host, add repeats and forgeries, and shuffle them."""
    requests = []
    for index in range(deliveries):
        name = ("github", "gitlab")[index % 2]
        requests.append(_signed(parts.box.hosts[name], name, rng))
    repeats = rng.sample(requests, round(deliveries * REPEATED))
    forgeries = [_forged(one) for one in rng.sample(requests, round(deliveries * FORGED))]
    sent = [*requests, *repeats, *forgeries]
    rng.shuffle(sent)
    return sent


def _signed(host: Host, name: str, rng: Random) -> SignedRequest:
    text = "word " * rng.randint(200, 1200)
    number = host.open_issue(REPOS[name], "Burst", text, author="many", deliver=False)
    repo, issue = host.state.repo(REPOS[name]), host.state.issue(REPOS[name], number)
    webhook = host.hooks.webhooks(Event("opened", repo, issue, issue.author))[0]
    url, headers = host.hooks.signed(webhook)
    assert url is not None
    fields = {**headers, "Host": "localhost", "Content-Length": str(len(webhook.body))}
    head = "".join(f"{field}: {value}\r\n" for field, value in fields.items())
    request = f"POST {urlsplit(url).path} HTTP/1.1\r\n{head}\r\n".encode() + webhook.body
    return SignedRequest(f"{name}:{number}", request)


def _forged(one: SignedRequest) -> SignedRequest:
    """Return the request with one changed letter in its body, so that its signature is wrong."""
    head, body = one.request.split(b"\r\n\r\n", 1)
    return SignedRequest("", head + b"\r\n\r\n" + body.replace(b"Burst", b"Burzt", 1))


async def send(port: int, pending: list[SignedRequest]) -> Responses:
    requests, responses = iter(pending), Responses()

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for one in requests:
            started = time.perf_counter()
            writer.write(one.request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            seconds = time.perf_counter() - started
            assert "content-length: 0\r\n" in head, head
            job = head.partition("x-tagline-job: ")[2].partition("\r\n")[0]
            responses.add(one, int(head.split(" ", 2)[1]), job, seconds)
        writer.close()

    await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))
    return responses


def burst(folder: Path, seed: int, scale: float) -> tuple[bool, tuple[str, ...]]:
    """Run only the receiver and Redis, without a proxy between them."""
    rng = Random(seed)
    parts = Parts(folder, rng)
    parts.environment["REDIS_URL"] = parts.redis.url
    Users(parts, rng)
    with parts.running():
        parts.start("serve")
        requests = prepare(parts, rng, round(DELIVERIES * scale))
        parts.wait_until_ready()
        responses = asyncio.run(send(parts.port, requests))
        queue = redis_keys.QUEUE
        queued = [str(job) for job in parts.direct.lrange(queue, 0, -1)]
        stored = {str(job) for job in parts.direct.hkeys(f"{queue}.msgs")}
    return _summarize(requests, responses, queued, stored)


def _summarize(
    requests: list[SignedRequest], responses: Responses, queued: list[str], stored: set[str]
) -> tuple[bool, tuple[str, ...]]:
    issues = {one.issue for one in requests if one.issue}
    accepted = {job for jobs in responses.jobs.values() for job in jobs}
    lost = len(issues) - len(responses.jobs) + len(accepted - set(queued) | accepted - stored)
    repeated = sum(len(jobs) - 1 for jobs in responses.jobs.values())
    repeated += len(queued) - len(set(queued)) + len(set(queued) - accepted)
    slowest, ordered = max(responses.seconds), sorted(responses.seconds)
    rows = {
        "deliveries sent": len(requests),
        "issues": len(issues),
        "jobs queued": len(queued),
        "lost": lost,
        "repeated": repeated,
        "statuses of genuine ones": dict(responses.genuine),
        "statuses of forged ones": dict(responses.forged),
        "p50, ms": round(ordered[len(ordered) // 2] * 1000),
        "p99, ms": round(ordered[len(ordered) * 99 // 100] * 1000),
        "slowest, ms": round(slowest * 1000),
    }
    passed = (
        not lost and not repeated and set(responses.forged) <= {401} and slowest < SLOWEST_SECONDS
    )
    return passed, tuple(f"{name:<24}{value}" for name, value in rows.items())
