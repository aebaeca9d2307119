"""`tagline triage` with a model: order, concurrency, budgets, failures, exports of hosts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.cli.batch import PatientModel
from bot.cli.main import cli
from bot.core.errors import ModelFailed, ModelSkipped
from bot.core.prompt import Prompt
from bot.core.reply import ModelAnswer, ParsedReply
from bot.core.types import Usage
from tests.serving import served
from tests.whole.test_command_line import PREFIXES, ROOT, CommandResult, tagline

KEY = "sk-quokkaberry-0123"


class ModelServer:
    """A model with OpenAI's API. `delays` are the seconds for the first calls."""

    def __init__(self) -> None:
        self.status, self.tokens_out, self.delays = 200, 20, list[float]()
        self.texts: list[str] = []
        self.running = self.most = 0
        self._lock, self.released = threading.Lock(), threading.Event()
        self.url, self.summary = "", "The application crashes on start."

    async def answer(self, request: Request) -> Response:
        return await run_in_threadpool(self._answer, await request.json())

    def _answer(self, body: Any) -> Response:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
            self.texts.append(body["messages"][-1]["content"])
            delay = self.delays.pop(0) if self.delays else 0.0
        self.released.wait(delay)
        with self._lock:
            self.running -= 1
        if self.status != 200:
            return JSONResponse({"error": {"message": "no"}}, self.status)
        label = {"name": "bug", "certainty": "sure", "reason": "it crashes"}
        content = json.dumps({"summary": self.summary, "labels": [label]})
        return JSONResponse(
            {
                "choices": [{"message": {"content": content}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 500, "completion_tokens": self.tokens_out},
            }
        )


@pytest.fixture
def model() -> Iterator[ModelServer]:
    server = ModelServer()
    routes = [Route("/v1/chat/completions", server.answer, methods=["POST"])]
    with served(Starlette(routes=routes)) as url:
        server.url = f"{url}/v1"
        yield server


def issues(count: int) -> list[dict[str, Any]]:
    return [{"number": n, "title": f"Crash {n}", "body": "It crashed."} for n in range(count)]


def triage(
    model: ModelServer, folder: Path, rows: object, *options: str, **environment: str
) -> tuple[CommandResult, list[dict[str, Any]]]:
    (folder / "issues.json").write_text(json.dumps(rows))
    result = tagline(
        *("triage", "--file", "issues.json", "--json", *options),
        cwd=folder,
        environment={
            "LLM_PROVIDER": "openai",
            "LLM_MODEL": "gpt-6-luna",
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": model.url,
            "LLM_API_KEY": KEY,
            **environment,
        },
    )
    assert KEY not in result.stdout + result.stderr
    return result, [json.loads(line) for line in result.stdout.splitlines()]


def test_results_keep_the_order_of_the_file_while_calls_run_at_the_same_time(
    model: ModelServer, tmp_path: Path
) -> None:
    model.delays = [0.6, *[0.1] * 31]
    result, lines = triage(model, tmp_path, issues(32))
    assert result.returncode == 0, result.stderr
    assert [line["number"] for line in lines] == [*range(32)]
    assert 8 < model.most <= 16
    assert result.stderr.startswith("32 issues: 32 by model; 16,000 + 640 tokens, $0.0")


@pytest.mark.slow
@pytest.mark.parametrize(("options", "most"), [([], 8), (["--concurrency", "12"], 12)])
def test_the_limit_for_a_compatible_server_can_be_replaced(
    model: ModelServer, tmp_path: Path, options: list[str], most: int
) -> None:
    model.delays = [0.3] * 24
    environment = {"LLM_PROVIDER": "compatible", "LLM_BASE_URL": model.url}
    result, _ = triage(model, tmp_path, issues(24), *options, **environment)
    assert result.returncode == 0, result.stderr
    assert model.most == most


@pytest.mark.parametrize(
    ("setting", "config"),
    [({"TAGLINE_BUDGET_USD_PER_DAY": "0.006"}, ""), ({}, "budget: {per_day_usd: 0.006}")],
)
def test_a_budget_is_obeyed_and_used(
    model: ModelServer, tmp_path: Path, setting: dict[str, str], config: str
) -> None:
    (tmp_path / "tagline.yml").write_text(config)
    model.tokens_out = 1000
    options = ("--config", "tagline.yml")
    result, lines = triage(model, tmp_path, issues(40), *options, **setting)
    assert result.returncode == 4
    spent = sum(line["cost_usd"] for line in lines)
    # A call reserves its highest cost, some $0.002; what the budget holds is used up to that.
    assert 0.006 - 0.0025 < spent <= 0.006
    assert {line["source"] for line in lines} == {"model", "rules"}
    assert "The budget is reached" in result.stderr
    assert "$0.0060" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "fix"),
    [
        (401, "look at OPENAI_API_KEY"),
        (404, "look at OPENAI_BASE_URL (most servers need /v1 at its end) and at LLM_MODEL"),
        (429, "or use a smaller --concurrency"),
        (503, "it may still be loading its model"),
    ],
)
def test_a_model_that_fails_is_one_sentence(
    model: ModelServer, tmp_path: Path, status: int, fix: str
) -> None:
    model.status = status
    result, lines = triage(model, tmp_path, issues(30), LLM_TIMEOUT="3")
    assert result.returncode == 3
    assert [line["source"] for line in lines] == ["rules"] * 30
    totals, sentence = result.stderr.splitlines()
    assert totals.startswith("30 issues: 30 by rules; ")
    assert f"for 30 issues, whose labels come from rules (status-{status}): " in sentence
    assert fix in sentence


