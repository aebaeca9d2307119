"""Whole comments and the hidden marker at their end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.core.enrichment import Enrichment
from bot.core.errors import ConfigProblem
from bot.core.history import IssueHistory
from bot.core.prompt import VERSION
from bot.core.text.sanitize import ZERO_WIDTH as Z
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
from bot.flow.plan import Plan
from bot.flow.render import MAX_COMMENT, add_decision, read_marker, write_marker
from tests.configs import parse
from tests.fakes import REF, make_issue

INPUT = "0123456789abcdef"
BY_MODEL = Enrichment(
    summary="The login button does nothing in Firefox 131 after the 4.2 upgrade.",
    label_decision=LabelDecision(
        apply=(
            LabelSuggestion("bug", "sure", '"does nothing", stack trace given'),
            LabelSuggestion("area/login", "likely", "login button"),
        ),
        suggested=(LabelSuggestion("regression", "unsure"),),
    ),
    source="model",
    usage=Usage("gpt-6-luna", 700, 60, 0.0002),
)
BY_RULES = Enrichment(
    summary="After the 4.2 upgrade the login button does nothing.",
    label_decision=LabelDecision(
        apply=(LabelSuggestion("bug", "likely", '"crashed"', "rules"),),
        suggested=(LabelSuggestion("frontend", "likely", "", "rules"),),
    ),
    source="rules",
    why=NO_PROVIDER,
)
LONG = "It happens each time that I press the button, whatever the page that I came from."

HINT = " Wrong label? Change it, it will not come back."
WITH_MODEL = f"<sub>Written by Tagline with `gpt-6-luna`; it can be wrong.{HINT}</sub>"
WITHOUT_MODEL = (
    f"<sub>Written by Tagline from rules, without a language model; it can be wrong.{HINT}</sub>"
)


def history(
    labels: Sequence[str] = (), marker: Marker | None = None, title: str = "Login", body: str = LONG
) -> IssueHistory:
    comment = OwnComment(7, write_marker(marker)) if marker else None
    return IssueHistory(make_issue(title, body, labels), INPUT, None, comment, marker)


def plan(
    enrichment: Enrichment,
    config: str | None = None,
    before: IssueHistory | None = None,
    problems: Sequence[ConfigProblem] = (),
) -> Plan:
    decision = Decision(before or history(), parse(config)[0], tuple(problems), enrichment)
    return make_plan(decision)


def comment(
    enrichment: Enrichment,
    config: str | None = None,
    before: IssueHistory | None = None,
    problems: Sequence[ConfigProblem] = (),
) -> str:
    """Return the comment without its marker, which must be the last line."""
    body = plan(enrichment, config, before, problems).comment
    assert body is not None
    text, _, last = body.rpartition("\n")
    assert re.fullmatch(r"<!-- tagline:v1 [\w=-]+ -->", last)
    return text


def test_the_comment_of_a_model() -> None:
    assert comment(BY_MODEL) == (
        """\
**Summary (automated):** The login button does nothing in Firefox 131 after the 4.2 upgrade.

- **Labels:** `bug`, `area/login`. Suggested, not applied: `regression`

<details><summary>Why these labels</summary>

- `bug`: "does nothing", stack trace given (sure)
- `area/login`: login button (likely)

</details>

"""
        + WITH_MODEL
    )


def test_the_comment_of_the_fallback() -> None:
    assert comment(BY_RULES) == (
        """\
**Summary (automated):** After the 4.2 upgrade the login button does nothing.

- **Labels:** `bug`. Suggested, not applied: `frontend`

<details><summary>Why these labels</summary>

- `bug`: "crashed" (likely)

</details>

"""
        + WITHOUT_MODEL
    )


def test_the_comment_that_only_suggests() -> None:
    assert comment(BY_MODEL, "mode: suggest") == (
        """\
**Summary (automated):** The login button does nothing in Firefox 131 after the 4.2 upgrade.

- **Labels:** Suggested, not applied: `bug`, `area/login`, `regression`

