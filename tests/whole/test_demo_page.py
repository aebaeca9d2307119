"""How `tagline demo` shows the address of its page; its parts run as long as it does."""

from __future__ import annotations

import os
import webbrowser
from pathlib import Path
from threading import Event, Thread

import pytest

from bot.cli.demo import show_page
from bot.sandbox.processes import wait_until
from bot.wiring import demo_processes
from tests.sandbox.demo_visitor import FakeBackend


@pytest.mark.parametrize("display", ["DISPLAY", "WAYLAND_DISPLAY", None])
def test_a_browser_is_opened_only_where_there_is_a_display(
    display: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if display:
        monkeypatch.setenv(display, ":0")
    ended = Event()
    ended.set()
    show_page(FakeBackend(), ended)
    printed = capsys.readouterr().out
    assert "http://127.0.0.1:" in printed
    assert "simulated" in printed
    assert len(opened) == (display is not None)
    assert all(url in printed for url in opened)


@pytest.mark.slow
def test_after_a_reset_the_parts_outlive_the_request_that_asked_for_it(tmp_path: Path) -> None:
    with demo_processes(tmp_path, {**os.environ}) as processes:
        for action in (processes.restart, processes.kill_worker):
            request = Thread(target=action)
            request.start()
            request.join()
        issue = processes.open("gitlab", "Crash", "It crashed with an exception.", "octocat")
        wait_until(lambda: processes.show(issue).comments, "the worker")
