"""`tagline backfill --batch`, on both hosts and with both vendors' batch APIs."""

from __future__ import annotations

import re
import signal
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.core.pricing import cost_usd
from tests.chaos.proxy import Proxy
from tests.simulation import Exchange
from tests.simulation.anthropic_batches import AnthropicBatchApi
from tests.simulation.batches import Script
from tests.simulation.openai_batches import OpenAIBatchApi
from tests.waiting import wait_until
from tests.whole.app import TITLE, App
from tests.whole.backfill_case import (
    add,
    backfill,
    count_label_writes,
    list_labelled,
    start_backfill,
)

MODELS = {"openai": "gpt-4o-mini", "anthropic": "claude-3-5-haiku"}
BatchApi = OpenAIBatchApi | AnthropicBatchApi


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.cli.backfill_run.FIRST_WAIT", 0.01)
    monkeypatch.setattr("bot.cli.backfill_batch.POLL_SECONDS", 0.02)
    monkeypatch.setattr("bot.cli.backfill_batch.FIND_SECONDS", 0.2)
    monkeypatch.setattr("bot.cli.backfill_batch.DELETE_PAUSE", 0.01)


@pytest.fixture(params=["openai", "anthropic"])
def api(request: pytest.FixtureRequest, app: App) -> Iterator[BatchApi]:
    """The batches of a vendor, which keeps no batch of other tests."""
    app.box.webhook_url = app.box.gitlab.webhook_url = None
    api = app.box.batches[request.param]
    app.provider = api.name
    observers = [*app.box.log.observers]
    yield api
    app.box.log.observers[:] = observers
    api.script = Script()
    api.created.clear()
    api.batches.clear()
    api.files.clear()
    api.polls.clear()
    app.provider = "openai"


@pytest.fixture
def numbers(app: App) -> list[int]:
    return [add(app, f"{TITLE} {n}") for n in range(7)]


def run(app: App, folder: Path, *words: str, code: int = 0, **environment: str) -> str:
    """Return what the command says on standard error."""
    environment = {"LLM_MODEL": MODELS[app.provider], **environment}
    result = backfill(app, folder, "--apply", "--batch", *words, **environment)
    assert result.returncode == code, result.stderr
    return result.stderr


def assert_each_once(app: App, numbers: list[int]) -> None:
    assert list_labelled(app, numbers) == numbers
    assert max(count_label_writes(app).values()) == 1
    assert app.created_labels() == []


def is_empty(api: BatchApi) -> bool:
    """Return whether the vendor has no text of issues any more."""
    return not api.files and (api.name == "openai" or not api.batches)


def test_a_batch_costs_half_and_leaves_nothing_at_the_vendor(
    app: App, api: BatchApi, numbers: list[int], tmp_path: Path
) -> None:
    said = run(app, tmp_path)
    assert_each_once(app, numbers)
    (batch,) = api.created
    assert (len(batch.lines), len(app.box.model_requests)) == (6, 1)
    assert is_empty(api)
    assert "Sent a batch of 6 issues." in said
    found = re.search(r"Model: ([\d,]+) \+ ([\d,]+) tokens, \$([\d.]+) so far", said)
    assert found
    tokens_in, tokens_out = (int(word.replace(",", "")) for word in found.groups()[:2])
    listed = cost_usd(MODELS[api.name], tokens_in, tokens_out) or 0.0
    assert float(found[3]) == pytest.approx(listed * 4 / 7, abs=0.0001)  # one was asked directly
    assert not list((tmp_path / "data" / "backfill").iterdir())


def test_a_comment_is_written_when_the_answer_is_there(
    app: App, api: BatchApi, numbers: list[int], tmp_path: Path
) -> None:
    run(app, tmp_path, "--comment")
    assert [len(app.comments(number)) for number in numbers] == [1] * 7
    assert_labels_and_summary(app, numbers)


def assert_labels_and_summary(app: App, numbers: list[int]) -> None:
    assert list_labelled(app, numbers) == numbers
    for number in numbers:
        assert TITLE in app.comments(number)[0].body