"""
        + WITH_MODEL.replace(HINT, "")
    )


def test_the_comment_with_problems_of_the_configuration() -> None:
    config = "mode: aply\nlables: {}\nlabels:\n  max: 99\n"
    _, problems = parse(config)
    brief = replace(BY_MODEL, summary="It is broken.", label_decision=LabelDecision())
    assert comment(brief, config, problems=problems) == (
        r"""**Summary (automated):** It is broken.

<details><summary>Problems in tagline.yml; its other settings hold</summary>

- line 1, mode: write one of: apply, dry-run, off, suggest
- line 2, lables: unknown key; did you mean \`labels\`?
- line 4, labels.max: write a whole number from 0 to 20

</details>

"""
        + WITH_MODEL.replace(HINT, "")
    )


def test_the_comment_tells_which_configuration_replaces_an_unreadable_one() -> None:
    body = comment(BY_MODEL, problems=parse("mode: [apply")[1])
    assert "<summary>Problems in tagline.yml; the last readable one counts; without one," in body
    assert "- line 1, not valid YAML: " in body


def test_the_comment_on_an_issue_of_nothing_but_emoji() -> None:
    emoji = replace(BY_RULES, summary="\U0001f389\U0001f389", label_decision=LabelDecision())
    text = "**Summary (automated):** \U0001f389\U0001f389\n\n"
    assert comment(emoji) == text + WITHOUT_MODEL.replace(HINT, "")


@pytest.mark.parametrize("empty", ["", "  \n", "\u200b\u202e", "<!-- -->"])
def test_the_comment_on_an_issue_without_words(empty: str) -> None:
    blank = replace(BY_RULES, summary=empty, label_decision=LabelDecision())
    text = "**Summary (automated):** The issue has no words to sum up.\n\n"
    assert comment(blank) == text + WITHOUT_MODEL.replace(HINT, "")


def test_the_comment_of_a_hostile_model() -> None:
    hostile = Enrichment(
        summary="Ping @admin, see #1 and https://evil.example\n/close\n# Big\n"
        "<!-- tagline:v1 e30= --> **bold** [link](http://a) ![x](http://b) `code` ~bug !5"
        " <img src=x> www.evil.example",
        label_decision=LabelDecision(
            (LabelSuggestion("bug", "sure", "@admin </details>\n/close [x](http://y) <!--"),)
        ),
        source="model",
        usage=Usage("gpt`-->\n/close"),
    )
    assert comment(hostile) == (
        f"**Summary (automated):** Ping @{Z}admin, see \\#{Z}1 and https{Z}:{Z}//evil.example"
        rf" /close \# Big \*\*bold\*\* \[link\](http{Z}:{Z}//a) \!{Z}\[x\](http{Z}:{Z}//b) \`code\`"
        rf" \~{Z}bug \!{Z}5 evil.example"
        "\n\n- **Labels:** `bug`.\n\n"
        "<details><summary>Why these labels</summary>\n\n"
        rf"- `bug`: @{Z}admin /close \[x\](http{Z}:{Z}//y) (sure)"
        "\n\n</details>\n\n"
        "<sub>Written by Tagline with ``gpt`--> /close``; it can be wrong."
        " Wrong label? Change it, it will not come back.</sub>"
    )


def test_the_comment_of_an_edited_issue_lists_the_kept_and_the_added_labels() -> None:
    marker = Marker(("bug", "gone"), "1", "model", "other")
    before = history(["bug", "mine"], marker)
    after = replace(BY_MODEL, label_decision=LabelDecision((LabelSuggestion("docs", "sure", ""),)))
    assert comment(after, before=before) == (
        """\
**Summary (automated):** The login button does nothing in Firefox 131 after the 4.2 upgrade.

- **Labels:** `bug`, `docs`.

<details><summary>Why these labels</summary>

- `docs` (sure)

</details>

"""
        + WITH_MODEL
    )


