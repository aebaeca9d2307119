"""`tagline check` reports each problem with its fix, and never a secret."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from datetime import timedelta
from itertools import islice

import pytest
import redis

from bot.embedded.valkey import EmbeddedRedis, ServerUnavailable
from bot.queue.checks import report
from bot.sandbox.gitlab.access import BOT
from tests.simulation import Sandbox
from tests.whole.check_command import CheckCommand, messages
from tests.whole.test_command_line import tagline


def test_a_correct_setup_has_no_problem(check: CheckCommand) -> None:
    lines = check.lines()
    assert "nothing is missing or wrong" in messages(lines, "settings")
    assert "appendonly yes" in messages(lines, "redis")
    assert "0 jobs wait; 0 are to be tried later" in messages(lines, "redis")
    for fact in (
        "the clocks agree",
        "the App tagline-bot answers",
        "permission issues: write",
        "event issues",
        "webhook URL: https://tagline.example/webhooks/github",
        "installed on acme",
    ):
        assert fact in messages(lines, "github")
    for fact in ("the clocks agree", "version ", "token scope: api", "expires on", "--repo"):
        assert fact in messages(lines, "gitlab")
    assert "answers" in messages(lines, "model")
    assert "its price is not known" in messages(lines, "model")


def test_a_setting_with_a_notice_is_not_called_right(check: CheckCommand) -> None:
    check.environment["GITHUB_APPID"] = "1"
    lines = [x for x in check.lines() if x["area"] == "settings"]
    assert "nothing is missing" not in messages(lines, "settings")
    assert [x["level"] for x in lines] == ["ok", "warning"]


def test_each_finding_is_one_line(check: CheckCommand) -> None:
    check.environment["LLM_PROVIDER"] = ""
    answer = tagline("check", cwd=check.folder, environment=check.environment)
    assert answer.returncode == 0, answer.stdout
    lines = answer.stdout.splitlines()
    assert {line.split()[0] for line in lines[:-1]} == {"ok", "warning"}
    assert re.fullmatch(r"no problems, \d+ warnings?", lines[-1])
    assert any("model: none is configured: labels come from rules" in line for line in lines)
    assert any("OPENAI_API_KEY is set, but LLM_PROVIDER is not" in line for line in lines)


# A setting and its wrong value → the area and a pattern of the only problem.
SILENT = "redis://127.0.0.1:1/0"
WRONG_VALUES = {
    ("TAGLINE_MOED", "off"): ("settings", "did you mean TAGLINE_MODE"),
    ("GITLAB_ISSUE_TYPES", "epic"): (
        "settings",
        r"^GITLAB_ISSUE_TYPES may list: issue, task, incident\. → change it in the environment",
    ),
    ("HTTPS_PROXY", "socks5://127.0.0.1:1080"): (
        "settings",
        "^HTTPS_PROXY must be the http:// or https://",
    ),
    ("REDIS_URL", SILENT): ("redis", "look at REDIS_URL"),
    ("GITHUB_APP_ID", "1"): ("github", "GITHUB_PRIVATE_KEY"),
    ("GITLAB_TOKEN", "glpat-nobody-knows-it"): ("gitlab", "check GITLAB_TOKEN"),
    ("OPENAI_API_KEY", "not-the-key-at-all"): ("model", "look at OPENAI_API_KEY"),
    ("OPENAI_BASE_URL", "http://127.0.0.1:1/v1"): ("model", "look at OPENAI_BASE_URL"),
}


@pytest.mark.parametrize("setting", WRONG_VALUES, ids="=".join)
def test_a_wrong_value_is_one_problem_with_its_fix(
    check: CheckCommand, setting: tuple[str, str]
) -> None:
    name, value = setting
    area, fix = WRONG_VALUES[setting]
    check.environment[name] = value
    assert re.search(fix, check.problem(area))


@pytest.mark.parametrize(("name", "area"), [("GITHUB_API_URL", "github"), ("GITLAB_URL", "gitlab")])
def test_an_address_that_does_not_answer_is_no_problem_of_the_credentials(
    check: CheckCommand, name: str, area: str
) -> None:
    check.environment[name] = "http://127.0.0.1:1"
    problem = check.problem(area)
    assert re.search(r"cannot be reached at 127\.0\.0\.1: .*refused", problem)
    assert f"look at {name}, DNS, the network and HTTPS_PROXY" in problem
    assert not re.search("TOKEN|APP_ID|PRIVATE_KEY", problem)
    result = tagline(
        "enrich", f"{area}:acme/widget#1", cwd=check.folder, environment=check.environment
    )
    assert f"look at {name}, DNS" in result.stderr


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_proxy_that_is_used_is_shown_without_its_password(
    check: CheckCommand, name: str
) -> None:
    assert "no proxy is used" in messages(check.lines(), "network")
    check.environment[name] = "http://me:quokkaberry@proxy.internal:3128"
    shown = messages(check.lines(), "network")
    assert "https requests go through the proxy http://proxy.internal:3128, except" in shown
    assert "quokkaberry" not in shown


def test_a_proxy_in_the_file_of_settings_is_used(
    check: CheckCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "unset again when the test ends")
    monkeypatch.delenv("HTTPS_PROXY")
    (check.folder / ".env").write_text("HTTPS_PROXY=proxy.internal:3128\n")
    shown = messages(check.lines(), "network")
    assert "https requests go through the proxy http://proxy.internal:3128" in shown


@pytest.mark.parametrize("name", ["GITHUB_WEBHOOK_SECRET", "GITLAB_SIGNING_TOKEN"])
def test_a_forge_whose_deliveries_cannot_be_received_is_a_warning(
    check: CheckCommand, name: str
) -> None:
    del check.environment[name]
    warnings = [
        x["what"] for x in check.lines() if (x["area"], x["level"]) == ("settings", "warning")
    ]
    assert len(warnings) == 1
    assert warnings[0].startswith(name)
    assert "nothing is missing" not in messages(check.lines(), "settings")


def test_missing_settings_of_receiver_and_worker_are_named(check: CheckCommand) -> None:
    check.environment = {"REDIS_URL": check.environment["REDIS_URL"]}
    problem = check.problem("settings")
    assert "GITHUB_WEBHOOK_SECRET is not set" in problem
    assert "GITLAB_TOKEN must be set" in problem


def test_without_any_redis_the_private_one_is_named(
    check: CheckCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.settings.load.DEFAULT_REDIS", SILENT)
    del check.environment["REDIS_URL"]
    check.environment["DATA_DIR"] = str(check.folder / "none")
    assert "`tagline run` brings one" in messages(check.lines(), "redis")
    monkeypatch.setattr("bot.embedded.valkey.find_server", refuse)
    assert "install one" in check.problem("redis")


def refuse() -> str:
    raise ServerUnavailable("No redis-server: install one.")


def test_problems_and_warnings_are_counted(check: CheckCommand) -> None:
    check.environment |= {"REDIS_URL": SILENT, "GITLAB_TOKEN": "glpat-nobody-knows-it"}
    answer = tagline("check", cwd=check.folder, environment=check.environment)
    assert answer.returncode == 1
    assert re.fullmatch(r"2 problems, \d+ warnings?", answer.stdout.splitlines()[-1])
    shown = json.loads(
        tagline("check", "--json", cwd=check.folder, environment=check.environment).stdout
    )
    levels = [finding["level"] for finding in shown["findings"]]
    assert (shown["problems"], shown["warnings"]) == (2, levels.count("warning"))


def test_labels_that_are_never_applied_are_named_with_their_reason(
    check: CheckCommand, host: str
) -> None:
    check.app.refresh(host)
    check.app.configure("labels: {allow: [bug, 'area/*', 'a*', 'w*', 'p*'], deny: [area/legacy]}")
    labels = check.app.host.state.repo(check.app.repo).labels
    labels |= dict.fromkeys(["area/legacy", "wontfix", "P1 🔥", "other", "alpha, beta"], "Text")
    said = messages(check.lines("--repo", f"{host}:{check.app.repo}"), "repository")
    assert "never applied, because labels.deny holds them: area/legacy\n" in said
    assert re.search(r"because people set them .*: .*wontfix", said)
    assert re.search(r"because people set them .*: .*P1 🔥", said)
    assert re.search(r"because labels.allow does not hold them: .*other", said)
    assert ("cannot name them (a comma); they are suggested: alpha, beta" in said) == (
        host == "gitlab"
    )


def test_a_redis_that_may_lose_jobs(check: CheckCommand, own_redis: EmbeddedRedis) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("appendonly", "no")
        client.config_set("maxmemory-policy", "allkeys-lru")
    problem = check.problem("redis")
    assert "set appendonly yes" in problem
    assert "set maxmemory-policy noeviction" in problem


def test_a_redis_whose_disk_is_full() -> None:
    class FullRedis:
        def info(self) -> dict[str, object]:
            return {"redis_version": "9", "aof_enabled": 1, "aof_last_write_status": "err"}

    findings = islice(report(FullRedis()), 3)  # type: ignore[arg-type]
    assert "check the free space on its disk" in [
        finding.fix for finding in findings if finding.wrong
    ]


def test_a_queue_that_does_not_move(check: CheckCommand, own_redis: EmbeddedRedis) -> None:
    message = json.dumps({"message_timestamp": (time.time() - 3600) * 1000})
    with redis.Redis.from_url(own_redis.url) as client:
        client.rpush("tagline:issues", "j-1", "j-2")
        client.hset("tagline:issues.msgs", "j-1", message)
        client.zadd("tagline:issues.XQ", {"j-0": 1})
    problem = check.problem("redis")
    assert "2 jobs wait, the oldest for 360" in problem
    assert "start `tagline worker`" in problem
    assert "1 dead letter" in messages(check.lines(code=1), "redis")


@pytest.mark.parametrize("queued_at", [None, 0])
def test_a_job_that_was_tried_later_on_purpose_has_not_waited(
    check: CheckCommand, own_redis: EmbeddedRedis, queued_at: int | None
) -> None:
    now = int(time.time() * 1000)
    options = {"queued_at": now if queued_at is None else queued_at}
    message = json.dumps({"message_timestamp": now - 3_600_000, "options": options})
    with redis.Redis.from_url(own_redis.url) as client:
        client.rpush("tagline:issues", "j-1")
        client.hset("tagline:issues.msgs", "j-1", message)
    if queued_at is None:
        found = messages(check.lines(code=0), "redis")
        assert re.search(r"1 job waits, the oldest for \d s", found), found
    else:
        assert "start `tagline worker`" in check.problem("redis")


def test_an_app_without_a_webhook_url(check: CheckCommand, box: Sandbox) -> None:
    box.webhook_url = None
    assert "set https://your.host/webhooks/github" in check.problem("github")


def test_a_personal_token_is_reported_with_its_user(check: CheckCommand, box: Sandbox) -> None:
    del check.environment["GITHUB_APP_ID"], check.environment["GITHUB_PRIVATE_KEY"]
    check.environment["GITHUB_TOKEN"] = box.token
    assert "comments will come from that user" in messages(check.lines(), "github")


def test_pings_to_the_public_address_are_sent_on_request(check: CheckCommand) -> None:
    assert messages(check.lines(), "webhooks") == ""
    with check.app.open(worker=False):
        check.environment["PUBLIC_URL"] = check.app.url
        found = messages(check.lines(), "webhooks").splitlines()
    assert found == [
        f"{check.app.url}/webhooks/{forge} accepts a signed ping of 2 MB"
        for forge in ("github", "gitlab")
    ]


@pytest.mark.parametrize("area", ["github", "gitlab"])
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("forge-https", "the server redirects to https://127.0.0.1"),
        ("forge-sign-in", "the server redirects to https://sso.example/sign_in, which is not"),
        ("forge-web-page", "the server answered with a web page"),
    ],
)
def test_an_address_that_is_not_the_api_s(
    check: CheckCommand, box: Sandbox, area: str, fault: str, words: str
) -> None:
    others = "GITLAB_" if area == "github" else "GITHUB_"
    for name in [name for name in check.environment if name.startswith(others)]:
        del check.environment[name]
    box.fault(fault, times=None)
    try:
        problem = check.problem(area)
    finally:
        box.clear_faults()
    variable = {"github": "GITHUB_API_URL", "gitlab": "GITLAB_URL"}[area]
    assert problem.startswith(f"{variable}: {words}")


def test_a_gitlab_token_that_may_only_read(check: CheckCommand, box: Sandbox) -> None:
    box.gitlab.access.issue("glpat-reads-only", BOT, ("read_api",))
    check.environment["GITLAB_TOKEN"] = "glpat-reads-only"
    assert "create a token with the scope `api`" in check.problem("gitlab")


def test_a_gitlab_token_that_expires_soon_is_advice(check: CheckCommand, box: Sandbox) -> None:
    gitlab = box.gitlab.access
    token = gitlab.issue("glpat-ends-soon", BOT)
    soon = token.expires_at - timedelta(days=360)
    gitlab.tokens[token.text] = replace(token, expires_at=soon)
    check.environment["GITLAB_TOKEN"] = token.text
    (line,) = [x for x in check.lines() if "expires" in x["what"]]
    assert (line["level"], line["fix"][:6]) == ("warning", "rotate")


@pytest.mark.parametrize("provider", ["openai", "anthropic", "compatible"])
def test_a_working_model_gets_one_request(check: CheckCommand, box: Sandbox, provider: str) -> None:
    check.environment |= {
        "LLM_PROVIDER": provider,
        "LLM_API_KEY": box.model_key,
    }
    if provider == "compatible":
        check.environment["LLM_BASE_URL"] = box.openai_url
    before = len(box.model_requests)
    (first, *_) = [x for x in check.lines() if x["area"] == "model"]
    assert first["level"] == "ok"
    assert first["what"].startswith("sandbox-rules answers (")
    assert len(box.model_requests) - before == 1


def test_a_server_without_json_schemas_is_accepted(check: CheckCommand, box: Sandbox) -> None:
    box.fault("model-400-response-format", times=None)
    try:
        assert "sandbox-rules answers (" in messages(check.lines(), "model")
    finally:
        box.clear_faults()
