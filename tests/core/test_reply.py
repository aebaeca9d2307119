"""A model's text → summary and labels, with any text around them."""

from __future__ import annotations

import json
import time

import pytest

from bot.core.errors import ModelFailed
from bot.core.reply import MAX_SUGGESTIONS, ParsedReply, parse_reply
from bot.core.types import LabelSuggestion

BUG = LabelSuggestion("bug", "sure", "crashed")
FULL = (
    '{"summary": "It crashes.",'
    ' "labels": [{"name": "bug", "certainty": "sure", "reason": "crashed"}]}'
)


def names(*labels: str) -> tuple[LabelSuggestion, ...]:
    return tuple(LabelSuggestion(label, "likely") for label in labels)


@pytest.mark.parametrize(
    "text",
    [
        FULL,
        f"  \n{FULL}\n",
        f"```json\n{FULL}\n```",
        f"Here is the answer:\n```\n{FULL}\n```\nAnything else?",
        f"<think>A crash.</think>\n{FULL}",
        f'<think>Maybe {{"summary": "A decision."}}</think>\n{FULL}',
        f'Hm, {{"summary": "A decision."}}</think>\n{FULL}',
        f'<think>Hm.</think><think>{{"summary": "A decision."}}</think>\n{FULL}',
        f'<thinking>{{"summary": "A decision."}}</thinking>\n{FULL}',
        f'<Thought>Maybe {{"summary": "A decision."}}</Thought>\n{FULL}',
        f'[THINK]{{"summary": "A decision."}}[/THINK]{FULL}',
        f'<|channel|>analysis<|message|>{{"summary": "A decision."}}<|end|><|start|>assistant'
        f"<|channel|>final<|message|>{FULL}<|return|>",
        f"◁think▷{{◁/think▷{FULL}",
        f"{FULL}\n<think>Was that right?",
        f"{FULL}</think>",
        f"The set {{a, b}} is empty: {FULL}",
        f'{{"type": "object", "properties": {{"summary": {{"type": "string"}}}}}}\n{FULL}',
        f'{{"type": "object", "properties": {FULL}}}',
        f'{{"result": {FULL}}}',
        f'{{"name": "answer", "arguments": {json.dumps(FULL)}}}',
        FULL.replace("]}", ",],}"),
        FULL.replace('"crashed"', '"cra\\ud800shed"'),
        f"{FULL}\nOr shorter: {{}}",
        f'{{"summary": "A draft."}}\n{FULL}',
        f'{{"note": "I think."}} {FULL} {{"summary": " "}} {{"summary": 3}}',
        f"{FULL} }}",
        FULL.replace('"labels"', '"tags"'),
        FULL[:-1] + ', "confidence": 0.9}',
    ],
)
def test_an_answer_is_read_with_or_without_words_around_it(text: str) -> None:
    assert parse_reply(text) == ParsedReply("It crashes.", (BUG,))


def test_a_thinking_tag_inside_an_answer_is_text() -> None:
    assert (
        parse_reply('{"summary": "It ends with </think> {"}').summary == "It ends with </think> {"
    )


