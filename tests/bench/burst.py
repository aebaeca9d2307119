"""Response times of deliveries: in a burst, and at a steady rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from tests.bench.processes import started
from tests.bench.receiver import deliver, environment, signed_bodies
from tests.conftest import free_port

BURST, CONNECTIONS = 10_000, 64
RATE, SECONDS = 200, 15


class LoadGenerator:
    """Sends deliveries to a receiver and records the seconds until each response."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._bodies = signed_bodies()
        self.seconds: list[float] = []

    async def burst(self) -> None:
        numbers = iter(range(BURST))
        await asyncio.gather(*(self._send_in_turn(numbers) for _ in range(CONNECTIONS)))

    async def steady(self) -> None:
        """Send each delivery at its scheduled time, even while earlier ones are unanswered."""
        start = asyncio.get_running_loop().time()
        await asyncio.gather(*(self._send_at(start + n / RATE, n) for n in range(RATE * SECONDS)))

    async def _send_in_turn(self, numbers: Iterator[int]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        for number in numbers:
            await self._send(reader, writer, number, time.perf_counter())
        writer.close()

    async def _send_at(self, moment: float, number: int) -> None:
        await asyncio.sleep(moment - asyncio.get_running_loop().time())
        due = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        await self._send(reader, writer, number, due)
        writer.close()

    async def _send(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int, due: float
    ) -> None:
        await deliver(reader, writer, *self._bodies[number % len(self._bodies)])
        self.seconds.append(time.perf_counter() - due)


def measure() -> Iterator[str]:
    """Yield the receiver's response times under load."""
    port = free_port()
    with (
        environment() as settings,
        started(["bot", "serve"], {**settings, "PORT": str(port)}, port),
    ):
        burst, steady = LoadGenerator(port), LoadGenerator(port)
        asyncio.run(burst.burst())
        yield (
            f"burst of {BURST:,} deliveries over {CONNECTIONS} connections: all accepted, slowest"
            f" response {max(burst.seconds) * 1000:.0f} ms; goal < 1,000 ms"
        )
        asyncio.run(steady.steady())
        p99 = sorted(steady.seconds)[int(len(steady.seconds) * 0.99)]
        yield f"{RATE} deliveries a second: p99 {p99 * 1000:.0f} ms; goal < 50 ms"
