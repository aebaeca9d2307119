"""CPU time of one delivery at the receiver, compared with a Starlette that only reads the body."""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bot.embedded.valkey import EmbeddedRedis
from tests.attack.receiver import head
from tests.bench.processes import cpu_seconds, started
from tests.conftest import free_port
from tests.web.client import PAYLOAD, sign

SECRET = "a-webhook-secret-for-the-benchmark"
REQUESTS, CONNECTIONS, ROUNDS = 8000, 32, 5
BODIES = 200


def signed_bodies() -> list[tuple[bytes, str]]:
    """Return `issues` payloads of 10 to 25 KB, as GitHub sends them, each with its signature."""
    rng = random.Random(1)
    bodies = []
    for number in range(1, BODIES + 1):
        issue = {**PAYLOAD["issue"], "number": number, "body": "word " * rng.randint(1700, 4700)}
        body = json.dumps({**PAYLOAD, "issue": issue}).encode()
        bodies.append((body, sign(body, SECRET)))
    return bodies


async def deliver(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes, signature: str
) -> None:
    """Send one delivery over an open connection; the response must be 202."""
    writer.write(head(len(body), signature) + body)
    response = await reader.readuntil(b"\r\n\r\n")
    assert response.startswith(b"HTTP/1.1 202"), response


async def send_load(port: int, requests: int) -> None:
    """Send deliveries over kept-alive connections."""
    bodies = signed_bodies()
    numbers = iter(range(requests))

    async def send_in_turn() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            await deliver(reader, writer, *bodies[number % BODIES])
        writer.close()

    await asyncio.gather(*(send_in_turn() for _ in range(CONNECTIONS)))


def measure_cpu(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Return the CPU seconds that a server spends on `REQUESTS` deliveries, after a warm-up."""
    port = free_port()
    listening = ["--port", str(port)] if "uvicorn" in command else []
    with started([*command, *listening], {**environment, "PORT": str(port)}, port) as process:
        asyncio.run(send_load(port, 500))
        before = cpu_seconds(process.pid)
        asyncio.run(send_load(port, REQUESTS))
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
    """Yield the receiver's CPU cost."""
    servers = {
        "bare": ["uvicorn", "--log-level", "critical", "--no-access-log", "tests.bench.bare:app"],
        "receiver": ["bot", "serve"],
    }
    times: dict[str, list[float]] = {name: [] for name in servers}
    with environment() as settings:
        for _ in range(ROUNDS):
            for name, command in servers.items():
                times[name].append(measure_cpu(command, settings) / REQUESTS * 1e6)
    receiver, bare = min(times["receiver"]), min(times["bare"])
    yield (
        f"receiver, CPU per delivery: {receiver / bare:.2f} x a bare Starlette body read"
        f" ({receiver:.0f} against {bare:.0f} us, lowest of {ROUNDS} rounds; goal <= 3.2 x)"
    )
