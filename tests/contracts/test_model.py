"""The `Model` of the service: the scripted fake, and the client of each provider over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from bot import wiring
from bot.core.errors import ModelFailed
from bot.core.prompt import Prompt
from bot.core.reply import ParsedReply, parse_reply
from bot.core.types import LabelSuggestion
from bot.http import ClientPool
from bot.llm.service import Model
from bot.settings.models import ModelSettings
from tests.fakes import ScriptedModel, model_reply
from tests.simulation import Sandbox

PROMPT = Prompt("Answer with one JSON object.", '{"title":"Broken"}', {"type": "object"})
REPLY = model_reply("It crashes.", ("bug", "sure", "crashed"))
PARSED = ParsedReply("It crashes.", (LabelSuggestion("bug", "sure", "crashed"),))
OUTAGE = ModelFailed("status-503", outage=True)
WRONG_KEY = ModelFailed("status-401", setting="key")
REFUSAL = ModelFailed("refusal")
SANDBOX_FAULTS = {"status-503": "model-503", "status-401": "model-401", "refusal": "model-refusal"}


class Fake:
    """The fake, and what its script says."""

    def __init__(self) -> None:
        self.scripted = ScriptedModel()
        self.model: Model = self.scripted

    def reply(self, text: str) -> None:
        self.scripted.answers.append(text)

    def fail(self, failure: ModelFailed) -> None:
        self.scripted.answers.append(failure)


@dataclass
class Simulated:
    """The client of a provider, and what the simulated server answers."""

    model: Model
    box: Sandbox

    def reply(self, text: str) -> None:
        # Once more for the repair of an answer that cannot be used.
        self.box.replies.extend([text, text])

    def fail(self, failure: ModelFailed) -> None:
        self.box.fault(SANDBOX_FAULTS[failure.reason], times=None)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    with sandbox.running():
        yield sandbox


@pytest.fixture(params=["fake", "openai", "anthropic", "compatible"])
def subject(
    request: pytest.FixtureRequest, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Fake | Simulated]:
    if request.param == "fake":
        yield Fake()
        return
    monkeypatch.setattr("bot.llm.client.PAUSE_SECONDS", 0.01)
    settings = ModelSettings(
        provider=request.param,
        model="gpt-6-luna",
        base_url=box.anthropic_url if request.param == "anthropic" else box.openai_url,
        timeout=5.0,
        max_output_tokens=500,
        key_variable="OPENAI_API_KEY",
        key=box.model_key,
    )
    clients = ClientPool("test")
    yield Simulated(wiring.model_client(settings, clients), box)
    clients.close()
    box.clear_faults()
    box.replies.clear()


def failure_of(subject: Fake | Simulated) -> ModelFailed:
    with pytest.raises(ModelFailed) as failure:
        subject.model.complete(PROMPT, parse_reply)
    return failure.value


def test_an_answer_is_parsed_and_its_usage_counted(subject: Fake | Simulated) -> None:
    subject.reply(REPLY)
    reply, usage = subject.model.complete(PROMPT, parse_reply)
    assert reply == PARSED
    assert usage.model == subject.model.name == "gpt-6-luna"
    assert usage.tokens_in > 0
    assert usage.tokens_out > 0


def test_an_answer_is_what_the_parser_of_the_call_makes_of_it(subject: Fake | Simulated) -> None:
    subject.reply('{"word": "teal"}')
    texts: list[str] = []

    def parse(text: str) -> str:
        texts.append(text)
        return str(json.loads(text)["word"])

    assert subject.model.complete(PROMPT, parse)[0] == "teal"
    assert len(texts) == 1


def test_the_worst_case_covers_the_cost_of_an_answer(subject: Fake | Simulated) -> None:
    subject.reply(REPLY)
    long_prompt = replace(PROMPT, user=json.dumps({"title": "Broken", "body": "text " * 500}))
    _, usage = subject.model.complete(long_prompt, parse_reply)
    assert usage.cost_usd is not None
    assert 0 < usage.cost_usd <= subject.model.worst_usd(long_prompt.tokens)


@pytest.mark.parametrize(
    ("text", "why"),
    [("I believe that this is a bug.", "not-json"), ('{"answer": "fine"}', "wrong-shape")],
)
def test_an_answer_that_the_parser_rejects_is_a_charged_failure(
    subject: Fake | Simulated, text: str, why: str
) -> None:
    subject.reply(text)
    failure = failure_of(subject)
    assert (failure.reason, failure.charged, failure.fault) == (why, True, "answer")


def test_a_refusal_is_a_charged_failure(subject: Fake | Simulated) -> None:
    subject.fail(REFUSAL)
    failure = failure_of(subject)
    assert (failure.reason, failure.charged) == ("refusal", True)


def test_an_outage_is_not_charged(subject: Fake | Simulated) -> None:
    subject.fail(OUTAGE)
    failure = failure_of(subject)
    assert (failure.reason, failure.outage, failure.charged) == ("status-503", True, False)
    assert failure.fault == "provider"


def test_a_wrong_key_needs_the_operator(subject: Fake | Simulated) -> None:
    subject.fail(WRONG_KEY)
    failure = failure_of(subject)
    assert (failure.reason, failure.needs_operator) == ("status-401", True)
    assert not failure.charged


def test_a_failure_does_not_last(subject: Fake | Simulated) -> None:
    subject.fail(REFUSAL)
    failure_of(subject)
    if isinstance(subject, Simulated):
        subject.box.clear_faults()
    subject.reply(REPLY)
    assert subject.model.complete(PROMPT, parse_reply)[0] == PARSED
