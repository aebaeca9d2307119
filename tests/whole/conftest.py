"""One sandbox for all whole tests; every exchange is held against the vendors' descriptions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bot.sandbox import Sandbox
from tests.whole.house import House

Build = Callable[..., House]


@pytest.fixture(scope="session")
def box() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    with sandbox.running():
        yield sandbox


@pytest.fixture
def build(box: Sandbox, redis_url: str) -> Iterator[Build]:
    """Make a house with other settings; nothing armed in one test reaches the next."""

    def made(provider: str = "openai", **environment: str) -> House:
        return House(box, redis_url, provider, environment)

    yield made
    box.clear_faults()
    box.replies.clear()


@pytest.fixture
def house(build: Build) -> Iterator[House]:
    with build().open() as opened:
        yield opened
