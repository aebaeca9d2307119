"""`tagline demo`: the whole way of one delivery, in parts that speak HTTP with each other."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

WAIT_SECONDS = 30.0
TITLE = "Login button does nothing since the upgrade to 4.2"
BODY = """\
Since we upgraded to 4.2.0 the login button does nothing in Firefox 131. Chrome works.

### Steps to reproduce

1. Open the login page in Firefox
2. Enter name and password
3. Press "Log in"

### Expected behavior

The start page opens.

```
TypeError: form.requestSubmit is not a function
    at onLogin (login.js:41:9)
    at HTMLButtonElement.<anonymous> (login.js:12:3)
```
"""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def demo(as_json: bool) -> None:
    """Open an issue in a pretended repository and show what Tagline makes of it.

    A stand-in for GitHub, the receiver, a private Redis and a worker run as processes of their own
    on this machine. Without a configured LLM_PROVIDER a stand-in for the model answers too.
    """
    from bot.store.private import NoServer

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tagline-")))
        try:
            story = _tell(stack, folder)
        except (NoServer, _NotReady) as error:
            last = [line for path in folder.glob("*.err") for line in path.read_text().splitlines()]
            click.echo("\n".join([*last[-20:], f"The demo failed: {error}"]), err=True)
            sys.exit(1)
    click.echo(json.dumps({"v": 1, **story}) if as_json else _readable(story))


class _NotReady(Exception):
    """A part did not come up, or said nothing in time."""


def _tell(stack: ExitStack, folder: Path) -> dict[str, Any]:
    import httpx

    from bot.store.private import PrivateRedis

    redis = stack.enter_context(PrivateRedis(folder))
    web = stack.enter_context(httpx.Client(timeout=10, trust_env=False))
    secret = folder / "webhook-secret"
    secret.write_text(secrets.token_hex(32))
    port = _free_port()
    sandbox_process, sandbox_out = stack.enter_context(
        _part(
            folder,
            "sandbox",
            [
                *("bot.sandbox", "--webhook-url", f"http://127.0.0.1:{port}/webhooks/github"),
                *("--webhook-secret-file", str(secret)),
            ],
            os.environ,
        )
    )
    box = json.loads(_first_line(sandbox_process, sandbox_out))
    environment = _environment(box, redis.url, port)
    stack.enter_context(_part(folder, "receiver", ["bot", "serve"], environment))
    stack.enter_context(_part(folder, "worker", ["bot", "worker"], environment))
    _until(lambda: web.get(f"http://127.0.0.1:{port}/readyz").status_code == 200, "the receiver")
    opened = web.post(f"{box['url']}/sandbox/issues", json={"title": TITLE, "body": BODY}).json()
    place = f"{opened['repo']}/{opened['number']}"
    story: dict[str, Any] = {}

    def ended() -> bool:
        story.update(web.get(f"{box['url']}/sandbox/issues/{place}").json())
        return any(event.get("outcome") for event in _events(folder / "worker.err"))

    _until(ended, "the worker")
    job = opened["deliveries"][0]["job"]
    log = [e for e in _events(folder / "receiver.err") if e.get("job") == job]
    log += [e for e in _events(folder / "worker.err") if e.get("job") == job]
    return {
        "title": TITLE,
        "issue": f"github:{opened['repo']}#{opened['number']}",
        "labels": story["labels"],
        "comments": [comment["body"] for comment in story["comments"]],
        "model": environment.get("LLM_MODEL") or environment["LLM_PROVIDER"],
        "log": log,
    }


def _environment(box: Mapping[str, Any], redis_url: str, port: int) -> dict[str, str]:
    """The operator's own model settings, and otherwise nothing but the sandbox."""
    ours = ("GITHUB_", "GITLAB_", "TAGLINE_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    environment |= {
        "GITHUB_APP_ID": str(box["app_id"]),
        "GITHUB_PRIVATE_KEY_FILE": box["private_key_file"],
        "GITHUB_WEBHOOK_SECRET_FILE": box["webhook_secret_file"],
        "GITHUB_API_URL": box["github_url"],
        "REDIS_URL": redis_url,
        "PORT": str(port),
        "WORKER_THREADS": "4",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "info",
    }
    if not environment.get("LLM_PROVIDER"):
        environment |= {
            "LLM_PROVIDER": "openai",
            "LLM_MODEL": box["model"],
            "OPENAI_API_KEY": "sandbox-key",
            "OPENAI_BASE_URL": box["openai_url"],
            "LLM_TIMEOUT": "3",
        }
    return environment


@contextmanager
def _part(
    folder: Path, name: str, module: list[str], environment: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A process of its own; its output goes to files in the demo's folder."""
    out, err = folder / f"{name}.out", folder / f"{name}.err"
    with out.open("wb") as out_file, err.open("wb") as err_file:
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            stdin=subprocess.DEVNULL,
            stdout=out_file,
            stderr=err_file,
            env=dict(environment),
            cwd=Path(__file__).parents[2],
        )
    try:
        yield process, out
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _first_line(process: subprocess.Popen[bytes], out: Path) -> str:
    _until(lambda: process.poll() is not None or b"\n" in out.read_bytes(), "the sandbox")
    if process.poll() is not None:
        raise _NotReady("the sandbox did not start")
    return out.read_text().splitlines()[0]


def _until(holds: Any, who: str) -> None:
    import httpx

    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        try:
            if holds():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise _NotReady(f"{who} said nothing within {WAIT_SECONDS:.0f} s")


def _events(path: Path) -> list[dict[str, Any]]:
    found = []
    for line in path.read_text().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def _readable(story: Mapping[str, Any]) -> str:
    log = [f"  {event.pop('event')}  {_fields(event)}" for event in story["log"]]
    return "\n".join(
        [
            f"Issue {story['issue']}: {story['title']}",
            f"Model: {story['model']}"
            + (" (a stand-in: rules and an extract)" if story["model"] == "sandbox-rules" else ""),
            "",
            "Comment:",
            *(f"  {line}" for body in story["comments"] for line in body.splitlines()),
            "",
            f"Labels: {', '.join(story['labels'])}",
            "",
            "Log:",
            *log,
        ]
    )


def _fields(event: Mapping[str, Any]) -> str:
    hidden = ("timestamp", "level", "delivery", "job", "issue")
    return " ".join(f"{key}={value}" for key, value in event.items() if key not in hidden)
