"""Every command, with good, missing, wrong and hostile arguments: a sentence, never a traceback."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.cli.main import COMMANDS
from bot.core import redis_keys
from bot.store.redis import DAY
from tests.serving import served
from tests.whole.test_command_line import CommandResult, tagline

SILENT = "redis://127.0.0.1:1/0"
TOKEN = "glpat-quokkaberry-0123"
ISSUE = {"title": "App crashes", "body": "It crashed with an exception."}
HOSTILE = [
    "",
    " ",
    "-",
    "--",
    "\0",
    "\ud800",
    "🎉" * 50,
    "../" * 20,
    "a" * 5000,
    "{}",
    "%s%n",
    "\x1b[2J",
]
WITH_ARGUMENT = [
    ["enrich"],
    ["job"],
    ["stats"],
    ["runs", "--repo"],
    ["runs", "--limit"],
    ["undo", "--since"],
    ["undo", "--since", "1h", "--repo"],
    ["undo"],
    ["resume"],
    ["dead", "retry"],
    ["dead"],
    ["config", "check"],
    ["config", "show"],
    ["config", "show", "--repo"],
    ["config", "init", "--write"],
    ["config"],
    ["labels", "doctor"],
    ["labels", "init"],
    ["labels"],
    ["export"],
    ["export", "--format", "csv"],
    ["export", "github:o/r", "--format"],
    ["check", "--repo"],
    ["backtest"],
    ["backtest", "--file"],
    ["duplicates", "--file"],
    ["duplicates", "--file", "README.md", "--pairs"],
    ["backfill"],
    ["backfill", "--apply"],
    *(["backfill", "github:o/r", f"--{name}"] for name in ("state", "since", "limit", "max-usd")),
    ["backfill", "github:o/r", "--concurrency"],
    ["preview"],
    ["preview", "github:o/r", "--limit"],
    ["preview", "github:o/r", "--since"],
    ["preview", "github:o/r", "--model"],
    ["preview", "github:o/r", "--max-usd"],
    ["triage", "--file"],
    ["triage", "--history"],
    ["triage", "--concurrency"],
    ["gitlab", "add-hook", "--url"],
    ["gitlab", "add-hook", "--url", "https://tagline.example/webhooks/gitlab"],
    ["gitlab", "remove-hook", "--url", "https://tagline.example/webhooks/gitlab"],
    ["gitlab"],
    ["github", "redeliver", "--since"],
    ["github"],
    ["forget"],
    ["forget", "--apply"],
    ["enrich", "github:o/r#1", "--apply", "--delay"],
    ["completion"],
    ["version"],
    ["demo"],
    ["setup", "--no-browser", "--github-org"],
    ["action"],
    ["action", "--task"],
    ["run"],
    ["serve"],
    ["worker"],
]
WITHOUT_ARGUMENT = ("demo", "version", "stats")  # commands that need none
OTHER_PROVIDERS = ("anthropic", "compatible")
WITHOUT_ACCESS = {
    "REDIS_URL": SILENT,
    "GITHUB_API_URL": "http://127.0.0.1:1",
    "GITLAB_URL": "http://127.0.0.1:1",
}


def assert_explained(result: CommandResult) -> None:
    """Assert that a failure is explained in a sentence, and is none of an unknown kind."""
    said = result.stdout + result.stderr
    assert "Traceback" not in said
    assert "Unexpected error" not in said
    assert TOKEN not in said
    assert result.returncode in (0, 1, 2, 3, 4, 75)
    if result.returncode:
        assert said.strip()


def test_the_table_has_every_command() -> None:
    assert {words[0] for words in WITH_ARGUMENT} == {*COMMANDS}


@pytest.mark.parametrize("words", WITH_ARGUMENT, ids=" ".join)
def test_a_wrong_or_hostile_argument_is_explained(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "folder").mkdir()
    for argument in (*HOSTILE, "folder", "missing.json"):
        if argument == "--" and words in (["demo"], ["version"]):  # ends the options; valid
            continue
        result = tagline(*words, argument, cwd=tmp_path, environment=WITHOUT_ACCESS)
        assert_explained(result)
        is_input = argument == "-" and words[-1] in ("check", "show", "--file")
        is_account = argument.strip() in ("", "folder") and words[-1] == "--github-org"
        is_valid = is_input or is_account or words[-1] == "--write"
        assert result.returncode or is_valid, argument


@pytest.mark.parametrize(
    "words", [x for x in WITH_ARGUMENT if x[0] not in WITHOUT_ARGUMENT], ids=" ".join
)
def test_a_missing_argument_is_a_usage_error(tmp_path: Path, words: list[str]) -> None:
    result = tagline(*words, cwd=tmp_path, environment=WITHOUT_ACCESS)
    assert_explained(result)
    assert result.returncode == 2


@pytest.mark.parametrize(
    "words",
    [
        ["version"],
        ["version", "--json"],
        ["--version"],
        ["--help"],
        ["config", "schema"],
        ["config", "init"],
        ["config", "check", "tagline.yml"],
        ["config", "show", "tagline.yml", "--json"],
        ["triage", "--file", "issues.json", "--no-llm"],
        *(["completion", shell] for shell in ("bash", "zsh", "fish")),
    ],
    ids=" ".join,
)
def test_a_good_call_prints_its_result(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "tagline.yml").write_text("version: 1\n")
    (tmp_path / "issues.json").write_text(json.dumps([ISSUE]))
    result = tagline(*words, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout or words[1] == "check"


FILES = {
    "empty": b"",
    "broken UTF-8": b'{"title": "caf\xe9"}\n\xff\xfe\xfa',
    "UTF-16": json.dumps([ISSUE]).encode("utf-16"),
    "binary": bytes(range(256)) * 40,
    "HTML": b"<!doctype html><title>Sign in</title>",
    "an object": b"{}",
    "null": b"null",
    "deep": b"[" * 100_000,
    "deep object": b'{"title":' * 50_000,
    "a long number": b'{"title": ' + b"9" * 10_000 + b"}",
    "gzip that ends": b"\x1f\x8b\x08\x00",
    "surrogates": rb'{"title": "\ud800", "body": "\udfff", "url": "\ud800", "id": "\udc00"}',
    "other types": b'{"title": "x", "body": [1], "number": "1", "url": 5, "id": [], "iid": true}',
    "infinite": b'{"title": "x", "number": Infinity, "id": NaN}',
}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
@pytest.mark.parametrize(
    "words",
    [
        ["triage", "--no-llm", "--file"],
        ["triage", "--no-llm", "--json", "--file"],
        ["triage", "--no-llm", "--file", "good.json", "--labels"],
        ["triage", "--no-llm", "--file", "good.json", "--config"],
        ["triage", "--no-llm", "--file", "good.json", "--history"],
        ["backtest", "--file"],
        ["config", "check"],
        ["config", "show"],
    ],
    ids=" ".join,
)
def test_any_content_of_a_file_is_explained(tmp_path: Path, words: list[str], data: bytes) -> None:
    (tmp_path / "good.json").write_text(json.dumps([ISSUE]))
    (tmp_path / "hostile").write_bytes(data)
    assert_explained(tagline(*words, "hostile", cwd=tmp_path))


ANSWERS = {
    "HTML": b"<!doctype html><title>Sign in</title>",
    "empty": b"",
    "a list": b"[]",
    "a list of lists": b"[[]]",
    "an object": b"{}",
    "null": b"null",
    "a number": b"5",
    "text": b'"ok"',
    "broken UTF-8": b'{"id": "\xff\xfe"}',
    "deep": b"[" * 100_000,
    "wrong types": b'{"id": [], "title": 5, "labels": 7, "version": {}, "choices": {}}',
    "a list of objects": b'[{"id": {}, "name": 5, "url": []}]',
}


@pytest.fixture(scope="module", params=list(ANSWERS.values()), ids=list(ANSWERS))
def nonsense(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a server that answers everything with the same nonsense."""

    async def answer(_: Request) -> Response:
        return Response(request.param, media_type="application/json")

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    with served(Starlette(routes=[Route("/{path:path}", answer, methods=methods)])) as url:
        yield url


