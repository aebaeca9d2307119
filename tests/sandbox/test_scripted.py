"""The simulated model's answers to the demo's samples."""

from __future__ import annotations

import json

import pytest

from bot.sandbox.demo import DEMO_LABELS, DEMO_TYPES, GROUP_LABELS, PROJECT_LABELS
from bot.sandbox.model import rules, scripted
from bot.sandbox.page import samples

from .conftest import CallModel

HOSTS = {"github": DEMO_LABELS, "gitlab": PROJECT_LABELS | GROUP_LABELS}


def request(sample: samples.Sample, labels: dict[str, str]) -> dict[str, object]:
    offered = [{"name": name, "description": text} for name, text in labels.items()]
    title, body = samples.write_issue(sample, 1017, is_new=True)
    return {"title": title, "body": body, "labels": offered}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("key", samples.SAMPLES)
def test_each_sample_has_an_answer_with_labels_of_the_repository(host: str, key: str) -> None:
    reply = scripted.answer(request(samples.SAMPLES[key], HOSTS[host]))
    assert reply is not None
    names = [label["name"] for label in reply["labels"]]
    assert len(names) == len(set(names)) >= 1
    assert [name for name in names if name in HOSTS[host]]
    if key != samples.INJECTION.key:
        assert set(names) <= set(HOSTS[host])


def test_each_label_of_an_answer_exists_on_a_host() -> None:
    known = {name for labels in (*HOSTS.values(), DEMO_TYPES) for name in labels}
    for answer in scripted.ANSWERS.values():
        assert {name for choice in answer.choices for name in choice.names} <= known


def test_a_type_takes_the_place_of_the_label_that_means_the_same() -> None:
    """The bot offers no label beside a type of the same meaning."""
    labels = {name: text for name, text in DEMO_LABELS.items() if name != "bug"}
    types = [{"name": name, "description": text} for name, text in DEMO_TYPES.items()]
    reply = scripted.answer({**request(samples.BUG, labels), "types": types})
    assert reply is not None
    assert [label["name"] for label in reply["labels"]][:2] == ["Bug", "area/login"]


def test_other_text_below_the_title_of_a_sample_is_answered_by_rules() -> None:
    assert scripted.find(samples.BUG.title, "It is something else.") is None
    assert scripted.find("Something else", samples.BUG.body) is None


def test_the_api_answers_a_sample_as_written_and_others_by_rules(call_model: CallModel) -> None:
    sample = request(samples.QUESTION, DEMO_LABELS)
    other = {**sample, "title": "Crash on save"}
    for asked, expected in ((sample, scripted.answer(sample)), (other, rules.answer(other))):
        messages = [{"role": "user", "content": json.dumps(asked)}]
        reply = call_model("openai", messages=messages).json()
        assert json.loads(reply["choices"][0]["message"]["content"]) == expected
