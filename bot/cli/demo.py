"""`tagline demo`: the whole way of a delivery on both hosts, with no account, key or network."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bot.sandbox.page.demo_backend import DemoBackend, Host
    from bot.sandbox.processes import DemoProcesses

HOSTS: tuple[Host, ...] = ("github", "gitlab")
SLOWEST_SECONDS = 300.0  # a real model without a graphics card
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command()
@click.option("--local-model", is_flag=True, help="Ask a tiny real model; needs its extra.")
@click.option("--json", "as_json", is_flag=True, help="Tell one story as JSON; opens no page.")
def demo(local_model: bool, as_json: bool) -> None:
    """Open issues on a pretended GitHub and GitLab and see what Tagline makes of them.

    At a terminal a page is opened, to play with until Ctrl-C; elsewhere one issue on each host is
    followed and printed. Stand-ins for the hosts, the receiver, a private Redis and a worker run as
    processes of their own on this machine. Without a configured LLM_PROVIDER a stand-in for the
    model answers too.
    """
    from bot.embedded.valkey import ServerUnavailable
    from bot.sandbox.page.demo_backend import DemoUnavailable
    from bot.wiring import demo_processes

    with_page = sys.stdin.isatty() and sys.stdout.isatty() and not as_json
    ended = _told_to_end() if with_page else Event()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tagline-")))
        try:
            processes = stack.enter_context(demo_processes(folder, local_model=local_model))
            if with_page:
                show_page(processes, ended)
                return
            stories = [_story(processes, host) for host in HOSTS]
        except (ServerUnavailable, DemoUnavailable) as error:
            last = [x for path in folder.rglob("*.err") for x in path.read_text().splitlines()]
            click.echo("\n".join([*last[-20:], f"The demo failed: {error}"]), err=True)
            sys.exit(1)
        model, called = processes.model, _called(processes)
    if as_json:
        click.echo(json.dumps({"v": 1, "model": model, "stories": stories}))
        return
    click.echo(f"Model: {called}")
    for story in stories:
        click.echo("\n".join(_readable(story)))


def show_page(processes: DemoBackend, ended: Event) -> None:
    """Serve the page until the demo is told to end."""
    try:
        from bot.sandbox.page.app import serving
    except ModuleNotFoundError as missing:
        what = f"The page needs {missing.name}: pip install -r requirements-dev.lock"
        click.echo(f"{what}, or make demo", err=True)
        sys.exit(1)

    with serving(processes) as url:
        click.echo(f"Tagline's demo is at {url}\nModel: {_called(processes)}\nCtrl-C ends it.")
        if _has_display():
            webbrowser.open(url)
        ended.wait()


def _told_to_end() -> Event:
    """Set by the signals that end a program; the parts are then ended in order."""
    ended = Event()
    for number in ENDINGS:
        signal.signal(number, lambda *_: ended.set())
    return ended


def _has_display() -> bool:
    return sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )


def _called(processes: DemoBackend) -> str:
    return processes.model + (
        " (a stand-in: rules and an extract)" if processes.has_stand_in else ""
    )


def _story(processes: DemoProcesses, host: Host) -> dict[str, Any]:
    """Open an issue on a host and wait until its job has ended. Raises `DemoUnavailable`."""
    from bot.sandbox.page.samples import BUG
    from bot.sandbox.processes import until

    issue = processes.open(host, BUG.title, BUG.body, "octocat")
    who = f"the worker, of job {issue.job}"
    until(lambda: any("outcome" in event for event in processes.log(issue)), who, SLOWEST_SECONDS)
    shown = processes.show(issue)
    return {
        "issue": issue.ref,
        "title": shown.title,
        "labels": list(shown.labels),
        "comments": [comment.body for comment in shown.comments],
        "log": [dict(event) for event in processes.log(issue)],
    }


def _readable(story: Mapping[str, Any]) -> Iterator[str]:
    yield f"\n=== {story['issue']}: {story['title']}"
    for body in story["comments"]:
        yield "\nComment:"
        yield from (f"  {line}" for line in body.splitlines())
    yield f"\nLabels: {', '.join(story['labels']) or 'none'}"
    yield "\nLog:"
    hidden = ("timestamp", "level", "delivery", "job", "issue", "event", "part")
    for event in story["log"]:
        told = {key: value for key, value in event.items() if value is not None}
        fields = (f"{key}={value}" for key, value in told.items() if key not in hidden)
        yield f"  {event['event']}  {' '.join(fields)}"
