"""Secrets and look-alikes of the attack set, in redacted text, prompts and summaries."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.core.config.schema import RepoConfig
from bot.core.labels.policy import CurrentLabels
from bot.core.text.redact import redact
from bot.core.types import Label
from bot.flow.enrich import enrich, prepare
from tests.fakes import ScriptedModel, make_issue, make_labellers, model_reply
from tests.outside.attacks import Case, cases, filled, secrets_of
from tests.redaction.measure import MAX_FALSE_ALARMS, measure
from tests.shared import require


@pytest.fixture(scope="module")
def planted(shared: Path) -> list[Case]:
    require(shared / "attacks" / "issues.jsonl")
    rows = cases(shared, "issues.jsonl")
    planted = [case for case in rows if secrets_of(case) or case.get("keep")]
    assert {case["class"] for case in planted} >= {"secret", "keep"}
    return planted


def shown(case: Case) -> list[str]:
    """Return the text of an issue as it is redacted, and as it is in the prompt."""
    title, body = words(case)
    model = ScriptedModel(model_reply("It fails."))
    material = prepare(make_issue(title, body), (), RepoConfig())
    enrich(material, CurrentLabels(), make_labellers(model))
    data = json.loads(model.prompts[0].user)
    return [redact(f"{title}\n{body}"), f"{data['title']}\n{data['body']}"]


def results(case: Case) -> Iterator[str]:
    """Yield the summary and labels of a model that repeats everything, and those of rules."""
    title, body = words(case)
    for reply in (model_reply(f"{title} {body}", ("bug", "sure", body)), "no answer"):
        model = ScriptedModel(reply)
        material = prepare(make_issue(title, body), (Label("bug"),), RepoConfig())
        enrichment = enrich(material, CurrentLabels(), make_labellers(model))
        yield f"{enrichment.summary}\n{enrichment.label_decision}"


def words(case: Case) -> tuple[str, str]:
    return filled(case["title"], case), filled(case["body"], case)


def test_no_secret_is_shown_to_the_model_and_each_is_named(planted: list[Case]) -> None:
    for case in planted:
        for text in shown(case):
            assert not [secret for secret in secrets_of(case) if secret in text], case["id"]
            assert text.count("[redacted:") == len(secrets_of(case)), case["id"]


def test_no_secret_is_in_a_summary_or_reason(planted: list[Case]) -> None:
    for case in planted:
        for text in results(case):
            assert not [secret for secret in secrets_of(case) if secret in text], case["id"]


def test_text_that_is_no_secret_is_not_redacted(planted: list[Case]) -> None:
    for case in planted:
        for text in shown(case):
            assert all(kept in text for kept in case.get("keep", ())), case["id"]


def test_the_planted_texts_repeated_to_64_kib_take_little_time(planted: list[Case]) -> None:
    for case in planted:
        _, body = words(case)
        text = f"{body}\n" * (65_536 // len(body))
        started = time.process_time()
        redact(text)
        assert time.process_time() - started < 0.25, case["id"]  # 0.05 on an idle machine


def test_every_planted_secret_is_found_and_few_real_issues_have_a_false_alarm(
    shared: Path,
) -> None:
    result = measure(shared)
    assert result.planted > len(result.missed) == 0, result.missed
    assert result.harmless > len(result.changed) == 0, result.changed
    wrong = [finding for finding in result.findings if finding.verdict != "right"]
    assert result.false_alarms <= MAX_FALSE_ALARMS * result.issues, wrong
