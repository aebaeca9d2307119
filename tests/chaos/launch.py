"""`python -m tests.chaos.launch {worker|serve} [module:NAME=value ...]`: a command with changes.

It sets the given constants and lifts the forges' limits on comments, by which 2,000 comments would
take four hours.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module

import redis

from bot import wiring
from bot.cli.main import cli
from bot.core.types import Rate
from bot.forges.github.api import GitHub
from bot.forges.gitlab.api import GitLab
from bot.queue import broker

UNLIMITED = Rate(per_minute=10**6, per_hour=10**9)


def set_constant(setting: str) -> None:
    """Set `module:NAME=value`; exit if the constant does not exist."""
    target, _, value = setting.partition("=")
    module, _, name = target.partition(":")
    owner = import_module(module)
    if not hasattr(owner, name):
        sys.exit(f"{module} has no {name}: update tests/chaos/scenarios.py")
    setattr(owner, name, json.loads(value))


def make_broker(
    client: redis.Redis,
    is_paused: Callable[[], bool] = lambda: False,
    *,
    single_host: bool = False,
) -> broker.Broker:
    return broker.Broker(client, broker.HEARTBEAT_MS, is_paused)


def main() -> None:
    command, *settings = sys.argv[1:]
    for setting in settings:
        set_constant(setting)
    for forge in (GitHub, GitLab):
        assert hasattr(forge, "rate")
        forge.rate = UNLIMITED
    # The default heartbeat is bound when the class is defined, so pass the changed one.
    wiring.broker = make_broker
    cli([command])


if __name__ == "__main__":
    main()
