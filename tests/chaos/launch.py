"""`python -m tests.chaos.launch {worker|serve} [module:NAME=value ...]`: set constants, start.

Nothing else of the product is touched.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from importlib.util import find_spec

from bot import wiring
from bot.cli.main import cli
from bot.queue import broker


def put(setting: str) -> None:
    """Raises SystemExit where the module is there and the name is not: a lifted limit moved."""
    place, _, value = setting.partition("=")
    module, _, name = place.partition(":")
    if find_spec(module) is None:
        print(f"not there yet: {place}", file=sys.stderr)
        return
    found = import_module(module)
    if not hasattr(found, name):
        sys.exit(f"{module} has no {name}; say in tests/chaos/parts.py where it went")
    setattr(found, name, json.loads(value))


def main() -> None:
    command, *settings = sys.argv[1:]
    for setting in settings:
        put(setting)
    # A default of the class, bound when it was read.
    wiring.broker = lambda client: broker.Broker(client, broker.HEARTBEAT_MS)
    cli([command])


if __name__ == "__main__":
    main()