def test_label_names_with_markup_are_shown_as_code() -> None:
    names = ("a`b", "@team", "</details>", "c <!-- d")
    suggested = tuple(LabelSuggestion(name, "unsure") for name in names)
    odd = Enrichment("x", LabelDecision((), suggested), "model", usage=Usage("m"))
    line = next(x for x in comment(odd).splitlines() if x.startswith("- "))
    assert line == (
        f"- **Labels:** Suggested, not applied: ``a`b``, `@team`, `</details>`, `c <!{Z}-- d`"
    )


def test_the_summary_has_at_most_the_words_that_the_repository_allows() -> None:
    wordy = replace(BY_MODEL, summary="word " * 100)
    assert comment(wordy, "comment: {max_words: 10}").splitlines()[0] == (
        "**Summary (automated):** " + " ".join(["word"] * 10) + "…"
    )


def test_a_reason_is_cut_at_120_characters() -> None:
    long = Enrichment("x", LabelDecision((LabelSuggestion("bug", "sure", "so " * 200),)), "model")
    (reason,) = [x for x in comment(long).splitlines() if x.startswith("- `bug`: ")]
    text = reason.removeprefix("- `bug`: ").removesuffix(" (sure)")
    assert text.endswith("so…")
    assert 115 <= len(text) <= 120


@pytest.mark.parametrize("reference", ["GL-12", "GH-12", "8f20230", "#12", "@octocat"])
def test_a_reference_is_text_without_a_model_and_in_a_problem_too(reference: str) -> None:
    words = f"Broken since {reference} on all machines."
    text = comment(
        replace(BY_RULES, summary=words), problems=[ConfigProblem(1, "labels.deny", words)]
    )
    assert reference not in text
    assert text.replace("&#x200B;", "").replace(Z, "").replace("\\", "").count(reference) == 2


def test_of_many_problems_ten_are_shown() -> None:
    config = "".join(f"key{n}: 1\n" for n in range(40))
    _, problems = parse(config)
    assert len(problems) == 40
    assert comment(BY_MODEL, problems=problems).count("unknown key") == 10


def test_a_key_of_the_configuration_stays_within_its_line() -> None:
    _, problems = parse('"@admin\\n/close <!-- [x](http://y)": 1')
    lines = comment(BY_MODEL, problems=problems).splitlines()
    (shown,) = [line for line in lines if "unknown key" in line]
    assert shown.startswith(f"- line 1, @{Z}admin /close ")
    assert "](" not in shown.replace("\\](", "")
    assert "<!--" not in shown


# When a comment is written; test_process has more rows in `END_STATES`.

COMMENTED = history(marker=Marker((), "1", "model", "other"))
NO_LABELS = replace(BY_RULES, why="timeout", labels_usable=False)


@pytest.mark.parametrize(
    ("enrichment", "config", "before", "written"),
    [
        (BY_MODEL, "comment: {on_fallback: false}", None, True),
        (BY_RULES, "comment: {post: never, on_fallback: true}", None, False),
        (NO_LABELS, "comment: {on_fallback: false}", None, False),
        (BY_RULES, None, COMMENTED, False),
        (NO_LABELS, "comment: {on_fallback: true}", COMMENTED, False),
        (BY_MODEL, None, COMMENTED, True),
    ],
)
def test_a_comment_is_written_only_where_the_table_says_so(
    enrichment: Enrichment, config: str | None, before: IssueHistory | None, written: bool
) -> None:
    assert (plan(enrichment, config, before).comment is not None) is written


@pytest.mark.parametrize(("words", "written"), [(11, False), (12, True)])
def test_an_issue_of_twelve_words_is_worth_a_comment(words: int, written: bool) -> None:
    before = history(title="one", body="word " * (words - 1))
    text = plan(BY_MODEL, "comment: {post: when-useful}", before).comment
    assert (text is not None) is written


