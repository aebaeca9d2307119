"""The implementations of the store, with a clock that a test moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis

from bot.store.redis import RedisStore
from tests.fakes import NOW
from tests.memory_store import MemoryStore


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest, clock: Clock) -> MemoryStore | RedisStore:
    if request.param == "memory":
        return MemoryStore(clock)
    return RedisStore(request.getfixturevalue("client"), clock)
