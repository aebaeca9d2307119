"""What limits the bot fails closed: a wrong value is read cautiously, and never widens."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.config.caution import RESTRICTIONS, tighten
from bot.core.config.parser import read
from bot.core.config.schema import DEFAULTS, TYPES, LabelRules, RepoConfig
from tests.configs import parse


def value(text: str, path: str) -> Any:
    found: Any = parse(text)[0]
    for name in path.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize(
    ("text", "path", "holds"),
    [
        ("mode: Off", "mode", "off"),
        ("mode: 'SUGGEST '", "mode", "suggest"),
        ("Mode: Dry-Run", "mode", "dry-run"),
        ("comment: {post: Never}", "comment.post", "never"),
        ("comment: {post: When-Useful}", "comment.post", "when-useful"),
        ("comment: {on_fallback: AUTO}", "comment.on_fallback", "auto"),
        ("on: [Opened, EDITED]", "on", ("opened", "edited")),
        ("privacy: {redact: [Secrets]}", "privacy.redact", ("secrets",)),
        ("LABELS: {Deny: [Bug]}", "labels.deny", ("Bug",)),
    ],
)
def test_case_does_not_matter(text: str, path: str, holds: object) -> None:
    assert parse(text)[1] == ()
    assert value(text, path) == holds


@pytest.mark.parametrize(
    "written", ["no", "false", "sugest", "[off]", "{a: b}", "", "~", "1", "!x apply", "apply off"]
)
def test_a_mode_that_cannot_be_read_is_off_and_reported(written: str) -> None:
    config, problems = parse(f"mode: {written}\n")
    assert config.mode == "off"
    assert [(problem.line, problem.key) for problem in problems] == [(1, "mode")]


@pytest.mark.parametrize(
    ("items", "holds", "wrong"),
    [
        ("[404, bug]", ("404", "bug"), [1]),
        ("[true, 1.50, 0x1F, bug]", ("true", "1.50", "0x1F", "bug"), [1, 2, 3]),
        ("[type: bug, docs]", ("type: bug", "docs"), [1]),
        ("[[bug, docs], ux]", ("bug", "docs", "ux"), [1]),
        ("[~, bug]", ("~", "bug"), [1]),
        ("[bug, , docs]", None, None),
        ("[2024-01-31, bug]", ("2024-01-31", "bug"), []),
    ],
)
def test_a_list_holds_its_readable_items_as_they_are_written(
    items: str, holds: tuple[str, ...] | None, wrong: list[int] | None
) -> None:
    reading = read(f"labels: {{deny: {items}}}")
    if holds is None or wrong is None:
        assert reading.broken
        return
    assert reading.config.labels.deny == holds
    assert [x.key for x in reading.problems] == [f"labels.deny[{n}]" for n in wrong]


def test_an_item_with_a_colon_is_reported_with_its_line() -> None:
    config, problems = parse("labels:\n  deny:\n    - bug\n    - kind: crash\n")
    assert config.labels.deny == ("bug", "kind: crash")
    assert [str(problem) for problem in problems] == ["line 4, labels.deny[2]: write a text"]


@pytest.mark.parametrize("written", ["bug", "true", "{bug: x, docs: y}", "!x bug", "404"])
def test_labels_to_deny_or_allow_that_are_no_list_leave_none(written: str) -> None:
    assert value(f"labels: {{deny: {written}}}", "labels.deny") == ("*",)
    assert value(f"labels: {{allow: {written}}}", "labels.allow") == ()


@pytest.mark.parametrize("key", ["authors", "labels", "title"])
def test_what_is_ignored_may_be_written_without_brackets(key: str) -> None:
    assert {"ada", "eve"} <= {*value(f"ignore: {{{key}: 'ada, eve'}}", f"ignore.{key}")}


@pytest.mark.parametrize("key", ["authors", "labels", "title"])
def test_what_is_ignored_and_cannot_be_read_is_everything(key: str) -> None:
    assert value(f"ignore: {{{key}: {{a: b, c: d}}}}", "ignore.title") == ("*",)


@pytest.mark.parametrize(
    "written",
    [".inf", "-.inf", ".nan", "-1", "1e400", "9" * 5000, "lots", "[]", "~", "true", "0x10", "1e9"],
)
def test_a_budget_that_cannot_be_read_keeps_its_default(written: str) -> None:
    config, problems = parse(f"budget: {{per_day_usd: {written}, per_author_per_hour: {written}}}")
    assert (config.budget.per_day_usd, config.budget.per_author_per_hour) in ((1.0, 5), (16.0, 16))
    assert problems or written == "0x10"


@pytest.mark.parametrize(
    ("written", "holds"),
    [("'0'", 0.0), ("$0.50", 0.5), ("'0,25'", 0.25), ("0.5 USD", 0.5), ("0 a day", 0.0)],
)
def test_a_smaller_number_in_a_budget_holds(written: str, holds: float) -> None:
    assert value(f"budget: {{per_day_usd: {written}}}", "budget.per_day_usd") == holds


@pytest.mark.parametrize("written", ["[secrets, email]", "none", "secrets", "[[]]", "false", "~"])
def test_what_is_masked_and_cannot_be_read_is_everything(written: str) -> None:
    redact = value(f"privacy: {{redact: {written}}}", "privacy.redact")
    assert {*redact} == {"secrets", "emails"}


@pytest.mark.parametrize(
    ("written", "holds"), [("[]", ("secrets",)), ("[emails]", ("secrets", "emails"))]
)
def test_secrets_are_redacted_also_where_the_list_leaves_them_out(
    written: str, holds: tuple[str, ...]
) -> None:
    text = f"privacy: {{redact: {written}}}"
    assert parse(text)[1] == ()
    assert value(text, "privacy.redact") == holds


@pytest.mark.parametrize(
    ("text", "path", "holds"),
    [
        ("moed: off", "mode", "off"),
        ("lables: {deny: [bug]}", "labels.deny", ("bug",)),
        ("deny: [bug]", "labels.deny", ("bug",)),
        ("post: never", "comment.post", "never"),
        ("labels: {denny: [bug]}", "labels.deny", ("bug",)),
        ("comment: {posts: never}", "comment.post", "never"),
        ("modes: apply", "mode", "apply"),
        ("labels: {maxi: 20}", "labels.max", 5),
        ("budgets: {per_day_usd: 900}", "budget.per_day_usd", 1.0),
    ],
)
def test_an_unknown_key_that_means_a_limit_limits_and_never_widens(
    text: str, path: str, holds: object
) -> None:
    assert value(text, path) == holds
    assert parse(text)[1]


@pytest.mark.parametrize(
    ("text", "path", "holds"),
    [
        ("mode: off\nmode: apply", "mode", "off"),
        ("mode: suggest\nmode: 'off'", "mode", "off"),
        ("labels: {deny: [a]}\nlabels: {deny: [b]}", "labels.deny", ("a", "b")),
        ("labels: {allow: [a, b]}\nlabels: {allow: [b, c]}", "labels.allow", ("b",)),
        ("comment: {post: always, post: never}", "comment.post", "never"),
        ("budget: {per_day_usd: 9}\nbudget: {per_day_usd: 2}", "budget.per_day_usd", 2.0),
    ],
)
def test_of_a_key_given_twice_the_stricter_value_holds(text: str, path: str, holds: object) -> None:
    assert value(text, path) == holds
    assert [problem.advice for problem in parse(text)[1]] == ["is given twice; keep one"]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (("*",), ("bug",), ("bug",)),
        (("area/*",), ("area/login", "bug"), ("area/login",)),
        (("a*",), ("*a",), ()),
        (("?",), ("*",), ("?",)),
        (("bug",), (), ()),
    ],
)
def test_of_two_lists_to_allow_only_what_both_allow_is_left(
    one: tuple[str, ...], other: tuple[str, ...], both: tuple[str, ...]
) -> None:
    for first, second in ((one, other), (other, one)):
        config = RepoConfig(labels=LabelRules(allow=first))
        assert tighten(config, {"labels.allow": second}).labels.allow == both


@pytest.mark.parametrize("key", RESTRICTIONS)
def test_a_default_never_limits_itself(key: str) -> None:
    assert tighten(RepoConfig(), {key: DEFAULTS[key]}) == RepoConfig()


def test_every_limit_is_a_key_of_the_file() -> None:
    assert {*RESTRICTIONS} <= {*TYPES}


@pytest.mark.parametrize(
    "text",
    [
        "mode: off\nlabels: [",
        "labels:\n\tdeny: [x]\nmode: off",
        "mode: off\n]]] what\nlabels: {}",
        "# \x00\nmode: off # \x07\nlanguage: de",
        "language: &a de\nmode: off",
        "{mode: off, language: *a}",
        "{language: &a de, mode: &b off}",
        "mode: off\n---\nmode: apply",
        "'mode': off\nx: 'y",
        "mode: off\r\nx: [\r\n",
        "mode: off\n" + "k: v\n" * 9000,
        "k: v\n" * 9000 + "mode: off\n",
    ],
)
def test_a_limit_holds_although_the_rest_of_the_file_is_broken(text: str) -> None:
    reading = read(text)
    assert reading.broken
    assert reading.config.mode == "off"


def test_all_readable_limits_of_a_broken_file_hold_beside_each_other() -> None:
    text = """\
comment:
  post: never
  max_words: [
labels:
  deny:
    - bug
    - *alias
    - 404
    - [unclosed
    - docs
  max: 2
budget: {per_day_usd: 0.5}
ignore:
\tauthors: [ada]
"""
    reading = read(text)
    assert reading.broken
    assert reading.config.comment.post == "never"
    assert {"bug", "404", "docs"} <= {*reading.config.labels.deny}
    assert reading.config.labels.max == 2
    assert reading.config.budget.per_day_usd == 0.5
    assert "ada" in reading.config.ignore.authors
