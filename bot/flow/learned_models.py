"""The classifiers of repositories, decoded once per worker process."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from cachetools import LRUCache

from bot.core.training_ports import TrainingStore
from bot.learn import codec
from bot.learn.model import RepositoryModel

BYTES_IN_MEMORY = codec.MAX_BYTES  # packed: in memory a model takes up to 14 times as much


@dataclass(frozen=True, slots=True)
class _Decoded:
    model: RepositoryModel
    size: int


class LearnedModels:
    """Returns classifiers; safe to share between threads."""

    def __init__(self, store: TrainingStore) -> None:
        self._store = store
        self._by_version: LRUCache[str, _Decoded] = LRUCache(
            BYTES_IN_MEMORY, getsizeof=lambda decoded: decoded.size
        )
        self._guard = threading.Lock()

    def get(self, repo_key: str, precision: float) -> RepositoryModel | None:
        """Return a repository's classifier, None if it has none.

        One that cannot be read is deleted, so that the repository is trained again; one for another
        `precision` is used until it is.
        """
        version = self._store.model_version(repo_key)
        if not version:
            return None
        model = self._get_decoded(version) or self._decode(repo_key, version)
        if model and model.target != precision:
            self._request_training(repo_key)
        return model

    def _get_decoded(self, version: str) -> RepositoryModel | None:
        with self._guard:
            decoded = self._by_version.get(version)
        return decoded.model if decoded else None

    def _decode(self, repo_key: str, version: str) -> RepositoryModel | None:
        data = self._store.model(repo_key)
        if data is None:
            return None
        model = codec.load(data) if len(data) <= codec.MAX_BYTES else None
        if model is None:
            self._store.delete_model(repo_key)
            return None
        with self._guard:
            self._by_version[version] = _Decoded(model, len(data))
        return model

    def _request_training(self, repo_key: str) -> None:
        state = self._store.training_state(repo_key)
        if state and state.status == "trained":
            self._store.save_training_state(repo_key, replace(state, status="due"))
