"""What a command costs before it does anything, and what an issue costs without a model."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from bot.core.labels import Present
from bot.core.model import Label
from bot.core.repoconfig import RepoConfig
from bot.flow.enrich import enrich
from tests.bench.forge import BODY
from tests.fakes import an_issue

TIMES = 7
ISSUES = 300
NAMES = ("bug", "enhancement", "documentation", "question", "performance", "area/login")


def seconds(command: Sequence[str]) -> float:
    """The shortest of a few runs."""
    taken = []
    for _ in range(TIMES):
        begun = time.monotonic()
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        taken.append(time.monotonic() - begun)
    return min(taken)


def fallback() -> float:
    """CPU seconds for an issue that rules answer."""
    labels = [Label(name) for name in NAMES]
    issues = [an_issue(f"Crash on login {n}", f"{BODY}\n{n}") for n in range(ISSUES)]
    begun = time.process_time()
    for issue in issues:
        enrich(issue, labels, Present(), RepoConfig(), None)
    return (time.process_time() - begun) / ISSUES


def measure() -> Iterator[str]:
    """The figures of start-up and fallback."""
    bare, told = seconds(["-c", ""]), seconds(["-m", "bot", "--help"])
    yield (
        f"tagline --help: {told * 1000:.0f} ms, {told / bare:.1f} x a bare Python"
        f" ({bare * 1000:.0f} ms); goal <= 100 ms"
    )
    yield f"fallback, CPU for an issue of 1,800 signs: {fallback() * 1000:.1f} ms; goal <= 5 ms"