@pytest.mark.parametrize(
    ("labels", "parsed"),
    [
        ([], ()),
        (["bug", "docs"], names("bug", "docs")),
        ([{"name": "bug"}], (LabelSuggestion("bug", "likely"),)),
        ([{"name": "bug", "certainty": "Sure"}], (LabelSuggestion("bug", "sure"),)),
        ([{"name": "bug", "certainty": " UNSURE"}], (LabelSuggestion("bug", "unsure"),)),
        ([{"name": "bug", "certainty": None}], (LabelSuggestion("bug", "likely"),)),
        ([{"name": "bug", "certainty": "low"}], (LabelSuggestion("bug", "unsure"),)),
        ([{"name": "bug", "certainty": 0.2}], (LabelSuggestion("bug", "unsure"),)),
        ([{"name": "bug", "certainty": ["sure"]}], (LabelSuggestion("bug", "unsure"),)),
        ([{"name": "bug", "certainty": "unsure"}], (LabelSuggestion("bug", "unsure"),)),
        ([{"name": "bug", "reason": 3}], (LabelSuggestion("bug", "likely"),)),
        ([{"label": "bug", "certainty": "sure"}], (LabelSuggestion("bug", "sure"),)),
        ([{"name": None}], ()),
        ([None, 3, ["bug"], "docs"], (LabelSuggestion("docs", "likely"),)),
        ("bug", names("bug")),
        ("bug, docs", names("bug, docs", "bug", "docs")),  # a name may contain a comma
        ({"bug": True, "docs": False}, names("bug")),
        ({"bug": "sure"}, (LabelSuggestion("bug", "sure"),)),
        (
            {"bug": {"certainty": "sure", "reason": "crashed"}, "docs": 0.9},
            (BUG, LabelSuggestion("docs", "unsure")),
        ),
        (3, ()),
        (None, ()),
    ],
)
def test_labels_may_be_objects_or_names_and_anything_else_is_dropped(
    labels: object, parsed: tuple[LabelSuggestion, ...]
) -> None:
    assert parse_reply(json.dumps({"summary": "x", "labels": labels})).labels == parsed


@pytest.mark.parametrize(
    ("fields", "label"),
    [("", ""), (', "labels": ["a"], "tags": ["b"]', "a"), (', "labels": null, "tags": ["b"]', "b")],
)
def test_tags_count_only_where_there_are_no_labels(fields: str, label: str) -> None:
    labels = (LabelSuggestion(label, "likely"),) if label else ()
    assert parse_reply(f'{{"summary": "x"{fields}}}') == ParsedReply("x", labels)


def test_of_very_many_labels_only_the_first_are_parsed() -> None:
    text = json.dumps({"summary": "x", "labels": [f"label {n}" for n in range(10_000)]})
    labels = parse_reply(text).labels
    assert len(labels) == MAX_SUGGESTIONS
    assert labels[-1].label == f"label {MAX_SUGGESTIONS - 1}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I am sorry, I cannot do that.",
        "}{",
        "{",
        '{"summary": "It crashes.", "labels": [',
        "{'summary': 'It crashes.'}",
        '{"summary": "x", "labels": NaN}',
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"answer": {"summary": "It crashes."}',
        '{"summary": "It crashes.",,}',
        '<think>{"summary": "A decision."}',
        '<reasoning>{"summary": "A decision."}</reasoning>',
        "{" * 200_000,
        '{"' * 200_000,
        "{" + '\\"' * 200_000 + "\\",
        "{a}" * 200_000,
    ],
    ids=range(16),
)
def test_a_text_without_a_json_object_is_not_json(text: str) -> None:
    started = time.process_time()
    with pytest.raises(ModelFailed, match=r"^not-json$"):
        parse_reply(text)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"labels": ["bug"]}',
        '{"summary": ""}',
        '{"summary": " \\n"}',
        '{"summary": null}',
        '{"summary": ["It crashes."]}',
        '{"Summary": "It crashes."}',
        '{"a": {"b": {"c": {"d": {"summary": "It crashes."}}}}}',
        '{"result": [{"summary": "It crashes."}]}',
        '[{"summary": "It crashes."}]',
        '```json\n[{"summary": "It crashes."}]\n```',
    ],
)
def test_an_object_without_a_summary_has_the_wrong_shape(text: str) -> None:
    with pytest.raises(ModelFailed, match=r"^wrong-shape$"):
        parse_reply(text)


def test_a_failure_contains_nothing_of_the_answer() -> None:
    with pytest.raises(ModelFailed) as failure:
        parse_reply('{"summary": "quokkaberry", "labels": [}')
    assert "quokkaberry" not in repr(failure.value)
    assert failure.value.__cause__ is None
