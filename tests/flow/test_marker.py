"""A marker has a maximum size, is always recognised, and records labels of any length."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.config.schema import RepoConfig
from bot.core.enrichment import Enrichment
from bot.core.errors import ConfigProblem
from bot.core.history import IssueHistory, resolve_digests
from bot.core.types import LabelDecision, LabelSuggestion, Marker, OwnComment, Usage
from bot.flow.make_plan import Decision, make_plan
from bot.flow.render import read_marker, write_marker
from bot.forges import values
from tests.fakes import make_issue

INPUT = "0123456789abcdef"
MAX_CONTENT = 8000  # characters of a marker's content; older versions read no more
GITHUB_LIMIT = 65_536
BOOM = "\U0001f4a5"
NAMES = st.one_of(
    st.text(min_size=1, max_size=255),
    st.text(alphabet="`", min_size=1, max_size=255),
    st.sampled_from([BOOM, "ж", "\x01", '"', "e\u0301", "a"]).map(
        lambda character: character * 250
    ),
).map(values.text)
LISTS = st.lists(NAMES, max_size=40, unique=True)


def content(line: str) -> str:
    return line.removeprefix("<!-- tagline:v1 ").removesuffix(" -->")


@settings(max_examples=200, deadline=None)
@given(LISTS, st.integers(1, 30))
@example([f"{BOOM * 253}{letter}" for letter in "abcdefghijklmnopqrst"], 1)
def test_any_marker_is_recognised_and_bounded(names: list[str], times: int) -> None:
    many = tuple(f"{name}{n}" for n in range(times) for name in names)
    line = write_marker(Marker(many, "1", "model", INPUT))
    assert len(content(line)) <= MAX_CONTENT
    marker = read_marker(f"text\n{line}")
    assert marker
    assert (marker.prompt, marker.source, marker.input) == ("1", "model", INPUT)
    assert write_marker(marker) == line


@settings(max_examples=200, deadline=None)
@given(LISTS.map(lambda names: names[:20]))
def test_a_marker_records_twenty_labels_of_any_kind(names: list[str]) -> None:
    written = Marker(tuple(names), "1", "model", INPUT)
    marker = read_marker(write_marker(written))
    assert marker
    assert resolve_digests(marker, ["another", *names, BOOM * 255]) == written


def test_a_marker_with_too_many_labels_records_the_newest() -> None:
    names = tuple(f"{BOOM * 200}{n}" for n in range(1000))
    marker = read_marker(write_marker(Marker(names, "1", "model", INPUT)))
    assert marker
    labels = resolve_digests(marker, names).labels
    assert len(labels) > 150
    assert labels == names[-len(labels) :]


@pytest.mark.parametrize("count", [20, 200, 3000])
def test_markers_of_older_versions_are_read_at_any_length(count: int) -> None:
    old = {
        "labels": [f"{BOOM * 250}{n}" for n in range(count)],
        "prompt": "1",
        "source": "rules",
        "input": INPUT,
    }
    text = json.dumps(old, ensure_ascii=False).encode()
    marker = read_marker(f"text\n<!-- tagline:v1 {urlsafe_b64encode(text).decode()} -->")
    assert marker == Marker(tuple(old["labels"]), "1", "rules", INPUT)


def test_the_digest_of_a_deleted_label_is_kept_until_the_label_returns() -> None:
    name = "ж" * 255
    marker = read_marker(write_marker(Marker((name,), "1", "model", INPUT)))
    assert marker
    unresolved = resolve_digests(marker, ["bug"])
    assert unresolved == marker
    again = read_marker(write_marker(unresolved))
    assert again
    assert resolve_digests(again, [name]).labels == (name,)


def test_another_case_of_a_long_name_is_the_same_label() -> None:
    marker = read_marker(write_marker(Marker(("Ж" * 200,), "1", "model", INPUT)))
    assert marker
    assert resolve_digests(marker, ["ж" * 200]).labels == ("ж" * 200,)


def comment(
    label_decision: LabelDecision,
    bot_labels: tuple[str, ...] = (),
    problems: list[ConfigProblem] | None = None,
) -> str:
    history = IssueHistory(
        make_issue("Broken", "It fails.", bot_labels), INPUT, None, OwnComment(7, ""), None
    )
    history = replace(history, marker=Marker(bot_labels, "1", "model", "other"))
    usage = Usage("m" * 300, 1, 1, 0.0)
    enrichment = Enrichment("word " * 500, label_decision, "model", usage=usage)
    text = make_plan(Decision(history, RepoConfig(), tuple(problems or ()), enrichment)).comment
    assert text is not None
    return text


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(NAMES, st.integers(0, 400))
@example("`" * 250, 400)
@example(BOOM * 250, 400)
def test_any_comment_fits_and_is_recognised(name: str, label_count: int) -> None:
    names = [f"{name}{n}" for n in range(60)]
    suggestions = tuple(LabelSuggestion(one, "likely", f"{one} " * 9) for one in names)
    bot_labels = tuple(f"{n}{name}" for n in range(label_count))
    problems = [ConfigProblem(1, "k" * 400, "a" * 400)] * 40
    label_decision = LabelDecision(suggestions[:20], suggestions[20:40], suggestions[40:])
    body = comment(label_decision, bot_labels, problems)
    assert len(body) <= GITHUB_LIMIT
    assert read_marker(body)


def test_twenty_labels_of_the_longest_names_are_all_named() -> None:
    names = [f"{BOOM}{n:02d} " * 63 for n in range(20)]
    body = comment(LabelDecision(tuple(LabelSuggestion(name, "sure") for name in names)))
    assert all(body.count(f"{BOOM}{n:02d}") >= 2 for n in range(20))
    assert "more" not in body


def test_labels_that_do_not_fit_are_counted() -> None:
    body = comment(LabelDecision(), tuple(f"{BOOM * 90}{n}" for n in range(1000)))
    assert " more." in body
