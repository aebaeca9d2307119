"""Slow clients, idle connections and large forged bodies, while genuine deliveries arrive."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context

from tests.attack.receiver import Receiver, delivery, head, read_response, running_receiver, send
from tests.bench.processes import peak_mib, resident_mib

MB = 1024 * 1024
LARGE = 25 * MB
FORGED = "sha256=" + "0" * 64
CHUNK = b"x" * (64 * 1024)


@dataclass
class Flood:
    """Clients that attack a receiver for `seconds`.

    `cut_after` lists after how many seconds the receiver closed each slow connection.
    """

    port: int
    slow_clients: int = 64
    large_bodies: int = 16
    idle: int = 0
    seconds: float = 20.0
    cut_after: list[float] = field(default_factory=list)

    async def run(self) -> None:
        clients = [self._send_slowly(number) for number in range(self.slow_clients)]
        clients += [self._send_large(number) for number in range(self.large_bodies)]
        clients += [self._stay_idle() for _ in range(self.idle)]
        tasks = [asyncio.create_task(client) for client in clients]
        await asyncio.sleep(self.seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @contextmanager
    def in_background(self) -> Iterator[None]:
        """Attack from a separate process, so that its work does not delay genuine senders."""
        process = get_context("fork").Process(target=self._attack, daemon=True)
        process.start()
        try:
            yield
        finally:
            process.terminate()
            process.join()

    def _attack(self) -> None:
        logging.getLogger("asyncio").setLevel(logging.ERROR)  # connections end while it sends
        asyncio.run(self.run())

    async def _send_slowly(self, number: int) -> None:
        """Send nothing, a slow head, no body, a slow body, half a chunk, or read no response."""
        whole = head(100_000, FORGED)
        chunked = head(None, FORGED, Transfer_Encoding="chunked")
        variants = (
            (b"", b""),
            (b"", whole),
            (whole, b""),
            (whole, b"x" * 1000),
            (chunked + b"ffff\r\nx", b""),
            (b"GET /schema/v1.json HTTP/1.1\r\n\r\n" * 500, b""),
        )
        first, slow = variants[number % len(variants)]
        while True:
            with suppress(OSError):
                await self._send_once_slowly(first, slow)
            await asyncio.sleep(0.1)

    async def _send_once_slowly(self, first: bytes, slow: bytes) -> None:
        started = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(first)
            for byte in slow:
                if reader.at_eof():
                    break
                writer.write(bytes([byte]))
                await asyncio.sleep(1)
            while not reader.at_eof() and b"GET" not in first:
                await reader.read(1000)
            await asyncio.sleep(30 if b"GET" in first else 0)
        finally:
            self.cut_after.append(time.monotonic() - started)
            writer.transport.abort()

    async def _send_large(self, number: int) -> None:
        """Send large bodies in a loop: without a signature, or with a forged one."""
        signature = FORGED if number % 2 else ""
        while True:
            with suppress(OSError, EOFError):
                await self._send_once_large(head(LARGE, signature))

    async def _send_once_large(self, top: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(top)
            for _ in range(LARGE // len(CHUNK)):
                writer.write(CHUNK)
                await writer.drain()
            await read_response(reader)
        finally:
            writer.transport.abort()

    async def _stay_idle(self) -> None:
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    await reader.read(1)
                finally:
                    writer.transport.abort()


@dataclass
class Sender:
    """Sends genuine deliveries; records the seconds and the status of each response."""

    port: int
    waits: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    async def send(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            started = time.monotonic()
            response = await send(self.port, delivery())
            self.waits.append(time.monotonic() - started)
            self.statuses[response.status] += 1
            await asyncio.sleep(0.01)

    def wait_ms(self, share: float) -> float:
        return sorted(self.waits)[int(len(self.waits) * share)] * 1000


def main(seconds: float = 40.0) -> bool:
    with running_receiver() as receiver:
        passed = _measure(receiver, Flood(receiver.port, seconds=seconds))
    with running_receiver() as receiver:
        idle = Flood(receiver.port, slow_clients=0, large_bodies=0, idle=1500, seconds=10)
        return _measure(receiver, idle, max_ms=1000) and passed


def _measure(receiver: Receiver, flood: Flood, max_ms: float = 500) -> bool:
    before, sender = resident_mib(receiver.pid), Sender(receiver.port)
    with flood.in_background():
        time.sleep(0.5)
        asyncio.run(sender.send(flood.seconds - 1))
    growth = peak_mib(receiver.pid) - before
    print(
        f"{flood.slow_clients} slow clients, {flood.large_bodies} forged bodies of 25 MB at once,"
        f" {flood.idle} idle connections, for {flood.seconds:.0f} s: genuine deliveries"
        f" {dict(sender.statuses)}, p50 {sender.wait_ms(0.5):.0f} ms, p99"
        f" {sender.wait_ms(0.99):.0f} ms, slowest {max(sender.waits) * 1000:.0f} ms; memory"
        f" {before:.0f} MB, +{growth:.0f} MB at most; errors in the log: {len(receiver.errors())}"
    )
    good = set(sender.statuses) == {202} and not receiver.errors()
    return good and sender.wait_ms(0.99) < max_ms and growth < 150
