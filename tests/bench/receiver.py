"""CPU time of one delivery at the receiver, beside a bare Starlette that only reads the body."""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bot.embedded.valkey import EmbeddedRedis
from tests.bench.processes import cpu_seconds, started
from tests.conftest import free_port
from tests.web.client import PAYLOAD, sign

SECRET = "a-webhook-secret-for-the-benchmark"
REQUESTS, CONNECTIONS, ROUNDS = 8000, 32, 5
BODIES = 200


def deliveries() -> list[tuple[bytes, str]]:
    """Signed `issues` bodies of 10 to 25 KB, as GitHub sends them."""
    dice = random.Random(1)
    found = []
    for number in range(1, BODIES + 1):
        issue = {**PAYLOAD["issue"], "number": number, "body": "word " * dice.randint(1700, 4700)}
        body = json.dumps({**PAYLOAD, "issue": issue}).encode()
        found.append((body, sign(body, SECRET)))
    return found


async def load(port: int, requests: int) -> None:
    """Send deliveries over kept-alive connections; every answer must be 202."""
    ready = deliveries()
    left = iter(range(requests))

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in left:
            body, signature = ready[number % BODIES]
            head = (
                "POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\n"
                "Content-Type: application/json\r\nX-GitHub-Event: issues\r\n"
                f"X-GitHub-Delivery: {uuid.uuid4()}\r\nX-Hub-Signature-256: {signature}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 202"), answer
        writer.close()

    await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))


def cost(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """CPU time that a server process spends on `REQUESTS` deliveries, after some to warm up."""
    port = free_port()
    listening = ["--port", str(port)] if "uvicorn" in command else []
    with started([*command, *listening], {**environment, "PORT": str(port)}, port) as process:
        asyncio.run(load(port, 500))
        before = cpu_seconds(process.pid)
        asyncio.run(load(port, REQUESTS))
        return cpu_seconds(process.pid) - before


@contextmanager
def environment() -> Iterator[dict[str, str]]:
    with (
        tempfile.TemporaryDirectory(prefix="tagline-") as folder,
        EmbeddedRedis(Path(folder)) as redis,
    ):
        yield {
            "GITHUB_WEBHOOK_SECRET": SECRET,
            "REDIS_URL": redis.url,
            "LLM_PROVIDER": "none",
        }


def measure() -> Iterator[str]:
    """The first figure of `make bench`."""
    servers = {
        "bare": ["uvicorn", "--log-level", "critical", "--no-access-log", "tests.bench.bare:app"],
        "receiver": ["bot", "serve"],
    }
    taken: dict[str, list[float]] = {name: [] for name in servers}
    with environment() as settings:
        for _ in range(ROUNDS):
            for name, command in servers.items():
                taken[name].append(cost(command, settings) / REQUESTS * 1e6)
    bot_accounts, bare = min(taken["receiver"]), min(taken["bare"])
    yield (
        f"receiver, CPU per delivery: {bot_accounts / bare:.2f} x a bare Starlette body read"
        f" ({bot_accounts:.0f} against {bare:.0f} us, lowest of {ROUNDS} rounds; goal <= 3.2 x)"
    )
