"""How long deliveries wait for their answer: in a burst, and at a steady rate."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator

from tests.bench.processes import started
from tests.bench.receiver import BODIES, deliveries, environment
from tests.conftest import free_port

BURST, CONNECTIONS = 10_000, 64
RATE, SECONDS = 200, 15


class Door:
    """Deliveries to a receiver on a port, and how long each answer took."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ready = deliveries()
        self.took: list[float] = []

    async def burst(self) -> None:
        left = iter(range(BURST))
        await asyncio.gather(*(self._one_after_another(left) for _ in range(CONNECTIONS)))

    async def steady(self) -> None:
        """Each at its own moment, whatever became of those before."""
        begun = asyncio.get_running_loop().time()
        await asyncio.gather(*(self._at(begun + n / RATE, n) for n in range(RATE * SECONDS)))

    async def _one_after_another(self, left: Iterator[int]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        for number in left:
            await self._send(reader, writer, number, time.perf_counter())
        writer.close()

    async def _at(self, moment: float, number: int) -> None:
        await asyncio.sleep(moment - asyncio.get_running_loop().time())
        due = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        await self._send(reader, writer, number, due)
        writer.close()

    async def _send(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int, due: float
    ) -> None:
        body, signature = self._ready[number % BODIES]
        head = (
            "POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\n"
            "Content-Type: application/json\r\nX-GitHub-Event: issues\r\n"
            f"X-GitHub-Delivery: {uuid.uuid4()}\r\nX-Hub-Signature-256: {signature}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 202"), answer
        self.took.append(time.perf_counter() - due)


def measure() -> Iterator[str]:
    """The figures of the door under load."""
    port = free_port()
    with (
        environment() as settings,
        started(["bot", "serve"], {**settings, "PORT": str(port)}, port),
    ):
        burst, steady = Door(port), Door(port)
        asyncio.run(burst.burst())
        yield (
            f"burst of {BURST:,} deliveries over {CONNECTIONS} connections: all taken, slowest"
            f" answer {max(burst.took) * 1000:.0f} ms; goal < 1,000 ms"
        )
        asyncio.run(steady.steady())
        p99 = sorted(steady.took)[int(len(steady.took) * 0.99)]
        yield f"{RATE} deliveries a second: p99 {p99 * 1000:.0f} ms; goal < 50 ms"
