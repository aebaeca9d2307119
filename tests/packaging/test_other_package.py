"""Another top-level package or module named `bot`, which hides or replaces parts of Tagline."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli.main import find_other_package

ROOT = Path(__file__).parents[2]


def tagline(*path: Path) -> subprocess.CompletedProcess[str]:
    """Run `tagline --version` with these directories first in `sys.path`."""
    code = "from bot.cli.main import cli; cli(['--version'], prog_name='tagline')"
    search = os.pathsep.join(map(str, path))
    return subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("file", ["bot/__init__.py", "bot.py"])
def test_one_elsewhere_is_reported_and_the_command_runs(tmp_path: Path, file: str) -> None:
    other = tmp_path / file
    other.parent.mkdir(exist_ok=True)
    other.write_text("")
    result = tagline(ROOT, tmp_path)
    assert (result.returncode, len(result.stderr.splitlines())) == (0, 1)
    assert f"{other}. " in result.stderr
    assert "virtual environment" in result.stderr


def test_one_that_replaced_a_file_of_tagline_ends_the_start(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "bot", tmp_path / "bot", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "bot" / "__init__.py").write_text("TOKEN = ''\n")
    result = tagline(tmp_path)
    assert (result.returncode, result.stdout, len(result.stderr.splitlines())) == (1, "", 1)
    assert str(tmp_path / "bot" / "__init__.py") in result.stderr


def test_a_folder_without_python_and_a_copy_of_tagline_are_none(tmp_path: Path) -> None:
    (tmp_path / "data" / "bot").mkdir(parents=True)
    (tmp_path / "copy" / "bot" / "cli").mkdir(parents=True)
    for name in ("__init__.py", "cli/main.py"):
        (tmp_path / "copy" / "bot" / name).write_text("")
    path = [str(tmp_path / "data"), str(tmp_path / "copy"), str(tmp_path / "absent")]
    assert find_other_package(path) == ""
