"""Features, groups of labels, separators and weights."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
import tracemalloc
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.labels.keywords import TYPES
from bot.learn.features import HASH_BITS, Part, extract_features, hash_feature
from bot.learn.groups import find_groups
from bot.learn.linear import Separator, make_row
from bot.learn.weights import Levels, join, quantize, scale_features


def has(title: str, body: str, part: Part, text: str) -> bool:
    return hash_feature(part, text) in extract_features(title, body)


@pytest.mark.parametrize(
    ("title", "body", "part", "text"),
    [
        ("The Window crashes", "", Part.TITLE, "window"),
        ("The Window crashes", "", Part.TITLE, "window crashes"),
        ("Don't crash", "", Part.TITLE, "dont crash"),
        ("HttpClient hangs", "", Part.TITLE, "client"),
        ("System.Net.Http hangs", "", Part.TITLE, "net"),
        ("打开文件崩溃", "", Part.TITLE, "崩溃"),
        ("", "It crashes.", Part.BODY, "crashes"),
        ("[Feature] A dark mode", "", Part.STRUCTURE, "tag feature"),
        ("docs: a dead link", "", Part.STRUCTURE, "tag docs"),
        ("How do I print", "", Part.STRUCTURE, "start how do"),
        ("", "### Platform\n\nmacOS", Part.STRUCTURE, "heading platform"),
        ("", "### Platform\n\nmacOS", Part.STRUCTURE, "answer platform = macos"),
        ("", "- OS: Windows 11", Part.STRUCTURE, "field os = windows 11"),
        ("", "    at app.main(App.java:3)", Part.CUES, "sign stack trace 1"),
        ("The window crashes on start", "", Part.RULES, "bug"),
    ],
)
def test_an_issue_has_features_of_each_part(title: str, body: str, part: Part, text: str) -> None:
    assert has(title, body, part, text)


def test_types_count_by_how_probable_the_rules_find_them() -> None:
    bug = hash_feature(Part.RULES, "bug")

    likely = extract_features("The window flickers", "")
    sure = extract_features("The window crashes on start", "It crashes each time, with this error.")

    assert 0 < likely[bug] < sure[bug] < 1
    assert all(hash_feature(Part.RULES, name) in sure for name in TYPES)


def test_a_pair_of_words_does_not_span_punctuation() -> None:
    assert not has("Crash. Window", "", Part.TITLE, "crash window")


def test_hidden_text_is_no_feature() -> None:
    assert not has("", "<!-- describe the crash -->", Part.BODY, "crash")


@given(st.text(max_size=200), st.text(max_size=500))
@settings(deadline=None)  # the tables are read at the first issue
def test_every_text_has_features_of_known_parts(title: str, body: str) -> None:
    features = extract_features(title, body)

    assert all(number >> HASH_BITS in list(Part) for number in features)
    assert all(math.isfinite(value) and value > 0 for value in features.values())


def test_a_long_text_has_a_bounded_number_of_features() -> None:
    body = "\n".join(f"word{n} other{n} ### Heading{n}: value{n}" for n in range(20_000))

    started = time.perf_counter()
    features = extract_features("t" * 10_000, body)

    assert len(features) < 2_000
    assert time.perf_counter() - started < 2


def test_labels_that_never_meet_form_a_group() -> None:
    history = [(("bug", "feature", "question")[n % 3], "ui") for n in range(60)]

    assert find_groups(history, ["ui", "bug", "feature", "question"]) == [-1, 0, 0, 0]


def test_rare_labels_that_have_not_met_by_chance_form_no_group() -> None:
    history = [*[("a",)] * 8, *[("b",)] * 8, *[()] * 200]

    assert find_groups(history, ["a", "b"]) == [-1, -1]


def make_separator(prior: float = 0.0) -> Separator:
    rows = [make_row({2: 1.0} if n % 2 else {3: 1.0}) for n in range(40)]
    signs = [1 if n % 2 else -1 for n in range(40)]
    return Separator(rows, signs, [1.0] * 40, lambda _: [0.0, 0.0, 0.0, 0.0, prior])


def test_a_separator_separates() -> None:
    separator = make_separator()

    assert make_row({2: 1.0}).score(separator.weights) > 0.8
    assert make_row({3: 1.0}).score(separator.weights) < -0.8


def test_what_no_row_shows_stays_as_the_prior_has_it() -> None:
    assert make_separator(prior=0.5).weights[4] == 0.5


def test_scores_of_held_out_rows_do_not_depend_on_their_labels() -> None:
    rows = [make_row({2: 1.0} if n % 2 else {3: 1.0}) for n in range(40)]
    signs = [1 if n % 2 else -1 for n in range(40)]
    flipped = [-signs[0], -signs[1], *signs[2:]]

    scores = [
        Separator(rows, x, [1.0] * 40, lambda _: [0.0] * 4).score_without([0, 1])
        for x in (signs, flipped)
    ]

    assert scores[0] == pytest.approx(scores[1], abs=0.05)


def test_each_part_of_an_issue_counts_whatever_its_length() -> None:
    title = hash_feature(Part.TITLE, "crash")
    body = [hash_feature(Part.BODY, f"word {n}") for n in range(50)]
    uses = dict.fromkeys([title, *body], 1)

    scaled = scale_features(dict.fromkeys([title, *body], 1.0), uses, 10)

    assert scaled[title] == pytest.approx(1.0)
    assert math.sqrt(sum(scaled[n] ** 2 for n in body)) == pytest.approx(1.0)


def test_weights_are_stored_with_an_error_of_half_a_level() -> None:
    weights = [0.5, -1.0, 0.001, 0.0, 0.25]

    levels = quantize(weights)

    stored = dict(zip(levels.columns, levels.values, strict=True))
    for n, weight in enumerate(weights):
        assert stored.get(n, 0) * levels.scale == pytest.approx(weight, abs=levels.scale / 2)


def test_where_there_is_no_room_the_small_weights_go() -> None:
    size = 400_000
    one = quantize([0.01 if n % 10 else 1.0 for n in range(size)])

    weights = join(
        [one, one, Levels(1.0, one.columns[:0], one.values[:0])], range(size), [1] * size
    )

    assert 0 < len(weights.numbers) < size
    assert set(weights.values) <= {127}


def test_weights_without_room_take_no_memory() -> None:
    size = 20_000
    small, large = (Levels(1.0, array("I", range(size)), array("b", [x] * size)) for x in (1, 99))

    tracemalloc.start()
    weights = join([large, *[small] * 99], range(size), [1] * size)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(weights.values) == size
    assert peak < 20_000_000


def test_features_have_one_order_in_all_processes() -> None:
    body = "### Version\n4.2\n\nOS: Linux\n`saveFile` fails in getUserName and parseHtmlPage, why?"
    title = "[Bug] openFile and readLine crash"
    code = (
        "from bot.learn.features import extract_features;"
        f" print(list(extract_features({title!r}, {body!r})))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in "123"
    }
    assert len(printed) == 1
