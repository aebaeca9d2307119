"""Slow clients, idle ones and forged giants, while honest deliveries go on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context

from tests.attack.receiver import Attacked, answer, ask, delivery, head, running

MB = 1024 * 1024
GIANT = 25 * MB
FORGED = "sha256=" + "0" * 64
CHUNK = b"x" * (64 * 1024)


@dataclass
class Flood:
    """Attackers of a door, for so many seconds. `cut_after` tells when the slow ones were cut."""

    port: int
    slow_clients: int = 64
    giants: int = 16
    idle: int = 0
    seconds: float = 20.0
    cut_after: list[float] = field(default_factory=list)

    async def run(self) -> None:
        users = [self._slowly(number) for number in range(self.slow_clients)]
        users += [self._giant(number) for number in range(self.giants)]
        users += [self._idly() for _ in range(self.idle)]
        attackers = [asyncio.create_task(one) for one in users]
        await asyncio.sleep(self.seconds)
        for one in attackers:
            one.cancel()
        await asyncio.gather(*attackers, return_exceptions=True)

    def attack(self) -> None:
        logging.getLogger("asyncio").setLevel(logging.ERROR)  # connections end while it sends
        asyncio.run(self.run())

    def alongside(self) -> AbstractContextManager[object]:
        """The attack, from a process of its own: its work is not the honest senders' wait."""
        return _process(self.attack)

    async def _slowly(self, number: int) -> None:
        """Say nothing, drip a head, promise a body, drip one, half a chunk, or read no answer."""
        whole = head(100_000, FORGED)
        chunked = head(None, FORGED, Transfer_Encoding="chunked")
        ways = (
            (b"", b""),
            (b"", whole),
            (whole, b""),
            (whole, b"x" * 1000),
            (chunked + b"ffff\r\nx", b""),
            (b"GET /schema/v1.json HTTP/1.1\r\n\r\n" * 500, b""),
        )
        first, drip = ways[number % len(ways)]
        while True:
            with suppress(OSError):
                await self._one_slow(first, drip)
            await asyncio.sleep(0.1)

    async def _one_slow(self, first: bytes, drip: bytes) -> None:
        started = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(first)
            for byte in drip:
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

    async def _giant(self, number: int) -> None:
        """A long body: without a signature, or with a forged one; it never ends."""
        signature = FORGED if number % 2 else ""
        while True:
            with suppress(OSError, EOFError):
                await self._one_giant(head(GIANT, signature))

    async def _one_giant(self, top: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(top)
            for _ in range(GIANT // len(CHUNK)):
                writer.write(CHUNK)
                await writer.drain()
            await answer(reader)
        finally:
            writer.transport.abort()

    async def _idly(self) -> None:
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    await reader.read(1)
                finally:
                    writer.transport.abort()


@contextmanager
def _process(work: Callable[[], None]) -> Iterator[None]:
    process = get_context("fork").Process(target=work, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


@dataclass
class Honest:
    """What honest senders feel (seconds)."""

    port: int
    waits: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    async def send(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            started = time.monotonic()
            said = await ask(self.port, delivery())
            self.waits.append(time.monotonic() - started)
            self.statuses[said.status] += 1
            await asyncio.sleep(0.01)

    def wait_ms(self, share: float) -> float:
        return sorted(self.waits)[int(len(self.waits) * share)] * 1000


def main(seconds: float = 40.0) -> bool:
    with running() as endpoint:
        flooded = _attack(endpoint, Flood(endpoint.port, seconds=seconds))
    with running() as endpoint:
        idle = Flood(endpoint.port, slow_clients=0, giants=0, idle=1500, seconds=10)
        return _attack(endpoint, idle, most_ms=1000) and flooded


def _attack(endpoint: Attacked, flood: Flood, most_ms: float = 500) -> bool:
    before, honest = endpoint.memory_mb, Honest(endpoint.port)
    with flood.alongside():
        time.sleep(0.5)
        asyncio.run(honest.send(flood.seconds - 1))
    grown = endpoint.peak_mb - before
    print(
        f"{flood.slow_clients} slow clients, {flood.giants} forged bodies of 25 MB at once,"
        f" {flood.idle} idle connections, for {flood.seconds:.0f} s: honest deliveries"
        f" {dict(honest.statuses)}, p50 {honest.wait_ms(0.5):.0f} ms, p99"
        f" {honest.wait_ms(0.99):.0f} ms, worst {max(honest.waits) * 1000:.0f} ms; memory"
        f" {before:.0f} MB, at most {grown:.0f} MB more; {len(endpoint.errors())} errors in the log"
    )
    good = set(honest.statuses) == {202} and not endpoint.errors()
    return good and honest.wait_ms(0.99) < most_ms and grown < 150