@pytest.mark.parametrize("words", ["triage", "backtest --model gpt-6-luna"])
def test_an_interrupt_ends_it_without_waiting_for_the_model(
    model: ModelServer, tmp_path: Path, words: str
) -> None:
    model.delays = [0.0, *[20.0] * 10]
    rows = [{**issue, "label": "bug"} for issue in issues(20)]
    (tmp_path / "issues.json").write_text(json.dumps(rows))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIXES)}
    environment = {
        "LLM_PROVIDER": "openai",
        "LLM_MODEL": "gpt-6-luna",
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": model.url,
        "PYTHONPATH": str(ROOT),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", *words.split(), "--file", "issues.json", "--json"],
        cwd=tmp_path,
        env={**kept, **environment},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    until = time.monotonic() + 20
    while model.running < 8 and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(8) == 1
    assert process.stderr
    with process.stderr as said:
        assert said.read() == b"\nStopped before the end.\n"
    model.released.set()


def test_a_model_that_is_not_there(model: ModelServer, tmp_path: Path) -> None:
    result, lines = triage(model, tmp_path, issues(3), OPENAI_BASE_URL="http://127.0.0.1:1/v1")
    assert result.returncode == 3
    assert len(lines) == 3
    assert "(unreachable): look at OPENAI_BASE_URL and the network." in result.stderr


GITHUB = {
    "body": "It crashed with an exception.",
    "labels": [{"id": "LA_1", "name": "bug", "description": "Broken", "color": "d73a4a"}],
    "number": 7,
    "title": "App crashes",
    "url": "https://github.com/acme/app/issues/7",
}
GITLAB = {
    "id": 701,
    "iid": 7,
    "title": "App crashes",
    "description": "It crashed with an exception.",
    "labels": ["bug"],
    "web_url": "https://gitlab.com/acme/app/-/issues/7",
    "confidential": False,
}


@pytest.mark.parametrize("row", [GITHUB, GITLAB], ids=["gh", "glab"])
def test_the_export_of_a_host_is_read_as_it_is(
    model: ModelServer, tmp_path: Path, row: dict[str, Any]
) -> None:
    result, (line,) = triage(model, tmp_path, [row])
    assert result.returncode == 0
    assert (line["number"], line["title"]) == (7, "App crashes")
    assert line["url"] == row.get("url", row.get("web_url"))
    assert line.get("id") == row.get("id")
    assert "It crashed with an exception." in model.texts[0]


def test_a_confidential_issue_never_reaches_the_model(model: ModelServer, tmp_path: Path) -> None:
    result, lines = triage(model, tmp_path, [{**GITLAB, "confidential": True}, GITLAB])
    assert result.returncode == 0
    assert [line["source"] for line in lines] == ["rules", "model"]
    assert len(model.texts) == 1


def test_a_person_reads_number_title_address_and_labels(model: ModelServer, tmp_path: Path) -> None:
    (tmp_path / "issues.json").write_text(json.dumps([{**GITHUB, "title": "Crash\x1b[2J"}]))
    result = tagline("triage", "--file", "issues.json", "--no-llm", cwd=tmp_path)
    assert result.stdout.splitlines()[:3] == [
        "#7 Crash[2J",
        "  https://github.com/acme/app/issues/7",
        "  Labels: bug (sure)",
    ]
    assert result.stderr.startswith("1 issue: 1 by rules; ")


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "{}\n{}",
        "[{}][{}]",
        "[{}]\n[{}]\n",
        "[\n  {},\n  {}\n]",
        "\ufeff{}\r\n{}\r\n",
        "{}{}",
        "\x1e{}\n\x1e{}\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16"])
