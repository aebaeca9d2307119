"""A burst: many deliveries at once, some twice, some forged; what was accepted is in the queue."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
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
class Sealed:
    """A request, ready to be written. `issue` tells honest deliveries apart; "" = forged."""

    issue: str
    request: bytes


@dataclass(slots=True)
class Answers:
    """Seconds of each answer, statuses of the honest and the forged, job ids by issue."""

    seconds: list[float] = field(default_factory=list)
    honest: Counter[int] = field(default_factory=Counter)
    forged: Counter[int] = field(default_factory=Counter)
    jobs: dict[str, set[str]] = field(default_factory=dict)

    def take(self, sent: Sealed, status: int, job: str, seconds: float) -> None:
        self.seconds.append(seconds)
        (self.honest if sent.issue else self.forged)[status] += 1
        if sent.issue and status == 202:
            self.jobs.setdefault(sent.issue, set()).add(job)


def prepare(parts: Parts, dice: Random, deliveries: int) -> list[Sealed]:
    """Half for each host, shuffled; repeats and forgeries come on top."""
    made = []
    for place in range(deliveries):
        name = ("github", "gitlab")[place % 2]
        made.append(_sealed(parts.box.hosts[name], name, dice))
    repeats = dice.sample(made, round(deliveries * REPEATED))
    forgeries = [_forged(one) for one in dice.sample(made, round(deliveries * FORGED))]
    sent = [*made, *repeats, *forgeries]
    dice.shuffle(sent)
    return sent


def _sealed(host: Host, name: str, dice: Random) -> Sealed:
    text = "word " * dice.randint(200, 1200)
    number = host.open_issue(REPOS[name], "Burst", text, author="many", deliver=False)
    repo, issue = host.state.repo(REPOS[name]), host.state.issue(REPOS[name], number)
    webhook = host.hooks.webhooks(Event("opened", repo, issue, issue.author))[0]
    url, headers = host.hooks.signed(webhook)
    assert url is not None
    fields = {**headers, "Host": "localhost", "Content-Length": str(len(webhook.body))}
    head = "".join(f"{field}: {value}\r\n" for field, value in fields.items())
    request = f"POST {urlsplit(url).path} HTTP/1.1\r\n{head}\r\n".encode() + webhook.body
    return Sealed(f"{name}:{number}", request)


def _forged(one: Sealed) -> Sealed:
    """The same with one more issue number in its text than was signed."""
    head, body = one.request.split(b"\r\n\r\n", 1)
    return Sealed("", head + b"\r\n\r\n" + body.replace(b"Burst", b"Burzt", 1))


async def send(port: int, signed: list[Sealed]) -> Answers:
    left, answers = iter(signed), Answers()

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for one in left:
            started = time.perf_counter()
            writer.write(one.request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            taken = time.perf_counter() - started
            assert "content-length: 0\r\n" in head, head
            job = head.partition("x-tagline-job: ")[2].partition("\r\n")[0]
            answers.take(one, int(head.split(" ", 2)[1]), job, taken)
        writer.close()

    await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))
    return answers


def burst(folder: Path, seed: int, scale: float) -> tuple[bool, Iterator[str]]:
    """Only the receiver and Redis are at work, without a proxy between them."""
    dice = Random(seed)
    parts = Parts(folder, dice)
    parts.own["REDIS_URL"] = parts.redis.url
    Users(parts, dice)
    with parts.standing():
        parts.start("serve")
        signed = prepare(parts, dice, round(DELIVERIES * scale))
        parts.await_answers()
        answers = asyncio.run(send(parts.port, signed))
        queue = redis_keys.QUEUE
        queued = [str(job) for job in parts.direct.lrange(queue, 0, -1)]
        stored = {str(job) for job in parts.direct.hkeys(f"{queue}.msgs")}
    return _judged(signed, answers, queued, stored)


def _judged(
    signed: list[Sealed], answers: Answers, queued: list[str], stored: set[str]
) -> tuple[bool, Iterator[str]]:
    issues = {one.issue for one in signed if one.issue}
    accepted = {job for jobs in answers.jobs.values() for job in jobs}
    lost = len(issues) - len(answers.jobs) + len(accepted - set(queued) | accepted - stored)
    doubled = sum(len(jobs) - 1 for jobs in answers.jobs.values())
    doubled += len(queued) - len(set(queued)) + len(set(queued) - accepted)
    slowest, ordered = max(answers.seconds), sorted(answers.seconds)
    rows = {
        "deliveries sent": len(signed),
        "issues": len(issues),
        "jobs queued": len(queued),
        "lost": lost,
        "doubled": doubled,
        "answers to honest ones": dict(answers.honest),
        "answers to forged ones": dict(answers.forged),
        "p50, ms": round(ordered[len(ordered) // 2] * 1000),
        "p99, ms": round(ordered[len(ordered) * 99 // 100] * 1000),
        "slowest, ms": round(slowest * 1000),
    }
    good = not lost and not doubled and set(answers.forged) <= {401} and slowest < SLOWEST_SECONDS
    return good, (f"{name:<24}{value}" for name, value in rows.items())
