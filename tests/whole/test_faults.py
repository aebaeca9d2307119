"""A second model while the first one fails, and a refused key.

`faults/` has the faults by their ids, each with its end state.
"""

from __future__ import annotations

from tests.whole.app import Build

FALLBACK_MODEL = {"LLM_TIMEOUT": "6", "LLM_FALLBACK_MODELS": "anthropic:second-choice"}


def test_the_next_model_answers_while_the_first_is_down(build: Build) -> None:
    with build(OPENAI_BASE_URL="http://127.0.0.1:9/v1", **FALLBACK_MODEL).open() as app:
        number = app.issue()
        (comment,) = app.comments(number)
        assert "second-choice" in comment.body
        (answered,) = app.events("enrichment succeeded")
        assert answered["model"] == "second-choice"
        (failed,) = app.events("a model failed")
        assert (failed["model"], failed["why"]) == ("sandbox-rules", "unreachable")


def test_where_every_model_fails_labels_come_from_rules(build: Build) -> None:
    with build(OPENAI_BASE_URL="http://127.0.0.1:9/v1", **FALLBACK_MODEL).open() as app:
        app.box.fault("model-rubbish", times=None)
        number = app.issue()
        assert app.labels(number) == ["bug", "needs-review"]
        assert app.comments(number) == []
        assert [e["model"] for e in app.events("a model failed")] == [
            "sandbox-rules",
            "second-choice",
        ]


def test_a_refused_key_is_one_error_that_names_the_variable(build: Build) -> None:
    with build(OPENAI_API_KEY="not-the-key").open() as app:
        first, second = app.issue(), app.issue()
        errors = [event for event in app.events() if event["level"] == "error"]
        assert [e["event"] for e in errors] == [
            "the language model does not answer; look at OPENAI_API_KEY"
        ]
        assert len(app.box.model_requests) >= 1
        for number in (first, second):
            assert "bug" in app.labels(number)
            assert app.comments(number) == []