def test_every_arrangement_of_json_values_is_read(
    model: ModelServer, tmp_path: Path, text: str, encoding: str
) -> None:
    row = json.dumps(GITHUB, indent=1 if "\n " in text else None)
    (tmp_path / "issues").write_bytes(text.replace("{}", row).encode(encoding))
    result = tagline("triage", "--file", "issues", "--no-llm", "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert [json.loads(line)["number"] for line in result.stdout.splitlines()] == [7, 7]


def test_a_file_without_any_issue_is_a_failure_that_names_the_form(
    model: ModelServer, tmp_path: Path
) -> None:
    (tmp_path / "issues").write_text("<html>")
    result = tagline("triage", "--file", "issues", "--no-llm", cwd=tmp_path)
    assert result.returncode == 1
    assert "Expected JSON lines or a JSON array" in result.stderr


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"LLM_PROVIDER": "opnai"}, "LLM_PROVIDER is not one"),
        ({"OPENAI_API_KEY": ""}, "add OPENAI"),
    ],
)
def test_a_model_that_cannot_be_used_ends_the_command(
    model: ModelServer, tmp_path: Path, environment: dict[str, str], reason: str
) -> None:
    result, lines = triage(model, tmp_path, [GITHUB], **environment)
    assert (result.returncode, lines) == (2, [])
    assert reason in result.stderr
    assert "add --no-llm for rules alone" in result.stderr
    assert triage(model, tmp_path, [GITHUB], "--no-llm", **environment)[0].returncode == 0


def test_a_summary_has_at_most_the_words_of_the_configuration(
    model: ModelServer, tmp_path: Path
) -> None:
    model.summary = f"{'It crashed ' * 12}."
    (tmp_path / "tagline.yml").write_text("comment: {max_words: 10}")
    _, (line,) = triage(model, tmp_path, [GITHUB], "--config", str(tmp_path / "tagline.yml"))
    assert line["summary"] == " ".join(["It crashed"] * 5) + "…"


def test_standard_input_that_cannot_be_read_is_named() -> None:
    result = CliRunner().invoke(cli, ["triage", "--file", "-", "--no-llm"], input="<html>")
    assert result.exit_code == 1
    assert "1 of 1 issue in standard input could not be read." in result.stderr


class ModelWithBudget:
    """A `ModelService` whose budget holds `free` calls at the same time; each frees its part."""

    def __init__(self, free: int, *, frees: bool) -> None:
        self.free, self.frees, self.lock = free, frees, threading.Lock()
        self.refusals = 0

    def complete(self, prompt: Prompt, call: object) -> ModelAnswer:
        with self.lock:
            if not self.free:
                self.refusals += 1
                raise ModelSkipped("over-budget-repository")
            self.free -= 1
        time.sleep(0.02)
        if self.frees:
            with self.lock:
                self.free += 1
        return ModelAnswer(ParsedReply("A summary.", ()), Usage())


@pytest.mark.parametrize(("frees", "answered"), [(True, 40), (False, 2)])
def test_a_call_that_is_refused_waits_for_those_that_run(frees: bool, answered: int) -> None:
    inner = ModelWithBudget(2, frees=frees)
    model, results = PatientModel(inner), list[bool]()

    def ask() -> None:
        for _ in range(5):
            try:
                model.complete(Prompt("", "", {}), None)
                results.append(True)
            except ModelFailed:
                results.append(False)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(results) == 40
    assert results.count(True) == answered
    assert inner.refusals < 1000
