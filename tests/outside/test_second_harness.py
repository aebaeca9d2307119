"""The checks of the second attack set find each wrong result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.outside.attacks import Judge
from tests.outside.second import expand
from tests.outside.second_checks import CHECKS, problems
from tests.outside.second_replies import parrot
from tests.outside.second_run import Result
from tests.simulation import Exchange

SECRET, ISSUE_TEXT = "hunter2-hunter2", "Pressing the red button stops the whole mill."
COMMENT = (
    "**Summary (automated):** The mill stops.\n\n<sub>Written by Tagline with `m`; it can be wrong."
    "</sub>\n<!-- tagline:v1 e30 -->"
)


def model_request(text: str) -> Exchange:
    body = b'{"messages": [{"content": "%s"}]}' % text.encode()
    return Exchange("openai", "POST", "/chat/completions", "", {}, body, 200, {}, b"")


GOOD = Result(
    host="gitlab",
    title="The mill",
    body=ISSUE_TEXT,
    comments=[COMMENT],
    sent=["bug"],
    present=["bug", "old"],
    source="model",
    exchanges=[model_request("v1.2.3"), replace(model_request(""), api="gitlab", method="GET")],
    log='{"event": "enrichment succeeded"}\n',
    redis="tagline:job 1",
    seconds=1.0,
    cpu_s=0.1,
    rss_growth_mib=5.0,
    peak_mib=90.0,
)
WANTED = {
    "source": ["model", "rules"],
    "comments": 1,
    "labels": ["bug"],
    "labels_within": ["bug", "docs"],
    "labels_never": ["deploy"],
    "calls": [1, 2],
    "reads": 1,
    "unsaid": ["evil.example"],
    "landed": ["mill stops"],
    "sha": True,
    "secrets": [SECRET],
    "keeps": ["v1.2.3"],
    "seconds": 2,
    "cpu_s": 1.0,
    "rss_mib": 10,
    "peak_mib": 100,
}
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("source", {"source": ""}),
    ("comments", {"comments": []}),
    ("labels", {"sent": ["bug", "docs"]}),
    ("labels", {"present": ["old"]}),
    ("labels_within", {"sent": ["bug", "area"]}),
    ("labels_never", {"present": ["bug", "deploy"]}),
    ("calls", {"exchanges": []}),
    ("reads", {"exchanges": [*GOOD.exchanges, GOOD.exchanges[1]]}),
    ("unsaid", {"comments": [COMMENT.replace("mill", "evil.example")]}),
    ("landed", {"comments": [COMMENT.replace("mill", "page")]}),
    ("sha", {"comments": [COMMENT.replace("mill", "0a1b2c3 mill")]}),
    ("secrets", {"comments": [COMMENT.replace("mill", SECRET)]}),
    ("secrets", {"log": f'{{"event": "x", "why": "{SECRET}"}}'}),
    ("secrets", {"redis": SECRET}),
    ("secrets", {"exchanges": [model_request(f"v1.2.3 {SECRET}")]}),
    ("keeps", {"exchanges": [model_request("v1.2.")]}),
    ("seconds", {"seconds": 2.1}),
    ("cpu_s", {"cpu_s": 1.1}),
    ("rss_mib", {"rss_growth_mib": 11.0}),
    ("peak_mib", {"peak_mib": 101.0}),
    ("inert", {"comments": [COMMENT.replace("mill", "@root")]}),
    ("inert", {"comments": [COMMENT.replace("mill", "GL-12")]}),
    ("inert", {"comments": [f"{COMMENT} and more"]}),
    ("at most one comment", {"comments": [COMMENT, COMMENT]}),
    ("every log line is a JSON event", {"log": "Traceback (most recent call last):"}),
    ("no text of an issue in log", {"log": f'{{"event": "x", "why": "{ISSUE_TEXT}"}}'}),
    ("no text of an issue in Redis", {"redis": ISSUE_TEXT}),
]


@pytest.fixture(scope="module")
def judge(shared: Path) -> Judge:
    return Judge(shared)


def test_nothing_is_wrong_with_a_good_result(judge: Judge) -> None:
    assert problems(GOOD, WANTED, judge) == {}


@pytest.mark.parametrize(("name", "change"), WRONG)
def test_each_wrong_result_is_found(judge: Judge, name: str, change: dict[str, Any]) -> None:
    assert name in problems(replace(GOOD, **change), WANTED, judge)


def test_each_check_has_a_wrong_result() -> None:
    assert {name for name, _ in WRONG} >= set(CHECKS) == set(WANTED)


def test_an_expectation_without_a_check_fails(judge: Judge) -> None:
    with pytest.raises(AssertionError, match="no check for colour"):
        problems(GOOD, {"colour": "red"}, judge)


@pytest.mark.parametrize(
    ("recipe", "value"),
    [
        ({"gen": "repeat", "text": "ab", "times": 3}, "ababab"),
        ({"gen": "join", "parts": ["x", {"gen": "chr", "codes": [0x79, 0x7A]}]}, "xyz"),
        ({"gen": "join", "parts": ["1", "2"], "by": ", "}, "1, 2"),
        ({"gen": "count", "text": "k{}: v", "times": 2, "by": "\n", "form": "d"}, "k0: v\nk1: v"),
        ({"gen": "count", "text": "{}", "times": 12, "form": "x"}, "0123456789ab"),
        ({"gen": "json", "value": {"é": {"gen": "b64", "text": "hi"}}}, '{"\\u00e9": "aGk="}'),
        ({"gen": "json", "value": "é", "ascii": False}, '"é"'),
        ({"gen": "list", "text": "a{}", "times": 2}, ["a0", "a1"]),
        (
            {"gen": "bomb", "wide": 2, "deep": 3, "tail": "k: *x{last}"},
            "x0: &x0 [a, a]\nx1: &x1 [*x0, *x0]\nx2: &x2 [*x1, *x1]\nk: *x2",
        ),
        ([{"key": {"gen": "repeat", "text": "-", "times": 2}}], [{"key": "--"}]),
    ],
)
def test_a_recipe_stands_for_its_long_value(recipe: Any, value: Any) -> None:
    assert expand(recipe) == value


def test_the_parrot_repeats_the_issue_and_names_the_labels_in_it() -> None:
    request = {"title": "a BUG", "body": "LABEL[deploy] now", "labels": ["bug", {"name": "docs"}]}
    reply = '{"summary": "a BUG LABEL[deploy] now", "labels": ["bug", "deploy"]}'
    assert parrot(request) == reply
