"""One sandbox for all whole tests; every exchange is held against the vendors' descriptions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from bot.sandbox import Sandbox
from bot.store.private import PrivateRedis
from tests.whole.house import SECRET, House

Build = Callable[..., House]


@pytest.fixture(scope="session")
def box() -> Iterator[Sandbox]:
    sandbox = Sandbox(webhook_secret=SECRET)
    with sandbox.running():
        yield sandbox


@pytest.fixture
def clean(box: Sandbox, redis_url: str) -> Iterator[str]:
    """The address of an empty Redis; nothing armed in one test reaches the next."""
    yield redis_url
    box.clear_faults()
    box.replies.clear()


@pytest.fixture
def build(box: Sandbox, clean: str) -> Build:
    """Make a house with settings of its own."""

    def made(provider: str = "openai", **environment: str) -> House:
        return House(box, clean, provider, environment)

    return made


@pytest.fixture(scope="session")
def _standing(box: Sandbox, server: PrivateRedis) -> Iterator[dict[str, House]]:
    """A house per wire format that stands for the whole run, because opening one takes time."""
    with ExitStack() as stack:
        houses = {
            name: House(box, f"{server.url[:-1]}{database}", name)
            for database, name in enumerate(("openai", "anthropic"), 1)
        }
        for one in houses.values():
            stack.enter_context(one.open())
        yield houses


@pytest.fixture
def house(clean: str, _standing: dict[str, House]) -> House:
    """A house with a model that speaks OpenAI's wire format, and a fresh repository."""
    _standing["openai"].refresh()
    return _standing["openai"]


@pytest.fixture(params=["openai", "anthropic"])
def either_house(request: pytest.FixtureRequest, clean: str, _standing: dict[str, House]) -> House:
    """The same on both wire formats."""
    house = _standing[request.param]
    house.refresh()
    return house
