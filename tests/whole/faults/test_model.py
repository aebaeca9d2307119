"""f022 to f045: the model fails; rules set labels at once, the comment follows with the model."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot import http
from bot.core.prompt import Prompt
from bot.http import ClientPool
from bot.llm import client
from bot.llm.client import ModelClient
from tests.selfsigned import make_certificate
from tests.whole.app import App, Build
from tests.whole.faults.conftest import assert_answered
from tests.whole.periodic import PeriodicTasks

# Fault → its name in the sandbox, the reasons in the log, how many requests reach the model.
FAULTS = {
    "f022-400": ("model-400", "status-400", 1),
    "f023-401": ("model-401", "status-401", 1),
    "f024-403": ("model-403", "status-403", 1),
    "f025-404-no-such-model": ("model-404", "status-404", 1),
    "f026-413-too-long": ("model-413", "status-413", 2),
    "f027-422": ("model-422", "status-422", 1),
    "f028-429-soon": ("model-429", "status-429", 2),
    "f029-429-in-an-hour": ("model-429-long", "status-429", 1),
    "f030-500": ("model-500", "status-500", 2),
    "f031-503": ("model-503", "status-503", 2),
    "f031-529": ("model-529", "status-529", 2),
    "f032-no-byte": ("model-timeout", "timeout", 1),
    "f033-slow-drip": ("model-drip", "timeout", 1),
    "f034-50-mb": ("model-50mb", "too-long", 1),
    "f035-html": ("model-html", "not-json", 2),
    "f036-empty-body": ("model-empty", "not-json", 2),
    "f037-invalid-json": ("model-rubbish", "not-json", 2),
    "f037-truncated": ("model-truncated", "truncated", 1),
    "f038-wrong-schema": ("model-wrong-schema", "wrong-shape", 2),
    "f039-refusal": ("model-refusal", "refusal", 1),
    "f039-content-filter": ("model-content-filter", "refusal status-400", 1),
    "f040-tool-calls": ("model-tool-calls", "empty", 1),
    "f041-gzip-bomb": ("model-gzip-bomb", "too-long", 1),
    "f042-302": ("model-redirect", "status-302", 1),
    "f043-reset": ("model-reset", "connection-lost", 2),
}
REFUSALS = {"f023-401": "OPENAI_API_KEY ANTHROPIC_API_KEY", "f024-403": "LLM_MODEL"}
REFUSALS["f025-404-no-such-model"] = REFUSALS["f024-403"]
FALLBACK = ["bug", "needs-review"]


@pytest.fixture
def app_with_format(_apps: dict[str, App], clean: str, host: str) -> App:
    """Each host with another wire format of the model."""
    app = _apps[{"github": "openai", "gitlab": "anthropic"}[host]]
    app.refresh(host)
    return app


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_model_means_labels_at_once_and_one_comment_later(
    app_with_format: App, clients: ClientPool, fault: str
) -> None:
    app, (name, reasons, requests) = app_with_format, FAULTS[fault]
    before = len(app.box.model_requests)
    app.box.fault(name, times=None)
    with _short_model_waits():
        number = app.issue(labels=["documentation"])
        job = app.wait_for_end()
    assert (job.state, job.outcome) == ("done", "fallback")
    assert sorted(app.labels(number)) == sorted([*FALLBACK, "documentation"])
    assert app.comments(number) == []
    (fallback,) = app.events("using fallback")
    assert fallback["why"] in reasons.split()
    assert len(app.box.model_requests) - before == requests
    assert app.box.leaks == []
    errors = [event["event"] for event in app.events() if event["level"] == "error"]
    assert len(errors) == (fault in REFUSALS)
    assert all(any(x in error for x in REFUSALS[fault].split()) for error in errors)
    _restore_model(app, clients)
    assert_answered(app, number, "documentation")


@contextmanager
def _short_model_waits() -> Iterator[None]:
    """A model call may take 0.3 s; the wait that a server asks for is divided by 20."""
    retry_after: Callable[[str | None], float] = client._parse_retry_after
    complete = ModelClient.complete

    def complete_soon(self: ModelClient, prompt: Prompt, parse: Any) -> Any:
        with http.deadline(0.3):
            return complete(self, prompt, parse)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModelClient, "complete", complete_soon)
        patch.setattr(client, "_parse_retry_after", lambda text: retry_after(text) / 20)
        yield


def _restore_model(app: App, clients: ClientPool) -> None:
    app.box.clear_faults()
    app.expire_pauses()
    PeriodicTasks(app, clients).retry_fallbacks()


def test_f045_a_name_that_is_not_found_is_a_failing_model(
    build: Build, clients: ClientPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo

    def resolve(name: str, *more: Any, **how: Any) -> Any:
        if name == "localhost":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(name, *more, **how)

    app = build()
    app.environment["OPENAI_BASE_URL"] = app.box.openai_url.replace("127.0.0.1", "localhost")
    with app.open():
        with monkeypatch.context() as patch:
            patch.setattr(socket, "getaddrinfo", resolve)
            number = app.issue()
            assert app.wait_for_end().outcome == "fallback"
        assert (sorted(app.labels(number)), app.comments(number)) == (FALLBACK, [])
        assert app.events("using fallback")[0]["why"] == "unreachable"
        _restore_model(app, clients)
        assert_answered(app, number)


def test_f044_an_untrusted_certificate_is_a_failing_model(build: Build, tmp_path: Path) -> None:
    app = build()
    with _self_signed_server(tmp_path) as (url, received), app.open(worker=False):
        app.environment["OPENAI_BASE_URL"] = url
        with app.running_worker():
            number = app.host.open_issue(app.repo, "Login crashes", "It crashed.")
            assert app.wait_for_end().outcome == "fallback"
        assert received == [b""], "nothing is sent before the certificate is verified"
        assert (sorted(app.labels(number)), app.comments(number)) == (FALLBACK, [])
        del app.environment["OPENAI_BASE_URL"]
        with app.running_worker(clear=False):  # a start makes all issues due
            app.wait(lambda: app.comments(number))
        assert "needs-review" not in app.labels(number)


@contextmanager
def _self_signed_server(folder: Path) -> Iterator[tuple[str, list[bytes]]]:
    """Run a TLS server with a self-signed certificate; yield its URL and what it receives."""
    received: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificate(folder))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            connection, _ = server.accept()
            connection.settimeout(5)
            try:
                with context.wrap_socket(connection, server_side=True) as tls:
                    received.append(tls.recv(100))
            except ssl.SSLError:
                received.append(b"")

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}/v1", received
        thread.join(5)
