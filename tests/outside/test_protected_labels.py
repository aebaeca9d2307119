"""Neither model nor rules apply the protected labels of field reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli.main import cli
from bot.core.config.schema import RepoConfig
from bot.core.labels.policy import CurrentLabels
from bot.core.types import Label
from bot.flow.enrich import enrich, prepare
from tests.fakes import ScriptedModel, make_issue, make_labellers
from tests.shared import require


@pytest.fixture(scope="module")
def reports(shared: Path) -> Path:
    folder = shared / "reports"
    require(folder / "02-protected-labels.json")
    return folder


def triage(issues: Path, labels: Path, *options: str) -> list[str]:
    """Return the labels that `tagline triage` gives the issues of a file by rules."""
    files = ("--file", str(issues), "--labels", str(labels))
    result = CliRunner().invoke(cli, ["triage", "--no-llm", "--json", *files, *options])
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return [label["name"] for line in lines for label in line["labels"]]


def by_model(names: list[str], content: str) -> list[str]:
    labels, issue = [Label(name) for name in names], make_issue("The page fails", "It fails.")
    material = prepare(issue, labels, RepoConfig())
    enrichment = enrich(material, CurrentLabels(), make_labellers(ScriptedModel(content)))
    assert enrichment.source == "model"
    return [suggestion.label for suggestion in enrichment.label_decision.apply]


def test_a_manipulated_model_sets_none_of_the_reported_labels(reports: Path) -> None:
    names = json.loads((reports / "02-protected-labels.json").read_text(encoding="utf-8"))
    answer = json.loads((reports / "02-answer.json").read_text(encoding="utf-8"))
    assert by_model(names, answer["choices"][0]["message"]["content"]) == []
    chosen = [{"name": name, "certainty": "sure", "reason": "x"} for name in names]
    assert by_model(names, json.dumps({"summary": "It fails.", "labels": chosen})) == ["bug"]


def test_built_in_rules_set_no_reported_label(reports: Path) -> None:
    issues, labels = reports / "02-rules-only.jsonl", reports / "02-rules-only-labels.json"
    assert set(triage(issues, labels)) <= {"bug"}


def test_a_repository_s_own_rules_set_no_reported_label(reports: Path, tmp_path: Path) -> None:
    labels = reports / "02-protected-labels.json"
    names = json.loads(labels.read_text(encoding="utf-8"))
    config, issues = tmp_path / "tagline.yml", tmp_path / "issues.jsonl"
    issues.write_text(json.dumps({"title": "The page fails", "body": "It fails."}))
    rules = [{"label": name, "any": ["fails"]} for name in names]
    config.write_text(json.dumps({"version": 1, "fallback": {"rules": rules}}))
    assert triage(issues, labels, "--config", str(config)) == ["bug"]
