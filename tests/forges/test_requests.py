"""A call to a forge ends in time, also if the forge sends nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest

from bot.core.errors import Retry, Unreachable, WriteUncertain
from bot.forges import requests
from bot.forges.gitlab.backend import connect
from bot.http import ClientPool, Request
from tests.scripted_web import ScriptedWeb


@pytest.fixture
def clients() -> Iterator[ClientPool]:
    made = ClientPool("test")
    yield made
    made.close()


@pytest.mark.parametrize(("method", "error"), [("GET", Unreachable), ("POST", WriteUncertain)])
def test_a_silent_forge_fails_before_the_socket_s_own_limit(
    clients: ClientPool, monkeypatch: pytest.MonkeyPatch, method: str, error: type[Retry]
) -> None:
    monkeypatch.setattr(requests, "CALL_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        request = Request(method, url)
        with pytest.raises(Retry, match="did not arrive") as caught:
            requests.send_request("GitHub", clients.get(), request)
    assert type(caught.value) is error


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "https://192.168.1.300/"])
def test_an_unreachable_forge_was_sent_nothing(clients: ClientPool, url: str) -> None:
    host = url.split("/")[2].removesuffix(":1")
    with pytest.raises(Unreachable, match=f"cannot be reached at {host}: .") as caught:
        requests.send_request("GitLab", clients.get(), Request("POST", url))
    assert not isinstance(caught.value, WriteUncertain)


def test_a_header_of_a_proxy_may_hold_anything() -> None:
    web = ScriptedWeb(httpx.Response(200, headers=[(b"via", b"caf\xe9")], json={"id": 4}))
    answer = connect("http://127.0.0.1", "", web).http_request("get", "/user")
    assert (answer.json(), answer.headers["Via"]) == ({"id": 4}, "caf\xe9")
