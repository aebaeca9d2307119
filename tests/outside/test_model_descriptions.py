"""The simulated model APIs follow OpenAI's and Anthropic's own schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.simulation import Exchange, Sandbox

from .model_conformance import ModelConformance

ISSUE = {
    "title": "Login crashes",
    "body": "It crashes with a stack trace since 4.2.",
    "labels": [{"name": "bug", "description": "Broken"}, {"name": "area/login"}],
    "suggestions": ["urgent"],
}
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"summary": {"type": "string"}}}
MESSAGES = [{"role": "user", "content": json.dumps(ISSUE)}]
OPENAI: dict[str, Any] = {
    "model": "sandbox-rules",
    "messages": [{"role": "system", "content": "Rules"}, *MESSAGES],
    "max_completion_tokens": 500,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "triage", "strict": True, "schema": SCHEMA},
    },
}
ANTHROPIC: dict[str, Any] = {
    "model": "sandbox-rules",
    "system": "Rules",
    "messages": MESSAGES,
    "max_tokens": 500,
    "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
}


@pytest.fixture(scope="session")
def descriptions(shared: Path) -> ModelConformance:
    return ModelConformance.read(shared / "contracts/llm")


@pytest.fixture
def conformance(descriptions: ModelConformance) -> ModelConformance:
    return descriptions.fresh()


@pytest.fixture
def box(conformance: ModelConformance) -> Iterator[Sandbox]:
    with Sandbox().running() as box:
        box.observe(conformance.check)
        yield box


def post(box: Sandbox, api: str, body: dict[str, Any]) -> httpx.Response:
    url, headers = {
        "openai": (f"{box.openai_url}/chat/completions", {"authorization": "Bearer sandbox-key"}),
        "anthropic": (
            f"{box.anthropic_url}/v1/messages",
            {"x-api-key": "sandbox-key", "anthropic-version": "2023-06-01"},
        ),
    }[api]
    return httpx.post(url, json=body, headers=headers)


@pytest.mark.parametrize(("api", "body"), [("openai", OPENAI), ("anthropic", ANTHROPIC)])
@pytest.mark.parametrize(
    "fault", [None, "model-truncated", "model-refusal", "model-content-filter", "model-429"]
)
def test_requests_and_responses_are_as_described(
    box: Sandbox, conformance: ModelConformance, api: str, body: dict[str, Any], fault: str | None
) -> None:
    if fault:
        box.fault(fault)
    post(box, api, body)
    assert conformance.violations == []
    assert conformance.checked == 1


@pytest.mark.parametrize(("api", "body"), [("openai", OPENAI), ("anthropic", ANTHROPIC)])
@pytest.mark.parametrize(
    "change",
    [
        {"messages": "hello"},
        {"messages": [{"role": "narrator", "content": "x"}]},
        {"stop_sequences": 5, "max_completion_tokens": "many"},
    ],
)
def test_a_wrong_request_is_reported(
    box: Sandbox,
    conformance: ModelConformance,
    api: str,
    body: dict[str, Any],
    change: dict[str, Any],
) -> None:
    post(box, api, body | change)
    assert any("request" in violation for violation in conformance.violations)


def test_parameters_that_anthropic_does_not_have_are_reported(
    box: Sandbox, conformance: ModelConformance
) -> None:
    assert post(box, "anthropic", ANTHROPIC | {"temperature": 0}).status_code == 400
    assert len(conformance.violations) == 1


def test_a_wrong_response_is_reported(conformance: ModelConformance) -> None:
    for api, body in (("openai", OPENAI), ("anthropic", ANTHROPIC)):
        sent = json.dumps(body).encode()
        conformance.check(Exchange(api, "POST", "/x", "", {}, sent, 200, {}, b'{"id": 1}'))
    assert {violation.split(":")[0] for violation in conformance.violations} == {
        "openai response",
        "anthropic response",
    }


def test_openais_own_examples_are_as_described(shared: Path, conformance: ModelConformance) -> None:
    sent = json.dumps(OPENAI).encode()
    example = shared / "contracts" / "llm" / "examples" / "openai.chat.default.response.json"
    conformance.check(Exchange("openai", "POST", "/x", "", {}, sent, 200, {}, example.read_bytes()))
    assert conformance.checked == 1
    assert conformance.violations == []
