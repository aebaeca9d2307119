"""The simulated model answers by the schema it is given, whatever its rules give."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from bot.core.prompt import describe_schema
from tests.simulation.schema import fit, schema_in

from .conftest import CallModel

Schema = dict[str, Any]
VALUE = {
    "summary": "The login page crashes on every second visit.",
    "labels": [
        {"name": "bug", "certainty": "sure", "reason": "crashes"},
        {"name": "wontfix", "certainty": "sure", "reason": "no"},
        {"name": "docs", "certainty": "likely", "reason": "the page"},
    ],
}


def an_object(*required: str, **parts: Schema) -> Schema:
    closed = {"type": "object", "additionalProperties": False}
    return {**closed, "properties": parts, "required": list(required)}


TEXT: Schema = {"type": "string"}
NAMES: Schema = {"type": "string", "enum": ["bug", "docs"]}
# A schema → what is answered by it.
SHAPES: dict[str, tuple[Schema, Any]] = {
    "one word": (an_object("word", word=TEXT), {"word": "blue"}),
    "one choice": (
        an_object("answer", answer={"type": "string", "enum": ["yes", "no"]}),
        {"answer": "yes"},
    ),
    "a text cut short": (
        an_object("summary", summary={"type": "string", "maxLength": 9}),
        {"summary": "The login"},
    ),
    "only names of the enum": (
        an_object(
            "labels",
            labels={"type": "array", "items": an_object("name", name=NAMES)},
        ),
        {"labels": [{"name": "bug"}, {"name": "docs"}]},
    ),
    "no more entries than allowed": (
        an_object(
            "labels",
            labels={"type": "array", "maxItems": 1, "items": an_object("name", name=NAMES)},
        ),
        {"labels": [{"name": "bug"}]},
    ),
    "an object in an object": (
        an_object("a", a=an_object("b", b=an_object("c", c=TEXT))),
        {"a": {"b": {"c": "blue"}}},
    ),
}


@pytest.mark.parametrize("case", SHAPES)
def test_an_answer_follows_its_schema(case: str) -> None:
    schema, expected = SHAPES[case]
    found = fit(schema, VALUE)
    assert found == expected
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(found)


SMALL = an_object("word", word=TEXT)
OPENAI_FORM = {
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SMALL}}
}
ANTHROPIC_FORM = {"output_config": {"format": {"type": "json_schema", "schema": SMALL}}}
RULES = f"Be brief.\n{describe_schema(SMALL)}"
QUESTION = {"role": "user", "content": '{"title": "Broken", "body": "It crashes."}'}


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("openai", {"messages": [QUESTION], **OPENAI_FORM}),
        (
            "openai",
            {
                "messages": [{"role": "system", "content": RULES}, QUESTION],
                "response_format": {"type": "json_object"},
            },
        ),
        ("openai", {"messages": [{"role": "system", "content": RULES}, QUESTION]}),
        ("openai", {"messages": [{"role": "user", "content": f"{RULES}\n\n{QUESTION}"}]}),
        ("anthropic", {"messages": [QUESTION], **ANTHROPIC_FORM}),
        ("anthropic", {"messages": [QUESTION], "system": RULES}),
        ("anthropic", {"messages": [QUESTION, {"role": "user", "content": RULES}]}),
    ],
)
def test_the_schema_is_taken_from_the_parameter_or_the_messages(
    call_model: CallModel, api: str, body: dict[str, Any]
) -> None:
    reply = call_model(api, **body).json()
    text = reply["content"][-1]["text"] if api == "anthropic" else None
    text = text or reply["choices"][0]["message"]["content"]
    assert json.loads(text) == {"word": "blue"}


@pytest.mark.parametrize(
    "texts",
    [[], ["no object"], ["an {unfinished"], ['{"properties": {"a": {}}}'], ['say {"word": "x"}']],
)
def test_messages_without_a_schema_have_none(texts: list[str]) -> None:
    assert schema_in(texts) is None
