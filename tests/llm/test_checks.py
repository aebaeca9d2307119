"""The check's small prompt: one answer by its own schema, in any form that the server supports."""

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
from tests.fakes import VARIABLES
from tests.llm.model_server import (
    COMPATIBLE,
    ENDPOINT,
    PROTOCOLS,
    Json,
    Rule,
    Server,
    reject,
    sent,
)
from tests.scripted_web import ScriptedWeb
from tests.simulation.schema import fit, schema_of

KEY = "sk-quokkaberry"
FORMS = ("json_schema", "json_object", "plain")


def serve(provider: str, *rules: Rule, text: str = "") -> Server:
    """Return a server that sends a text, or without one an answer by the schema in the request."""

    def reply(body: Json) -> str:
        schema = schema_of("anthropic" if provider == "anthropic" else "openai", body)
        assert schema is not None, "no schema reached the model"
        return text or json.dumps(fit(schema, {"word": "teal"}))

    return Server(PROTOCOLS[provider], *rules, replies=reply)


def accept(*forms: str) -> Rule:
    """Reject the forms of a request that are not among these."""

    def rule(body: Json) -> httpx.Response | None:
        form = sent(body)["form"] or "plain"
        return None if form in forms else reject(f"response_format {form} is not supported")

    return rule


def findings(server: Server) -> list[Finding]:
    return list(check_model(server.model, VARIABLES))


@pytest.mark.parametrize(
    ("provider", "form"),
    [(name, form) for name in PROTOCOLS for form in FORMS if form in PROTOCOLS[name].forms],
)
def test_a_healthy_model_is_fine_with_one_answer(provider: str, form: str) -> None:
    server = serve(provider, accept(form, "plain"))
    first, *others = findings(server)
    assert (first.level, first.what) == ("ok", "llama answers (700 + 60 tokens)")
    assert not any(other.wrong for other in others)
    assert server.answered == 1


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
    server = serve(provider, text=text)
    assert not any(finding.wrong for finding in findings(server))
    assert server.answered == 1


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
    (finding,) = findings(serve(provider, text=text))
    assert finding.wrong
    assert f"({why})" in finding.what
    assert "supports JSON schemas" in finding.fix


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
    rejected: list[Json] = []

    def rule(body: Json) -> httpx.Response | None:
        if not still(body):
            return None
        rejected.append(body)
        return reject(message)

    server = serve("compatible", rule)
    assert findings(server)[0].level == "ok"
    assert server.answered == len(rejected) == 1


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
