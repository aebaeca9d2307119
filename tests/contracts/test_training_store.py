"""The `TrainingStore` port: in memory and in Redis."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis

from bot.core import redis_keys
from bot.core.training import TrainingProgress, TrainingState
from bot.core.training_ports import TrainingStore
from bot.store.training import MODEL_DAYS, PROGRESS_DAYS, RedisTrainingStore
from tests.fakes import DAY, NOW, REF
from tests.memory_store import MemoryTrainingStore

KEY, OTHER = REF.repo_key, "gitlab:gitlab.com:7"
NOTHING = (TrainingProgress(), ())


@pytest.fixture(params=["memory", "redis"])
def training(request: pytest.FixtureRequest) -> TrainingStore:
    if request.param == "memory":
        return MemoryTrainingStore(lambda: NOW)
    return RedisTrainingStore(request.getfixturevalue("client"), lambda: NOW)


def test_a_repository_that_was_never_trained_has_nothing(training: TrainingStore) -> None:
    assert training.training_state(KEY) is None
    assert (training.model_version(KEY), training.model(KEY)) == ("", None)
    assert training.progress(KEY) == NOTHING


def test_the_state_of_the_last_training_is_kept(training: TrainingStore) -> None:
    training.save_training_state(KEY, TrainingState(NOW - 9, why="no labelled issues"))
    state = TrainingState(NOW - 9, NOW - 1, NOW, NOW, 300, 250, status="due")
    training.save_training_state(KEY, state)
    assert training.training_state(KEY) == state
    assert training.training_state(OTHER) is None


@pytest.mark.parametrize(
    ("stored", "status"),
    [
        ({"since": NOW - 9}, "due"),
        ({"since": NOW - 9, "sent_at": NOW - 5}, "queued"),
        ({"since": NOW - 9, "sent_at": NOW - 1, "ended_at": NOW - 5}, "queued"),
        ({"since": NOW - 9, "sent_at": NOW - 5, "why": "waits: status 429"}, "waiting"),
        (
            {"since": NOW - 9, "sent_at": NOW - 1, "ended_at": NOW - 5, "why": "mode is off"},
            "queued",
        ),
        ({"since": NOW - 9, "sent_at": NOW - 5, "ended_at": NOW}, "trained"),
        ({"since": NOW - 9, "sent_at": NOW - 5, "ended_at": NOW, "why": "mode is off"}, "skipped"),
    ],
)
def test_a_state_of_a_version_without_status_has_one(
    stored: dict[str, Any], status: str, client: redis.Redis
) -> None:
    key = redis_keys.TRAINING_STATES.format(span=int(NOW // (90 * DAY)))
    client.hset(key, KEY, json.dumps(stored))
    state = RedisTrainingStore(client, lambda: NOW).training_state(KEY)
    assert state is not None
    assert (state.status, state.since) == (status, NOW - 9)
    assert state.why == stored.get("why", "").removeprefix("waits: ")
    if status == "waiting":
        assert state.retry_at == NOW - 5


def test_a_model_is_replaced_and_has_another_version_then(training: TrainingStore) -> None:
    training.save_model(KEY, b"one\0\xff")
    first = training.model_version(KEY)
    assert (bool(first), training.model(KEY)) == (True, b"one\0\xff")
    training.save_model(KEY, b"two")
    assert training.model_version(KEY) not in ("", first)
    assert (training.model(KEY), training.model(OTHER)) == (b"two", None)
    training.delete_model(KEY)
    assert (training.model_version(KEY), training.model(KEY)) == ("", None)


def test_progress_keeps_the_examples_of_all_pages_in_their_order(training: TrainingStore) -> None:
    steps = [TrainingProgress(1, f"{n}", n, (n, n - 1), 9 * n, n > 900) for n in (90, 100, 1000)]
    for step in steps:
        training.save_progress(KEY, step, f"page {step.read}".encode())
    assert training.progress(KEY) == (steps[-1], (b"page 90", b"page 100", b"page 1000"))
    assert training.progress(OTHER) == NOTHING
    training.delete_progress(KEY)
    assert training.progress(KEY) == NOTHING


def test_a_page_without_issues_leaves_the_examples_of_the_page_before_it(
    training: TrainingStore,
) -> None:
    training.save_progress(KEY, TrainingProgress(1, "100", 100), b"page")
    training.save_progress(KEY, end := TrainingProgress(1, "", 100, complete=True), b"")
    assert training.progress(KEY) == (end, (b"page",))


def test_models_and_progress_expire(client: redis.Redis) -> None:
    training = RedisTrainingStore(client)
    training.save_model(KEY, b"one")
    training.save_progress(KEY, TrainingProgress(1, "1", 100), b"page")
    lifetimes = [
        client.ttl(template.format(repository=KEY)) / DAY
        for template in (redis_keys.MODEL, redis_keys.TRAINING_PROGRESS)
    ]
    assert lifetimes == pytest.approx([MODEL_DAYS, PROGRESS_DAYS], abs=0.1)


@pytest.mark.parametrize("value", [b"", b"{", b"[1]", b'{"since":"x"}'])
def test_what_another_version_saved_is_not_there(client: redis.Redis, value: bytes) -> None:
    training = RedisTrainingStore(client, lambda: NOW)
    training.save_training_state(KEY, TrainingState(NOW))
    (states,) = client.keys(redis_keys.TRAINING_STATES.format(span="*"))
    client.hset(states, KEY, value)
    client.hset(redis_keys.TRAINING_PROGRESS.format(repository=KEY), "progress", value)
    assert training.training_state(KEY) is None
    assert training.progress(KEY) == NOTHING
