"""`python -m tests.chaos.launch {worker|serve} [module:NAME=value ...]`: a command without pacing.

The forges' content limits would make 2,000 comments last four hours. Constants are set as told;
nothing else of the product is touched.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module

import redis

from bot import wiring
from bot.cli.main import cli
from bot.core.types import Rate
from bot.forges.github.api import GitHub
from bot.forges.gitlab.api import GitLab
from bot.queue import broker

UNPACED = Rate(per_minute=10**6, per_hour=10**9)


def put(setting: str) -> None:
    """Exits where there is no such constant any more: a test that sets nothing tests nothing."""
    place, _, value = setting.partition("=")
    module, _, name = place.partition(":")
    found = import_module(module)
    if not hasattr(found, name):
        sys.exit(f"{module} has no {name}; say in tests/chaos/scenarios.py where it went")
    setattr(found, name, json.loads(value))


def patient(client: redis.Redis, *, single_host: bool = False) -> broker.Broker:
    return broker.Broker(client, broker.HEARTBEAT_MS)


def main() -> None:
    command, *settings = sys.argv[1:]
    for setting in settings:
        put(setting)
    for forge in (GitHub, GitLab):
        assert hasattr(forge, "rate")
        forge.rate = UNPACED
    # A default of the class is bound when it is read.
    wiring.broker = patient
    cli([command])


if __name__ == "__main__":
    main()
