"""`tagline check` beside the sandbox: what is wrong is told with its fix, a secret never."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import redis

from bot.embedded.valkey import EmbeddedRedis
from bot.queue.checks import report
from bot.sandbox.gitlab.access import BOT, GUEST
from tests.simulation import Sandbox
from tests.whole.app import SECRET, App
from tests.whole.test_command_line import access, tagline

Line = dict[str, str]
SILENT = "redis://127.0.0.1:1/0"


class Checking:
    """The command with everything set, and what it says."""

    def __init__(self, app: App, folder: Path) -> None:
        self.app, self.folder = app, folder
        self.environment = {
            **access(app),
            "GITHUB_WEBHOOK_SECRET": SECRET,
            "GITLAB_SIGNING_TOKEN": app.box.gitlab.signing_token or "",
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
def checking(box: Sandbox, clean: str, own_redis: EmbeddedRedis, tmp_path: Path) -> Checking:
    app = App(box, own_redis.url)
    box.webhook_url = "https://tagline.example/webhooks/github"
    return Checking(app, tmp_path)


def said(lines: list[Line], area: str) -> str:
    return "\n".join(x["what"] for x in lines if x["area"] == area)


def test_where_all_is_well_every_probe_says_so(checking: Checking) -> None:
    lines = checking.lines()
    assert "nothing is missing or wrong" in said(lines, "settings")
    assert "appendonly yes" in said(lines, "redis")
    assert "0 jobs wait; 0 are to be tried later" in said(lines, "redis")
    for fact in (
        "the clocks agree",
        "the App tagline-bot answers",
        "permission issues: write",
        "event issue_comment",
        "webhook URL: https://tagline.example/webhooks/github",
        "installed on acme",
    ):
        assert fact in said(lines, "github")
    for fact in ("the clocks agree", "version ", "token scope: api", "expires on", "--repo"):
        assert fact in said(lines, "gitlab")
    assert "answers" in said(lines, "model")
    assert "its price is not known" in said(lines, "model")


def test_it_is_told_in_one_line_each(checking: Checking) -> None:
    checking.environment["LLM_PROVIDER"] = ""
    answer = tagline("check", cwd=checking.folder, environment=checking.environment)
    assert answer.returncode == 0, answer.stdout
    lines = answer.stdout.splitlines()
    assert {line.split()[0] for line in lines} == {"ok", "advice"}
    assert any("model: none is configured: labels come from rules" in line for line in lines)
    assert any("OPENAI_API_KEY is set, but LLM_PROVIDER is not" in line for line in lines)


def test_a_mistake_in_the_settings_is_told_and_ends_it(checking: Checking) -> None:
    checking.environment["TAGLINE_MOED"] = "off"
    assert "did you mean TAGLINE_MODE" in checking.problem("settings")


def test_a_socks_proxy_is_a_problem_of_the_settings(checking: Checking) -> None:
    checking.environment["HTTPS_PROXY"] = "socks5://127.0.0.1:1080"
    assert checking.problem("settings").startswith("HTTPS_PROXY must be the http:// or https://")


def test_what_a_receiver_and_a_worker_need_is_missed(checking: Checking) -> None:
    checking.environment = {"REDIS_URL": checking.environment["REDIS_URL"]}
    told = checking.problem("settings")
    assert "GITHUB_WEBHOOK_SECRET is not set" in told
    assert "GITLAB_TOKEN must be set" in told


def test_a_redis_that_does_not_answer(checking: Checking) -> None:
    checking.environment["REDIS_URL"] = SILENT
    assert "look at REDIS_URL" in checking.problem("redis")


def test_a_redis_that_may_lose_jobs(checking: Checking, own_redis: EmbeddedRedis) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("appendonly", "no")
        client.config_set("maxmemory-policy", "allkeys-lru")
    told = checking.problem("redis")
    assert "set appendonly yes" in told
    assert "set maxmemory-policy noeviction" in told


def test_a_redis_whose_disk_is_full() -> None:
    class Full:
        def info(self) -> dict[str, object]:
            return {"redis_version": "9", "aof_enabled": 1, "aof_last_write_status": "err"}

    told = islice(report(Full()), 3)  # type: ignore[arg-type]
    assert "check the free space on its disk" in [finding.fix for finding in told if finding.wrong]


def test_a_queue_that_does_not_move(checking: Checking, own_redis: EmbeddedRedis) -> None:
    message = json.dumps({"message_timestamp": (time.time() - 3600) * 1000})
    with redis.Redis.from_url(own_redis.url) as client:
        client.rpush("tagline:issues", "j-1", "j-2")
        client.hset("tagline:issues.msgs", "j-1", message)
        client.zadd("tagline:issues.XQ", {"j-0": 1})
    told = checking.problem("redis")
    assert "2 jobs wait, the oldest for 360" in told
    assert "start `tagline worker`" in told
    assert "1 dead letters" in said(checking.lines(code=1), "redis")


def test_an_app_whose_id_is_wrong(checking: Checking) -> None:
    checking.environment["GITHUB_APP_ID"] = "1"
    assert "GITHUB_PRIVATE_KEY" in checking.problem("github")


def test_an_app_without_a_webhook_url(checking: Checking, box: Sandbox) -> None:
    box.webhook_url = None
    assert "set https://your.host/webhooks/github" in checking.problem("github")


def test_a_personal_token_is_told_as_whose_it_is(checking: Checking, box: Sandbox) -> None:
    del checking.environment["GITHUB_APP_ID"], checking.environment["GITHUB_PRIVATE_KEY"]
    checking.environment["GITHUB_TOKEN"] = box.token
    assert "comments will come from that user" in said(checking.lines(), "github")


def test_a_gitlab_that_refuses_the_token(checking: Checking) -> None:
    checking.environment["GITLAB_TOKEN"] = "glpat-nobody-knows-it"
    assert "check GITLAB_TOKEN" in checking.problem("gitlab")


def test_a_gitlab_token_that_may_only_read(checking: Checking, box: Sandbox) -> None:
    box.gitlab.access.issue("glpat-reads-only", BOT, ("read_api",))
    checking.environment["GITLAB_TOKEN"] = "glpat-reads-only"
    assert "create a token with the scope `api`" in checking.problem("gitlab")


def test_a_gitlab_token_that_ends_soon_is_advice(checking: Checking, box: Sandbox) -> None:
    known = box.gitlab.access
    token = known.issue("glpat-ends-soon", BOT)
    soon = token.expires_at - timedelta(days=360)
    known.tokens[token.text] = replace(token, expires_at=soon)
    checking.environment["GITLAB_TOKEN"] = token.text
    (line,) = [x for x in checking.lines() if "expires" in x["what"]]
    assert (line["level"], line["fix"][:6]) == ("advice", "rotate")


@pytest.mark.parametrize("provider", ["openai", "anthropic", "compatible"])
def test_a_healthy_model_is_asked_once_and_is_fine(
    checking: Checking, box: Sandbox, provider: str
) -> None:
    checking.environment |= {
        "LLM_PROVIDER": provider,
        "LLM_MODEL": "sandbox-rules",
        "LLM_API_KEY": box.model_key,
        "ANTHROPIC_API_KEY": box.model_key,
        "ANTHROPIC_BASE_URL": box.anthropic_url,
    }
    if provider == "compatible":
        checking.environment["LLM_BASE_URL"] = box.openai_url
    before = len(box.model_requests)
    (first, *_) = [x for x in checking.lines() if x["area"] == "model"]
    assert first["level"] == "ok"
    assert first["what"].startswith("sandbox-rules answers (")
    assert len(box.model_requests) - before == 1


def test_a_server_without_json_schemas_is_fine_too(checking: Checking, box: Sandbox) -> None:
    box.fault("model-400-response-format", times=None)
    try:
        assert "sandbox-rules answers (" in said(checking.lines(), "model")
    finally:
        box.clear_faults()


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("OPENAI_API_KEY", "not-the-key-at-all", "look at OPENAI_API_KEY"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:1/v1", "look at the base URL"),
    ],
)
def test_a_model_that_does_not_answer(checking: Checking, name: str, value: str, fix: str) -> None:
    checking.environment[name] = value
    assert fix in checking.problem("model")


def test_a_repository_is_looked_at_on_request(checking: Checking, host: str) -> None:
    app = checking.app
    app.refresh(host)
    app.configure("mode: aply\nlearn: {from_corrections: false}\n")
    app.host.state.repo(app.repo).labels["bare"] = ""
    repo = ("--repo", f"{host}:{app.repo}")
    told = checking.problem("repository", *repo)
    assert "tagline.yml, line 1, mode: write one of" in told
    more = said(checking.lines(*repo, code=1), "repository")
    assert "line 2: learn.from_corrections is accepted, without effect yet" in more
    assert "7 of 8 labels may be applied" in more
    assert "1 of 8 labels have no description: bare" in more


def test_a_repository_that_is_not_there(checking: Checking, host: str) -> None:
    told = checking.problem("repository", "--repo", f"{host}:acme/nowhere-at-all")
    assert "not found" in told


def test_a_role_that_is_too_low(checking: Checking, box: Sandbox) -> None:
    checking.app.refresh("gitlab")
    box.gitlab.access.bot_level = GUEST
    try:
        told = checking.problem("repository", "--repo", f"gitlab:{checking.app.repo}")
    finally:
        box.gitlab.access.bot_level = 20
    assert "the role Reporter" in told
