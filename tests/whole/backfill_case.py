"""Past issues in a repository, and `tagline backfill` on them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from tests.whole.app import BODY, TITLE, App
from tests.whole.test_command_line import PREFIXES, ROOT, CommandResult, tagline

MONTH_AGO = 30 * 86_400
PRICED = {"LLM_MODEL": "gpt-4o-mini"}
LABELS = ["bug", "area/login"]


def add(app: App, title: str = TITLE, **how: object) -> int:
    """Open an issue a month ago, without a delivery; return its number."""
    how = {"created_at": time.time() - MONTH_AGO, "deliver": False, **how}
    return app.host.open_issue(app.repo, title, BODY, **how)  # type: ignore[arg-type]


def backfill(app: App, folder: Path, *words: str, **environment: str) -> CommandResult:
    result = tagline(
        *("backfill", f"{app.on}:{app.repo}", *words),
        cwd=folder,
        environment=list_variables(app, folder, **environment),
    )
    assert "Traceback" not in result.stderr
    return result


def start_backfill(
    app: App, folder: Path, *words: str, **environment: str
) -> subprocess.Popen[bytes]:
    """Run the command in a process of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIXES)}
    variables = list_variables(app, folder, **environment)
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "backfill", f"{app.on}:{app.repo}", *words],
        cwd=folder,
        env={**clean, **variables, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def list_variables(app: App, folder: Path, **environment: str) -> dict[str, str]:
    return {**app.environ, "DATA_DIR": str(folder / "data"), **environment}


def count_label_writes(app: App) -> Counter[str]:
    """Return how often each issue of the repository was written."""
    paths = (one.path for one in app.host.writes(app.repo))
    return Counter(path.removesuffix("/labels") for path in paths if "/issues/" in path)


def list_labelled(app: App, numbers: list[int]) -> list[int]:
    return [number for number in numbers if app.labels(number) == LABELS]
