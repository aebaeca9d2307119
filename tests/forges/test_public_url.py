"""`tagline check` sends itself pings through the proxy, and names what stops them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import httpx
import pytest

from bot.core.diagnostics import Finding
from bot.forges.github import webhooks as github
from bot.forges.gitlab import webhooks as gitlab
from bot.forges.public_url import LIMIT_FIX, PING_BYTES, Ping, check_public_url
from bot.http import ClientPool
from tests.scripted_web import ScriptedWeb
from tests.serving import served
from tests.web.client import SECRET, LocalReceiver

TOKEN = "whsec_" + "A" * 43 + "="
PINGS = {
    "github": Ping("github", partial(github.sign_ping, SECRET)),
    "gitlab": Ping("gitlab", partial(gitlab.sign_ping, signing_tokens=(TOKEN,), secrets=())),
    "gitlab without signatures": Ping(
        "gitlab", partial(gitlab.sign_ping, signing_tokens=(), secrets=(SECRET,))
    ),
}


@pytest.fixture(scope="module")
def clients() -> Iterator[ClientPool]:
    pool = ClientPool("tests")
    yield pool
    pool.close()


def findings(clients: ClientPool, url: str, *names: str) -> list[Finding]:
    return list(check_public_url(clients, url, (PINGS[name] for name in names)))


@pytest.mark.parametrize("name", PINGS)
def test_the_receiver_accepts_a_large_ping(clients: ClientPool, name: str) -> None:
    receiver = LocalReceiver(signing=() if "without" in name else (TOKEN,))
    with served(receiver.app) as url:
        (finding,) = findings(clients, url, name)
    forge = PINGS[name].forge
    assert finding == Finding(f"{url}/webhooks/{forge} accepts a signed ping of 2 MB")
    assert receiver.queue.jobs == {}
    assert dict(receiver.counters.counted) == {("deliveries", forge, "ignored"): 1}


def test_another_secret_is_a_problem(clients: ClientPool) -> None:
    with served(LocalReceiver(["another-secret-of-some-length"]).app) as url:
        (finding,) = findings(clients, url, "github")
    assert finding.wrong
    assert finding.what.endswith("with status 401")
    assert "secrets" in finding.fix


def test_a_wrong_path_is_a_problem(clients: ClientPool) -> None:
    with served(LocalReceiver().app) as url:
        (finding,) = findings(clients, f"{url}/elsewhere", "github")
    assert finding.wrong
    assert "must lead to the receiver" in finding.fix


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (413, {}, "client_max_body_size"),
        (301, {"location": "https://other.example/webhooks/github?x=1"}, "no redirect is followed"),
        (200, {}, "another program answers"),
        (403, {}, "another program answers"),
        (404, {}, "without /webhooks/..."),
        (429, {}, "wait a minute"),
        (502, {}, "start the receiver"),
    ],
)
def test_each_answer_of_a_proxy_has_its_fix(
    status: int, headers: dict[str, str], words: str
) -> None:
    sizes: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sizes.append(len(request.content))
        return httpx.Response(status, headers=headers, text="<html>no</html>")

    (finding,) = findings(ScriptedWeb(answer), "https://tagline.example", "github")
    assert finding.wrong
    assert f"status {status}" in finding.what
    assert "x=1" not in finding.what
    assert words in finding.fix
    assert sizes[0] > PING_BYTES


def test_a_receiver_that_does_not_run_yet_is_advice(clients: ClientPool) -> None:
    (finding,) = findings(clients, "http://127.0.0.1:1", "github")
    assert finding.level == "warning"
    assert "cannot be reached from here" in finding.what


@contextmanager
def cutting_proxy() -> Iterator[str]:
    """Accept a short request; close the connection in the middle of a long one."""

    def run() -> None:
        for connection in iter(accept, None):
            connection.settimeout(5)
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(65_536)
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            if length < 65_536:
                got = len(head.partition(b"\r\n\r\n")[2])
                while got < length:
                    got += len(connection.recv(65_536))
                connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            connection.close()

    def accept() -> socket.socket | None:
        try:
            return listener.accept()[0]
        except OSError:
            return None

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_a_proxy_that_cuts_long_requests_has_a_limit(clients: ClientPool) -> None:
    with cutting_proxy() as url:
        (finding,) = findings(clients, url, "github")
    assert finding.wrong
    assert "closed the connection" in finding.what
    assert finding.fix == LIMIT_FIX
