"""A forge's limit of requests from one address without credentials."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.requests import Request


@dataclass(slots=True)
class Window:
    """Requests since the first one, until `reset`, a time in seconds since the epoch."""

    reset: float
    used: int = 0


@dataclass(slots=True)
class AddressLimit:
    """Each address has `requests` in a window of time that begins with its first request."""

    requests: int
    window: timedelta
    windows: dict[str, Window] = field(default_factory=dict)

    def count(self, request: Request, now: datetime) -> Window:
        """Count a request, and return the window of its address."""
        address, at = find_address(request), now.timestamp()
        window = self.windows.get(address)
        if window is None or window.reset <= at:
            window = self.windows[address] = Window(at + self.window.total_seconds())
        window.used = min(window.used + 1, self.requests + 1)
        return window

    def is_exceeded(self, window: Window) -> bool:
        return window.used > self.requests


def find_address(request: Request) -> str:
    return request.client.host if request.client else ""
