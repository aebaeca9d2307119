"""A `tagline serve` process with its own Redis, and raw requests to it."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bot.embedded.valkey import EmbeddedRedis
from tests.bench.processes import started
from tests.conftest import free_port
from tests.web.client import PAYLOAD, SECRET, sign

BODY = msgspec.json.encode(PAYLOAD)


@dataclass(frozen=True, slots=True)
class Receiver:
    """A `tagline serve` process under attack."""

    port: int
    pid: int
    log: Path

    def errors(self) -> list[str]:
        """Return the lines of its log that report an error or a traceback."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [x for x in lines if '"level":"error"' in x.replace(" ", "") or "Traceback" in x]


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Run `tagline serve` with its own Redis."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tagline-") as folder:
        log = Path(folder) / "log"
        with EmbeddedRedis(Path(folder), port=free_port()) as redis:
            settings = {
                "GITHUB_WEBHOOK_SECRET": SECRET,
                "GITLAB_WEBHOOK_SECRET": SECRET,
                "REDIS_URL": redis.url,
                "PORT": str(port),
                "LLM_PROVIDER": "none",
            }
            with started(["bot", "serve"], settings, port, log) as process:
                yield Receiver(port, process.pid, log)


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
