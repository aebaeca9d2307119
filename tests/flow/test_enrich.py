"""A summary and labels from the model; from rules wherever it fails, and the reason why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from bot.core import repoconfig
from bot.core.errors import ModelFailed
from bot.core.labels import Present
from bot.core.model import Choice, Enrichment, Label, Usage
from bot.flow.enrich import enrich
from tests.fakes import ScriptedModel, an_issue, says

TITLE = "Export crashes"
BODY = "The export to PDF crashed with an exception. I pressed the button once."
LABELS = (
    Label("bug", "Something is broken"),
    Label("kind/feature"),
    Label("export"),
    Label("needs-review"),
    Label("wontfix"),
)


def enriched(
    model: ScriptedModel | None,
    config: str | None = None,
    labels: Sequence[Label] = LABELS,
    present: Present | None = None,
) -> Enrichment:
    issue = an_issue(TITLE, BODY)
    return enrich(issue, labels, present or Present(), repoconfig.parse(config)[0], model)


def applied(found: Enrichment) -> list[str]:
    return [choice.label for choice in found.verdict.apply]


def asked(config: str | None = None, labels: Sequence[Label] = LABELS) -> tuple[str, Any]:
    """What the model is told, and the data that it is given."""
    model = ScriptedModel(says("It crashes."))
    enriched(model, config, labels)
    (prompt,) = model.asked
    return prompt.system, json.loads(prompt.user)


def test_a_model_gives_summary_labels_and_usage() -> None:
    answer = says("It crashes.", ("bug", "sure", "crashed"), ("export", "unsure", ""))
    found = enriched(ScriptedModel(answer))
    assert (found.summary, found.source, found.why) == ("It crashes.", "model", "")
    assert found.verdict.apply == (Choice("bug", "sure", "crashed"),)
    assert found.verdict.suggest == ("export",)
    assert found.usage == Usage("gpt-6-luna", 700, 60, 0.0002)


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (ModelFailed("timeout", outage=True), "timeout"),
        (ModelFailed("status-401", refused=True), "status-401"),
        (ModelFailed("breaker-open"), "breaker-open"),
        ("No JSON at all", "not-json"),
        ('{"summary": ""}', "wrong-shape"),
        ('["bug"]', "not-json"),
    ],
)
def test_whatever_the_model_fails_with_rules_take_over_and_say_why(
    failure: str | ModelFailed, why: str
) -> None:
    found = enriched(ScriptedModel(failure))
    assert (found.source, found.why) == ("rules", why)
    assert applied(found) == ["bug", "needs-review"]
    assert found.summary == "The export to PDF crashed with an exception."
    assert found.usage == Usage()


def test_without_a_provider_rules_say_so() -> None:
    found = enriched(None)
    assert (found.source, found.why) == ("rules", "no-provider")


def test_what_a_model_invents_is_not_applied() -> None:
    answer = says("It crashes.", ("lgtm", "sure", ""), ("wontfix", "sure", ""), ("BUG", "sure", ""))
    assert applied(enriched(ScriptedModel(answer))) == ["bug"]


def test_a_common_tag_that_the_repository_lacks_is_only_suggested() -> None:
    found = enriched(ScriptedModel(says("It crashes.", ("performance", "sure", ""))))
    assert (applied(found), found.verdict.suggest) == ([], ("performance",))


def test_only_allowed_labels_are_offered_with_their_descriptions() -> None:
    _, data = asked("labels: {describe: {export: 'To PDF'}}")
    assert data["labels"] == [
        {"name": "bug", "description": "Something is broken"},
        {"name": "kind/feature", "description": ""},
        {"name": "export", "description": "To PDF"},
        {"name": "needs-review", "description": ""},
    ]


def test_a_common_tag_under_another_spelling_is_not_offered_again() -> None:
    _, data = asked()
    assert "bug" not in data["suggestions"]
    assert "feature-request" not in data["suggestions"]
    assert "performance" in data["suggestions"]


def test_a_repository_of_very_many_labels_offers_two_hundred() -> None:
    _, data = asked(labels=[Label(f"label {n}") for n in range(500)])
    assert len(data["labels"]) == 200


def test_language_and_length_come_from_the_repository() -> None:
    system, _ = asked("{language: de, comment: {max_words: 33}}")
    assert "'de'" in system
    assert "at most 33 words" in system


def test_the_prompt_holds_title_and_text_but_not_the_author() -> None:
    model = ScriptedModel(says("It crashes."))
    enriched(model)
    assert TITLE in model.asked[0].user
    assert "crashed with an exception" in model.asked[0].user
    assert "ada" not in json.loads(model.asked[0].user).values()
    assert '"ada"' not in model.asked[0].user


@pytest.mark.parametrize(
    ("config", "labels"),
    [
        ("fallback: {rules: [{label: export, any: [PDF]}]}", ["export", "needs-review"]),
        ("fallback: {rules: [{label: EXPORT, any: [pdf]}]}", ["export", "needs-review"]),
        ("fallback: {rules: [{label: export, any: [pdf], not: [button]}]}", ["needs-review"]),
        ("fallback: {rules: [{label: export, any: [xlsx]}]}", ["needs-review"]),
        ("fallback: {rules: [{label: nonesuch, any: [pdf]}]}", ["needs-review"]),
        ("fallback: {rules: [{label: wontfix, any: [pdf]}]}", ["needs-review"]),
        ("fallback: {needs_review: export}", ["bug", "export"]),
        ("fallback: {needs_review: nonesuch}", ["bug"]),
        ("fallback: {needs_review: ''}", ["bug"]),
        ("labels: {deny: [needs-review]}", ["bug"]),
        ("labels: {allow: [export]}", []),
    ],
)
def test_a_repositorys_own_rules_replace_the_built_in_ones(config: str, labels: list[str]) -> None:
    assert applied(enriched(None, config)) == labels


def test_a_rule_that_fits_is_named_as_the_reason() -> None:
    found = enriched(None, "fallback: {rules: [{label: export, any: [xlsx, pdf]}]}")
    assert found.verdict.apply[0] == Choice("export", "sure", "the word pdf")


def test_rules_apply_the_repositorys_own_spelling() -> None:
    labels = [Label("Type: Bug"), Label("export")]
    assert applied(enriched(None, labels=labels)) == ["Type: Bug"]


def test_a_concept_without_a_label_is_suggested_by_its_common_name() -> None:
    found = enriched(None, labels=[Label("export")])
    assert (applied(found), found.verdict.suggest[0]) == ([], "bug")


@pytest.mark.parametrize(
    ("labels", "config", "usable"),
    [
        (LABELS, None, True),
        ((), None, False),
        ((Label("wontfix"),), None, False),
        (LABELS, "labels: {allow: []}", False),
        ((Label("wontfix"),), "labels: {allow: [wontfix]}", True),
    ],
)
@pytest.mark.parametrize("provider", [True, False])
def test_whether_any_label_can_be_applied_is_told(
    labels: Sequence[Label], config: str | None, usable: bool, provider: bool
) -> None:
    model = ScriptedModel(says("It crashes.")) if provider else None
    assert enriched(model, config, labels).labels_usable is usable


def test_rules_do_not_bring_back_what_a_person_removed() -> None:
    found = enriched(None, present=Present(removed=["bug"]))
    assert applied(found) == ["needs-review"]
    assert "bug" not in found.verdict.suggest


def test_what_the_model_invents_is_not_said() -> None:
    answer = says("It crashes. It broke in 9.9.", ("bug", "sure", "see ERR-77"))
    found = enriched(ScriptedModel(answer))
    assert found.summary == "It crashes."
    assert found.verdict.apply == (Choice("bug", "sure", ""),)


def test_where_all_is_invented_the_issue_s_own_words_are_the_summary() -> None:
    found = enriched(ScriptedModel(says("My key is CANARY-91c2", ("bug", "sure", ""))))
    assert found.summary == "The export to PDF crashed with an exception."
    assert (found.source, applied(found)) == ("model", ["bug"])
