"""Measures how much slower this machine is now than the one the CPU limits were set on.

Other processes share its caches and cores, so the same work costs more CPU time beside them.
"""

from __future__ import annotations

import statistics
import time

STEPS, REPEATS = 300_000, 5
SECONDS_AT_REST = 0.013  # of CPU for the steps, on that machine with nothing else to do


def slowdown() -> float:
    """Return the ratio of the CPU time that fixed work takes now and took there, at least 1."""
    return max(1.0, statistics.median(_seconds() for _ in range(REPEATS)) / SECONDS_AT_REST)


def _seconds() -> float:
    started, total = time.thread_time(), 0
    for step in range(STEPS):
        total += step & 3
    return time.thread_time() - started
