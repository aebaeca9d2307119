"""A summary and labels from the model; from rules wherever it fails, and the reason why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from bot.core.enrichment import Enrichment
from bot.core.errors import ModelFailed
from bot.core.labels.policy import CurrentLabels
from bot.core.types import Label, LabelSuggestion, Usage
from bot.flow.enrich import enrich, prepare
from tests.configs import parse
from tests.fakes import ScriptedModel, make_issue, make_labellers, model_reply

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
    current: CurrentLabels | None = None,
    title: str = TITLE,
    body: str = BODY,
) -> Enrichment:
    material = prepare(make_issue(title, body), labels, parse(config)[0])
    return enrich(material, current or CurrentLabels(), make_labellers(model))


def applied(found: Enrichment) -> list[str]:
    return [choice.label for choice in found.label_decision.apply]


def prompted(config: str | None = None, labels: Sequence[Label] = LABELS) -> tuple[str, Any]:
    """The rules and the data of the prompt."""
    model = ScriptedModel(model_reply("It crashes."))
    enriched(model, config, labels)
    (prompt,) = model.prompts
    return prompt.system, json.loads(prompt.user)


def test_a_model_gives_summary_labels_and_usage() -> None:
    answer = model_reply("It crashes.", ("bug", "sure", "crashed"), ("export", "unsure", ""))
    found = enriched(ScriptedModel(answer))
    assert (found.summary, found.source, found.why) == ("It crashes.", "model", "")
    assert found.label_decision.apply == (LabelSuggestion("bug", "sure", "crashed"),)
    assert found.label_decision.suggest == ("export",)
    assert found.usage == Usage("gpt-6-luna", 700, 60, 0.0002)


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (ModelFailed("timeout", outage=True), "timeout"),
        (ModelFailed("status-401", setting="key"), "status-401"),
        (ModelFailed("breaker-open"), "breaker-open"),
        ("No JSON at all", "not-json"),
        ('{"summary": ""}', "wrong-shape"),
        ('["bug"]', "not-json"),
    ],
)
def test_after_any_failure_of_the_model_rules_take_over_with_the_reason(
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
    names = ("lgtm", "made-up-by-the-model", "ok-to-test", "@everyone", "wontfix", "BUG")
    answer = model_reply("It crashes.", *((name, "sure", "") for name in names))
    found = enriched(ScriptedModel(answer))
    assert (applied(found), found.label_decision.suggest) == (["bug"], ())


def test_a_common_tag_that_the_repository_lacks_is_only_suggested() -> None:
    found = enriched(ScriptedModel(model_reply("It crashes.", ("performance", "sure", ""))))
    assert (applied(found), found.label_decision.suggest) == ([], ("performance",))


def test_only_allowed_labels_are_offered_with_their_descriptions() -> None:
    _, data = prompted("labels: {describe: {export: 'To PDF'}}")
    assert data["labels"] == [
        {"name": "bug", "description": "Something is broken"},
        {"name": "kind/feature"},
        {"name": "export", "description": "To PDF"},
        {"name": "needs-review"},
    ]


def test_a_common_tag_under_another_spelling_is_not_offered_again() -> None:
    _, data = prompted()
    assert "bug" not in data["suggestions"]
    assert "feature-request" not in data["suggestions"]
    assert "performance" in data["suggestions"]


def test_a_repository_of_very_many_labels_offers_two_hundred() -> None:
    _, data = prompted(labels=[Label(f"label {n}") for n in range(500)])
    assert len(data["labels"]) == 200


def test_a_summary_in_another_language_is_replaced_by_the_issue_s_own_words() -> None:
    answer = model_reply("导出时程序崩溃，浏览器显示一个错误。", ("bug", "sure", "crashed"))
    found = enriched(ScriptedModel(answer))
    assert found.summary == "The export to PDF crashed with an exception."
    assert (found.source, applied(found)) == ("model", ["bug"])
    wanted = enriched(ScriptedModel(answer), "language: zh")
    assert wanted.summary.startswith("导出时程序崩溃")


@pytest.mark.parametrize(
    "summary",
    [
        "One or two plain sentences, at most 60 words, in the language of the issue.",
        "There is a list of different things, which makes people track another problem.",
    ],
)
def test_a_summary_of_something_else_is_replaced_by_the_issue_s_own_words(summary: str) -> None:
    found = enriched(ScriptedModel(model_reply(summary, ("bug", "sure", "Something is broken"))))
    assert found.summary == "The export to PDF crashed with an exception."
    assert found.source == "model"


def test_the_prompt_holds_title_and_text_but_not_the_author() -> None:
    model = ScriptedModel(model_reply("It crashes."))
    enriched(model)
    assert TITLE in model.prompts[0].user
    assert "crashed with an exception" in model.prompts[0].user
    assert "ada" not in json.loads(model.prompts[0].user).values()
    assert '"ada"' not in model.prompts[0].user


ONLY_OWN = "fallback: {builtin: false, rules: [{label: export"


@pytest.mark.parametrize(
    ("config", "labels"),
    [
        ("fallback: {rules: [{label: export, any: [PDF]}]}", ["export", "bug", "needs-review"]),
        ("fallback: {rules: [{label: EXPORT, any: [pdf]}]}", ["export", "bug", "needs-review"]),
        (f"{ONLY_OWN}, any: [pdf]}}]}}", ["export", "needs-review"]),
        (f"{ONLY_OWN}, any: [pdf], not: [button]}}]}}", ["needs-review"]),
        (f"{ONLY_OWN}, any: [xlsx]}}]}}", ["needs-review"]),
        ("fallback: {rules: [{label: nonesuch, any: [pdf]}]}", ["bug", "needs-review"]),
        ("fallback: {rules: [{label: wontfix, any: [pdf]}]}", ["bug", "needs-review"]),
        ("fallback: {builtin: false}", ["needs-review"]),
        ("fallback: {builtin: nonsense}", ["needs-review"]),
        ("fallback: {needs_review: export}", ["bug", "export"]),
        ("fallback: {needs_review: nonesuch}", ["bug"]),
        ("fallback: {needs_review: ''}", ["bug"]),
        ("labels: {deny: [needs-review]}", ["bug"]),
        ("labels: {allow: [export]}", []),
    ],
)
def test_a_repositorys_own_rules_come_before_the_built_in_ones(
    config: str, labels: list[str]
) -> None:
    assert applied(enriched(None, config)) == labels


def test_a_rule_that_fits_is_named_as_the_reason() -> None:
    found = enriched(None, "fallback: {rules: [{label: export, any: [xlsx, pdf]}]}")
    assert found.label_decision.apply[0] == LabelSuggestion(
        "export", "sure", "the word pdf", "rules"
    )


def test_rules_apply_the_repositorys_own_spelling() -> None:
    labels = [Label("Type: Bug"), Label("export")]
    assert applied(enriched(None, labels=labels)) == ["Type: Bug"]


def test_a_concept_without_a_label_is_suggested_by_its_common_name() -> None:
    found = enriched(None, labels=[Label("export")])
    assert (applied(found), found.label_decision.suggest[0]) == ([], "bug")


@pytest.mark.parametrize(
    ("config", "suggested"),
    [
        (None, ["area/export"]),
        ("fallback: {builtin: false}", []),
        ("labels: {deny: [area/*]}", []),
    ],
)
def test_an_area_that_the_title_names_is_suggested_by_the_built_in_rules(
    config: str | None, suggested: list[str]
) -> None:
    labels = [Label("bug"), Label("area/export"), Label("area/import"), Label("priority/export")]
    found = enriched(None, config, labels)
    assert [name for name in found.label_decision.suggest if "/" in name] == suggested
    assert "area/export" not in applied(found)


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
def test_the_result_says_whether_any_label_can_be_applied(
    labels: Sequence[Label], config: str | None, usable: bool, provider: bool
) -> None:
    model = ScriptedModel(model_reply("It crashes.")) if provider else None
    assert enriched(model, config, labels).labels_usable is usable


def test_rules_do_not_bring_back_what_a_person_removed() -> None:
    found = enriched(None, current=CurrentLabels(removed=["bug"]))
    assert applied(found) == ["needs-review"]
    assert "bug" not in found.label_decision.suggest


def test_what_the_model_invents_is_left_out() -> None:
    answer = model_reply("It crashes. It broke in 9.9.", ("bug", "sure", "see ERR-77"))
    found = enriched(ScriptedModel(answer))
    assert found.summary == "It crashes."
    assert found.label_decision.apply == (LabelSuggestion("bug", "sure", ""),)


def test_where_everything_is_invented_the_issue_s_own_words_are_the_summary() -> None:
    found = enriched(ScriptedModel(model_reply("My key is CANARY-91c2", ("bug", "sure", ""))))
    assert found.summary == "The export to PDF crashed with an exception."
    assert (found.source, applied(found)) == ("model", ["bug"])


TOKEN = "gh" + "p_aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD12"
SENTENCE = f"The login fails with the token {TOKEN} of ada@example.org in Firefox."


def planted(config: str | None, *answers: str | ModelFailed) -> tuple[Enrichment, ScriptedModel]:
    """What becomes of an issue whose title and body hold secrets."""
    model = ScriptedModel(*answers)
    title = f"Login fails, password: hunter2, {TOKEN}"
    return enriched(model, config, title=title, body=f"{SENTENCE}\n"), model


def test_the_prompt_contains_no_secret_and_no_address() -> None:
    _, model = planted(None, model_reply("It fails."))
    data = json.loads(model.prompts[0].user)
    assert data["title"] == "Login fails, password: [redacted:password], [redacted:github-token]"
    assert data["body"] == (
        "The login fails with the token [redacted:github-token] of [redacted:email] in Firefox."
    )


@pytest.mark.parametrize(
    ("between", "is_hidden"),
    [("\u200b", True), ("\u202e", True), ("<!-- -->", True), ("<b></b>", True), (" ", False)],
)
def test_nothing_that_condensing_drops_hides_a_secret(between: str, is_hidden: bool) -> None:
    model = ScriptedModel(model_reply("It fails."))
    body = f"It fails with {TOKEN[:8]}{between}{TOKEN[8:]} here."
    enriched(model, body=body)
    assert ("[redacted:github-token]" in model.prompts[0].user) is is_hidden


@pytest.mark.parametrize("where", [43_980, 44_010, 47_990, 88_000, 99_000, 103_960])
def test_no_half_of_a_secret_in_a_very_long_body_reaches_the_model(where: int) -> None:
    model = ScriptedModel(model_reply("It fails."))
    body = f"{'word ' * (where // 5)}{TOKEN} {'word ' * ((120_000 - where) // 5)}"
    enriched(model, body=body)
    assert TOKEN[5:15] not in model.prompts[0].user
    assert TOKEN[-10:] not in model.prompts[0].user


@pytest.mark.parametrize("config", [None, "privacy: {redact: []}"])
def test_the_fallback_s_summary_holds_no_secret(config: str | None) -> None:
    found, _ = planted(config, ModelFailed("timeout"))
    assert "[redacted:github-token]" in found.summary
    assert TOKEN[5:] not in found.summary
    assert ("[redacted:email]" in found.summary) is (config is None)


def test_a_secret_in_a_model_s_answer_is_redacted() -> None:
    sentence = "The login fails in Firefox with the password: quokkaberry."
    answer = model_reply(sentence, ("bug", "sure", "the password: quokkaberry"))
    found, _ = planted("privacy: {redact: []}", answer)
    assert found.source == "model"
    assert found.summary == sentence.replace("quokkaberry", "[redacted:password]")
    assert found.label_decision.apply[0].reason == "the password: [redacted:password]"


def test_a_repository_chooses_what_its_model_may_see_beside_secrets() -> None:
    _, model = planted("privacy: {redact: [secrets]}", model_reply("It fails."))
    assert "ada@example.org" in model.prompts[0].user
    assert TOKEN not in model.prompts[0].user
    for redact in ("[]", "[emails]"):  # secrets are removed whatever the list says
        _, model = planted(f"privacy: {{redact: {redact}}}", model_reply("It fails."))
        assert TOKEN not in model.prompts[0].user
        assert "hunter2" not in model.prompts[0].user
        assert ("ada@example.org" in model.prompts[0].user) is (redact == "[]")


SPELLINGS = ("won't fix", "🔥 P0", "Auto-Merge", "kind: security", "do not merge/hold", "AI: fix")


def test_neither_a_misled_model_nor_rules_apply_a_protected_label_in_any_spelling() -> None:
    labels = [Label(name) for name in ("bug", *SPELLINGS)]
    answer = model_reply("It crashes.", *((label.name, "sure", "") for label in labels))
    by_model = enriched(ScriptedModel(answer), labels=labels)
    assert (applied(by_model), by_model.label_decision.suggest) == (["bug"], ())

    rules = [{"label": label.name, "any": ["crashed"]} for label in labels]
    for name in SPELLINGS:
        config = json.dumps({"fallback": {"rules": rules, "needs_review": name}})
        by_rules = enriched(None, config, labels)
        assert (applied(by_rules), by_rules.label_decision.suggest) == (["bug"], ())


def test_built_in_rules_apply_no_protected_label_that_means_their_concept() -> None:
    labels = [Label("type: security"), Label("high priority"), Label("P0")]
    body = "Urgent: an attacker can inject a script."
    found = enriched(None, labels=labels, title="Critical XSS vulnerability", body=body)
    assert (applied(found), found.label_decision.suggest) == ([], ())


def test_a_protected_label_is_applied_where_its_exact_name_is_allowed() -> None:
    config = "labels: {allow: ['*', 'kind: security']}"
    labels = [Label(name) for name in ("kind: security", "kind/security", "P0")]
    answer = model_reply("It crashes.", *((label.name, "sure", "") for label in labels))
    assert applied(enriched(ScriptedModel(answer), config, labels)) == ["kind: security"]
