"""The configuration that holds for a repository, and what its maintainers have not been told yet.

A file that cannot be read leaves the last good one in force, and without one it means
`mode: suggest`. Either way its readable parts may limit the bot further.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence

from bot.core.config import parser
from bot.core.config.parser import RepoConfig
from bot.core.errors import ConfigProblem
from bot.core.ports import Model, Store
from bot.core.types import IssueRef


def load_config(
    ref: IssueRef, text: str | None, store: Store, models: Collection[str] = ()
) -> tuple[RepoConfig, tuple[ConfigProblem, ...]]:
    """The configuration, and the problems of the file unless the same were told before.

    `models` are those that it may name.
    """
    key, reading = ref.repo_key, parser.permitted(parser.read(text), models)
    digest, told = _digest(reading.problems), store.reported_problems(key)
    if told and not digest:
        store.save_reported_problems(key, "")
    config = reading.config
    if reading.broken:
        last = parser.permitted(parser.read(store.last_config(key)), models)
        if last.given and not last.broken:
            config = parser.tightened(last.config, reading.given)
    else:
        store.save_config(key, text or "")
    return config, () if digest == told else reading.problems


def choose_model(config: RepoConfig, models: Mapping[str, Model]) -> Model | None:
    """The model that the repository names, else the first; None without any."""
    return models.get(config.model.name or "") or next(iter(models.values()), None)


def save_reported_problems(ref: IssueRef, problems: Sequence[ConfigProblem], store: Store) -> None:
    """The maintainers can read of these problems now."""
    if problems:
        store.save_reported_problems(ref.repo_key, _digest(problems))


def _digest(problems: Sequence[ConfigProblem]) -> str:
    """One short text per set of problems, "" for none."""
    if not problems:
        return ""
    return hashlib.sha256("\n".join(map(str, problems)).encode()).hexdigest()[:32]
