"""Simulated GitHub, GitLab and model APIs over HTTP, for the demo and for the tests."""

from __future__ import annotations

from bot.sandbox.github.access import GRANTED
from bot.sandbox.host import Host
from bot.sandbox.server import Sandbox

__all__ = ["GRANTED", "Host", "Sandbox"]
