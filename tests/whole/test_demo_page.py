"""How `tagline demo` shows the address of its page; its parts, and what people do on them."""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from bot.cli.demo import demo_processes, show_page
from bot.sandbox.page.controller import PREFIXES
from bot.sandbox.page.demo_backend import DemoIssue, DemoUnavailable, HostName
from bot.sandbox.page.samples import BUG, QUESTION, Sample
from bot.sandbox.processes import DemoProcesses, wait_until
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


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoProcesses]:
    with demo_processes(tmp_path_factory.mktemp("demo"), {**os.environ}) as processes:
        yield processes


def answered(demo: DemoProcesses, host: HostName, sample: Sample) -> DemoIssue:
    issue = demo.open(host, sample.title, sample.body, "octocat")
    wait_until(lambda: demo.show(issue).answers, "the worker")
    return issue


def wait_for_command(demo: DemoProcesses, issue: DemoIssue) -> str:
    """Return how the job of a comment ended."""

    def ends() -> list[str]:
        return [str(x["result"]) for x in demo.log(issue) if x["event"] == "commands ended"]

    wait_until(ends, "the worker")
    return ends()[-1]


@pytest.mark.slow
def test_the_first_sample_leads_to_a_type_and_a_suggestion_on_github(demo: DemoProcesses) -> None:
    issue = answered(demo, "github", BUG)
    shown = demo.show(issue)
    assert (shown.type, shown.labels) == ("Bug", ("area/login", "regression"))
    (suggested,) = shown.suggestions
    assert (suggested.action, suggested.target) == ("add_label", "area/ui")
    assert (suggested.reason, suggested.confidence) == ("a button is concerned", "low")
    demo.decide(issue, suggested.id, accept=True)
    shown = demo.show(issue)
    assert (shown.suggestions, "area/ui" in shown.labels) == ((), True)
    # Its webhook reached the receiver, as that of the opening did.
    wait_until(lambda: [x["event"] for x in demo.log(issue)].count("accepted") == 2, "the receiver")
    with pytest.raises(DemoUnavailable):
        demo.decide(issue, suggested.id, accept=False)


@pytest.mark.slow
def test_a_suggested_type_that_is_dismissed_is_not_set(demo: DemoProcesses) -> None:
    issue = answered(demo, "github", QUESTION)
    (suggested,) = demo.show(issue).suggestions
    assert (suggested.action, suggested.target) == ("set_type", "Task")
    demo.decide(issue, suggested.id, accept=False)
    assert (demo.show(issue).suggestions, demo.show(issue).type) == ((), "")


@pytest.mark.slow
@pytest.mark.parametrize("on", ["github", "gitlab"])
def test_a_maintainer_s_command_is_carried_out_and_a_stranger_s_is_not(
    demo: DemoProcesses, on: HostName
) -> None:
    issue, command = answered(demo, on, BUG), f"{PREFIXES[on]} why"
    (before,) = demo.show(issue).answers
    assert demo.comment(issue, "Me too", "stranger") == ""
    assert demo.comment(issue, command, "stranger")
    assert wait_for_command(demo, issue) == "its author may not change labels"
    assert demo.show(issue).answers == (before,)
    assert demo.comment(issue, command, "maintainer")
    wait_until(lambda: wait_for_command(demo, issue) == "why: explained", "the worker")
    shown = demo.show(issue)
    assert [one.reactions for one in shown.replies] == [(), (), ("eyes",)]
    assert len(shown.answers) == 1
    assert shown.answers != (before,)