CALLS = [
    ["enrich", "github:o/r#1"],
    ["enrich", "gitlab:g/p#1"],
    ["enrich", "github:o/r#1", "--apply"],
    ["enrich", "gitlab:g/p#1", "--apply"],
    ["config", "show", "--repo", "github:o/r"],
    ["config", "show", "--repo", "gitlab:g/p"],
    ["export", "github:o/r", "--format", "csv"],
    ["export", "gitlab:g/p", "--format", "openai-jsonl"],
    ["backtest", "github:o/r"],
    ["backtest", "gitlab:g/p"],
    ["backfill", "github:o/r"],
    ["backfill", "gitlab:g/p", "--apply"],
    ["preview", "github:o/r"],
    ["preview", "gitlab:g/p"],
    ["labels", "doctor", "github:o/r"],
    ["labels", "doctor", "gitlab:g/p"],
    ["labels", "init", "github:o/r", "--apply"],
    ["labels", "init", "gitlab:g/p", "--apply"],
    ["check"],
    ["check", "--repo", "github:o/r"],
    ["check", "--repo", "gitlab:g/p"],
    ["gitlab", "add-hook", "g/p", "--url", "https://tagline.example"],
    ["gitlab", "add-hook", "g/p", "--url", "https://tagline.example", "--apply"],
    ["gitlab", "remove-hook", "g/p", "--url", "https://tagline.example", "--apply"],
    ["triage", "--file", "issues.json"],
    ["github", "redeliver", "--apply"],
]
CALLS_WITH_PROVIDER = [
    *((words, "openai") for words in CALLS),
    *((words, x) for words in CALLS if words[0] in ("check", "triage") for x in OTHER_PROVIDERS),
]


