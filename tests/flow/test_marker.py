"""A marker is bounded, always recognised, and knows labels of any length."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.config.schema import RepoConfig
from bot.core.errors import ConfigProblem
from bot.core.history import IssueHistory, resolved
from bot.core.types import Enrichment, LabelDecision, LabelSuggestion, Marker, OwnComment, Usage
from bot.flow.plan import Decision, make_plan
from bot.flow.render import read_marker, write_marker
from bot.forges import values
from tests.fakes import an_issue

INPUT = "0123456789abcdef"
MOST = 8000  # characters of a marker's content; older versions read no more
GITHUB_S_LIMIT = 65_536
BOOM = "\U0001f4a5"
NAMES = st.one_of(
    st.text(min_size=1, max_size=255),
    st.text(alphabet="`", min_size=1, max_size=255),
    st.sampled_from([BOOM, "ж", "\x01", '"', "e\u0301", "a"]).map(lambda sign: sign * 250),
).map(values.text)
LISTS = st.lists(NAMES, max_size=40, unique=True)


def content(line: str) -> str:
    return line.removeprefix("<!-- tagline:v1 ").removesuffix(" -->")


@settings(max_examples=200, deadline=None)
@given(LISTS, st.integers(1, 30))
@example([f"{BOOM * 253}{sign}" for sign in "abcdefghijklmnopqrst"], 1)
def test_any_marker_is_recognised_and_bounded(names: list[str], times: int) -> None:
    many = tuple(f"{name}{n}" for n in range(times) for name in names)
    line = write_marker(Marker(many, "1", "model", INPUT))
    assert len(content(line)) <= MOST
    found = read_marker(f"text\n{line}")
    assert found
    assert (found.prompt, found.source, found.input) == ("1", "model", INPUT)
    assert write_marker(found) == line


@settings(max_examples=200, deadline=None)
@given(LISTS.map(lambda names: names[:20]))
def test_twenty_labels_of_any_kind_are_all_remembered(names: list[str]) -> None:
    written = Marker(tuple(names), "1", "model", INPUT)
    found = read_marker(write_marker(written))
    assert found
    assert resolved(found, ["another", *names, BOOM * 255]) == written


def test_where_too_many_were_added_the_newest_are_remembered() -> None:
    names = tuple(f"{BOOM * 200}{n}" for n in range(1000))
    found = read_marker(write_marker(Marker(names, "1", "model", INPUT)))
    assert found
    known = resolved(found, names).labels
    assert len(known) > 150
    assert known == names[-len(known) :]


@pytest.mark.parametrize("count", [20, 200, 3000])
def test_markers_of_older_versions_are_read_however_long_they_are(count: int) -> None:
    old = {
        "labels": [f"{BOOM * 250}{n}" for n in range(count)],
        "prompt": "1",
        "source": "rules",
        "input": INPUT,
    }
    text = json.dumps(old, ensure_ascii=False).encode()
    found = read_marker(f"text\n<!-- tagline:v1 {urlsafe_b64encode(text).decode()} -->")
    assert found == Marker(tuple(old["labels"]), "1", "rules", INPUT)


def test_a_marker_that_was_cut_or_nests_without_end_is_none() -> None:
    line = write_marker(Marker(("bug",), "1", "model", INPUT))
    assert read_marker(line[:-8]) is None
    deep = urlsafe_b64encode(b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}").decode()
    assert read_marker(f"<!-- tagline:v1 {deep} -->") is None


def test_a_digest_of_a_label_that_is_gone_is_kept_until_the_label_is_back() -> None:
    name = "ж" * 255
    marker = read_marker(write_marker(Marker((name,), "1", "model", INPUT)))
    assert marker
    unknown = resolved(marker, ["bug"])
    assert unknown == marker
    again = read_marker(write_marker(unknown))
    assert again
    assert resolved(again, [name]).labels == (name,)


def test_another_case_of_a_long_name_is_the_same_label() -> None:
    marker = read_marker(write_marker(Marker(("Ж" * 200,), "1", "model", INPUT)))
    assert marker
    assert resolved(marker, ["ж" * 200]).labels == ("ж" * 200,)


def comment(
    label_decision: LabelDecision,
    own_comments: tuple[str, ...] = (),
    problems: list[ConfigProblem] | None = None,
) -> str:
    history = IssueHistory(
        an_issue("Broken", "It fails.", own_comments), INPUT, None, OwnComment(7, ""), None
    )
    history = replace(history, marker=Marker(own_comments, "1", "model", "other"))
    usage = Usage("m" * 300, 1, 1, 0.0)
    found = Enrichment("word " * 500, label_decision, "model", usage=usage)
    said = make_plan(Decision(history, RepoConfig(), tuple(problems or ()), found)).comment
    assert said is not None
    return said


@settings(max_examples=60, deadline=None)
@given(NAMES, st.integers(0, 400))
@example("`" * 250, 400)
@example(BOOM * 250, 400)
def test_any_comment_fits_and_is_recognised(name: str, before: int) -> None:
    names = [f"{name}{n}" for n in range(60)]
    choices = tuple(LabelSuggestion(one, "likely", f"{one} " * 9) for one in names)
    own_comments = tuple(f"{n}{name}" for n in range(before))
    problems = [ConfigProblem(1, "k" * 400, "a" * 400)] * 40
    label_decision = LabelDecision(choices[:20], tuple(names[20:40]), choices[40:])
    said = comment(label_decision, own_comments, problems)
    assert len(said) <= GITHUB_S_LIMIT
    assert read_marker(said)


def test_twenty_labels_of_the_longest_names_are_all_named() -> None:
    names = [f"{BOOM}{n:02d} " * 63 for n in range(20)]
    said = comment(LabelDecision(tuple(LabelSuggestion(name, "sure") for name in names)))
    assert all(said.count(f"{BOOM}{n:02d}") >= 2 for n in range(20))
    assert "more" not in said


def test_what_does_not_fit_is_counted() -> None:
    said = comment(LabelDecision(), tuple(f"{BOOM * 90}{n}" for n in range(1000)))
    assert " more." in said
