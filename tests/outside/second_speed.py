"""Measures how much slower this machine is now than the one on which the CPU limits were set.

The same work takes more CPU time beside other processes, which share caches and cores.
"""

from __future__ import annotations

import statistics
import time

STEPS, REPEATS = 300_000, 5
IDLE_SECONDS = 0.013  # of CPU for the steps, on that machine without other work


def slowdown() -> float:
    """Return the CPU time of fixed work now, relative to that machine; at least 1."""
    return max(1.0, statistics.median(_seconds() for _ in range(REPEATS)) / IDLE_SECONDS)


def _seconds() -> float:
    started, total = time.thread_time(), 0
    for step in range(STEPS):
        total += step & 3
    return time.thread_time() - started
