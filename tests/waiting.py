"""Waits for a condition."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx


def wait_until(holds: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until a condition holds; fail after `seconds`."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"the condition did not hold within {seconds:g} s"
        time.sleep(0.01)


def is_ok(url: str) -> bool:
    """Return whether a URL returns 200 within a second."""
    try:
        return httpx.get(url, trust_env=False, timeout=1).status_code == 200
    except httpx.TransportError:
        return False
