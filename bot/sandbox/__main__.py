"""`python -m bot.sandbox`: run the sandbox until SIGINT or SIGTERM."""

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

from bot.sandbox.demo import DEMO_AUTOMATION, DEMO_PROJECT, DEMO_REPO, DEMO_TYPES
from bot.sandbox.server import Sandbox


@click.command()
@click.option("--webhook-url", default=None, help="Address for GitHub's webhooks.")
@click.option("--gitlab-webhook-url", default=None, help="Address for GitLab's webhooks.")
def main(webhook_url: str | None, gitlab_webhook_url: str | None) -> None:
    """Print one JSON line when ready: base URLs, tokens, the App's id, files with the secrets."""
    with tempfile.TemporaryDirectory(prefix="tagline-sandbox-") as folder:
        secret = secrets.token_hex(32)
        sandbox = Sandbox(webhook_url, secret)
        sandbox.gitlab.webhook_url = gitlab_webhook_url
        repo = sandbox.state.repo(DEMO_REPO)
        repo.types, repo.automation = dict(DEMO_TYPES), DEMO_AUTOMATION
        signing_token = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        sandbox.gitlab.signing_token, sandbox.gitlab.webhook_secret = signing_token, None
        with sandbox.running():
            ready = {
                "url": sandbox.url,
                "github_url": sandbox.github_url,
                "openai_url": sandbox.openai_url,
                "app_id": sandbox.app_id,
                "private_key_file": str(_write(folder, "app.pem", sandbox.private_key)),
                "webhook_secret_file": str(_write(folder, "webhook-secret", secret)),
                "gitlab_url": sandbox.gitlab_url,
                "gitlab_token": sandbox.gitlab.token,
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
