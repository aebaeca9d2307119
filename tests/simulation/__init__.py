"""The sandbox as the tests use it: with a log of all exchanges and many more faults."""

from __future__ import annotations

from bot.sandbox.github.access import GRANTED
from tests.simulation.host import Host
from tests.simulation.recorder import Exchange
from tests.simulation.sandbox import MODEL_APIS, Sandbox

__all__ = ["GRANTED", "MODEL_APIS", "Exchange", "Host", "Sandbox"]
