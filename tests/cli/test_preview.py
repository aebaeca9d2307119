"""What a preview compares, and its report as JSON, text and Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cli.comparison import ComparisonOptions, NothingToCompare, compare_recent
from bot.cli.preview_markdown import format_markdown
from bot.cli.preview_report import build_report, format_text
from bot.core.config.schema import RepoConfig
from bot.core.errors import ModelFailed
from bot.core.ports import ModelCall
from bot.core.prompt import Prompt
from bot.core.reply import ModelAnswer, ParsedReply
from bot.core.types import Issue, Label, LabelSuggestion, Usage
from bot.forges import values
from tests.configs import parse
from tests.core.test_sanitize import HOSTILE, RENDERER
from tests.fakes import DAY, NOW, REF, FakeForge, make_issue

REPOSITORY = replace(REF, number=0)
LABELS = (*map(Label, ("bug", "enhancement", "documentation", "wontfix")),)
CRASH, WISH = "The window crashes on start", "Please add an option for dark mode"


def make_past(*issues: tuple[str, Sequence[str]], **fields: Any) -> list[Issue]:
    """Return issues with titles and labels, the newest first."""
    return [
        replace(
            make_issue(title, "", labels),
            ref=replace(REF, number=number),
            created_at=NOW - (len(issues) - number) * DAY,
            **fields,
        )
        for number, (title, labels) in enumerate(issues, 1)
    ][::-1]


def preview(
    past: Sequence[Issue],
    config: RepoConfig | None = None,
    labels: tuple[Label, ...] = LABELS,
    **options: Any,
) -> dict[str, Any]:
    forge = FakeForge(make_issue("", ""), labels, past=list(past))
    comparison = compare_recent(
        forge, REPOSITORY, config or RepoConfig(), ComparisonOptions(**options)
    )
    assert not forge.writes
    return build_report(comparison)


def test_each_issue_has_what_would_be_set_beside_what_is() -> None:
    past = make_past((CRASH, ["bug", "wontfix"]), (WISH, []))
    past[1] = replace(past[1], type="Bug")

    report = preview(past)

    wish, crash = report["issues"]
    assert (report["v"], wish["number"], crash["number"]) == (1, 2, 1)
    assert [label["name"] for label in crash["proposed"]] == ["bug"]
    assert (crash["actual"], crash["type"]) == (["bug", "wontfix"], "Bug")
    assert [label["name"] for label in wish["proposed"]] == ["enhancement"]
    assert (wish["actual"], wish["type"]) == ([], None)


def test_agreement_counts_only_issues_and_labels_of_people_that_count() -> None:
    past = make_past((CRASH, ["bug"]), (WISH, ["bug"]), (WISH, ["wontfix"]), (CRASH, []))

    report = preview(past)

    assert report["agreement"] == {
        "issues": 2,
        "people": 2,
        "proposed": 2,
        "both": 1,
        "labels": [
            {"name": "bug", "people": 2, "proposed": 1, "both": 1},
            {"name": "enhancement", "people": 0, "proposed": 1, "both": 0},
        ],
    }
    assert report["not_set"] == [
        {"name": "enhancement", "issues": [3, 2]},
        {"name": "bug", "issues": [4]},
    ]
    assert report["sentence"] == (
        "Of the newest 4 issues of acme/widget, Tagline would have labelled 4 by rules; on the 2"
        " that people labelled, they agree with 1 of its 2 labels; 1 issue without any label would"
        " have got one; it cost $0.00."
    )


@pytest.mark.parametrize(("sets_types", "unlabelled"), [(True, 0), (False, 1)])
def test_an_issue_with_a_type_is_labelled_where_types_are_set(
    sets_types: bool, unlabelled: int
) -> None:
    (typed,) = make_past((CRASH, []), type="Bug")
    forge = FakeForge(make_issue("", ""), LABELS, past=[typed], types=(Label("Bug"),))
    config = parse(f"types: {{set: {str(sets_types).lower()}}}")[0]

    report = build_report(compare_recent(forge, REPOSITORY, config, ComparisonOptions()))

    assert (report["would_label"], report["would_label_first"]) == (1, unlabelled)
    assert ("without any label" in report["sentence"]) is not sets_types


def test_the_newest_issues_are_compared_and_the_earlier_ones_teach() -> None:
    odd = [
        ("The {} gizmo wobbles".format(["left", "right", "upper", "lower"][n % 4]), ["enhancement"])
        for n in range(30)
    ]
    past = make_past(*odd, *[(CRASH, ["bug"])] * 30, ("A gizmo wobbles", []))

    learned = preview(past, limit=1)
    untaught = preview(past, parse("learn: {from_history: false}")[0], limit=1)

    (issue,) = learned["issues"]
    assert issue["number"] == 61
    assert [(x["name"], x["source"]) for x in issue["proposed"]] == [("enhancement", "classifier")]
    assert learned["learned_from"] == 60
    assert "by rules and what 60 earlier issues taught;" in learned["sentence"]
    assert (untaught["issues"][0]["source"], untaught["learned_from"]) == ("rules", 0)


def test_only_issues_since_a_time_are_compared() -> None:
    past = make_past((CRASH, []), (WISH, []), (CRASH, []))

    assert [x["number"] for x in preview(past, since=NOW - DAY)["issues"]] == [3, 2]


def test_further_pages_are_read_until_there_are_enough_issues() -> None:
    bots = make_past(*[("Bump", [])] * 150, is_bot=True)
    people = [replace(x, created_at=x.created_at - 1000 * DAY) for x in make_past((CRASH, []))]
    people = [replace(people[0], ref=replace(REF, number=900))]

    report = preview([*bots, *people])

    assert [issue["number"] for issue in report["issues"]] == [900]
    assert report["left_out"] == {"opened by a bot": 150}


def test_closed_issues_are_compared_and_ignored_ones_are_not() -> None:
    past = make_past((CRASH, []), ("Release 4", []), (WISH, ["no-bot"]), is_open=False, locked=True)

    report = preview(past, parse("ignore: {title: ['Release*']}")[0])

    assert [issue["number"] for issue in report["issues"]] == [1]
    assert report["left_out"] == {
        "its title is ignored": 1,
        "one of its labels is ignored": 1,
    }


def test_a_mode_that_sets_nothing_is_said() -> None:
    report = preview(make_past((CRASH, [])), parse("mode: suggest")[0])

    assert "The mode is suggest, so Tagline would set none of these labels" in "\n".join(
        format_text(report)
    )


@pytest.mark.parametrize(
    ("past", "labels", "options", "message"),
    [
        ([], LABELS, {}, "github:acme/widget has no issues yet"),
        (
            make_past((CRASH, [])),
            (),
            {},
            "has no labels, so there is nothing to set: `tagline labels",
        ),
        (make_past((CRASH, [])), (Label("wontfix"),), {}, "has no label that Tagline may set"),
        (make_past((CRASH, [])), LABELS, {"since": NOW + 1}, "choose an earlier --since"),
        (make_past((CRASH, []), is_bot=True), LABELS, {}, "would process (1 opened by a bot)"),
    ],
    ids=["no issues", "no labels", "no usable label", "too late", "bots"],
)
def test_what_cannot_be_compared_is_explained(
    past: list[Issue], labels: tuple[Label, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(NothingToCompare, match=re.escape(message)):
        preview(past, labels=labels, **options)


@dataclass
class Model:
    """A language model that fails from its call `fails_at` on."""

    fails_at: int = 99
    summary: str = "The window crashes."
    label: str = "bug"
    calls: list[ModelCall | None] = field(default_factory=list)

    def complete(self, prompt: Prompt, call: ModelCall | None) -> ModelAnswer:
        self.calls.append(call)
        if len(self.calls) > self.fails_at:
            raise ModelFailed("timeout")
        reply = ParsedReply(self.summary, (LabelSuggestion(self.label, "sure"),))
        return ModelAnswer(reply, Usage("tiny", 10, 5, 0.001))


def test_a_model_is_asked_within_the_limit_and_its_cost_is_reported() -> None:
    model = Model(fails_at=2)
    past = make_past((CRASH, ["bug"]), (WISH, []), (CRASH, []))

    report = preview(past, model=model, model_name="tiny", max_usd=0.10)

    assert (report["model"], report["failed"], report["cost_usd"]) == ("tiny", 1, 0.002)
    assert all(call and call.limits.day_usd == 0.10 for call in model.calls)
    assert sorted(issue["source"] for issue in report["issues"]) == ["model", "model", "rules"]
    assert "labelled 3 by tiny (1 of 3 without it);" in report["sentence"]


def test_a_model_that_never_answered_is_not_said_to_have_labelled() -> None:
    report = preview(make_past((CRASH, ["bug"])), model=Model(fails_at=0), model_name="tiny")

    assert "would have labelled 1 by rules;" in report["sentence"]


EXAMPLE = (
    "x | y `z` **b** @octocat #1 <img src=x> [l](http://e.example) \x1b[2J \u202e $a$ ::set-output"
)
NAMES = HOSTILE.map(lambda name: values.text(name)[:255])  # as the clients of the forges read them
OWN_TOKENS = {"heading", "paragraph", "table", "thead", "tbody", "tr", "th", "td", "bullet_list"}


@settings(deadline=None, max_examples=50)
@given(HOSTILE | st.just(EXAMPLE), NAMES | st.just("a|b`c <b>\n@d"))
def test_no_text_of_an_issue_and_no_name_is_markup_in_markdown(text: str, name: str) -> None:
    report = preview(
        make_past((CRASH, ["bug"]), (text, [name]), type=name),
        labels=(*LABELS, Label(name)),
        model=Model(summary=text, label=name),
        model_name="tiny",
    )
    report["not_set"].append({"name": name, "issues": [1]})

    tokens = RENDERER.parse(format_markdown(report))

    kinds = [token.type.removesuffix("_open") for token in tokens]
    issues, labels = len(report["issues"]), len(report["agreement"]["labels"])
    tables = [(issues, 5 if name else 4), *[(labels, 4)] * bool(labels)]
    assert kinds.count("tr") == sum(rows + 1 for rows, _ in tables)
    assert kinds.count("td") + kinds.count("th") == sum((rows + 1) * n for rows, n in tables)
    assert {x for x in kinds if not x.endswith("_close")} <= {*OWN_TOKENS, "list_item", "inline"}
    inner = {child.type for token in tokens for child in token.children or ()}
    assert inner <= {"text", "code_inline"}


def test_markdown_has_no_reference_to_an_issue_or_a_person() -> None:
    past = make_past((EXAMPLE, ["bug"]), (CRASH, []))

    text = format_markdown(preview([replace(x, body=f"{EXAMPLE} it crashes.") for x in past]))

    assert not re.search(r"@octocat|#\d|https?://", text)


def test_no_control_character_of_an_issue_reaches_a_terminal() -> None:
    past = make_past((EXAMPLE, ["\x1b[31mred"]), (CRASH, []))
    past = [replace(issue, type="\x1b[2J") for issue in past]

    text = "\n".join(format_text(preview(past)))

    assert "\x1b" not in text
    assert "\u202e" not in text