@pytest.mark.parametrize(
    "script",
    [
        Script(skip=lambda n: n % 2 == 0),
        Script(fail=lambda n: 500 * (n % 2)),
        Script(fail=lambda n: 400 * (n % 2)),
        Script(twice=True),
        Script(late=8),
    ],
    ids=["expired", "failed", "rejected", "twice", "late"],
)
def test_a_batch_that_comes_back_partial_twice_or_late_labels_each_issue_once(
    app: App, api: BatchApi, numbers: list[int], tmp_path: Path, script: Script
) -> None:
    api.script = script
    run(app, tmp_path)
    assert_each_once(app, numbers)
    assert is_empty(api)


def test_a_batch_that_fails_as_a_whole_is_sent_again_and_then_asked_directly(
    app: App, api: BatchApi, numbers: list[int], tmp_path: Path
) -> None:
    api.script = Script(whole="internal_error")
    run(app, tmp_path)
    assert_each_once(app, numbers)
    assert len(api.created) == 2
    assert len(app.box.model_requests) == 7
    assert is_empty(api)


def test_a_vendor_that_takes_no_more_requests_is_asked_directly(
    app: App, api: BatchApi, numbers: list[int], tmp_path: Path
) -> None:
    if api.name == "anthropic":
        pytest.skip("its batches do not fail as a whole")
    api.script = Script(whole="token_limit_exceeded")
    run(app, tmp_path)
    assert_each_once(app, numbers)
    assert len(api.created) == 1


