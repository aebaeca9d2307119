"""`tagline triage` on well-formed and malformed files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.cli.main import cli


def triage(folder: Path, issues: bytes, *options: str) -> tuple[Result, list[dict[str, Any]]]:
    path = folder / "issues.jsonl"
    path.write_bytes(issues)
    result = CliRunner().invoke(
        cli, ["triage", "--file", str(path), "--no-llm", "--json", *options]
    )
    return result, [json.loads(line) for line in result.stdout.splitlines()]


def labelled(folder: Path, names: object) -> tuple[str, str]:
    path = folder / "labels.json"
    path.write_text(json.dumps(names))
    return "--labels", str(path)


CRASH = json.dumps({"title": "App crashes on start", "body": "It crashed with an exception."})


def test_an_issue_becomes_a_line_of_json(tmp_path: Path) -> None:
    result, (line,) = triage(tmp_path, CRASH.encode(), *labelled(tmp_path, ["kind/bug", "docs"]))
    assert result.exit_code == 0
    (label,) = line.pop("labels")
    assert (label["name"], label["source"]) == ("kind/bug", "rules")
    assert label["certainty"] in ("sure", "likely")
    assert line == {
        "v": 1,
        "title": "App crashes on start",
        "summary": "It crashed with an exception.",
        "suggested": [],
        "source": "rules",
        "tokens": {"in": 0, "out": 0},
        "cost_usd": 0.0,
    }


def test_compressed_files_are_read_directly(tmp_path: Path) -> None:
    _, lines = triage(tmp_path, gzip.compress(f"{CRASH}\n{CRASH}\n".encode()))
    assert [line["labels"][0]["name"] for line in lines] == ["bug", "bug"]


@pytest.mark.parametrize(
    "row",
    ["no json", "[]", "{}", '{"title": 5}', "[" * 100_000, '{"title": "cut'],
    ids=range(6),
)
def test_a_row_that_cannot_be_read_is_reported_and_the_others_are_processed(
    tmp_path: Path, row: str
) -> None:
    result, lines = triage(tmp_path, f"{row}\n{CRASH}".encode())
    assert result.exit_code == 3
    assert lines[0]["error"].startswith("line 1: ")
    assert lines[1]["labels"]


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("x", None),
        ("\U0001f389", ""),
        ("", "```\ncode\n```"),
        ("\ud800", "\0"),
        ("登录失败", "点击按钮没有反应。"),
    ],
    ids=range(5),
)
def test_unusual_issues_have_a_line(tmp_path: Path, title: str, body: str | None) -> None:
    result, (line,) = triage(tmp_path, json.dumps({"title": title, "body": body}).encode())
    assert result.exit_code == 0
    assert line["labels"] == []


@pytest.mark.parametrize(
    ("builtin", "expected"), [("true", ["docs", "bug"]), ("false", ["docs"])], ids=["all", "own"]
)
def test_a_maintainer_s_rules_come_before_the_built_in_ones(
    tmp_path: Path, builtin: str, expected: list[str]
) -> None:
    config = tmp_path / "tagline.yml"
    rule = "{label: docs, any: [start], not: [typo]}"
    config.write_text(f"fallback: {{builtin: {builtin}, rules: [{rule}]}}")
    options = ("--config", str(config), *labelled(tmp_path, [{"name": "docs"}, {"name": "bug"}]))
    _, (line,) = triage(tmp_path, CRASH.encode(), *options)
    assert [label["name"] for label in line["labels"]] == expected


def test_labels_without_names_are_a_usage_error(tmp_path: Path) -> None:
    result, _ = triage(tmp_path, CRASH.encode(), *labelled(tmp_path, [{"title": "bug"}]))
    assert result.exit_code == 2


@pytest.mark.parametrize("option", ["--file", "--labels", "--config"])
@pytest.mark.parametrize("name", ["", "missing"], ids=["a directory", "missing"])
def test_a_file_that_is_none_is_a_usage_error(tmp_path: Path, option: str, name: str) -> None:
    result, lines = triage(tmp_path, CRASH.encode(), option, str(tmp_path / name))
    assert (result.exit_code, lines) == (2, [])
    assert f"Invalid value for '{option}'" in result.stderr


def corrupt(data: bytes) -> list[bytes]:
    """Return compressed data cut off, with a wrong block and with a wrong checksum."""
    return [data[:-12], data[:10] + b"\xff" * 20, data[:-8] + bytes(8)]


@pytest.mark.parametrize("case", range(3))
def test_a_damaged_compressed_file_is_named(tmp_path: Path, case: int) -> None:
    result, _ = triage(tmp_path, corrupt(gzip.compress(CRASH.encode()))[case])
    assert result.exit_code == 1
    assert f"{tmp_path / 'issues.jsonl'} cannot be read: " in result.stderr
    labels = tmp_path / "labels.json.gz"
    labels.write_bytes(corrupt(gzip.compress(b'["bug"]'))[case])
    result, _ = triage(tmp_path, CRASH.encode(), "--labels", str(labels))
    assert result.exit_code == 1
    assert f"{labels} cannot be read: " in result.stderr
