"""The repository's file: every mistake has its line, its key, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from bot.core.config.parser import read, restrict_models
from bot.core.config.schema import (
    Budget,
    CommentRules,
    Fallback,
    Ignore,
    LabelRules,
    Learn,
    ModelRules,
    Privacy,
    RepoConfig,
    TypeRules,
    WordRule,
)
from bot.core.config.values import RULE
from bot.core.config.yaml_nodes import MAX_BYTES
from tests.configs import parse

DEFAULTS = RepoConfig()


def problems(text: str) -> list[str]:
    return [str(problem) for problem in parse(text)[1]]


@pytest.mark.parametrize("text", [None, "", "\n\n", "# a comment\n", "---\n", "{}", "version: 1"])
def test_an_absent_or_empty_file_means_the_defaults(text: str | None) -> None:
    assert parse(text) == (DEFAULTS, ())


def test_a_section_of_nothing_but_comments_means_the_defaults() -> None:
    config, found = parse("ignore:\n  # authors: [renovate]\nlabels:\nmode: suggest\n")
    assert (config, found) == (RepoConfig(mode="suggest"), ())


WHOLE_FILE = """\
version: 1
mode: suggest
language: de
on: [opened, reopened, edited]
ignore: {authors: [renovate*], labels: [no-bot, wip], title: ["chore:*"]}
comment:
  post: when-useful
  max_words: 40
  similar: 0
  missing_info: true
  on_fallback: false
labels:
  allow: ["area/*", bug]
  deny: [area/secret]
  max: 3
  groups: {type: [bug, enhancement]}
  describe: {bug: Something is broken}
types: {set: false, map: {Bug: [defect, crash]}}
fallback:
  builtin: false
  rules:
    - {label: bug, any: [crash, "error:"], not: [typo]}
    - {label: docs, any: [manual]}
  needs_review: triage
