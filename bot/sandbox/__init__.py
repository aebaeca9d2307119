"""A pretended forge and model API over real HTTP: for the demo and for the tests."""

from __future__ import annotations

from bot.sandbox.github.access import GRANTED
from bot.sandbox.host import Host
from bot.sandbox.recorder import Exchange
from bot.sandbox.server import Sandbox

__all__ = ["GRANTED", "Exchange", "Host", "Sandbox"]
