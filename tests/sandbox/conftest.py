"""A running sandbox, clients for it, and a webhook receiver that answers like the product."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
import pytest

from tests.simulation import Sandbox

REPO = "acme/widget"
CallModel = Callable[..., httpx.Response]
WEB = httpx.Client(verify=False)  # creating a TLS context for each request is slow
atexit.register(WEB.close)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox().running() as box:
        yield box


def app_token(box: Sandbox, **claims: Any) -> str:
    at = int(time.time())
    payload = {"iat": at - 60, "exp": at + 540, "iss": str(box.app_id), **claims}
    return jwt.encode(payload, box.private_key, "RS256")


def create_token(box: Sandbox, **wanted: Any) -> httpx.Response:
    return WEB.post(
        f"{box.github_url}/app/installations/{box.installation_id}/access_tokens",
        headers={"authorization": f"Bearer {app_token(box)}"},
        json=wanted,
    )


@contextmanager
def client(box: Sandbox, token: str) -> Iterator[httpx.Client]:
    headers = {"authorization": f"token {token}"}
    with httpx.Client(
        base_url=f"{box.github_url}/repos/{REPO}", headers=headers, verify=False
    ) as found:
        yield found


@pytest.fixture
def bot(box: Sandbox) -> Iterator[httpx.Client]:
    """Return a client of the installation, below /repos/acme/widget."""
    with client(box, create_token(box).json()["token"]) as found:
        yield found


@pytest.fixture
def call_model(box: Sandbox) -> CallModel:
    """Return a function that calls a model API; `api` is openai or anthropic."""

    def call(api: str, timeout: float = 5, **body: Any) -> httpx.Response:
        body = {"model": "m", "messages": [{"role": "user", "content": "{}"}], **body}
        if api == "openai":
            url, headers = "/chat/completions", {"authorization": f"Bearer {box.model_key}"}
            return WEB.post(box.openai_url + url, json=body, headers=headers, timeout=timeout)
        headers = {"x-api-key": box.model_key, "anthropic-version": "2023-06-01"}
        body = {"max_tokens": 100, **body}
        url = f"{box.anthropic_url}/v1/messages"
        return WEB.post(url, json=body, headers=headers, timeout=timeout)

    return call


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers every delivery with `status` and the header that names a job."""

    url: str = ""
    status: int = 202
    received: list[Received] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {key.lower(): value for key, value in self.headers.items()}
            receiver.received.append(Received(headers, body))
            self.send_response(receiver.status)
            self.send_header("X-Tagline-Job", f"job-{len(receiver.received)}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/webhooks/github"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
