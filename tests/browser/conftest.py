"""`tagline demo` at a pseudo-terminal, and one Chromium that may reach loopback only."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Of each module: in several processes each would start a demo, and the order would be lost.
IN_BROWSER = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on PATH"),
    pytest.mark.skipif("PYTEST_XDIST_WORKER" in os.environ, reason="by itself: make browser"),
]
# Without these Chromium sends requests to its vendor.
QUIET = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
REMOVED = ("GITHUB_", "GITLAB_", "LLM_", "OPENAI_", "ANTHROPIC_", "TAGLINE_", "REDIS_")
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
START_SECONDS = 60.0


@dataclass
class Watched:
    """Requests to other hosts and errors on the console, which a page must not cause."""

    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_demo(tmp_path_factory.mktemp("demo")) as address:
        yield address


@contextmanager
def running_demo(folder: Path) -> Iterator[str]:
    """Run `tagline demo`; yield the page's address, as it prints it; end it as Ctrl-C does."""
    own_end, other_end = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(REMOVED + DISPLAYS)}
    root = Path(__file__).parents[2]
    demo = subprocess.Popen(
        [sys.executable, "-m", "bot", "demo"],
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        cwd=folder,
        env={**environment, "PYTHONPATH": str(root)},
        start_new_session=True,
    )
    os.close(other_end)
    printed: list[bytes] = []
    Thread(target=_drain, args=(own_end, printed), daemon=True).start()
    try:
        yield _address(demo, printed)
    finally:
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0, b"".join(printed).decode()
        os.close(own_end)


def _drain(terminal: int, printed: list[bytes]) -> None:
    while True:
        try:
            printed.append(os.read(terminal, 4096))
        except OSError:  # the other side is closed
            return


def _address(demo: subprocess.Popen[bytes], printed: list[bytes]) -> str:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and demo.poll() is None:
        if found := re.search(r"http://\S+/sandbox", b"".join(printed).decode()):
            return found[0]
        time.sleep(0.05)
    raise AssertionError(b"".join(printed).decode())


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    with running_chromium() as browser:
        yield browser


@contextmanager
def running_chromium() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        is_root = os.geteuid() == 0  # Chromium's sandbox does not run as root
        arguments = [*QUIET, *(["--no-sandbox"] if is_root else [])]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def watched() -> Watched:
    return Watched()


@pytest.fixture
def seen() -> Iterator[Watched]:
    seen = Watched()
    yield seen
    assert seen.outside == []
    assert seen.errors == []


@pytest.fixture(scope="session")
def page(address: str, chromium: Any, watched: Watched) -> Any:
    """One page for all tests, opened once."""
    page = watch(chromium.new_context(viewport={"width": 1400, "height": 1000}), watched)
    page.goto(address)
    return page


def watch(context: Any, watched: Watched) -> Any:
    def hold(route: Any) -> None:
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            route.continue_()
        else:
            watched.outside.append(route.request.url)
            route.abort()

    context.route("**/*", hold)
    page = context.new_page()
    page.on("console", lambda message: watched.errors.append(message.text))
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    return page
