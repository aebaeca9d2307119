"""`tagline runs` and `tagline stats` without a repository, on what Redis has."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from bot.cli import runs as module
from bot.core.corrections import Correction
from bot.core.jobs import JobRecord
from bot.core.types import Choice, IssueRef
from bot.store.redis import RedisStore
from tests.whole.test_command_line import CommandResult, tagline

REF = IssueRef("github", "github.com", "acme/widget", 0, 7001, "5001")
OTHER = replace(REF, repo="acme/other", repo_id=7002)
Call = Callable[..., CommandResult]


@pytest.fixture
def store(redis_url: str) -> Iterator[RedisStore]:
    with redis.Redis.from_url(redis_url) as client:
        store = RedisStore(client)
        store.reconcile_state.save_repositories([REF, OTHER])
        yield store


@pytest.fixture
def call(redis_url: str, tmp_path: Path, store: RedisStore) -> Call:
    def run(*words: str) -> CommandResult:
        return tagline(*words, cwd=tmp_path, environment={"REDIS_URL": redis_url})

    return run


def save(store: RedisStore, name: str, at: float, ref: IssueRef = REF, **more: object) -> JobRecord:
    job = JobRecord(
        name,
        "done",
        f"github:{ref.repo}#{int(at)}",
        outcome="answered",
        at=time.time() - 100 + at,
        model="m-1",
        tokens_in=700,
        tokens_out=60,
        cost_usd=0.0002,
        choices=(Choice("bug", "model", "sure"), Choice("ui", "model", "likely")),
        repository=ref.repo_key,
        kind="opened",
        labeller="model",
        started=time.time() - 101 + at,
        seconds=1.25,
    )
    job = replace(job, **more)  # type: ignore[arg-type]
    store.save_job(job)
    return job


def test_each_job_is_a_row_with_what_people_did_since(call: Call, store: RedisStore) -> None:
    save(store, "j-1", 1)
    save(store, "j-2", 2, state="dead", why="the token was refused", choices=(), labeller="")
    save(store, "j-3", 3, OTHER)
    now = time.time()
    store.corrections.add(
        REF.repo_key,
        [
            Correction(1, "bug", "removed", now, "model", "sure"),
            Correction(1, "UI", "kept", now, "model", "sure"),
            Correction(1, "docs", "added", now),
            Correction(1, "wontfix", "added", now - 5000),
            Correction(2, "bug", "removed", now),
        ],
    )
    lines = call("runs").stdout.splitlines()
    assert lines[0].split() == [*module.COLUMNS]
    assert [line.split()[2] for line in lines[1:4]] == ["j-1", "j-2", "j-3"]
    assert lines[1].endswith(
        "answered  model  m-1    700 + 60  $0.0002  1.2  2 set, 1 kept, 1 removed, 1 added"
    )
    assert lines[4:] == ["  j-2: the token was refused"]

    report = json.loads(call("runs", "--json").stdout)
    assert (report["v"], len(report["runs"])) == (1, 3)
    first = report["runs"][0]
    assert (first["labels"], first["kept"], first["removed"], first["added"]) == (
        ["bug", "ui"],
        ["UI"],
        ["bug"],
        ["docs"],
    )
    assert first["seconds"] == 1.25


def test_jobs_are_chosen_by_repository_and_failure(call: Call, store: RedisStore) -> None:
    save(store, "j-1", 1)
    save(store, "j-2", 2, state="waiting", why="GitHub failed (status 502)")
    save(store, "j-3", 3, OTHER)

    def ids(*words: str) -> list[str]:
        return [row["job"] for row in json.loads(call("runs", "--json", *words).stdout)["runs"]]

    assert ids("--repo", "github:Acme/Widget") == ["j-1", "j-2"]
    assert ids("--repo", "https://github.com/acme/other") == ["j-3"]
    assert ids("--failed") == ["j-2"]
    assert ids("--limit", "1") == ["j-3"]


def test_an_unknown_repository_and_an_empty_redis_are_said(call: Call, redis_url: str) -> None:
    unknown = call("runs", "--repo", "github:acme/nowhere")
    assert unknown.returncode == 1
    assert unknown.stderr == "No job of github:acme/nowhere in Redis: check its spelling.\n"
    empty = call("runs")
    assert (empty.returncode, empty.stdout) == (0, "")
    assert empty.stderr == "No such jobs in the last week.\n"
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    shown = call("stats")
    assert shown.returncode == 0
    assert "None yet: no delivery has come, or Redis has lost its data." in shown.stdout
    assert json.loads(call("stats", "--json").stdout)["repositories"] == []
    undone = call("undo", "--since", "2h")
    assert (undone.returncode, undone.stdout) == (0, "")


@pytest.mark.parametrize("words", [["runs"], ["stats"], ["undo", "--since", "1h"]], ids=" ".join)
def test_a_redis_that_does_not_answer_is_said(tmp_path: Path, words: list[str]) -> None:
    environment = {"REDIS_URL": "redis://127.0.0.1:1/0"}
    result = tagline(*words, cwd=tmp_path, environment=environment)
    assert result.returncode == 75
    assert "Redis does not answer" in result.stderr


SINCE = [
    ("soon", "write 30m, 2h, 3d or a time such as 2026-01-31T08:00Z"),
    ("2", "write 30m"),
    ("-1h", "write 30m"),
    ("1h30m", "write 30m"),
    ("٣h", "write 30m"),
    ("31d", "the journal has the last 30 days"),
    ("2020-01-01", "the journal has the last 30 days"),
    ("2199-01-01T00:00Z", "that time is in the future"),
]


@pytest.mark.parametrize(("text", "message"), SINCE)
def test_a_time_that_cannot_be_used_is_explained(call: Call, text: str, message: str) -> None:
    result = call("undo", f"--since={text}")
    assert result.returncode == 2
    assert message in " ".join(result.stderr.split())


def test_jobs_are_followed_until_the_command_is_stopped(
    store: RedisStore, redis_url: str, tmp_path: Path
) -> None:
    save(store, "j-1", 1)
    words = [sys.executable, "-m", "bot", "runs", "--follow", "--json"]
    root = Path(module.__file__).parents[2]
    environment = {"REDIS_URL": redis_url, "PYTHONPATH": str(root), "PATH": ""}
    with subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout
        try:
            assert json.loads(process.stdout.readline())["job"] == "j-1"
            save(store, "j-2", 2, state="running")
            save(store, "j-2", 3)
            save(store, "j-3", 4)
            found = [json.loads(process.stdout.readline())["job"] for _ in range(2)]
            assert found == ["j-2", "j-3"]
        finally:
            process.terminate()


def test_all_repositories_have_a_line_and_totals(call: Call, store: RedisStore) -> None:
    save(store, "j-1", 1)
    save(store, "j-3", 3, OTHER)
    store.save_config(OTHER.repo_key, "mode: suggest")
    report = json.loads(call("stats", "--json").stdout)
    assert [(x["repository"], x["mode"]) for x in report["repositories"]] == [
        ("github:acme/other", "suggest"),
        ("github:acme/widget", "apply"),
    ]
    assert report["total"]["usd"] == pytest.approx(0.0004)
    text = call("stats").stdout
    assert "All repositories together" in text
    assert "github:acme/widget" in text
    assert "too early to say" in text
