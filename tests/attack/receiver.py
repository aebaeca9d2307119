"""A running `tagline serve` on a Redis of its own, and raw requests to it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec

from bot.embedded.valkey import EmbeddedRedis
from tests.conftest import free_port
from tests.web.client import PAYLOAD, SECRET, sign

BODY = msgspec.json.encode(PAYLOAD)


@dataclass(frozen=True, slots=True)
class Attacked:
    """A receiver under attack."""

    port: int
    pid: int
    redis: EmbeddedRedis
    log: Path

    @property
    def memory_mb(self) -> float:
        """What it holds now (Linux)."""
        return self._status("VmRSS")

    @property
    def peak_mb(self) -> float:
        """The most it ever held (Linux)."""
        return self._status("VmHWM")

    def _status(self, name: str) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))

    def errors(self) -> list[str]:
        """Lines of its log that tell of a failure of its own."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [x for x in lines if '"level":"error"' in x.replace(" ", "") or "Traceback" in x]


@contextmanager
def running(**environment: str) -> Iterator[Attacked]:
    """`tagline serve` as a process, for as long as it is attacked."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tagline-") as name:
        folder = Path(name)
        log = folder / "log"
        with EmbeddedRedis(folder, port=free_port()) as redis, log.open("wb") as lines:
            settings = {
                "GITHUB_WEBHOOK_SECRET": SECRET,
                "GITLAB_WEBHOOK_SECRET": SECRET,
                "REDIS_URL": redis.url,
                "PORT": str(port),
                "LLM_PROVIDER": "none",
            }
            process = subprocess.Popen(
                [sys.executable, "-m", "bot", "serve"],
                env={**os.environ, **settings, **environment},
                stderr=lines,
            )
            try:
                _await(port)
                yield Attacked(port, process.pid, redis, log)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(20)


def _await(port: int) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
        except httpx.TransportError:
            assert time.monotonic() < until, "the receiver did not start"
            time.sleep(0.02)
        else:
            return


def head(
    length: int | None = None, signature: str = "", path: str = "/webhooks/github", **more: str
) -> bytes:
    """The head of a delivery; a `length` of None is left out."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: door",
        "Content-Type: application/json",
        "X-GitHub-Event: issues",
        f"X-GitHub-Delivery: {uuid.uuid4()}",
    ]
    lines += [f"X-Hub-Signature-256: {signature}"] if signature else []
    lines += [f"Content-Length: {length}"] if length is not None else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def delivery(body: bytes = BODY) -> bytes:
    """A whole request, honestly signed."""
    return head(len(body), sign(body)) + body


@dataclass(frozen=True, slots=True)
class Said:
    """What came back. `status` is 0 where the connection ended, or nothing came in time."""

    status: int
    head: str = ""
    body: bytes = b""

    @property
    def job(self) -> bool:
        return "x-tagline-job:" in self.head.lower()


async def ask(port: int, raw: bytes, seconds: float = 5.0) -> Said:
    """Send raw bytes over a connection of their own, and read one answer."""
    writer = None
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(raw)
            return await answer(reader)
    except (OSError, TimeoutError, EOFError):
        return Said(0)
    finally:
        if writer:
            writer.transport.abort()


async def answer(reader: asyncio.StreamReader) -> Said:
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    return Said(int(text.split(" ", 2)[1]), text)