def test_labels_are_planned_also_without_a_comment() -> None:
    silent = plan(BY_MODEL, "comment: {post: never}")
    assert silent == Plan(
        REF,
        Marker(("bug", "area/login"), VERSION, "model", INPUT),
        "quiet",
        content=plan(BY_MODEL).content,  # as the comment would be
        add_labels=("bug", "area/login"),
        choices=(
            Choice("bug", "model", "sure"),
            Choice("area/login", "model", "likely"),
            Choice("regression", "model", "unsure", applied=False),
        ),
    )


# The marker.


def test_a_label_that_is_removed_is_not_listed_in_another_spelling() -> None:
    removing = replace(BY_MODEL, label_decision=LabelDecision(remove=("Bug",)))
    before = history(labels=["Bug"], marker=Marker(("bug",), "", "rules", "other"))
    written = plan(removing, before=before)
    assert written.remove_labels == ("Bug",)
    assert written.marker.labels == ()
    assert "**Labels:**" not in str(written.comment)


def test_a_demoted_label_says_why_it_is_only_suggested() -> None:
    bug = LabelSuggestion("bug", "sure", '"crashed"')
    demoting = LabelDecision(suggested=(bug,), demoted=("bug",))
    assert comment(replace(BY_MODEL, label_decision=demoting)) == (
        "**Summary (automated):** The login button does nothing in Firefox 131 after the 4.2"
        " upgrade.\n\n"
        "- **Labels:** Suggested, not applied: `bug`\n\n"
        "<details><summary>Why these labels</summary>\n\n"
        '- `bug`: "crashed" (only suggested: people removed it three times in a row)\n\n'
        "</details>\n\n"
        "<sub>Written by Tagline with `gpt-6-luna`; it can be wrong.</sub>"
    )


@pytest.mark.parametrize(
    ("source", "words", "footer"),
    [
        ("model", "(likely, learned from this repository's labels)", "with `gpt-6-luna`"),
        ("rules", "(likely, learned from this repository's labels)", "from rules, without"),
        ("classifier", "(likely)", "from this repository's labels and rules, without"),
    ],
)
def test_a_label_of_another_source_than_the_comment_names_it(
    source: Source, words: str, footer: str
) -> None:
    learned = LabelDecision((LabelSuggestion("bug", "likely", "", "classifier"),))
    text = comment(replace(BY_MODEL, label_decision=learned, source=source, why=NO_PROVIDER))
    assert f"- `bug` {words}" in text
    assert f"Written by Tagline {footer}" in text


def test_a_label_that_was_set_before_keeps_its_reason() -> None:
    kept = replace(
        BY_RULES,
        label_decision=LabelDecision(keep=(LabelSuggestion("bug", "likely", '"crashed"'),)),
    )
    before = history(labels=["bug"], marker=Marker(("bug",), "", "rules", "other"))
    written = plan(kept, before=before)
    assert written.add_labels == ()
    assert "- **Labels:** `bug`." in str(written.comment)
    assert '- `bug`: "crashed" (likely)' in str(written.comment)


@pytest.mark.parametrize("prefix", ["/tagline", "@robot"])
def test_the_footer_names_the_commands_in_the_host_s_form(prefix: str) -> None:
    decision = Decision(history(), parse(None)[0], (), BY_MODEL, command_prefix=prefix)
    body = make_plan(decision).comment
    assert body is not None
    shown = f" Commands for maintainers: `{prefix} redo`, `why`, `undo`, `off`.</sub>\n"
    assert WITH_MODEL.removesuffix("</sub>") + shown in body


def test_a_decision_record_fits_into_the_longest_comment() -> None:
    body = plan(BY_MODEL).comment
    assert body is not None
    long = body.replace("The login button", "x" * (MAX_COMMENT - len(body) - 500))
    choices = tuple(Choice(f"label {n}", "model", "sure") for n in range(1000))
    marker = read_marker(long)
    assert marker is not None
    explained = add_decision(long, Record("answered", choices=choices), marker)
    assert len(explained) <= MAX_COMMENT
    assert " more\n\n</details>" in explained
