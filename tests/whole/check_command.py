"""`tagline check` as a test calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.whole.app import App
from tests.whole.test_command_line import tagline

Line = dict[str, str]


class CheckCommand:
    """`tagline check` with every setting, and its findings."""

    def __init__(self, app: App, folder: Path) -> None:
        self.app, self.folder = app, folder
        self.environment = app.environ

    def lines(self, *options: str, code: int = 0) -> list[Line]:
        result = tagline(
            *("check", "--json", *options), cwd=self.folder, environment=self.environment
        )
        assert result.returncode == code, result.stdout + result.stderr
        for name, value in self.environment.items():
            if any(word in name for word in ("KEY", "TOKEN", "SECRET")):
                assert value not in result.stdout + result.stderr, name
        shown: dict[str, Any] = json.loads(result.stdout)
        assert (shown["v"], shown["ok"]) == (1, code == 0)
        findings: list[Line] = shown["findings"]
        return findings

    def problem(self, area: str, *options: str) -> str:
        """Return the problems, which must all be in this area."""
        wrong = [x for x in self.lines(*options, code=1) if x["level"] == "problem"]
        assert {x["area"] for x in wrong} == {area}
        assert all(x["fix"] for x in wrong)
        return "\n".join(f"{x['what']} → {x['fix']}" for x in wrong)


def messages(lines: list[Line], area: str) -> str:
    return "\n".join(x["what"] for x in lines if x["area"] == area)
