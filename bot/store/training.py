"""The classifiers of repositories in Redis, and the state of their training."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import redis

from bot.core import redis_keys
from bot.core.training import TrainingProgress, TrainingState, TrainingStatus
from bot.store.bucketed_hash import BucketedHash

DAY = 86_400
MODEL_DAYS = 35
PROGRESS_DAYS = 2
# At import, in one thread: msgspec prepares a type on its first use, and crashes if several
# threads do this at the same time.
_state = msgspec.json.Decoder(TrainingState)
_progress = msgspec.json.Decoder(TrainingProgress)


class RedisTrainingStore:
    """Implements `TrainingStore` for all workers together. What cannot be read is not there."""

    def __init__(self, client: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._states = BucketedHash(client, redis_keys.TRAINING_STATES, 90 * DAY, 3, clock)

    def training_state(self, repo_key: str) -> TrainingState | None:
        value = self._states.get(repo_key)
        try:
            state = _state.decode(value) if value else None
        except msgspec.DecodeError:
            return None
        return _add_status(state) if state and value and b'"status":' not in value else state

    def save_training_state(self, repo_key: str, state: TrainingState) -> None:
        self._states.put(repo_key, msgspec.json.encode(state))

    def model_version(self, repo_key: str) -> str:
        return self._get_field(repo_key, "version").decode()

    def model(self, repo_key: str) -> bytes | None:
        return self._get_field(repo_key, "model") or None

    def _get_field(self, repo_key: str, field: str) -> bytes:
        value: Any = self._client.hget(_model_key(repo_key), field)
        return value or b""

    def save_model(self, repo_key: str, model: bytes) -> None:
        key = _model_key(repo_key)
        fields: dict[Any, str | bytes] = {"version": compute_version(model), "model": model}
        self._save_fields(key, fields, MODEL_DAYS)

    def delete_model(self, repo_key: str) -> None:
        self._client.delete(_model_key(repo_key))

    def progress(self, repo_key: str) -> tuple[TrainingProgress, tuple[bytes, ...]]:
        fields: Any = self._client.hgetall(_progress_key(repo_key))
        try:
            progress = _progress.decode(fields.pop(b"progress"))
            return progress, tuple(fields[page] for page in sorted(fields, key=int))
        except (KeyError, ValueError, msgspec.DecodeError):
            return TrainingProgress(), ()

    def save_progress(self, repo_key: str, progress: TrainingProgress, page: bytes) -> None:
        key = _progress_key(repo_key)
        fields: dict[Any, str | bytes] = {"progress": msgspec.json.encode(progress)}
        if page:  # one without issues has the number of the page before it
            fields[str(progress.read)] = page
        self._save_fields(key, fields, PROGRESS_DAYS)

    def delete_progress(self, repo_key: str) -> None:
        self._client.delete(_progress_key(repo_key))

    def _save_fields(self, key: str, fields: dict[Any, str | bytes], days: int) -> None:
        """Set fields of a hash that expires after some days, in one atomic step."""
        with self._client.pipeline() as pipe:
            pipe.hset(key, mapping=fields)
            pipe.expire(key, days * DAY)
            pipe.execute()


def compute_version(model: bytes) -> str:
    """Return an identifier of a model's content."""
    return hashlib.sha256(model).hexdigest()[:16]


def _add_status(state: TrainingState) -> TrainingState:
    """Return a state of a version that stored no status with the one that its other fields mean."""
    status: TrainingStatus
    if state.sent_at > state.ended_at:
        why = state.why.removeprefix("waits: ")
        status = "waiting" if why != state.why else "queued"
        return replace(state, status=status, why=why, retry_at=state.sent_at)
    if state.ended_at:
        status = "skipped" if state.why else "trained"
        return replace(state, status=status)
    return state


def _model_key(repo_key: str) -> str:
    return redis_keys.MODEL.format(repository=repo_key)


def _progress_key(repo_key: str) -> str:
    return redis_keys.TRAINING_PROGRESS.format(repository=repo_key)
