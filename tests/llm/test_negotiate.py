"""What a server does not support is left out, at the cost of one request for each part."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from bot.core.errors import ModelFailed
from bot.core.reply import parse_reply
from bot.http import ClientPool
from bot.llm.client import ModelClient
from bot.llm.negotiate import RequestRejected, extract_error
from bot.llm.protocol import Endpoint
from tests.llm.model_server import (
    COMPATIBLE,
    GOOD,
    OPENAI,
    PROMPT,
    PROTOCOLS,
    Json,
    Rule,
    Server,
    reject,
    sent,
)
from tests.simulation import Sandbox


def refuses(message: str, *names: str, status: int = 400) -> Rule:
    """An error for a request that contains one of these names as a key or a value."""

    def rule(body: Json) -> httpx.Response | None:
        parts = {k: v for k, v in body.items() if k != "messages"}
        parts["roles"] = [m["role"] for m in body["messages"]]
        if any(f'"{name}"' in json.dumps(parts) for name in names):
            return reject(message, status)
        return None

    return rule


def refusal(shape: Json, status: int, *names: str) -> Rule:
    ask = refuses("", *names, status=status)
    return lambda body: httpx.Response(status, json=shape) if ask(body) else None


NO_SCHEMA = refuses("'response_format.type' json_schema is not supported", "json_schema")
NO_FORMAT = refuses("Unknown field: response_format", "response_format", "output_config")

# What the server rejects → the protocol, how many requests the first call takes, what is sent then.
REJECTIONS: dict[str, tuple[str, tuple[Rule, ...], int, Json]] = {
    "nothing": ("compatible", (), 1, {"form": "json_schema", "limit": "max_tokens"}),
    "json_schema": ("compatible", (NO_SCHEMA,), 3, {"form": "json_object"}),
    "any format": ("openai", (NO_FORMAT,), 3, {"form": None}),
    "any format at Anthropic": ("anthropic", (NO_FORMAT,), 2, {"form": None}),
    "a schema that is too long": (
        "anthropic",
        (refuses("output_config.format.schema: too long", "output_config"),),
        3,
        {"form": None},
    ),
    "any format, with status 422 and a list": (
        "compatible",
        (
            refusal(
                {"detail": [{"loc": ["body", "response_format"], "msg": "Extra inputs"}]},
                422,
                "response_format",
            ),
        ),
        4,
        {"form": None},
    ),
    "a word of the schema": (
        "compatible",
        (refuses('Unknown name "enum" at generation_config.response_schema', "json_schema"),),
        3,
        {"form": "json_object"},
    ),
    "a grammar": ("compatible", (refuses("failed to parse grammar", "json_schema"),), 3, {}),
    "lengths in the schema": (
        "compatible",
        (refuses("number of repetitions exceeds sane defaults (json_schema)", "maxLength"),),
        2,
        {"form": "json_schema"},
    ),
    "max_completion_tokens": (
        "openai",
        (refuses("Unrecognized argument: max_completion_tokens", "max_completion_tokens"),),
        2,
        {"form": "json_schema", "limit": "max_tokens"},
    ),
    "max_tokens, naming the other": (
        "compatible",
        (
            refuses(
                "'max_tokens' is wrong here. Use 'max_completion_tokens' instead.", "max_tokens"
            ),
        ),
        2,
        {"limit": "max_completion_tokens"},
    ),
    "any limit": (
        "openai",
        (
            refuses("unknown max_tokens", "max_tokens"),
            refuses("unknown max_completion_tokens", "max_completion_tokens"),
        ),
        3,
        {"limit": None},
    ),
    "strict": (
        "compatible",
        (refuses("response_format.json_schema: unknown field 'strict'", "strict"),),
        2,
        {"form": "json_schema", "strict": False},
    ),
    "the system's role": (
        "compatible",
        (refuses("System role not supported", "system"),),
        2,
        {"form": "json_schema", "roles": ["user"]},
    ),
    "everything": (
        "compatible",
        (
            NO_FORMAT,
            refuses("System role not supported", "system"),
            refuses("unknown max_tokens", "max_tokens"),
            refuses("unknown max_completion_tokens", "max_completion_tokens"),
        ),
        7,
        {"form": None, "limit": None, "roles": ["user"]},
    ),
}


@pytest.mark.parametrize("case", REJECTIONS)
def test_what_a_server_rejects_is_left_out_at_once_and_for_good(case: str) -> None:
    protocol, rules, requests, then = REJECTIONS[case]
    server = Server(PROTOCOLS[protocol], *rules)
    assert server.ask() == requests
    assert server.ask() == 1
    assert server.ask() == 1
    assert then.items() <= sent(server.bodies[-1]).items()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_where_no_parameter_carries_the_schema_the_prompt_describes_it(protocol: str) -> None:
    server = Server(PROTOCOLS[protocol], NO_FORMAT)
    server.ask()
    assert "JSON Schema" in json.dumps(server.bodies[-1])
    assert "certainty" in server.bodies[-1].get(
        "system", server.bodies[-1]["messages"][0]["content"]
    )
    assert "JSON Schema" not in json.dumps(server.bodies[0])


def test_without_a_system_role_the_rules_stand_in_front_of_the_data() -> None:
    server = Server(COMPATIBLE, refuses("System role not supported", "system"))
    server.ask()
    (only,) = server.bodies[-1]["messages"]
    assert only["content"] == f"{PROMPT.system}\n\n{PROMPT.user}"


@pytest.mark.parametrize(
    "message",
    ["Invalid request.", "the model is loading", "unrestricted systems", "quokkaberry"],
)
def test_an_error_that_names_no_parameter_is_a_failure_at_once(message: str) -> None:
    server = Server(COMPATIBLE, refuses(message, "model"))
    assert server.failure().reason == "status-400"
    assert len(server.bodies) == 1


def test_a_server_that_rejects_every_form_is_a_failure_and_nothing_is_kept() -> None:
    server = Server(COMPATIBLE, refuses("response_format, max_tokens and strict", "model"))
    assert server.failure().reason == "status-400"
    first = len(server.bodies)
    assert first <= 6
    server.rules = ()
    assert server.ask() == 1
    assert sent(server.bodies[-1])["form"] == "json_schema"


def test_what_an_error_repeats_of_the_request_is_not_read() -> None:
    echo = {"detail": [{"msg": "bad", "input": {"title": "response_format max_tokens"}}]}
    assert extract_error(json.dumps(echo).encode()) == "bad"
    assert extract_error(b"no JSON") == "no JSON"
    assert extract_error(b"[" * 100_000) != ""
    assert len(extract_error(json.dumps({"error": {"message": "x" * 10_000}}).encode())) <= 1000
    assert "bad" not in repr(RequestRejected(400, extract_error(json.dumps(echo).encode())))


# Too long.


def too_long_above(chars: int, status: int = 400, message: str = "") -> Rule:
    text = message or "request (9000 tokens) exceeds the available context size (4096 tokens)"

    def rule(body: Json) -> httpx.Response | None:
        size = len(json.dumps(body))
        return reject(text, status) if size > chars else None

    return rule


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, ""),
        (413, "Request exceeds the maximum size."),
        (400, "prompt is too long: 210000 tokens > 200000 maximum"),
        (
            400,
            "'max_tokens' is too large: 2000. This model's maximum context length is 4096 tokens"
            " and your request has 3900 input tokens",
        ),
    ],
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_prompt_that_is_too_long_is_shortened_once(
    protocol: str, status: int, message: str
) -> None:
    server = Server(PROTOCOLS[protocol], too_long_above(3500, status, message))
    assert server.ask() == 2
    long, short = (body["messages"][-1]["content"] for body in server.bodies)
    assert len(short) < 1000 < len(long)
    assert json.loads(short)["labels"] == ["bug"]
    assert (
        server.bodies[-1].get("max_tokens", server.bodies[-1].get("max_completion_tokens")) == 512
    )


@pytest.mark.parametrize(
    "message",
    [
        "Your credit balance is too low to access the Anthropic API.",
        "API key not valid. Please pass a valid API key.",
        "Insufficient Balance",
    ],
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_error_about_key_or_account_needs_the_operator(protocol: str, message: str) -> None:
    failure = Server(PROTOCOLS[protocol], refuses(message, "user")).failure()
    assert (failure.reason, failure.needs_operator) == ("status-400", True)


def test_what_is_still_too_long_is_a_failure() -> None:
    server = Server(COMPATIBLE, too_long_above(10))
    assert server.failure().reason == "status-400"
    assert len(server.bodies) == 2


# Answers that cannot be used.

UNUSABLE = {
    "prose": "I think this is a bug in the login.",
    "half an object": '{"summary": "The login',
    "a list": '["bug"]',
    "another shape": '{"answer": "fine"}',
    "no summary": '{"summary": null, "labels": null}',
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("case", UNUSABLE)
def test_an_answer_that_cannot_be_used_is_repaired_once(protocol: str, case: str) -> None:
    server = Server(PROTOCOLS[protocol], replies=(UNUSABLE[case], GOOD))
    reply, usage = server.model.complete(PROMPT, parse_reply)
    assert reply == parse_reply(GOOD)
    assert (usage.tokens_in, usage.tokens_out) == (1400, 120)
    first, second = (body["messages"] for body in server.bodies)
    assert second[: len(first)] == first
    rejected, repair = second[len(first) :]
    assert rejected == {"role": "assistant", "content": UNUSABLE[case]}
    assert repair["role"] == "user"
    assert "Answer only with one JSON object" in repair["content"]
    assert "login" not in repair["content"].lower()


def test_a_server_that_ignores_the_format_gets_the_schema_in_the_prompt_from_then_on() -> None:
    server = Server(COMPATIBLE, replies=(UNUSABLE["prose"], GOOD))
    assert server.ask() == 2
    assert server.ask() == 1
    assert sent(server.bodies[-1])["form"] == "json_schema"
    assert "JSON Schema" in server.bodies[-1]["messages"][0]["content"]


def test_a_failed_repair_reports_the_first_failure() -> None:
    def only_two_turns(body: Mapping[str, Any]) -> httpx.Response | None:
        return httpx.Response(500) if len(body["messages"]) > 2 else None

    server = Server(COMPATIBLE, only_two_turns, replies=(UNUSABLE["prose"],))
    failure = server.failure()
    assert failure.reason == "not-json"
    assert not failure.outage


def test_a_very_long_rejected_answer_is_sent_back_cut() -> None:
    server = Server(COMPATIBLE, replies=("word " * 50_000, GOOD))
    server.ask()
    assert len(server.bodies[-1]["messages"][-2]["content"]) <= 4000


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_only_a_compatible_server_gets_the_length_of_each_part(protocol: str) -> None:
    server = Server(PROTOCOLS[protocol])
    server.ask()
    parameters = json.dumps({**server.bodies[-1], "messages": None, "max_tokens": None})
    for bound in ("maxLength", "maxItems"):
        assert (f'"{bound}"' in parameters) is (protocol == "compatible")


# Beside the sandbox, over HTTP.


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    with sandbox.running():
        yield sandbox


@pytest.mark.parametrize(
    ("fault", "vendor", "requests"),
    [
        ("model-400-response-format", "openai", 3),
        ("model-400-response-format", "anthropic", 2),
        ("model-400-max-tokens", "openai", 3),
    ],
)
def test_the_sandbox_s_rejections_lead_to_requests_that_it_accepts(
    box: Sandbox, fault: str, vendor: str, requests: int
) -> None:
    clients = ClientPool("test")
    url = {"openai": box.openai_url, "anthropic": box.anthropic_url}[vendor]
    endpoint = Endpoint(url, "sandbox-rules", box.model_key, 500, 5.0)
    model = ModelClient(clients, PROTOCOLS[vendor], endpoint)
    box.fault(fault, times=None)
    before = len(box.model_requests)
    try:
        assert model.complete(PROMPT, parse_reply)[0].summary
        assert len(box.model_requests) - before == requests
        model.complete(PROMPT, parse_reply)
        assert len(box.model_requests) - before == requests + 1
    finally:
        box.clear_faults()
        clients.close()


def test_retries_and_negotiation_end_in_time(box: Sandbox) -> None:
    clients = ClientPool("test")
    endpoint = Endpoint(box.openai_url, "sandbox-rules", box.model_key, 500, 0.5)
    model = ModelClient(clients, OPENAI, endpoint)
    box.fault("model-400-response-format", times=2)
    box.fault("model-timeout", times=None)
    started = time.monotonic()
    try:
        with pytest.raises(ModelFailed, match=r"^timeout$"):
            model.complete(PROMPT, parse_reply)
    finally:
        box.clear_faults()
        clients.close()
    assert time.monotonic() - started < 5