model: {instructions: "Be brief.", name: gpt-6}
privacy: {redact: [secrets]}
learn: {from_corrections: false}
budget: {per_day_usd: 2.5, per_author_per_hour: 1}
"""


def test_the_whole_file_of_the_manual_is_understood() -> None:
    assert parse(WHOLE_FILE) == (
        RepoConfig(
            version=1,
            mode="suggest",
            language="de",
            on=("opened", "reopened", "edited"),
            ignore=Ignore(("renovate*",), ("no-bot", "wip"), ("chore:*",)),
            comment=CommentRules("when-useful", 40, 0, True, False),
            labels=LabelRules(
                ("area/*", "bug"),
                ("area/secret",),
                3,
                {"type": ("bug", "enhancement")},
                {"bug": "Something is broken"},
            ),
            types=TypeRules(False, {"Bug": ("defect", "crash")}),
            fallback=Fallback(
                (WordRule("bug", ("crash", "error:"), ("typo",)), WordRule("docs", ("manual",))),
                False,
                "triage",
            ),
            model=ModelRules("Be brief.", "gpt-6"),
            privacy=Privacy(("secrets",)),
            learn=Learn(from_corrections=False),
            budget=Budget(2.5, 1),
        ),
        (),
    )


A_TEXT_LIST = "write a list in [ ], each of it a text"
SOME_TEXTS = A_TEXT_LIST.replace("a list in", "a list of one or more in")
A_TEXT = "write a text (a number or true needs quotes)"
ANCHOR = "write it out: anchors (&) and aliases (*) are not read"

# Every key, a wrong value for it, and what its maintainer reads.
WRONG = {
    ("version", "2"): "write one of: 1",
    ("mode", "aply"): "write one of: apply, dry-run, off, suggest",
    ("language", "German"): "write `auto` or a language code such as en or pt-BR",
    ("on", "opened"): "write a list in [ ], each of it one of: edited, opened, reopened",
    ("ignore", "[wip]"): "write `key: value` lines here",
    ("ignore.authors", "renovate"): A_TEXT_LIST,
    ("ignore.labels", "no-bot"): A_TEXT_LIST,
    ("ignore.title", "{a: b}"): A_TEXT_LIST,
    ("comment", "never"): "write `key: value` lines here",
    ("comment.post", "sometimes"): "write one of: always, never, when-useful",
    ("comment.max_words", "9"): "write a whole number from 10 to 200",
    ("comment.similar", "21"): "write a whole number from 0 to 20",
    ("comment.missing_info", "yes"): "write true or false",
    ("comment.on_fallback", "never"): "write one of: auto or true or false",
    ("labels", "bug"): "write `key: value` lines here",
    ("labels.allow", "bug"): A_TEXT_LIST,
    ("labels.deny", "true"): A_TEXT_LIST,
    ("labels.max", "many"): "write a whole number from 0 to 20",
    ("labels.groups", "[bug, docs]"): "write `name: value` pairs, each value a list in [ ], each"
    " of it a text",
    ("labels.precision", "90%"): "write a number from 0.5 to 1",
    ("labels.describe", "bug"): "write `name: value` pairs, each value a text",
    ("types", "[Bug]"): "write `key: value` lines here",
    ("types.set", "never"): "write true or false",
    (
        "types.map",
        "[Bug]",
    ): "write `name: value` pairs, each value a list in [ ], each of it a text",
    ("fallback", "[]"): "write `key: value` lines here",
    ("fallback.rules", "crash"): "write a list of rules such as"
    " {label: bug, any: [crash], not: [typo]}",
    ("fallback.builtin", "1"): "write true or false",
    ("fallback.needs_review", "[triage]"): "write a text",
    ("model", "gpt-6"): "write `key: value` lines here",
    ("model.instructions", "x" * 2001): "write a text of at most 2000 characters",
    ("model.name", "[gpt-6]"): "write a text",
    ("privacy", "secrets"): "write `key: value` lines here",
    ("privacy.redact", "secrets"): "write a list in [ ], each of it one of: emails, secrets",
    ("learn", "false"): "write `key: value` lines here",
    ("learn.from_history", "never"): "write true or false",
    ("learn.from_corrections", "1"): "write true or false",
    ("commands", "redo"): "write `key: value` lines here",
    ("commands.alias", "the bot"): "write a name without blanks, such as tagline",
    ("budget", "1.00"): "write `key: value` lines here",
    ("budget.per_day_usd", "-1"): "write a number from 0 to 1,000,000",
    ("budget.per_author_per_hour", "2.5"): "write a whole number from 0 to 1,000,000",
}


# What holds instead of a wrong value that would limit the bot; the default for all others.
CAUTIOUS = {
    "mode": RepoConfig(mode="off"),
    "ignore": RepoConfig(ignore=Ignore(("wip",), ("wip",), ("wip",))),
    "ignore.authors": RepoConfig(ignore=Ignore(authors=("renovate",))),
    "ignore.title": RepoConfig(ignore=Ignore(title=("a: b",))),
    "comment": RepoConfig(comment=CommentRules(post="never")),
    "comment.post": RepoConfig(comment=CommentRules(post="never")),
    "comment.on_fallback": RepoConfig(comment=CommentRules(on_fallback=False)),
    "fallback.builtin": RepoConfig(fallback=Fallback(builtin=False)),
    "labels": RepoConfig(labels=LabelRules(deny=("*",))),
    "labels.allow": RepoConfig(labels=LabelRules(allow=())),
    "labels.deny": RepoConfig(labels=LabelRules(deny=("*",))),
    "labels.precision": RepoConfig(labels=LabelRules(precision=1.0)),
    "types": RepoConfig(types=TypeRules(set=False)),
    "types.set": RepoConfig(types=TypeRules(set=False)),
    "learn": RepoConfig(learn=Learn(from_history=False, from_corrections=False)),
    "learn.from_history": RepoConfig(learn=Learn(from_history=False)),
    "learn.from_corrections": RepoConfig(learn=Learn(from_corrections=False)),
    "budget.per_author_per_hour": RepoConfig(budget=Budget(per_author_per_hour=2)),
}
BROKEN = RepoConfig(mode="suggest")


def keys(kind: type[Struct], path: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        yield f"{path}{field.encode_name}"
        if isinstance(field.type, type) and issubclass(field.type, Struct):
            yield from keys(field.type, f"{path}{field.encode_name}.")


def written(key: str, value: str) -> str:
    section, _, leaf = key.rpartition(".")
    return f"\n{section}:\n  {leaf}: {value}\n" if section else f"\n\n{leaf}: {value}\n"


@pytest.mark.parametrize(("given", "advice"), WRONG.items(), ids=[key for key, _ in WRONG])
def test_a_wrong_value_is_reported_with_its_line_its_key_and_what_to_write(
    given: tuple[str, str], advice: str
) -> None:
    key, value = given
    config, found = parse(written(key, value))
    assert [str(problem) for problem in found] == [f"line 3, {key}: {advice}"]
    assert config == CAUTIOUS.get(key, DEFAULTS)


def test_every_key_of_the_file_has_such_a_message() -> None:
    assert {key for key, _ in WRONG} == set(keys(RepoConfig))


def test_eight_mistakes_are_eight_lines_and_the_rest_still_counts() -> None:
    text = """\
