"""Receiver and worker with separate settings: each needs its own, and warns about its own only."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import pytest

from bot import log, wiring
from bot.cli import bootstrap
from bot.core.jobs import JobRecord
from bot.sandbox.state import Event
from bot.settings.load import Settings, load
from tests.serving import served
from tests.simulation import Sandbox
from tests.whole.app import BODY, SECRET, TITLE, App

NO_APP = {"GITHUB_APP_ID": "", "GITHUB_PRIVATE_KEY": ""}


@contextmanager
def apart(app: App) -> Iterator[App]:
    """Run a receiver that has a webhook secret and Redis only, and a worker with the rest."""
    alone = load({"GITHUB_WEBHOOK_SECRET": SECRET, "REDIS_URL": app.redis_url})
    with served(wiring.receiver(alone)) as app.url:
        app.point_hooks_at(app.url)
        with app.running_worker():
            yield app
    app.redis.close()


def open_issue_of_repository_hook(
    app: App, during_job: AbstractContextManager[None]
) -> tuple[int, JobRecord]:
    """Open an issue whose delivery is that of a webhook of the repository, not of the App."""
    number = app.host.open_issue(app.repo, TITLE, BODY, deliver=False)
    state = app.host.state
    repo, issue = state.repo(app.repo), state.issue(app.repo, number)
    (webhook,) = app.host.hooks.webhooks(Event("opened", repo, issue, issue.author))
    payload = json.loads(webhook.body)
    del payload["installation"]
    with during_job:
        answer = app.host.deliver("issues", payload)
        assert answer.status_code == 202
        return number, app.wait_for_end(answer.headers["x-tagline-job"])


@pytest.mark.parametrize("access", ["token", "app"])
def test_a_repository_hook_is_answered_whatever_access_the_worker_has(
    box: Sandbox, clean: str, access: str
) -> None:
    token = {**NO_APP, "GITHUB_TOKEN": box.token}
    with apart(App(box, clean, environment=token if access == "token" else {})) as app:
        number, record = open_issue_of_repository_hook(app, nullcontext())
        assert record.outcome == "answered"
        assert len(app.comments(number)) == 1


@pytest.mark.slow
def test_a_repository_without_the_app_is_skipped_by_the_worker(box: Sandbox, clean: str) -> None:
    with apart(App(box, clean)) as app:
        _, record = open_issue_of_repository_hook(app, installed_nowhere(box))
    assert record.outcome == "skipped"
    assert record.why.startswith("out of reach")


@contextmanager
def installed_nowhere(box: Sandbox) -> Iterator[None]:
    installed = [*box.access.installations]
    box.access.installations.clear()
    yield
    box.access.installations[:] = installed


# Warnings.


def warnings(settings: Settings, *, calls_models: bool) -> list[str]:
    lines = io.StringIO()
    before = log.get()
    log.configure("warning", "json", (), lines)
    try:
        bootstrap.log_start(settings, calls_models=calls_models)
    finally:
        log._logger = before
    return [json.loads(line)["event"] for line in lines.getvalue().splitlines()]


@pytest.mark.parametrize(
    "model",
    [
        {},
        {"LLM_PROVIDER": "openai"},
        {"OPENAI_API_KEY": "sk-quokkaberry"},
        {"LLM_FALLBACK_MODELS": "openai:x"},
        {"TAGLINE_ALLOWED_MODELS": "x"},
    ],
    ids=str,
)
def test_a_receiver_warns_about_no_model(model: dict[str, str]) -> None:
    settings = load({"GITHUB_WEBHOOK_SECRET": SECRET, **model})
    assert warnings(settings, calls_models=False) == []
    assert warnings(settings, calls_models=True) != []


def test_every_part_warns_about_a_misspelt_name() -> None:
    settings = load({"LLM_PROVIDER": "none", "OPENAI_APIKEY": "x"})
    for calls_models in (False, True):
        (line,) = warnings(settings, calls_models=calls_models)
        assert "did you mean OPENAI_API_KEY" in line
