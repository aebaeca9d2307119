"""A `tagline serve` process with its own Redis, and raw requests to it."""

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
class Receiver:
    """A `tagline serve` process under attack."""

    port: int
    pid: int
    log: Path

    @property
    def memory_mb(self) -> float:
        """The resident memory (Linux)."""
        return self._status("VmRSS")

    @property
    def peak_mb(self) -> float:
        """The peak resident memory (Linux)."""
        return self._status("VmHWM")

    def _status(self, name: str) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))

    def errors(self) -> list[str]:
        """Return the lines of its log that report an error or a traceback."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [x for x in lines if '"level":"error"' in x.replace(" ", "") or "Traceback" in x]


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Run `tagline serve` with its own Redis."""
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
                env={**os.environ, **settings},
                stderr=lines,
            )
            try:
                _wait_until_ready(port)
                yield Receiver(port, process.pid, log)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(20)


def _wait_until_ready(port: int) -> None:
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
    """Return a delivery's request line and headers; without Content-Length if `length` is None."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        "X-GitHub-Event: issues",
        f"X-GitHub-Delivery: {uuid.uuid4()}",
    ]
    lines += [f"X-Hub-Signature-256: {signature}"] if signature else []
    lines += [f"Content-Length: {length}"] if length is not None else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def delivery(body: bytes = BODY) -> bytes:
    """Return a complete, correctly signed request."""
    return head(len(body), sign(body)) + body


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A response; `status` is 0 if the connection was closed or nothing arrived in time."""

    status: int
    head: str = ""

    @property
    def job(self) -> bool:
        return "x-tagline-job:" in self.head.lower()


async def send(port: int, raw: bytes, seconds: float = 5.0) -> RawResponse:
    """Send raw bytes over a new connection and return one response."""
    writer = None
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(raw)
            return await read_response(reader)
    except (OSError, TimeoutError, EOFError):
        return RawResponse(0)
    finally:
        if writer:
            writer.transport.abort()


async def read_response(reader: asyncio.StreamReader) -> RawResponse:
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    return RawResponse(int(text.split(" ", 2)[1]), text)
