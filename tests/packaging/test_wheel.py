"""The wheel: its content, and its commands in a virtual environment without the clone."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from bot import __version__
from bot.cli.main import COMMANDS
from tests.packaging.test_messages import ONLY_IN_A_CLONE
from tests.whole.test_command_line import PREFIXES

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = "from flit_core.buildapi import build_wheel; import sys; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, folder], cwd=ROOT, check=True, timeout=60)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, and the packages that this one has."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder)
    paths = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", vars=paths))
    pip = [sys.executable, "-m", "pip", "--python", str(folder), "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--no-index", wheel], check=True, timeout=120)
    # Paths in a .pth come last, and .pth files below them are not read: the clone is not found.
    (packages / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def run(installed: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith((*PREFIXES, "PYTHON"))}
    return subprocess.run(
        [installed / "bin" / "tagline", *words],
        cwd=cwd,
        env=kept,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_each_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    in_clone = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "bot").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    names = zipfile.ZipFile(wheel).namelist()
    assert {name for name in names if name.startswith("bot/")} == in_clone
    assert {name.split("/")[0] for name in names} == {"bot", f"tagline-{__version__}.dist-info"}


def test_the_version_is_that_of_the_wheel_and_nothing_is_reported(
    installed: Path, tmp_path: Path
) -> None:
    result = run(installed, tmp_path, "--version")
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{__version__}\n", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(installed: Path, tmp_path: Path, command: str) -> None:
    assert run(installed, tmp_path, command, "--help").returncode == 0


CALLS = (
    ("config", "init"),
    ("config", "schema"),
    ("config", "check"),
    ("config", "show"),
    ("completion", "bash"),
    ("version", "--json"),
    ("serve",),
    ("worker",),
    ("run",),
    ("check",),
    ("dead", "list"),
    ("job", "0"),
    ("triage", "--file", "issues.json"),
    ("gitlab", "add-hook", "group/project", "--url", "https://tagline.example.com"),
)


@pytest.mark.parametrize("words", CALLS, ids=" ".join)
def test_no_message_names_a_file_that_only_a_clone_has(
    installed: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    # With nothing of a forge set, `tagline run` would show the setup page and go on.
    (tmp_path / ".env").write_text("GITLAB_URL=https://gitlab.example.com\n")
    (tmp_path / "issues.json").write_text('[{"number": 1, "title": "Crash on save", "body": ""}]')
    result = run(installed, tmp_path, *words)
    assert "Traceback" not in result.stderr
    assert not ONLY_IN_A_CLONE.search(result.stdout + result.stderr), result


def test_the_demo_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    result = run(installed, tmp_path, "demo", "--json")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("**Summary (automated):**") == 2
