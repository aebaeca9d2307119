"""Fixtures for a clock and a real Redis: the one on PATH, else that of the development lock."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import settings

from bot import log
from bot.embedded.valkey import EmbeddedRedis
from tests.clock import Clock
from tests.waiting import wait_until

# The same examples in every run, so that only a change can fail a test.
settings.register_profile("steady", derandomize=True)
settings.load_profile("steady")


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep away what `tagline setup` stored in the developer's default DATA_DIR."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(tmp_path_factory.mktemp("redis"), port=free_port()) as server:
        yield server


@pytest.fixture
def redis_url(server: EmbeddedRedis) -> str:
    """The URL of an empty Redis."""
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    return server.url


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A Redis that a test may stop, kill and restart."""
    with EmbeddedRedis(tmp_path, port=free_port()) as server:
        yield server


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """Return the log lines since the test started."""
    lines = io.StringIO()
    monkeypatch.setattr(log, "_logger", log.get())
    log.configure("info", "json", stream=lines)
    return lambda: [json.loads(line) for line in lines.getvalue().splitlines()]


def crash(server: EmbeddedRedis) -> None:
    """Kill it once its file holds everything that it confirmed.

    On a busy disk that takes up to two seconds; reconciliation finds what a crash loses earlier.
    """
    with redis.Redis.from_url(server.url) as client:
        wait_until(lambda: not client.info("persistence")["aof_buffer_length"], 20)
    server.kill()


def free_port() -> int:
    """Return an unused loopback port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port
