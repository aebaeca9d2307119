"""Each import contract breaks where a forbidden import is planted."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
NAMES = [contract["name"] for contract in CONFIG["contracts"]]
# Per contract: the file that gets an import, and the import.
PLANTED = {
    "Layers: from the command line down to pure rules": (
        ("core/refs.py", "bot.flow.render"),
        ("core/text/lenient_json.py", "bot.learn.model"),
        ("learn/groups.py", "bot.flow.plan"),
        ("flow/render.py", "bot.store.redis"),
        ("queue/periodic.py", "bot.web.limits"),
        ("llm/openai.py", "bot.embedded.valkey"),
        ("sandbox/state.py", "bot.wiring"),
        ("wiring.py", "bot.setup.offer"),
        ("setup/model.py", "bot.cli.main"),
    ),
    "Rules and flow do no I/O and know no client library": (
        ("core/refs.py", "httpcore"),
        ("core/text/globs.py", "requests"),
        ("flow/plan.py", "gitlab"),
        ("learn/linear.py", "redis"),
        ("flow/process.py", "bot.http"),
    ),
    "Only setup, wiring and the command line read settings": (
        ("forges/values.py", "bot.settings.load"),
        ("http.py", "bot.settings.environment"),
        ("learn/calibration.py", "bot.settings.load"),
    ),
    "The receiver loads no client of a forge, a model or the queue": (
        ("web/limits.py", "httpx"),
        ("forges/github/webhooks.py", "bot.forges.github.api"),
        ("queue/enqueue.py", "dramatiq"),
    ),
    "The receiver loads the setup and admin pages only where they are used": (
        ("web/pages.py", "jinja2"),
        ("web/app.py", "bot.web.setup.app"),
        ("web/server.py", "bot.web.admin.app"),
    ),
}


def test_every_contract_has_planted_imports() -> None:
    assert list(PLANTED) == NAMES


@pytest.mark.slow
def test_a_forbidden_import_breaks_its_contract(tmp_path: Path) -> None:
    copied = shutil.ignore_patterns("__pycache__", "static", "templates")
    shutil.copytree(ROOT / "bot", tmp_path / "bot", ignore=copied)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for imports in PLANTED.values():
        for file, module in imports:
            with (tmp_path / "bot" / file).open("a") as source:
                source.write(f"\nimport {module}\n")

    tool = Path(sys.executable).with_name("lint-imports")
    report = subprocess.run(
        [tool, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False
    ).stdout

    for contract, imports in PLANTED.items():
        assert f"{contract} BROKEN" in report
        for file, module in imports:
            importer = "bot." + file.removesuffix(".py").replace("/", ".")
            assert re.search(rf"{importer} -> {re.escape(module)}\b", report), (file, module)
