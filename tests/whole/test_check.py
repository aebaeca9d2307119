"""`tagline check` beside the sandbox: what is wrong is told with its fix, secrets never."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from bot.sandbox import Sandbox
from bot.store.private import PrivateRedis
from tests.whole.house import SECRET, House
from tests.whole.test_command_line import access, tagline

Line = dict[str, str]
Check = Callable[..., list[Line]]


class Checking:
    """The command with everything set, and what it says."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house, self.folder = house, folder
        self.environment = {
            **access(house),
            "GITHUB_WEBHOOK_SECRET": SECRET,
            "GITLAB_SIGNING_TOKEN": house.box.gitlab_signing_token or "",
        }

    def lines(self, *options: str, code: int = 0) -> list[Line]:
        answer = tagline(
            *("check", "--json", *options), cwd=self.folder, environment=self.environment
        )
        assert answer.returncode == code, answer.stdout + answer.stderr
        for name, value in self.environment.items():
            if any(word in name for word in ("KEY", "TOKEN", "SECRET")):
                assert value not in answer.stdout + answer.stderr, name
        shown: dict[str, Any] = json.loads(answer.stdout)
        assert (shown["v"], shown["ok"]) == (1, code == 0)
        found: list[Line] = shown["findings"]
        return found

    def problem(self, area: str, *options: str) -> str:
        """What is said of the one area that is wrong."""
        wrong = [x for x in self.lines(*options, code=1) if x["level"] == "problem"]
        assert {x["area"] for x in wrong} == {area}
        assert all(x["fix"] for x in wrong)
        return "\n".join(f"{x['what']} → {x['fix']}" for x in wrong)


@pytest.fixture
def checking(
    box: Sandbox, house: House, own_redis: PrivateRedis, tmp_path: Path
) -> Iterator[Checking]:
    box.webhook_url = "https://tagline.example/webhooks/github"
    made = Checking(house, tmp_path)
    made.environment["REDIS_URL"] = own_redis.url
    yield made
    house.refresh()


def said(lines: list[Line], area: str) -> str:
    return "\n".join(x["what"] for x in lines if x["area"] == area)
