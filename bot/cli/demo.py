"""`tagline demo`: the whole way of a delivery on both hosts, with no account, key or network."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

HOSTS = ("github", "gitlab")
STAND_IN = "sandbox-rules"
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
@click.option("--local-model", is_flag=True, help="Ask a tiny real model; needs its extra.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def demo(local_model: bool, as_json: bool) -> None:
    """Open an issue on a pretended GitHub and GitLab and show what Tagline makes of it.

    Stand-ins for the hosts, the receiver, a private Redis and a worker run as processes of their
    own on this machine. Without a configured LLM_PROVIDER a stand-in for the model answers too.
    """
    from bot.cli.stage import NotReady, Stage
    from bot.store.private import NoServer

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tagline-")))
        try:
            stage = Stage(stack, folder, local_model=local_model)
            stories = [stage.open_issue(host, TITLE, BODY) for host in HOSTS]
        except (NoServer, NotReady) as error:
            last = [x for path in folder.glob("*.err") for x in path.read_text().splitlines()]
            click.echo("\n".join([*last[-20:], f"The demo failed: {error}"]), err=True)
            sys.exit(1)
        model = stage.environment.get("LLM_MODEL") or stage.environment["LLM_PROVIDER"]
    if as_json:
        click.echo(json.dumps({"v": 1, "model": model, "stories": stories}))
        return
    what = " (a stand-in: rules and an extract)" if model == STAND_IN else ""
    click.echo(f"Model: {model}{what}")
    for story in stories:
        click.echo("\n".join(_readable(story)))


def _readable(story: Mapping[str, Any]) -> Iterator[str]:
    yield f"\n=== {story['issue']}: {story['title']}"
    for body in story["comments"]:
        yield "\nComment:"
        yield from (f"  {line}" for line in body.splitlines())
    yield f"\nLabels: {', '.join(story['labels']) or 'none'}"
    yield "\nLog:"
    hidden = ("timestamp", "level", "delivery", "job", "issue", "event")
    for event in story["log"]:
        fields = (f"{key}={value}" for key, value in event.items() if key not in hidden)
        yield f"  {event['event']}  {' '.join(fields)}"
