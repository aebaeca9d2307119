"""The simulated model: keys, scripted replies, formats and rules."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from bot.sandbox.model.rules import answer
from tests.simulation import Sandbox

from .conftest import CallModel

ISSUE = {
    "title": "Login button does nothing in Firefox",
    "body": "Since the upgrade to 4.2 the page crashes with a stack trace.\n\nTypeError: x is null",
    "labels": [{"name": "bug", "description": "Broken"}, {"name": "area/login"}, {"name": "docs"}],
    "suggestions": [],
}
ASKED = [{"role": "user", "content": json.dumps(ISSUE)}]


def test_the_rules_name_only_offered_labels() -> None:
    reply = answer(ISSUE)
    assert {label["name"] for label in reply["labels"]} == {"bug", "area/login"}
    assert "Login button" in reply["summary"]
    assert answer({"title": "", "body": "", "labels": []})["labels"] == []


def test_openai_answers_with_the_content_in_the_message(call_model: CallModel) -> None:
    reply = call_model("openai", messages=ASKED).json()
    assert reply["model"] == "sandbox-rules"
    assert json.loads(reply["choices"][0]["message"]["content"]) == answer(ISSUE)
    assert reply["usage"]["prompt_tokens"] > 0


def test_anthropic_answers_with_thinking_before_the_text(call_model: CallModel) -> None:
    parts = [{"role": "user", "content": [{"type": "text", "text": json.dumps(ISSUE)}]}]
    reply = call_model("anthropic", messages=parts).json()
    assert [block["type"] for block in reply["content"]] == ["thinking", "text"]
    assert json.loads(reply["content"][1]["text"]) == answer(ISSUE)
    assert reply["stop_reason"] == "end_turn"


def test_a_script_comes_before_the_rules(box: Sandbox, call_model: CallModel) -> None:
    box.replies.append("First")
    box.replies.append("Second")
    texts = [call_model("openai").json()["choices"][0]["message"]["content"] for _ in range(3)]
    assert texts[:2] == ["First", "Second"]
    assert json.loads(texts[2])["labels"] == []


def test_a_repair_turn_still_finds_the_issue(call_model: CallModel) -> None:
    turns = [
        *ASKED,
        {"role": "assistant", "content": "Certainly!"},
        {"role": "user", "content": "Answer with JSON only, like {this}."},
    ]
    reply = call_model("openai", messages=turns).json()["choices"][0]["message"]["content"]
    assert json.loads(reply) == answer(ISSUE)


@pytest.mark.parametrize(
    ("api", "change", "status"),
    [
        ("openai", {"messages": []}, 400),
        ("openai", {"response_format": {"type": "json_schema"}}, 400),
        ("openai", {"temperature": 0}, 200),
        ("anthropic", {"temperature": 0}, 400),
        ("anthropic", {"top_p": 1}, 400),
        ("anthropic", {"top_k": 5}, 400),
        ("anthropic", {"response_format": {}}, 400),
        ("anthropic", {"messages": [{"role": "system", "content": "x"}]}, 400),
    ],
)
def test_bad_requests_are_refused(
    call_model: CallModel, api: str, change: dict[str, Any], status: int
) -> None:
    assert call_model(api, **change).status_code == status


@pytest.mark.parametrize(
    ("path", "headers", "kind"),
    [
        ("/openai/v1/chat/completions", {}, "invalid_request_error"),
        ("/openai/v1/chat/completions", {"x-api-key": "sandbox-key"}, "invalid_request_error"),
        ("/anthropic/v1/messages", {"x-api-key": "wrong"}, "authentication_error"),
        ("/anthropic/v1/messages", {"authorization": "Bearer sandbox-key"}, "authentication_error"),
    ],
)
def test_a_wrong_key_is_refused_in_the_vendors_format(
    box: Sandbox, path: str, headers: dict[str, str], kind: str
) -> None:
    refused = httpx.post(box.url + path, json={}, headers=headers)
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, kind)


def test_requests_are_recorded_with_api_and_headers(box: Sandbox, call_model: CallModel) -> None:
    call_model("openai", messages=ASKED)
    box.fault("model-500")
    call_model("anthropic")
    first, second = box.model_requests
    assert (first.api, second.api) == ("openai", "anthropic")
    assert first.body["messages"] == ASKED
    assert second.headers["anthropic-version"] == "2023-06-01"