mode: aply
langauge: de
on: opened
comment:
  post: never
  max_words: 5
  similar: -1
labels:
  max: 3
  alow: [bug]
  deny: bug
budget:
  per_day_usd: cheap
"""
    config, found = parse(text)
    assert [str(problem) for problem in found] == [
        "line 1, mode: write one of: apply, dry-run, off, suggest",
        "line 2, langauge: unknown key; did you mean `language`?",
        "line 3, on: write a list in [ ], each of it one of: edited, opened, reopened",
        "line 6, comment.max_words: write a whole number from 10 to 200",
        "line 7, comment.similar: write a whole number from 0 to 20",
        "line 10, labels.alow: unknown key; did you mean `allow`?",
        f"line 11, labels.deny: {A_TEXT_LIST}",
        "line 13, budget.per_day_usd: write a number from 0 to 1,000,000",
    ]
    assert config == RepoConfig(
        mode="off",
        comment=CommentRules(post="never"),
        labels=LabelRules(allow=("bug",), deny=("*",), max=3),
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("modes: apply", "line 1, modes: unknown key; did you mean `mode`?"),
        ("comment: {max-words: 20}", "line 1, comment.max-words: unknown key; did you mean"),
        ("labels: {zzz: 1}", "line 1, labels.zzz: unknown key; known are: allow, deny, max,"),
        ("mode: apply\nmode: suggest", "line 2, mode: is given twice; keep one"),
        ("labels: {max: 1}\nlabels: {max: 2}", "line 2, labels: is given twice; keep one"),
        ("- mode: apply", "line 1, write `key: value` lines here"),
        ("just words", "line 1, write `key: value` lines here"),
        ("labels: {allow: &a [bug]}", f"line 1, {ANCHOR}"),
        ("max_words: 30", "line 1, max_words: unknown key; did you mean `comment.max_words`?"),
        ("? [a, b]\n: 1", "line 1, ?: unknown key; known are: version, mode,"),
        ('"a\\nb": 1', "line 1, a b: unknown key; known are: version, mode,"),
        ("mode: !!python/object:os.system x", "line 1, mode: write one of"),
    ],
)
def test_an_unknown_or_doubled_key_names_the_nearest(text: str, line: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("labels:\n  allow:\n    - bug\n    - 2024", f"line 4, labels.allow[2]: {A_TEXT}"),
        (
            "labels:\n  deny:\n    - !bug",
            "line 3, labels.deny: text that starts with ! needs quotes",
        ),
        ("on: [opened, closed]", "line 1, on[2]: write one of: edited, opened, reopened"),
        (
            "labels:\n  groups:\n    type: [bug]\n    kind: docs",
            f"line 4, labels.groups.kind: {A_TEXT_LIST}",
        ),
        (
            "labels:\n  groups:\n    type: [bug]\n    type: [docs]",
            "line 4, labels.groups: `type` is given twice; keep one",
        ),
        ("labels:\n  describe:\n    bug: 3", f"line 3, labels.describe.bug: {A_TEXT}"),
        (
            "fallback:\n  rules:\n    - {label: a, any: [b]}\n    - {label: a, any: b}",
            f"line 4, fallback.rules[2].any: {SOME_TEXTS}",
        ),
        (
            "fallback:\n  rules:\n    - {label: a, any: [b], nto: [c]}",
            "line 3, fallback.rules[1].nto: unknown key; did you mean `not`?",
        ),
        (
            "fallback:\n  rules:\n    - {label: a, any: [b]}\n    - {label: a, any: []}",
            f"line 4, fallback.rules[2].any: {SOME_TEXTS}",
        ),
        (
            "fallback:\n  rules:\n    - {label: a, any: [b]}\n    - {label: a}",
            f"line 4, fallback.rules[2]: write a rule such as {RULE}",
        ),
    ],
)
def test_a_mistake_inside_a_value_is_reported_with_its_own_line(text: str, line: str) -> None:
    assert problems(text) == [line]


def test_a_budget_without_end_is_a_problem() -> None:
    assert problems("budget: {per_day_usd: 1e400}") == [
        "line 1, budget.per_day_usd: write a number from 0 to 1,000,000"
    ]


def test_a_model_that_the_operator_does_not_allow_is_a_problem_that_names_those_allowed() -> None:
    parsed = restrict_models(
        read("model:\n  name: gpt-7\n  instructions: Brief."), ["gpt-6", "luna"]
    )
    assert [str(x) for x in parsed.problems] == [
        "line 2, model.name: this host allows: gpt-6, luna"
    ]
    assert parsed.config == RepoConfig(model=ModelRules("Brief."))


@pytest.mark.parametrize("models", [[], ["gpt-6", "luna"]])
def test_a_model_that_is_allowed_or_of_a_host_without_models_is_no_problem(
    models: list[str],
) -> None:
    parsed = read("model: {name: luna}")
    assert restrict_models(parsed, models) == parsed


def test_the_first_of_two_values_that_limit_nothing_holds() -> None:
    assert parse("language: de\nlanguage: fr")[0].language == "de"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("mode: apply\non: [opened\n", "line 2, not valid YAML: a bracket or quote is opened here"),
        ("mode: apply\nlabels:\n\tmax: 9", "line 3, not valid YAML: indent with spaces"),
        ("mode: 'apply", "line 1, not valid YAML: a bracket or quote is opened here and never"),
        ("labels: {allow: [*]}", "line 1, not valid YAML: text that starts with * or @"),
        ("ignore: {authors: [@ada]}", "line 1, not valid YAML: text that starts with * or @"),
        ("labels:\n  max: 9\n deny: []", "line 3, not valid YAML: the indentation does not fit"),
        ("mode apply\nlabels: {}", "line 2, not valid YAML: a `:` too many, or none in the line"),
        ("a: *nowhere", "line 1, write it out: anchors (&) and aliases (*) are not read"),
        ("mode: apply\n---\nmode: suggest", "line 2, not valid YAML: keep one document"),
        ("mode: \x00", "not valid YAML: is it text in UTF-8"),
        ("- " * 5000, "line 1, this is nested more than 10 levels deep"),
    ],
)
def test_of_a_file_that_is_no_yaml_the_first_error_is_reported_and_labels_are_only_suggested(
    text: str, where: str
) -> None:
    config, found = parse(text)
    assert config == BROKEN
    (problem,) = found
    assert str(problem).startswith(where)


def test_a_huge_file_is_refused_unread() -> None:
    config, found = parse("language: de\n" + "#" * MAX_BYTES)
    assert config == BROKEN
    assert [str(problem) for problem in found] == ["keep the file under 64 KiB"]


def test_a_file_just_under_the_limit_is_read() -> None:
    text = "mode: suggest\n"
    assert parse(text + "#" * (MAX_BYTES - len(text)))[0].mode == "suggest"


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("on: [edited]", "on", ("edited",)),
        ("mode: off", "mode", "off"),
        ("comment: {on_fallback: True}", "comment.on_fallback", True),
        ("comment: {on_fallback: auto}", "comment.on_fallback", "auto"),
        ("labels: {max: 0x3}", "labels.max", 3),
        ("budget: {per_day_usd: 1}", "budget.per_day_usd", 1.0),
        ("budget: {per_day_usd: 0}", "budget.per_day_usd", 0.0),
        ("language: pt-BR", "language", "pt-BR"),
        ("model: {name: null}", "model.name", None),
        ("labels: {deny: [on, 'yes', no]}", "labels.deny", ("on", "yes", "no")),
        ("fallback: {rules: []}", "fallback.rules", ()),
        ("labels: {groups: {1: [a]}}", "labels.groups", {"1": ("a",)}),
    ],
)
def test_a_value_has_the_type_of_its_key(text: str, path: str, value: object) -> None:
    config, found = parse(text)
    assert found == ()
    leaf: Any = config
    for name in path.split("."):
        leaf = getattr(leaf, name)
    assert leaf == value
