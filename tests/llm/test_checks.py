"""The check's small prompt: one answer by its own schema, whatever form the server supports."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from bot.core.diagnostics import Finding
from bot.llm.checks import check_model
from bot.llm.client import ModelClient
from bot.sandbox.model.openai import OpenAI
from tests.fakes import VARIABLES, ScriptedWeb
from tests.llm.test_negotiate import COMPATIBLE, ENDPOINT, PROTOCOLS
from tests.llm.test_protocol import chat, messages
from tests.simulation.anthropic import Anthropic
from tests.simulation.schema import fit, schema_of

Json = dict[str, Any]
KEY = "sk-quokkaberry"
FORMS = ("json_schema", "json_object", "plain")


class Server:
    """Answers by the schema in one of the forms that it supports; it rejects others with 400."""

    def __init__(self, provider: str, takes: tuple[str, ...], text: str = "") -> None:
        self.vendor = Anthropic() if provider == "anthropic" else OpenAI()
        self.takes, self.text = takes, text
        self.answers: list[Json] = []
        self.bodies: list[Json] = []
        web = ScriptedWeb(self._answer)
        self.model = ModelClient(web, PROTOCOLS[provider], ENDPOINT)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        body: Json = json.loads(request.content)
        self.bodies.append(body)
        form = body.get("response_format") or body.get("output_config", {}).get("format") or {}
        if form.get("type", "plain") not in self.takes:
            refused = {"error": {"message": f"response_format {form['type']} is not supported"}}
            return httpx.Response(400, json=refused)
        schema = schema_of(self.vendor.name, body)
        assert schema is not None, "no schema reached the model"
        text = self.text or json.dumps(fit(schema, {"word": "teal"}))
        answer = messages(text) if self.vendor.name == "anthropic" else chat(text)
        self.answers.append(answer)
        return httpx.Response(200, json=answer)

    def findings(self) -> list[Finding]:
        return list(check_model(self.model, VARIABLES, [ENDPOINT.key]))


@pytest.mark.parametrize("provider", PROTOCOLS)
@pytest.mark.parametrize("form", FORMS)
def test_a_healthy_model_is_fine_with_one_answer(provider: str, form: str) -> None:
    if form not in PROTOCOLS[provider].forms:
        pytest.skip(f"{provider} has no such form")
    server = Server(provider, (form, "plain"))
    first, *others = server.findings()
    assert (first.level, first.what) == ("ok", "llama answers (700 + 60 tokens)")
    assert not any(other.wrong for other in others)
    assert len(server.answers) == 1


@pytest.mark.parametrize("provider", PROTOCOLS)
@pytest.mark.parametrize(
    "text",
    [
        '{"word": "teal"}',
        '```json\n{"word": "teal"}\n```',
        '<think>A colour: {"word": "red"}?</think>\n{"word": "teal"}',
        'Here you are: {"word": "teal", "why": "I like it"}.',
        '{"word": ""}',
    ],
)
def test_an_answer_that_contains_the_word_is_fine(provider: str, text: str) -> None:
    server = Server(provider, FORMS, text)
    assert not any(finding.wrong for finding in server.findings())
    assert len(server.answers) == 1


@pytest.mark.parametrize("provider", PROTOCOLS)
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Teal, of course.", "not-json"),
        ('["teal"]', "not-json"),
        ('{"summary": "The login page crashes.", "labels": []}', "wrong-shape"),
        ('{"word": 3}', "wrong-shape"),
    ],
)
def test_a_model_that_cannot_follow_the_schema_is_reported_with_a_fix(
    provider: str, text: str, why: str
) -> None:
    (finding,) = Server(provider, FORMS, text).findings()
    assert finding.wrong
    assert f"({why})" in finding.what
    assert "supports JSON schemas" in finding.fix


def rejecting(message: str, still: Callable[[Mapping[str, Any]], bool]) -> Server:
    """A compatible server that rejects a request while `still` is true for it."""
    server = Server("compatible", FORMS)
    answer = server._answer

    def guarded(request: httpx.Request) -> httpx.Response:
        if still(json.loads(request.content)):
            return httpx.Response(400, json={"error": {"message": message}})
        return answer(request)

    server.model = ModelClient(ScriptedWeb(guarded), COMPATIBLE, ENDPOINT)
    return server


@pytest.mark.parametrize(
    ("message", "still"),
    [
        ("maxLength is not supported in a schema", lambda body: "maxLength" in json.dumps(body)),
        ("context length exceeded", lambda body: body["max_tokens"] > 512),
        ("System role not supported", lambda body: body["messages"][0]["role"] == "system"),
    ],
)
def test_an_error_about_the_small_prompt_leads_to_another_request(
    message: str, still: Callable[[Mapping[str, Any]], bool]
) -> None:
    server = rejecting(message, still)
    assert server.findings()[0].level == "ok"
    assert len(server.answers) == 1


def test_only_a_compatible_server_gets_the_lengths_of_the_small_prompt() -> None:
    for provider in PROTOCOLS:
        server = Server(provider, FORMS)
        server.findings()
        assert ("maxLength" in json.dumps(server.bodies[-1])) is (provider == "compatible")


@pytest.mark.parametrize(
    ("status", "body", "told", "fix"),
    [
        (
            400,
            {"error": {"message": "Invalid proxy token passed."}},
            "token",
            "OPENAI_API_KEY",
        ),
        (400, {"error": {"message": "Invalid model name passed in"}}, "Invalid model", "LLM_MODEL"),
        (400, {"detail": "no"}, "no", "LLM_PROVIDER, OPENAI_API_KEY, LLM_MODEL and LLM_BASE_URL"),
        (404, "404 page not found", "not found", "LLM_BASE_URL: most servers need /v1"),
        (404, {"error": {"message": "model 'llama' not found, try pulling it"}}, "", "LLM_MODEL"),
        (503, {"error": {"message": "Loading model"}}, "Loading model", "loading its model"),
        (401, {"error": f"the key {KEY} is unknown"}, "[masked]", "OPENAI_API_KEY"),
    ],
)
def test_a_refusal_is_told_in_the_server_s_words_with_the_setting_to_look_at(
    status: int, body: object, told: str, fix: str
) -> None:
    content = body if isinstance(body, str) else json.dumps(body)
    web = ScriptedWeb(lambda request: httpx.Response(status, text=content))
    model = ModelClient(web, COMPATIBLE, replace(ENDPOINT, key=KEY), lambda seconds: None)
    (finding,) = check_model(model, VARIABLES, [KEY])
    assert finding.wrong
    assert f"{ENDPOINT.base_url}/chat/completions does not answer (status-{status})" in finding.what
    assert told in finding.what
    assert KEY not in finding.what
    assert fix in finding.fix
