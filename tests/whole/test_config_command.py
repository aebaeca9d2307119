"""`tagline config` and its subcommands."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from bot.core.config.schema import RepoConfig
from tests.configs import parse
from tests.whole.app import App
from tests.whole.test_command_line import tagline

WRONG = "mode: aply\nlabels:\n  alow: [bug]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github" / "tagline.yml").write_text(WRONG)
    return tmp_path


def test_check_prints_every_problem_with_its_line(folder: Path) -> None:
    result = tagline("config", "check", cwd=folder)
    assert result.returncode == 1, result.stderr
    file = ".github/tagline.yml"
    assert result.stdout.splitlines() == [
        f"{file}:1: mode: write one of: apply, dry-run, off, suggest",
        f"{file}:3: labels.alow: unknown key; did you mean `allow`?",
    ]


def test_check_reads_the_files_of_both_hosts(folder: Path) -> None:
    (folder / ".gitlab").mkdir()
    (folder / ".gitlab" / "tagline.yaml").write_text("mode: of\n")
    result = tagline("config", "check", cwd=folder)
    assert result.returncode == 1
    assert ".github/tagline.yml:1: mode: " in result.stdout
    assert ".gitlab/tagline.yaml:1: mode: " in result.stdout
    shown = tagline("config", "check", "--json", cwd=folder).stdout.splitlines()
    files = [json.loads(line)["file"] for line in shown]
    assert files == [".github/tagline.yml", ".gitlab/tagline.yaml"]
    (folder / ".github" / "tagline.yml").write_text("mode: off\n")
    assert tagline("config", "check", cwd=folder).returncode == 1


def test_check_prints_json(folder: Path) -> None:
    result = tagline("config", "check", ".github/tagline.yml", "--json", cwd=folder)
    assert result.returncode == 1
    shown = json.loads(result.stdout)
    assert (shown["v"], shown["ok"]) == (1, False)
    assert shown["problems"][1] == {
        "line": 3,
        "key": "labels.alow",
        "advice": "unknown key; did you mean `allow`?",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mode: [apply", "tagline.yml:1: file: not valid YAML"),
        ("#" * 70_000, "tagline.yml:1: file: keep the file under 64 KiB"),
    ],
)
def test_check_reports_a_file_that_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "tagline.yml").write_text(text)
    result = tagline("config", "check", "tagline.yml", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stdout.startswith(message)


@pytest.mark.parametrize(
    "address", ["nonsense", "ftp://tagline.example", "https://", "https://a b"]
)
def test_an_initial_file_has_the_schema_of_an_address_only(tmp_path: Path, address: str) -> None:
    result = tagline("config", "init", "--public-url", address, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert "--public-url" in result.stderr


def test_an_initial_file_has_no_problem_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / ".gitlab" / "tagline.yml"
    created = tagline("config", "init", "--write", ".gitlab/tagline.yml", cwd=tmp_path)
    assert created.returncode == 0, created.stderr
    assert path.read_text() == tagline("config", "init", cwd=tmp_path).stdout
    checked = tagline("config", "check", cwd=tmp_path)
    assert (checked.returncode, checked.stdout) == (0, "")
    path.write_text("mode: suggest")
    again = tagline("config", "init", "--write", ".gitlab/tagline.yml", cwd=tmp_path)
    assert again.returncode == 1
    assert "already exists" in again.stderr
    assert path.read_text() == "mode: suggest"


def test_check_without_a_file_is_a_usage_error(tmp_path: Path) -> None:
    result = tagline("config", "check", cwd=tmp_path)
    assert result.returncode == 2
    assert "name a FILE" in result.stderr


def test_show_prints_the_effective_configuration_and_its_problems(folder: Path) -> None:
    result = tagline("config", "show", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert parse(result.stdout)[0] == parse(WRONG)[0]
    assert "Problem: line 1, mode" in result.stderr


def test_show_reads_a_repository_s_file(app: App, tmp_path: Path) -> None:
    app.configure("mode: suggest\nlabels: {max: 2}\n")
    ref = f"{app.on}:{app.repo}"
    result = tagline(
        "config", "show", "--repo", ref, "--json", cwd=tmp_path, environment=app.environ
    )
    assert result.returncode == 0, result.stderr
    shown = json.loads(result.stdout)
    assert shown["v"] == 1
    config = msgspec.convert(shown["config"], RepoConfig)
    assert (config.mode, config.labels.max) == ("suggest", 2)


def test_the_schema_is_printed(tmp_path: Path) -> None:
    result = tagline("config", "schema", cwd=tmp_path)
    assert json.loads(result.stdout)["properties"]["mode"]["default"] == "apply"


# Files in the folder → exit code, and what the output has to name.
FOLDERS: dict[str, tuple[list[str], int, str]] = {
    "the other ending": ([".gitlab/tagline.yaml"], 0, ".gitlab/tagline.yaml: no problem"),
    "one for each host": ([".github/tagline.yml", ".gitlab/tagline.yaml"], 0, "no problem"),
    "both endings": (
        [".github/tagline.yaml", ".github/tagline.yml"],
        0,
        ".github/tagline.yaml: note: not read",
    ),
    "one at the root too": (
        ["Tagline.yaml", ".github/tagline.yml"],
        0,
        "Tagline.yaml: note: not read",
    ),
    "only one at the root": (["tagline.yml"], 2, "and tagline.yml is not read: move it there"),
    "only one among the workflows": (
        [".github/workflows/tagline.yml"],
        2,
        "and .github/workflows/tagline.yml is not read",
    ),
    "none": ([], 2, "exists here: name a FILE"),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_check_names_files_that_are_not_read(tmp_path: Path, case: str) -> None:
    files, code, words = FOLDERS[case]
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mode: suggest\n")
    result = tagline("config", "check", cwd=tmp_path)
    assert result.returncode == code
    assert words in " ".join((result.stdout + result.stderr).split())
    assert ("not read" in result.stdout + result.stderr) == ("not read" in words)
