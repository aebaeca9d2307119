"""A comment keeps every property with any text of models, people and repositories."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from bot.core.commands import find_commands
from bot.core.config.schema import RepoConfig
from bot.core.enrichment import Enrichment
from bot.core.errors import ConfigProblem
from bot.core.history import IssueHistory
from bot.core.types import (
    Choice,
    LabelDecision,
    LabelSuggestion,
    Marker,
    OwnComment,
    Record,
    Source,
    Usage,
)
from bot.flow.enrich import NO_PROVIDER
from bot.flow.make_plan import Decision, make_plan
from bot.flow.render import add_decision, read_marker, write_marker
from bot.forges import values
from tests.configs import parse
from tests.core.test_sanitize import HOSTILE
from tests.fakes import make_issue
from tests.outside.attacks import Judge, commands, frame_intact

CERTAINTY = st.sampled_from(["sure", "likely", "unsure"])
# Names of labels come from a forge, whose texts are sanitized when they are read.
NAMES = st.one_of(
    HOSTILE.map(lambda name: values.text(name)[:255]), st.sampled_from(["bug", "area/login"])
)
CHOICES = st.lists(st.builds(LabelSuggestion, NAMES, CERTAINTY, HOSTILE), max_size=3).map(tuple)
PREFIXES = st.sampled_from(["", "/tagline", "@tag-line.io"])
ADVICE = HOSTILE.map(lambda text: f"is not known: {text}")
PROBLEMS = st.lists(st.builds(ConfigProblem, st.integers(0, 99), HOSTILE, ADVICE), max_size=3)
MODELS = st.sampled_from(["gpt-6-luna", "org/model:1b", "`", "a`b", "@x"])  # the operator's


@pytest.fixture(scope="module")
def judge(shared: Path) -> Judge:
    return Judge(shared)


@st.composite
def comments(draw: st.DrawFn) -> str:
    """Return a comment in which all text but the bot's own is hostile."""
    label_decision = LabelDecision(
        apply=draw(CHOICES),
        suggested=draw(CHOICES),
        keep=draw(CHOICES),
    )
    sources: list[Source] = ["model", "rules"]
    source = draw(st.sampled_from(sources))
    usage = Usage(draw(MODELS), 1, 1, 0.0)
    why = "" if source == "model" else NO_PROVIDER
    enrichment = Enrichment(draw(HOSTILE), label_decision, source, why=why, usage=usage)
    bot_labels = tuple(draw(st.lists(NAMES, max_size=2)))
    marker = Marker(bot_labels, "1", "rules", "0" * 16)
    issue = make_issue("Login", "It fails.", bot_labels)
    history = IssueHistory(issue, "0" * 16, None, OwnComment(7, write_marker(marker)), marker)
    problems, prefix = tuple(draw(PROBLEMS)), draw(PREFIXES)
    decision = Decision(history, RepoConfig(), problems, enrichment, command_prefix=prefix)
    comment = make_plan(decision).comment
    assert comment is not None
    return comment


def broken(comment: str, judge: Judge) -> set[str]:
    """Return the properties that a comment breaks."""
    problems = judge.broken_by(comment) | commands(comment, judge.bad)
    if not frame_intact(comment):
        problems.add("frame_intact")
    if len(comment) > 65_536:  # GitHub's limit of a comment
        problems.add("length_cap")
    return problems - {"no_block"}  # frame_intact is stricter here


@settings(deadline=None, max_examples=40)
@given(comments())
def test_no_text_of_others_breaks_a_property_of_the_comment(judge: Judge, comment: str) -> None:
    assert broken(comment, judge) == set()
    assert read_marker(comment) is not None


RECORDS = st.builds(
    Record,
    st.just("answered"),
    HOSTILE,
    source=st.sampled_from(["model", "rules", ""]),
    choices=st.lists(
        st.builds(Choice, NAMES, st.sampled_from(["model", "rules"]), CERTAINTY), max_size=3
    ).map(tuple),
    usage=st.builds(Usage, HOSTILE, cost_usd=st.sampled_from([None, 0.0, 1.5])),
)


@settings(deadline=None, max_examples=40)
@given(comments(), RECORDS)
def test_no_text_of_others_breaks_a_property_through_the_decision_record(
    judge: Judge, comment: str, record: Record
) -> None:
    marker = read_marker(comment)
    assert marker is not None
    explained = add_decision(comment, record, marker)
    assert explained.count("<details><summary>Decision record</summary>") == 1
    assert broken(explained, judge) == set()
    assert read_marker(explained) == marker
    assert add_decision(explained, record, marker) == explained
    assert find_commands(explained, ["/tagline", "@tag-line.io"]) == ()


@settings(deadline=None, max_examples=40)
@given(HOSTILE)
@example('labels:\n  allow: ["*"]\n/close: 1\n')
@example("@everyone: {}\n")
@example("mode: </details>\n")
def test_no_configuration_breaks_a_property_through_its_problems(judge: Judge, text: str) -> None:
    config, problems = parse(text)
    enrichment = Enrichment("It fails.", LabelDecision(), "model", usage=Usage("m", 1, 1, 0.0))
    history = IssueHistory(make_issue("Login", "It fails.", ()), "0" * 16, None, None, None)
    config = structs.replace(config, comment=RepoConfig().comment)
    comment = make_plan(Decision(history, config, tuple(problems), enrichment)).comment
    assert comment is not None
    assert broken(comment, judge) == set()
