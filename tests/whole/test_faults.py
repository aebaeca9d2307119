"""Models that fail and are asked again, in another way or one after the other.

The faults by their ids, each up to its end state, are in `faults/`.
"""

from __future__ import annotations

import pytest

from tests.whole.app import App
from tests.whole.conftest import Build


@pytest.mark.parametrize("fault", ["model-500", "model-reset", "model-html"])
def test_a_model_that_fails_once_is_asked_again_within_the_call(build: Build, fault: str) -> None:
    with build(LLM_TIMEOUT="6").open() as house:
        house.box.fault(fault)
        number = house.issue()
        assert len(house.comments(number)) == 1


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_server_without_formats_still_answers(build: Build, provider: str) -> None:
    with build(provider, LLM_TIMEOUT="6").open() as house:
        house.box.fault("model-400-response-format", times=None)
        numbers = [house.issue(), house.issue()]
        assert [len(house.comments(number)) for number in numbers] == [1, 1]


def test_prose_is_mended_within_the_call(build: Build) -> None:
    with build(LLM_TIMEOUT="6").open() as house:
        house.box.replies.append("I believe that this is a bug.")
        number = house.issue()
        (comment,) = house.comments(number)
        assert "without a language model" not in comment.body


FURTHER = {"LLM_TIMEOUT": "6", "LLM_FALLBACK_MODELS": "anthropic:second-choice"}


def test_the_next_model_answers_while_the_first_is_down(build: Build) -> None:
    with build(OPENAI_BASE_URL="http://127.0.0.1:9/v1", **FURTHER).open() as house:
        number = house.issue()
        (comment,) = house.comments(number)
        assert "second-choice" in comment.body
        (answered,) = house.events("enrichment succeeded")
        assert answered["model"] == "second-choice"
        (failed,) = house.events("a model failed")
        assert (failed["model"], failed["why"]) == ("sandbox-rules", "unreachable")


def test_where_every_model_fails_labels_come_from_rules(build: Build) -> None:
    with build(OPENAI_BASE_URL="http://127.0.0.1:9/v1", **FURTHER).open() as house:
        house.box.fault("model-rubbish", times=None)
        number = house.issue()
        assert house.labels(number) == ["bug", "needs-review"]
        assert house.comments(number) == []
        assert [e["model"] for e in house.events("a model failed")] == [
            "sandbox-rules",
            "second-choice",
        ]


def test_unknown_labels_of_a_model_are_never_set(house: App) -> None:
    house.box.fault("model-unknown-labels")
    number = house.issue()
    assert set(house.labels(number)) <= {"bug", "enhancement", "documentation", "area/login"}
    assert house.created_labels() == []


def test_a_refused_key_is_one_error_that_names_the_variable(build: Build) -> None:
    with build(OPENAI_API_KEY="not-the-key").open() as house:
        first, second = house.issue(), house.issue()
        errors = [event for event in house.events() if event["level"] == "error"]
        assert [e["event"] for e in errors] == [
            "the language model does not answer; look at OPENAI_API_KEY"
        ]
        assert len(house.box.model_requests) >= 1
        for number in (first, second):
            assert "bug" in house.labels(number)
            assert house.comments(number) == []


def test_without_a_provider_labels_and_a_comment_come_from_rules(build: Build) -> None:
    with build(provider="").open() as house:
        number = house.issue()
        assert house.labels(number) == ["bug", "needs-review"]
        (comment,) = house.comments(number)
        assert "without a language model" in comment.body
