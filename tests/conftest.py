"""A real Redis for every test that wants one: from PATH, else the one of the development lock."""

from __future__ import annotations

import io
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import settings

from bot import log
from bot.embedded.valkey import EmbeddedRedis

# The same examples in every run: a change is judged, not luck.
settings.register_profile("steady", derandomize=True)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(tmp_path_factory.mktemp("redis"), port=free_port()) as server:
        yield server


@pytest.fixture
def redis_url(server: EmbeddedRedis) -> str:
    """The address of an empty Redis."""
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    return server.url


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A Redis that a test may stop, kill and restart."""
    with EmbeddedRedis(tmp_path, port=free_port()) as server:
        yield server


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """The lines of the log since the test began."""
    lines = io.StringIO()
    monkeypatch.setattr(log, "_logger", log.get())
    log.configure("info", "json", stream=lines)
    return lambda: [json.loads(line) for line in lines.getvalue().splitlines()]


def crash(server: EmbeddedRedis) -> None:
    """Kill it once its file holds what it confirmed: on a busy disk that takes up to two seconds,
    and what a crash takes before is for the sweep to find."""
    until = time.monotonic() + 20
    with redis.Redis.from_url(server.url) as client:
        while client.info("persistence")["aof_buffer_length"]:
            assert time.monotonic() < until
            time.sleep(0.01)
    server.kill()


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port
