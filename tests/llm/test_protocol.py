"""The two wire formats, requests and responses, and the call that both share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from bot.core.errors import ModelFailed
from bot.core.prompt import Prompt
from bot.core.reply import ParsedReply, parse_reply
from bot.core.types import Usage
from bot.llm.anthropic import Messages
from bot.llm.client import ModelClient
from bot.llm.openai import ChatCompletions
from bot.llm.protocol import (
    Capabilities,
    Completion,
    CompletionRequest,
    Endpoint,
    ModelProtocol,
    parse_token_count,
)
from tests.llm import model_server
from tests.llm.model_server import messages
from tests.scripted_web import ScriptedWeb

ANSWER = '{"summary": "It crashes."}'
SCHEMA = {"type": "object", "properties": {"summary": {"type": "string"}}}
PROMPT = Prompt("The rules.", '{"title":"Broken"}', SCHEMA)
KEY = "sk-quokkaberry"
ENDPOINT = Endpoint("https://models.example/v1", "gpt-4o-mini", KEY, 2000, 5.0)
REQUEST = CompletionRequest(PROMPT, ENDPOINT)
REPLY = ParsedReply("It crashes.", ())
OPENAI = ChatCompletions()
COMPATIBLE = ChatCompletions(limits=("max_tokens", "max_completion_tokens"))
ANTHROPIC = Messages()
PROTOCOLS: dict[str, ModelProtocol] = {"openai": OPENAI, "anthropic": ANTHROPIC}
Json = Mapping[str, Any]


def chat(content: object = ANSWER, **changes: Any) -> dict[str, Any]:
    return model_server.chat(content, **changes)


# Requests.


def test_openai_gets_its_own_format() -> None:
    assert OPENAI.path == "/chat/completions"
    assert OPENAI.build_headers(KEY) == {"Authorization": "Bearer sk-quokkaberry"}
    assert OPENAI.build_body(REQUEST) == {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": "The rules."},
            {"role": "user", "content": '{"title":"Broken"}'},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "enrichment", "strict": True, "schema": SCHEMA},
        },
        "max_completion_tokens": 2000,
        "stream": False,
    }


def test_a_compatible_server_gets_the_older_name_of_the_limit_and_needs_no_key() -> None:
    body = COMPATIBLE.build_body(REQUEST)
    assert body["max_tokens"] == 2000
    assert "max_completion_tokens" not in body
    assert COMPATIBLE.build_headers("") == {}


def test_anthropic_gets_its_own_format() -> None:
    assert ANTHROPIC.path == "/v1/messages"
    assert ANTHROPIC.build_headers(KEY) == {
        "x-api-key": "sk-quokkaberry",
        "anthropic-version": "2023-06-01",
    }
    assert ANTHROPIC.build_body(REQUEST) == {
        "model": "gpt-4o-mini",
        "max_tokens": 2000,
        "system": "The rules.",
        "messages": [{"role": "user", "content": '{"title":"Broken"}'}],
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
    }


@pytest.mark.parametrize("protocol", [OPENAI, COMPATIBLE, ANTHROPIC])
def test_a_model_gets_no_tools_and_no_sampling_parameters(protocol: ModelProtocol) -> None:
    forbidden = {"tools", "tool_choice", "functions", "temperature", "top_p", "top_k", "seed"}
    for form in protocol.forms:
        body = protocol.build_body(CompletionRequest(PROMPT, ENDPOINT, Capabilities(form)))
        assert not forbidden & set(body)


# Responses.


@pytest.mark.parametrize(
    ("protocol", "data"),
    [
        (OPENAI, chat()),
        (OPENAI, chat(finish_reason=None)),
        (OPENAI, {**chat(), "new_field": 1}),
        (
            COMPATIBLE,
            chat([{"type": "thinking", "thinking": []}, {"type": "text", "text": ANSWER}]),
        ),
        (ANTHROPIC, messages(ANSWER)),
        (ANTHROPIC, messages(ANSWER[:9], ANSWER[9:])),
        (
            ANTHROPIC,
            {
                **messages(),
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "x"},
                    {"type": "text", "text": ANSWER},
                ],
            },
        ),
    ],
)
def test_the_text_and_its_tokens_are_found(protocol: ModelProtocol, data: Json) -> None:
    assert protocol.parse_response(data) == Completion(ANSWER, 700, 60)


@pytest.mark.parametrize(
    ("protocol", "data", "why"),
    [
        (OPENAI, chat(refusal="I cannot."), "refusal"),
        (OPENAI, chat(finish_reason="content_filter"), "refusal"),
        (OPENAI, chat(finish_reason="length"), "truncated"),
        (ANTHROPIC, messages("I cannot.", stop="refusal"), "refusal"),
        (ANTHROPIC, messages("It cra", stop="max_tokens"), "truncated"),
        (ANTHROPIC, messages("It", stop="model_context_window_exceeded"), "truncated"),
    ],
)
def test_a_refusal_and_a_cut_answer_are_failures(
    protocol: ModelProtocol, data: Json, why: str
) -> None:
    with pytest.raises(ModelFailed, match=f"^{why}$") as failure:
        protocol.parse_response(data)
    assert not failure.value.outage
    assert not failure.value.needs_operator


@pytest.mark.parametrize(
    ("protocol", "data"),
    [
        (OPENAI, chat(None)),
        (OPENAI, chat("")),
        (OPENAI, chat(None, tool_calls=[{"function": {"name": "close"}}])),
        (ANTHROPIC, messages()),
        (ANTHROPIC, {**messages(), "content": [{"type": "tool_use", "name": "close"}]}),
    ],
)
def test_an_answer_without_text_is_empty(protocol: ModelProtocol, data: Json) -> None:
    assert protocol.parse_response(data).text == ""


@pytest.mark.parametrize(
    ("usage", "count"),
    [
        ({"n": 7}, 7),
        ({"n": 0}, 0),
        ({}, 0),
        (None, 0),
        ([], 0),
        ({"n": None}, 0),
        ({"n": "7"}, 0),
        ({"n": -7}, 0),
        ({"n": 7.5}, 0),
        ({"n": True}, 0),
        ({"n": 10**30}, 0),
    ],
)
def test_a_count_that_is_missing_or_invalid_is_zero(usage: object, count: int) -> None:
    assert parse_token_count(usage, "n") == count


# The whole call, with HTTP faked at the transport.


class Provider:
    """A client of a server that gives these answers; one more request fails the test."""

    def __init__(self, protocol: ModelProtocol, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []
        web = ScriptedWeb(self._answer)
        self.model = ModelClient(web, protocol, ENDPOINT, self.slept.append)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        assert self.answers, "the model was called once more than expected"
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def failure(self) -> ModelFailed:
        with pytest.raises(ModelFailed) as failure:
            self.model.complete(PROMPT, parse_reply)
        assert self.answers == []
        assert "quokkaberry" not in repr(failure.value)
        return failure.value


def fine(name: str) -> httpx.Response:
    return httpx.Response(200, json=chat() if name == "openai" else messages(ANSWER))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_one_request_gives_text_tokens_and_dollars(name: str) -> None:
    provider = Provider(PROTOCOLS[name], fine(name))
    reply, usage = provider.model.complete(PROMPT, parse_reply)
    assert usage.cost_usd == pytest.approx(0.000141)
    assert (reply, usage) == (REPLY, Usage("gpt-4o-mini", 700, 60, usage.cost_usd))
    (request,) = provider.requests
    assert str(request.url) == "https://models.example/v1" + PROTOCOLS[name].path
    assert json.loads(request.content) == PROTOCOLS[name].build_body(REQUEST)
    assert request.headers["content-type"] == "application/json"


def test_an_answer_without_token_counts_has_no_known_cost() -> None:
    uncounted = httpx.Response(200, json=chat() | {"usage": None})
    _, usage = Provider(OPENAI, uncounted).model.complete(PROMPT, parse_reply)
    assert (usage.tokens_in, usage.cost_usd) == (0, None)


def test_the_worst_case_covers_an_answer_that_is_repaired() -> None:
    rubbish = httpx.Response(200, json=chat("rubbish") | {"usage": {"completion_tokens": 2000}})
    good = httpx.Response(200, json=chat() | {"usage": {"completion_tokens": 2000}})
    model = Provider(OPENAI, rubbish, good).model
    _, usage = model.complete(PROMPT, parse_reply)
    assert usage.cost_usd is not None
    assert usage.cost_usd <= model.worst_usd(PROMPT.tokens)


# Response → reason, and whether it is an outage (o), needs the operator (r), is retried (2).
FAILURES: dict[str, tuple[httpx.Response | Exception, str, str]] = {
    "bad request": (httpx.Response(400), "status-400", ""),
    "key refused": (httpx.Response(401), "status-401", "r"),
    "account is empty": (httpx.Response(402), "status-402", "r"),
    "not allowed": (httpx.Response(403), "status-403", "r"),
    "no such model": (httpx.Response(404), "status-404", "r"),
    "redirect": (httpx.Response(302, headers={"location": "http://x"}), "status-302", ""),
    "busy": (httpx.Response(429, headers={"retry-after": "2"}), "status-429", "o2"),
    "busy for long": (httpx.Response(429, headers={"retry-after": "60"}), "status-429", "o"),
    "busy until a date": (
        httpx.Response(429, headers={"retry-after": "Mon, 21 Oct 2136 07:28:00 GMT"}),
        "status-429",
        "o",
    ),
    "broken": (httpx.Response(500), "status-500", "o2"),
    "overloaded": (httpx.Response(529), "status-529", "o2"),
    "not JSON": (httpx.Response(200, text="<html>"), "not-json", "2"),
    "a list": (httpx.Response(200, json=[]), "wrong-envelope", ""),
    "null": (httpx.Response(200, content=b"null"), "wrong-envelope", ""),
    "an error in a good answer": (
        httpx.Response(200, json={"error": {"message": "quokkaberry"}}),
        "status-500",
        "o2",
    ),
    "no connection": (httpx.ConnectError("x"), "unreachable", "o"),
    "too slow": (httpx.ReadTimeout("x"), "timeout", "o"),
    "cut": (httpx.ReadError("x"), "connection-lost", "o2"),
    "no HTTP": (httpx.RemoteProtocolError("x"), "connection-lost", "o2"),
    "far too long": (httpx.Response(200, content=b"x" * 2_000_000), "too-long", ""),
}


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("case", FAILURES)
def test_each_failure_has_a_reason_and_at_most_two_tries(name: str, case: str) -> None:
    answer, reason, traits = FAILURES[case]
    provider = Provider(PROTOCOLS[name], *[answer] * (2 if "2" in traits else 1))
    failure = provider.failure()
    assert failure.reason == reason
    assert failure.outage is ("o" in traits)
    assert failure.needs_operator is ("r" in traits)


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("case", [case for case, row in FAILURES.items() if "2" in row[2]])
def test_a_retry_may_succeed(name: str, case: str) -> None:
    provider = Provider(PROTOCOLS[name], FAILURES[case][0], fine(name))
    assert provider.model.complete(PROMPT, parse_reply)[0] == REPLY


@pytest.mark.parametrize(
    ("status", "after"), [(429, "2"), (503, "2.5"), (529, "3")], ids=["429", "503", "529"]
)
@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_busy_server_is_called_again_when_it_asks_for_it(
    name: str, status: int, after: str
) -> None:
    busy = httpx.Response(status, headers={"retry-after": after})
    provider = Provider(PROTOCOLS[name], busy, fine(name))
    assert provider.model.complete(PROMPT, parse_reply)[0] == REPLY
    assert provider.slept == [float(after)]


@pytest.mark.parametrize(
    ("error", "why", "tries"),
    [
        ({"message": "busy", "code": 429}, "status-429", 2),
        ({"message": "down", "code": "502"}, "status-502", 2),
        ({"message": "wrong key", "code": 401}, "status-401", 1),
        ({"message": "odd", "code": "rate_limit_exceeded"}, "status-500", 2),
        ("down", "status-500", 2),
    ],
)
def test_an_error_in_a_good_response_counts_by_its_code(
    error: object, why: str, tries: int
) -> None:
    response = httpx.Response(200, json={**chat(), "error": error})
    failure = Provider(OPENAI, *[response] * tries).failure()
    assert (failure.reason, failure.charged) == (why, False)


def test_an_error_of_null_is_none() -> None:
    response = httpx.Response(200, json={**chat(), "error": None})
    assert Provider(OPENAI, response).model.complete(PROMPT, parse_reply)[0] == REPLY


def stream(*events: object) -> httpx.Response:
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    body = ": a comment\n\nevent: message\n" + "".join(lines) + "data: [DONE]\n\n"
    return httpx.Response(200, text=body, headers={"content-type": "text/event-stream"})


def delta(text: str | None, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}


def test_a_stream_that_was_not_asked_for_is_read() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}
    events = delta(ANSWER[:9]), delta(ANSWER[9:]), delta(None, "stop"), usage
    reply, used = Provider(OPENAI, stream(*events)).model.complete(PROMPT, parse_reply)
    assert (reply, used.tokens_in, used.tokens_out) == (REPLY, 7, 3)


@pytest.mark.parametrize(
    ("response", "why", "tries"),
    [
        (stream(delta(ANSWER, "length")), "truncated", 1),
        (stream(delta(ANSWER, "content_filter")), "refusal", 1),
        (stream(delta("")), "empty", 1),
        (stream({"error": {"code": 503}}), "status-503", 2),
        (stream("text"), "wrong-envelope", 1),
        (stream({"choices": [3]}), "wrong-envelope", 1),
    ],
)
def test_a_stream_fails_like_any_other_response(
    response: httpx.Response, why: str, tries: int
) -> None:
    assert Provider(OPENAI, *[response] * tries).failure().reason == why


def test_a_retry_waits_as_long_as_the_server_asks() -> None:
    provider = Provider(OPENAI, FAILURES["busy"][0], fine("openai"))
    provider.model.complete(PROMPT, parse_reply)
    assert provider.slept == [2.0]


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("shape", [{}, {"choices": []}, {"choices": [{}]}, {"content": [3]}])
def test_a_shape_that_the_format_does_not_have_is_a_failure(name: str, shape: Json) -> None:
    assert Provider(PROTOCOLS[name], httpx.Response(200, json=shape)).failure().reason in (
        "wrong-envelope",
        "empty",
    )
