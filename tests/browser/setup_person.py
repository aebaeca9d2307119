"""`tagline setup` in an empty folder, and a person with a browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import free_port
from tests.simulation import Sandbox

START_SECONDS = 30.0
ROOT = Path(__file__).parents[2]


@dataclass
class Installation:
    """A running `tagline setup`, with the link that it printed."""

    folder: Path
    url: str
    link: str
    pid: int

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text()


@contextmanager
def installing(box: Sandbox, folder: Path, **variables: str) -> Iterator[Installation]:
    """Start it without a credential of GitHub or GitLab, and end it by SIGTERM."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATA_DIR": str(folder / "data"),
        "PORT": str(port),
        "GITHUB_API_URL": box.github_url,
        "OPENAI_BASE_URL": box.openai_url,
        **variables,
    }
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "setup"],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        link = _await_link(folder / "output", process)
        yield Installation(folder, f"http://127.0.0.1:{port}", link, process.pid)
    finally:
        process.terminate()
        assert process.wait(30) == 0, (folder / "output").read_text()


def _await_link(output: Path, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if found := re.search(r"http://\S+/setup\?token=\S+", output.read_text()):
            return found[0]
        time.sleep(0.05)
    raise AssertionError(output.read_text())


@dataclass
class Person:
    """Counts the clicks and fields on Tagline's own pages, not those on the forge's."""

    page: Any
    own: str
    actions: list[str] = field(default_factory=list)

    def click(self, text: str) -> None:
        button, link = (self.page.get_by_role(role, name=text) for role in ("button", "link"))
        target = button.or_(link).first
        target.wait_for()
        self._count(text)
        target.click()

    def fill(self, label: str, value: str) -> None:
        self._count(label)
        self.page.get_by_label(label, exact=True).fill(value)

    def _count(self, what: str) -> None:
        if self.page.url.startswith(self.own):
            self.actions.append(what)

    def wait_for(self, step: str) -> None:
        self.page.wait_for_url(f"{self.own}/setup/{step}")