def test_a_batch_that_never_comes_back_is_given_up(
    app: App, api: BatchApi, numbers: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.cli.backfill_batch.LATE_SECONDS", 0.1)
    api.script = Script(never=True)
    run(app, tmp_path)
    assert_each_once(app, numbers)
    assert {batch.status for batch in api.created} <= {"cancelled", "canceling"}


def test_a_batch_that_the_vendor_lost_is_sent_again(
    app: App, api: BatchApi, numbers: list[int], tmp_path: Path
) -> None:
    api.script = Script(late=5)

    def lose(_: object) -> None:
        if len(api.created) == 1:
            api.batches.clear()

    app.box.observe(lose)
    said = run(app, tmp_path)
    assert "A batch is lost (status-404)." in said
    assert_each_once(app, numbers)


@pytest.mark.parametrize("word", ["/batches", "/files"])
def test_an_api_that_restarts_in_the_middle_loses_nothing(
    app: App, api: BatchApi, numbers: list[int], tmp_path: Path, word: str
) -> None:
    for fault in ("model-reset", "model-503", "model-html"):
        app.box.faults.arm(fault, times=2, match=word)
    said = run(app, tmp_path)
    assert list_labelled(app, numbers) == numbers
    assert max(count_label_writes(app).values()) == 1
    if api.name == "openai":  # a batch that was never created is not paid for
        assert float(said.rpartition(" tokens, $")[2].split()[0]) < 0.001


@pytest.mark.parametrize("path", ["/files", "/batches"])
def test_an_api_that_stops_before_it_confirms_keeps_no_file(
    app: App, api: BatchApi, numbers: list[int], tmp_path: Path, path: str
) -> None:
    if api.name == "anthropic":
        pytest.skip("its batches need no file")
    server = urlsplit(app.box.openai_url)
    assert server.port
    with Proxy("batches", server.port).running() as proxy:
        stopped, restart = threading.Event(), threading.Timer(0.3, proxy.switch, ["pass"])

        def stop(exchange: Exchange) -> None:
            if exchange.method == "POST" and exchange.path.endswith(path) and not stopped.is_set():
                stopped.set()
                proxy.switch("refuse")
                restart.start()

        app.box.observe(stop)
        url = server._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()
        said = run(app, tmp_path, OPENAI_BASE_URL=url)
    assert "A batch was not accepted (connection-lost)." in said
    assert_each_once(app, numbers)
    assert not api.files


def test_an_issue_that_is_edited_meanwhile_is_asked_about_again(
    app: App, api: BatchApi, numbers: list[int], tmp_path: Path
) -> None:
    api.script = Script(late=3)
    pending = [numbers[0]]

    def edit(_: object) -> None:
        if api.created and pending:
            text = "How do I sign in? The documentation does not say."
            app.host.edit_issue(app.repo, pending.pop(), title=text, body=text, deliver=False)

    app.box.observe(edit)
    run(app, tmp_path)
    assert "bug" not in app.labels(numbers[0])
    assert list_labelled(app, numbers[1:]) == numbers[1:]
    assert len(app.box.model_requests) == 2


def test_labels_that_are_renamed_meanwhile_are_not_created_again(
    app: App, api: BatchApi, numbers: list[int], tmp_path: Path
) -> None:
    api.script = Script(late=3)

    def rename(_: object) -> None:
        labels = app.host.state.repo(app.repo).labels
        if api.created and "bug" in labels:
            labels["defect"] = labels.pop("bug")

    app.box.observe(rename)
    run(app, tmp_path)
    assert app.created_labels() == []
    batched = [number for number in numbers if "bug" not in app.labels(number)]
    assert len(batched) == 6
    assert all("area/login" in app.labels(number) for number in batched)


@pytest.mark.slow
def test_a_batch_survives_the_end_of_the_command_without_any_text_in_its_file(
    app: App, api: BatchApi, numbers: list[int], tmp_path: Path
) -> None:
    api.script = Script(never=True)
    words = ("--apply", "--batch")
    for way in (signal.SIGINT, signal.SIGKILL):
        process = start_backfill(app, tmp_path, *words, LLM_MODEL=MODELS[api.name])
        wait_until(lambda: api.polls.get(api.created[0].id) if api.created else 0)
        process.send_signal(way)
        _, stderr = process.communicate(timeout=30)
        assert b"Traceback" not in stderr
        for lock in app.redis.scan_iter("tagline:lock:*"):
            app.redis.delete(lock)  # it expires after 30 seconds
        api.polls.clear()
    (file,) = (tmp_path / "data" / "backfill").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert TITLE not in file.read_text()
    assert len(api.created) == 1
    api.script = Script()
    said = run(app, tmp_path)
    assert "1 were done before" in said
    assert_each_once(app, numbers)
    assert (len(api.created), len(app.box.model_requests)) == (1, 1)
    assert is_empty(api)


@pytest.mark.slow
def test_a_run_without_the_option_ends_the_batches_of_an_earlier_one(
    app: App, api: BatchApi, numbers: list[int], tmp_path: Path
) -> None:
    api.script = Script(never=True)
    process = start_backfill(app, tmp_path, "--apply", "--batch", LLM_MODEL=MODELS[api.name])
    wait_until(lambda: api.polls)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    api.script = Script()
    later = add(app, f"{TITLE} later")
    result = backfill(app, tmp_path, "--apply", LLM_MODEL=MODELS[api.name])
    assert result.returncode == 0, result.stderr
    assert_each_once(app, [*numbers, later])
    assert len(app.box.model_requests) == 2


def test_the_cost_stays_within_the_limit(
    app: App, api: BatchApi, numbers: list[int], tmp_path: Path
) -> None:
    limit = {"openai": "0.0028", "anthropic": "0.0175"}[api.name]
    said = run(app, tmp_path, "--max-usd", limit, "--concurrency", "1")
    assert len(api.created) > 1, "what a batch did not use pays for the next one"
    assert_each_once(app, numbers)
    assert "budget" not in said
    spent = [float(word[1:]) for word in said.split() if word.startswith("$0.00")]
    assert spent[-1] <= float(limit)


def test_a_wrong_key_is_named(app: App, api: BatchApi, numbers: list[int], tmp_path: Path) -> None:
    name = f"{api.name.upper()}_API_KEY"
    said = run(app, tmp_path, code=1, **{name: "sk-wrong-key-of-nobody-at-all"})
    assert f"look at {name}" in said
    assert list_labelled(app, numbers) == []


def test_a_compatible_server_has_no_batches(app: App, tmp_path: Path) -> None:
    add(app)
    compatible = {
        "LLM_PROVIDER": "compatible",
        "LLM_API_KEY": app.box.model_key,
        "LLM_BASE_URL": app.box.openai_url,
    }
    result = backfill(app, tmp_path, "--apply", "--batch", **compatible)
    assert result.returncode == 2
    assert "LLM_PROVIDER=compatible has no batches; openai and anthropic do" in result.stderr


def test_a_batch_has_no_place_in_a_dry_run(app: App, tmp_path: Path) -> None:
    for more in ((), ("--max-usd", "1")):
        result = backfill(app, tmp_path, "--batch", *more)
        assert result.returncode == 2
        assert "--batch needs --apply" in result.stderr