@pytest.mark.slow
@pytest.mark.parametrize(("words", "provider"), CALLS_WITH_PROVIDER)
def test_a_platform_and_a_model_that_answer_nonsense(
    tmp_path: Path, nonsense: str, words: list[str], provider: str
) -> None:
    (tmp_path / "issues.json").write_text(json.dumps([ISSUE]))
    environment = {
        "REDIS_URL": SILENT,
        "GITHUB_API_URL": nonsense,
        "GITHUB_TOKEN": TOKEN,
        "GITLAB_URL": nonsense,
        "GITLAB_TOKEN": TOKEN,
        "LLM_PROVIDER": provider,
        "LLM_MODEL": "any",
        "LLM_BASE_URL": nonsense,
        "OPENAI_API_KEY": TOKEN,
        "ANTHROPIC_API_KEY": TOKEN,
        "LLM_TIMEOUT": "3",
        "DATA_DIR": str(tmp_path / "data"),
    }
    result = tagline(*words, cwd=tmp_path, environment=environment)
    assert_explained(result)
    no_such_hook = words[1:2] == ["remove-hook"] and result.stdout == "- no such hook\n"
    assert result.returncode or no_such_hook


@pytest.mark.parametrize(
    "words",
    [["job", "j-1"], ["runs"], ["stats"], ["dead", "list"], ["dead", "retry", "--all"]],
    ids=" ".join,
)
@pytest.mark.parametrize("junk", [b"", b"<html>", b"[]", b"null", b'{"id": 5}', b"\xff"])
def test_nonsense_in_redis_is_explained(
    tmp_path: Path, redis_url: str, words: list[str], junk: bytes
) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.hset(redis_keys.QUEUE_MESSAGES, "j-1", junk)
        client.hset(redis_keys.DEAD_MESSAGES, "j-1", junk)
        client.zadd(redis_keys.DEAD, {"j-1": 1})
        for back in (0, 1):
            span = int(time.time() // DAY) - back
            client.hset(redis_keys.JOBS.format(span=span), "j-1", junk)
        client.zadd(redis_keys.RUNS, {"j-1": 1})
        client.hset(redis_keys.REPOSITORIES, "r", junk)
    assert_explained(tagline(*words, cwd=tmp_path, environment={"REDIS_URL": redis_url}))


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe" + "LOG_LEVEL=info".encode("utf-16-le"),
        b"LOG_LEVEL=caf\xe9",
        b"=\n'\n\"\n",
        b"\0",
    ],
)
@pytest.mark.parametrize(
    "words",
    [["check"], ["enrich", "github:o/r#1"], ["demo", "--json"], ["run"], ["serve"], ["worker"]],
)
def test_any_content_of_an_env_file_is_explained(
    tmp_path: Path, words: list[str], content: bytes
) -> None:
    (tmp_path / ".env").write_bytes(content)
    misspelt = {**WITHOUT_ACCESS, "LLM_PROVIDER": "opnai"}  # which ends the demo at once
    result = tagline(*words, cwd=tmp_path, environment=misspelt)
    assert_explained(result)
    assert result.returncode


def test_a_redis_that_is_none_is_explained(tmp_path: Path, nonsense: str) -> None:
    environment = {"REDIS_URL": nonsense.replace("http", "redis")}
    for words in (["job", "j-1"], ["runs"], ["stats"], ["dead", "list"], ["check"]):
        result = tagline(*words, cwd=tmp_path, environment=environment)
        assert_explained(result)
        assert result.returncode
