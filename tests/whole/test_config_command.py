"""`tagline config`, as processes of their own."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from bot.core.config.schema import RepoConfig
from tests.configs import parse
from tests.whole.app import App
from tests.whole.test_command_line import access, tagline

WRONG = "mode: aply\nlabels:\n  alow: [bug]\nlearn: {from_corrections: false}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github" / "tagline.yml").write_text(WRONG)
    return tmp_path


def test_check_prints_every_problem_and_note_with_its_line(folder: Path) -> None:
    answer = tagline("config", "check", cwd=folder)
    assert answer.returncode == 1, answer.stderr
    place = ".github/tagline.yml"
    assert answer.stdout.splitlines() == [
        f"{place}:1: mode: write one of: apply, dry-run, off, suggest",
        f"{place}:3: labels.alow: unknown key; did you mean `allow`?",
        f"{place}:4: learn.from_corrections: note: accepted, without effect in this version",
    ]


def test_check_answers_in_json_too(folder: Path) -> None:
    answer = tagline("config", "check", ".github/tagline.yml", "--json", cwd=folder)
    assert answer.returncode == 1
    shown = json.loads(answer.stdout)
    assert (shown["v"], shown["ok"]) == (1, False)
    assert shown["problems"][1] == {
        "line": 3,
        "key": "labels.alow",
        "advice": "unknown key; did you mean `allow`?",
    }
    assert [note["key"] for note in shown["notes"]] == ["learn.from_corrections"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mode: [apply", "tagline.yml:1: file: not valid YAML"),
        ("#" * 70_000, "tagline.yml:1: file: keep the file under 64 KiB"),
    ],
)
def test_check_reports_a_file_that_cannot_be_read(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "tagline.yml").write_text(text)
    answer = tagline("config", "check", "tagline.yml", cwd=tmp_path)
    assert answer.returncode == 1
    assert answer.stdout.startswith(says)


def test_a_begun_file_has_no_problem_and_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / ".gitlab" / "tagline.yml"
    made = tagline("config", "init", "--write", ".gitlab/tagline.yml", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert path.read_text() == tagline("config", "init", cwd=tmp_path).stdout
    checked = tagline("config", "check", cwd=tmp_path)
    assert (checked.returncode, checked.stdout) == (0, "")
    path.write_text("mode: suggest")
    again = tagline("config", "init", "--write", ".gitlab/tagline.yml", cwd=tmp_path)
    assert again.returncode == 1
    assert "already exists" in again.stderr
    assert path.read_text() == "mode: suggest"


def test_check_where_there_is_no_file_asks_for_one(tmp_path: Path) -> None:
    answer = tagline("config", "check", cwd=tmp_path)
    assert answer.returncode == 2
    assert "name a FILE" in answer.stderr


def test_show_prints_what_holds_and_its_problems(folder: Path) -> None:
    answer = tagline("config", "show", cwd=folder)
    assert answer.returncode == 0, answer.stderr
    assert parse(answer.stdout)[0] == parse(WRONG)[0]
    assert "Problem: line 1, mode" in answer.stderr


def test_show_asks_the_forge(app: App, tmp_path: Path) -> None:
    app.configure("mode: suggest\nlabels: {max: 2}\n")
    ref = f"{app.on}:{app.repo}"
    answer = tagline(
        "config", "show", "--repo", ref, "--json", cwd=tmp_path, environment=access(app)
    )
    assert answer.returncode == 0, answer.stderr
    shown = json.loads(answer.stdout)
    assert shown["v"] == 1
    config = msgspec.convert(shown["config"], RepoConfig)
    assert (config.mode, config.labels.max) == ("suggest", 2)


def test_the_schema_is_printed(tmp_path: Path) -> None:
    answer = tagline("config", "schema", cwd=tmp_path)
    assert json.loads(answer.stdout)["properties"]["mode"]["default"] == "apply"
