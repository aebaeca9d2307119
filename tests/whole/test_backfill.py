"""`tagline backfill REPO`, on both hosts."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import redis

from bot.embedded.valkey import EmbeddedRedis
from tests.conftest import crash
from tests.simulation import Exchange
from tests.waiting import wait_until
from tests.whole.app import TITLE, App
from tests.whole.backfill_case import (
    LABELS,
    PRICED,
    add,
    backfill,
    count_label_writes,
    list_labelled,
    start_backfill,
)

DAY = 86_400


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.cli.backfill_run.FIRST_WAIT", 0.01)
    monkeypatch.setattr("bot.cli.backfill.LOCK_SECONDS", 0.1)
    monkeypatch.setattr("bot.flow.context.LAG_SECONDS", 0.01)


@pytest.fixture
def past(app: App) -> Iterator[App]:
    """An app whose repository gets no webhook."""
    app.box.webhook_url = app.box.gitlab.webhook_url = None
    observers = [*app.box.log.observers]
    yield app
    app.box.log.observers[:] = observers


def when(app: App, count: int, act: Callable[[], object]) -> None:
    """Act once, after this number of calls of the model."""
    left = [count]

    def watch(exchange: Exchange) -> None:
        if exchange.api == "openai":
            left[0] -= 1
            if not left[0]:
                act()

    app.box.observe(watch)


def test_past_issues_get_labels_and_no_comment(past: App, tmp_path: Path) -> None:
    numbers = [add(past, f"{TITLE} {n}") for n in range(5)]
    result = backfill(past, tmp_path, "--apply")
    assert result.returncode == 0, result.stderr
    assert "5 issues in 0 s: 10 labels" in result.stderr
    assert result.stdout.count("(model)") == 5
    assert list_labelled(past, numbers) == numbers
    assert not any(past.host.comments(past.repo, number) for number in numbers)
    assert max(count_label_writes(past).values()) == 1
    assert past.created_labels() == []
    again = backfill(past, tmp_path, "--apply")
    assert again.returncode == 0, again.stderr
    assert "5 already answered" in again.stderr
    assert len(past.box.model_requests) == 5


def test_without_apply_nothing_is_written_and_no_model_is_called(past: App, tmp_path: Path) -> None:
    number = add(past)
    result = backfill(past, tmp_path, **PRICED)
    assert result.returncode == 0, result.stderr
    assert f"#{number}: bug" in result.stdout
    assert "gpt-4o-mini was not called. For 1 issue it would cost about $0.000" in result.stderr
    assert past.labels(number) == []
    assert not past.box.model_requests
    assert not list((tmp_path / "data").glob("backfill/*"))
    assert not [*past.redis.scan_iter("tagline:records*")]


def test_a_limit_of_costs_lets_a_dry_run_call_the_model(past: App, tmp_path: Path) -> None:
    number = add(past)
    result = backfill(past, tmp_path, "--max-usd", "1", "--json", **PRICED)
    assert result.returncode == 0, result.stderr
    shown = json.loads(result.stdout)
    assert (shown["issue"], shown["labels"], shown["source"]) == (number, LABELS, "model")
    assert past.labels(number) == []


def test_a_summary_is_written_where_it_is_asked_for(past: App, tmp_path: Path) -> None:
    numbers = [add(past, f"{TITLE} {n}") for n in range(3)]
    result = backfill(past, tmp_path, "--apply", "--comment")
    assert result.returncode == 0, result.stderr
    assert "3 comments" in result.stderr
    assert [len(past.comments(number)) for number in numbers] == [1, 1, 1]


def test_what_people_set_and_removed_stays(past: App, tmp_path: Path) -> None:
    removed, labelled = add(past, f"{TITLE} 1", labels=["bug"]), add(past, labels=["wontfix"])
    past.host.unlabel_by_person(past.repo, removed, "bug", deliver=False)
    assert backfill(past, tmp_path, "--apply").returncode == 0
    assert past.labels(removed) == ["area/login"]
    assert past.labels(labelled) == ["wontfix", *LABELS]


def test_issues_that_a_setting_excludes_are_left_out(past: App, tmp_path: Path) -> None:
    past.configure("ignore: {labels: [wontfix], title: ['* 7']}")
    numbers = [
        add(past, labels=["wontfix"]),
        add(past, f"{TITLE} 7"),
        add(past, author="project_7_bot_renovate", bot=True),
    ]
    result = backfill(past, tmp_path, "--apply")
    assert (result.returncode, past.box.model_requests) == (0, [])
    assert "1 opened by a bot" in result.stderr
    assert list_labelled(past, numbers) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), {"open", "new"}),
        (("--state", "closed"), {"closed"}),
        (("--state", "all"), {"open", "new", "closed"}),
        (("--limit", "1"), {"new"}),
        (("--since", f"{datetime.fromtimestamp(time.time() - 3 * DAY, UTC):%Y-%m-%d}"), {"new"}),
    ],
)
def test_options_select_the_issues(
    past: App, tmp_path: Path, words: tuple[str, ...], expected: set[str]
) -> None:
    numbers = {
        "open": add(past, f"{TITLE} 1"),
        "closed": add(past, f"{TITLE} 2"),
        "new": add(past, f"{TITLE} 3", created_at=time.time() - DAY),
    }
    past.host.close_issue(past.repo, numbers["closed"], deliver=False)
    result = backfill(past, tmp_path, "--apply", *words)
    assert result.returncode == 0, result.stderr
    assert {name for name, number in numbers.items() if past.labels(number)} == expected


def test_the_cost_stays_within_the_limit_and_a_higher_one_continues(
    past: App, tmp_path: Path
) -> None:
    numbers = [add(past, f"{TITLE} {n}") for n in range(6)]
    first = backfill(past, tmp_path, "--apply", "--max-usd", "0.003", **PRICED)
    assert first.returncode == 4, first.stderr
    assert "--max-usd is $0.0030. The same command with a higher one continues" in first.stderr
    spent = re.search(r"tokens, \$([\d.]+) so far", first.stderr)
    assert spent
    assert float(spent[1]) <= 0.003
    done = list_labelled(past, numbers)
    assert 0 < len(done) < 6
    second = backfill(past, tmp_path, "--apply", "--max-usd", "1", **PRICED)
    assert second.returncode == 0, second.stderr
    assert f"{len(done)} were done before" in second.stderr
    assert list_labelled(past, numbers) == numbers
    assert len(past.box.model_requests) == 6
    assert not list((tmp_path / "data" / "backfill").iterdir())


def test_the_repository_s_budget_holds_too(past: App, tmp_path: Path) -> None:
    past.configure("budget: {per_day_usd: 0.0001}")
    number = add(past)
    result = backfill(past, tmp_path, "--apply", "--max-usd", "1", **PRICED)
    assert result.returncode == 4
    assert "budget.per_day_usd of its tagline.yml is $0.0001" in result.stderr
    assert past.labels(number) == []


@pytest.mark.slow
def test_a_run_that_is_interrupted_twice_labels_each_issue_once(past: App, tmp_path: Path) -> None:
    numbers = [add(past, f"{TITLE} {n}") for n in range(60)]
    for way in (signal.SIGINT, signal.SIGKILL):
        before = len(past.box.model_requests)
        process = start_backfill(past, tmp_path, "--apply", "--max-usd", "5", **PRICED)
        wait_until(partial(_has_called, past, before + 15))
        process.send_signal(way)
        _, stderr = process.communicate(timeout=30)
        assert process.returncode == {signal.SIGINT: 1, signal.SIGKILL: -9}[way], stderr.decode()
        assert b"Traceback" not in stderr
        assert 0 < len(list_labelled(past, numbers)) < 60
        for lock in past.redis.scan_iter("tagline:lock:*"):
            past.redis.delete(lock)  # it expires after 30 seconds
        if way is signal.SIGINT:
            assert b"The same command continues from here" in stderr
    code, said = _finish(past, tmp_path)
    assert code == 0, said
    assert list_labelled(past, numbers) == numbers
    assert max(count_label_writes(past).values()) == 1
    assert len(past.box.model_requests) <= 60 + 4  # those that were killed are asked again
    assert past.created_labels() == []


def _has_called(app: App, count: int) -> bool:
    return len(app.box.model_requests) >= count


def _finish(app: App, folder: Path) -> tuple[int, str]:
    process = start_backfill(app, folder, "--apply", "--max-usd", "5", **PRICED)
    _, stderr = process.communicate(timeout=90)
    return process.returncode, stderr.decode()


@pytest.mark.slow
def test_a_second_run_of_one_repository_says_so_and_ends(past: App, tmp_path: Path) -> None:
    add(past)
    past.box.fault("model-timeout", times=None)
    first = start_backfill(past, tmp_path, "--apply", LLM_TIMEOUT="60")
    wait_until(lambda: [*past.redis.scan_iter("tagline:*backfill:*")])
    same_host = backfill(past, tmp_path, "--apply")
    other_host = backfill(past, tmp_path, "--apply", DATA_DIR=str(tmp_path / "other"))
    first.kill()
    first.communicate()
    for second in (same_host, other_host):
        assert second.returncode == 75
        name = f"{past.on}:{past.repo}"
        assert f"Another backfill of {name} is running: wait for its end" in second.stderr


def test_an_empty_repository_is_no_error(past: App, tmp_path: Path) -> None:
    result = backfill(past, tmp_path, "--apply")
    assert (result.returncode, result.stdout) == (0, "")
    assert "Labelling 0 issues" in result.stderr


@pytest.mark.parametrize("mode", ["off", "dry-run", "suggest"])
def test_a_mode_that_lets_nothing_be_set_is_named(past: App, tmp_path: Path, mode: str) -> None:
    past.configure(f"mode: '{mode}'")
    add(past)
    result = backfill(past, tmp_path, "--apply")
    assert result.returncode == 1
    assert f"Nothing is set here: mode is {mode}" in result.stderr


def test_a_wrong_token_is_named(past: App, tmp_path: Path) -> None:
    wrong = {"github": "GITHUB_TOKEN", "gitlab": "GITLAB_TOKEN"}[past.on]
    app = {"GITHUB_APP_ID": "", "GITHUB_PRIVATE_KEY": ""}
    result = backfill(past, tmp_path, "--apply", **app, **{wrong: "wrong-token-of-nobody"})
    assert result.returncode == 1, result.stderr
    assert result.stderr.startswith("Not done: ")
    missing = backfill(past, tmp_path, "--apply", **app, **{wrong: ""})
    assert missing.returncode == 2, missing.stderr
    assert f"{wrong} is not set: --apply needs a token" in missing.stderr


def test_a_wrong_key_of_the_model_ends_the_run_and_no_label_comes_from_rules(
    past: App, tmp_path: Path
) -> None:
    number = add(past)
    result = backfill(past, tmp_path, "--apply", OPENAI_API_KEY="sk-wrong-key-of-nobody-at-all")
    assert result.returncode == 1
    assert "the model does not answer (status-401): look at OPENAI_API_KEY" in result.stderr
    assert past.labels(number) == []


def test_a_key_that_is_missing_is_no_reason_for_labels_from_rules(
    past: App, tmp_path: Path
) -> None:
    number = add(past)
    result = backfill(past, tmp_path, "--apply", OPENAI_API_KEY="")
    assert result.returncode == 2
    assert "Or set LLM_PROVIDER=none for rules alone" in result.stderr
    assert past.labels(number) == []
    assert backfill(past, tmp_path, "--apply", LLM_PROVIDER="none").returncode == 0
    assert past.labels(number) == ["bug", "needs-review"]


def test_an_answer_that_cannot_be_used_leads_to_labels_from_rules_and_no_comment_later(
    past: App, tmp_path: Path
) -> None:
    number = add(past)
    past.box.fault("model-refusal", times=None)
    result = backfill(past, tmp_path, "--apply")
    assert result.returncode == 3, result.stderr
    assert "was not usable for 1 issue, labelled by rules (refusal)" in result.stderr
    assert not list((tmp_path / "data" / "backfill").iterdir())
    assert past.labels(number) == ["bug", "needs-review"]
    assert not [*past.redis.scan_iter("tagline:waiting")]


def test_a_paused_installation_is_not_labelled(past: App, tmp_path: Path) -> None:
    add(past)
    result = backfill(past, tmp_path, "--apply", TAGLINE_PAUSE="1")
    assert result.returncode == 1
    assert "TAGLINE_PAUSE is set" in result.stderr


def test_a_model_that_is_down_ends_the_run_and_one_that_returns_is_waited_for(
    past: App, tmp_path: Path
) -> None:
    number = add(past)
    past.box.fault("model-500", times=None)
    result = backfill(past, tmp_path, "--apply")
    assert result.returncode == 75
    assert "Not done: the model does not answer (" in result.stderr
    assert past.labels(number) == []
    past.box.clear_faults()
    past.store.call_succeeded("openai")
    past.box.fault("model-500", times=3)
    assert backfill(past, tmp_path, "--apply").returncode == 0
    assert past.labels(number) == LABELS


def test_a_rate_limit_of_the_forge_is_waited_for(
    past: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.simulation.forge_faults.RETRY_SECONDS", 1)
    numbers = [add(past, f"{TITLE} {n}") for n in range(3)]
    when(past, 1, lambda: past.box.fault("forge-429"))
    result = backfill(past, tmp_path, "--apply")
    assert result.returncode == 0, result.stderr
    assert "Waiting a minute: " in result.stderr
    assert list_labelled(past, numbers) == numbers
    assert max(count_label_writes(past).values()) <= 2  # one was refused


def test_a_forge_that_refuses_every_label_ends_the_run(past: App, tmp_path: Path) -> None:
    numbers = [add(past, f"{TITLE} {n}") for n in range(30)]
    past.arm_fault("forge-403", "labels", times=None)
    result = backfill(past, tmp_path, "--apply")
    assert result.returncode == 1
    assert "issues are refused, 5 in a row" in result.stderr
    assert list_labelled(past, numbers) == []
    assert len(past.box.model_requests) < 15


def test_a_list_that_cannot_be_read_is_explained(past: App, tmp_path: Path) -> None:
    add(past)
    past.box.fault("forge-502", times=None, match="/issues")
    result = backfill(past, tmp_path, "--apply")
    assert result.returncode == 75, result.stderr
    assert "Not done: " in result.stderr


def test_an_issue_that_is_deleted_meanwhile_does_not_stop_the_others(
    past: App, tmp_path: Path
) -> None:
    numbers = [add(past, f"{TITLE} {n}") for n in range(4)]
    when(past, 1, lambda: past.host.delete_issue(past.repo, numbers[0], deliver=False))
    result = backfill(past, tmp_path, "--apply", "--concurrency", "1")
    assert result.returncode == 0, result.stderr
    assert list_labelled(past, numbers[1:]) == numbers[1:]


def test_redis_may_restart_and_forget(past: App, own_redis: EmbeddedRedis, tmp_path: Path) -> None:
    numbers = [add(past, f"{TITLE} {n}") for n in range(12)]

    def restart() -> None:
        with redis.Redis.from_url(own_redis.url) as client:
            client.flushall()
        crash(own_redis)
        own_redis.start()

    when(past, 4, restart)
    result = backfill(past, tmp_path, "--apply", REDIS_URL=own_redis.url)
    assert result.returncode == 0, result.stderr
    assert list_labelled(past, numbers) == numbers
    assert max(count_label_writes(past).values()) <= 2


def test_a_redis_that_is_configured_has_to_answer(past: App, tmp_path: Path) -> None:
    add(past)
    result = backfill(past, tmp_path, "--apply", REDIS_URL="redis://127.0.0.1:1/0")
    assert result.returncode == 75
    assert result.stderr.startswith("Redis does not answer")


def test_without_any_redis_each_issue_is_still_labelled_once(past: App, tmp_path: Path) -> None:
    numbers = [add(past, f"{TITLE} {n}") for n in range(4)]
    result = backfill(past, tmp_path, "--apply", REDIS_URL="")
    assert result.returncode == 0, result.stderr
    assert "working without its locks and records" in result.stderr
    assert list_labelled(past, numbers) == numbers
