"""Each fault does what its name says, on its own side only, as often as it was armed.

`whole/faults/test_model.py` shows most faults of a model by the reason that the product logs.
"""

from __future__ import annotations

import json
import socket
import zlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from bot.sandbox import broken_connections, demo_faults
from tests.simulation import Sandbox

from .conftest import CallModel


def test_a_slow_answer_is_correct(
    box: Sandbox, bot: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_faults, "SLOW_SECONDS", 0.2)
    box.fault("forge-slow")
    with pytest.raises(httpx.ReadTimeout):
        bot.get("/labels", timeout=0.1)
    box.fault("forge-slow")
    assert bot.get("/labels", timeout=2).status_code == 200


def test_faults_are_counted_narrowed_and_cleared(box: Sandbox, bot: httpx.Client) -> None:
    box.fault("forge-500", times=2, match="/labels")
    seen = [bot.get(path).status_code for path in ("/issues", *["/labels"] * 3)]
    assert seen == [200, 500, 500, 200]
    box.fault("forge-500", times=None)
    assert [bot.get("/labels").status_code for _ in range(3)] == [500] * 3
    box.clear_faults()
    assert bot.get("/labels").status_code == 200


@pytest.mark.parametrize("body", ["", '{"labels"'])
def test_a_request_whose_client_ends_within_it_is_none(box: Sandbox, body: str) -> None:
    server, log = urlsplit(box.github_url), box.log
    path = f"{server.path}/repos/acme/widget/issues/1/labels"
    with socket.create_connection((server.hostname, server.port)) as client:
        client.sendall(
            f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n{body}".encode()
        )
    with socket.create_connection((server.hostname, server.port)) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        while client.recv(4096):
            pass
    assert [exchange.method for exchange in log.exchanges] == ["GET"]


def test_an_unknown_fault_names_the_nearest(box: Sandbox) -> None:
    with pytest.raises(ValueError, match="'model-timeout'"):
        box.fault("model-timout")


def test_faults_stay_on_their_side(box: Sandbox, bot: httpx.Client, call_model: CallModel) -> None:
    box.fault("forge-500", times=None)
    assert call_model("openai").status_code == 200
    box.clear_faults()
    box.fault("model-500", times=None)
    assert bot.get("/labels").status_code == 200
    assert call_model("anthropic").status_code == 500


@pytest.mark.parametrize(
    ("fault", "status", "openai", "anthropic"),
    [
        ("model-400", 400, "invalid_request_error", "invalid_request_error"),
        ("model-401", 401, "invalid_request_error", "authentication_error"),
        ("model-403", 403, "invalid_request_error", "permission_error"),
        ("model-404", 404, "invalid_request_error", "not_found_error"),
        ("model-413", 413, "invalid_request_error", "request_too_large"),
        ("model-422", 422, "invalid_request_error", "invalid_request_error"),
        ("model-429", 429, "requests", "rate_limit_error"),
        ("model-429-long", 429, "requests", "rate_limit_error"),
        ("model-500", 500, "server_error", "api_error"),
        ("model-503", 503, "server_error", "api_error"),
        ("model-529", 529, "server_error", "overloaded_error"),
    ],
)
def test_model_errors_come_in_the_vendors_format(
    box: Sandbox, call_model: CallModel, fault: str, status: int, openai: str, anthropic: str
) -> None:
    box.fault(fault, times=2)
    answers = [call_model("openai"), call_model("anthropic")]
    assert [answer.status_code for answer in answers] == [status, status]
    assert [answer.json()["error"]["type"] for answer in answers] == [openai, anthropic]
    wait = {"model-429": "2", "model-429-long": "3600"}.get(fault)
    assert [answer.headers.get("retry-after") for answer in answers] == [wait, wait]
    assert call_model("openai").status_code == 200


def test_a_content_filter_and_a_tool_call_are_stop_reasons(
    box: Sandbox, call_model: CallModel
) -> None:
    box.fault("model-content-filter", times=2)
    assert call_model("openai").json()["choices"][0]["finish_reason"] == "content_filter"
    assert call_model("anthropic").status_code == 400
    box.fault("model-tool-calls", times=2)
    assert call_model("openai").json()["choices"][0]["finish_reason"] == "tool_calls"
    assert call_model("anthropic").json()["stop_reason"] == "tool_use"


def test_a_large_body_has_its_size(box: Sandbox, call_model: CallModel) -> None:
    box.fault("model-50mb")
    assert len(call_model("openai", timeout=20).content) == 50 * 2**20


def test_the_gzip_bomb_is_small_on_the_wire(box: Sandbox) -> None:
    box.fault("model-gzip-bomb")
    url, headers = f"{box.openai_url}/chat/completions", {"authorization": "Bearer sandbox-key"}
    with httpx.stream("POST", url, json={}, headers=headers) as answer:
        raw = b"".join(answer.iter_raw())
    assert len(raw) < 2**20
    assert len(zlib.decompress(raw, wbits=31)) == 100 * 2**20


def test_a_dripping_answer_beats_a_timeout_per_read(box: Sandbox) -> None:
    box.fault("model-drip")
    url, headers = f"{box.openai_url}/chat/completions", {"authorization": "Bearer sandbox-key"}
    body = {"model": "m", "messages": [{"role": "user", "content": "{}"}]}
    with httpx.stream("POST", url, json=body, headers=headers, timeout=1.5) as answer:
        pieces: Iterator[bytes] = answer.iter_raw()
        assert [next(pieces), next(pieces)] == [b"{", b'"']


def test_a_redirect_records_whether_the_key_was_sent(box: Sandbox, call_model: CallModel) -> None:
    box.fault("model-redirect")
    answer = call_model("openai")
    assert answer.status_code == 302
    assert box.leaks == []
    httpx.get(answer.headers["location"], headers={"authorization": "Bearer sandbox-key"})
    assert box.leaks == [{"keys": ["authorization"], "method": "GET"}]


def test_every_fault_has_a_line_of_explanation(box: Sandbox) -> None:
    listed = httpx.get(f"{box.url}/sandbox/faults").json()["faults"]
    assert len(listed) == len(box.faults.table) > 40
    assert {row["side"] for row in listed} == {"github", "gitlab", "forge", "model"}
    assert all(row["says"] for row in listed)


def test_a_hanging_answer_does_not_delay_the_stop() -> None:
    assert broken_connections.TICK < 1
    with Sandbox().running() as box:
        box.fault("model-timeout")
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{box.openai_url}/models", timeout=0.1)
    assert json.dumps(box.model_exchanges[0].fault) == '"model-timeout"'
