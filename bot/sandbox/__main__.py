"""`python -m bot.sandbox`: runs the sandbox until it is told to stop."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import tempfile
from pathlib import Path
from threading import Event

import click

from bot.sandbox.demo import DEMO_PROJECT
from bot.sandbox.server import Sandbox


@click.command()
@click.option("--webhook-url", default=None, help="Where GitHub's signed webhooks go.")
@click.option("--gitlab-webhook-url", default=None, help="Where GitLab's signed webhooks go.")
def main(webhook_url: str | None, gitlab_webhook_url: str | None) -> None:
    """Prints one JSON line when ready: base URLs, tokens, the App's id, where the secrets lie."""
    with tempfile.TemporaryDirectory(prefix="tagline-sandbox-") as folder:
        secret = secrets.token_hex(32)
        box = Sandbox(webhook_url, secret)
        box.gitlab.webhook_url = gitlab_webhook_url
        signing_token = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        box.gitlab.signing_token, box.gitlab.webhook_secret = signing_token, None
        with box.running():
            ready = {
                "url": box.url,
                "github_url": box.github_url,
                "openai_url": box.openai_url,
                "app_id": box.app_id,
                "private_key_file": str(_write(folder, "app.pem", box.private_key)),
                "webhook_secret_file": str(_write(folder, "webhook-secret", secret)),
                "gitlab_url": box.gitlab_url,
                "gitlab_token": box.gitlab.token,
                "gitlab_project": DEMO_PROJECT,
                "gitlab_signing_token_file": str(_write(folder, "signing-token", signing_token)),
                "model": "sandbox-rules",
            }
            stopped = _stop_event()
            click.echo(json.dumps(ready))
            stopped.wait()


def _write(folder: str, name: str, text: str) -> Path:
    path = Path(folder, name)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _stop_event() -> Event:
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


if __name__ == "__main__":
    main()
