"""The configuration in force for a repository, and its problems that were not reported yet.

A file that cannot be read leaves the last readable one in force; without one the bot works as with
`mode: suggest`. In both cases the readable parts of the file may restrict the bot further.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from bot.core.config import parser
from bot.core.config.caution import MODES, tighten
from bot.core.config.schema import RepoConfig
from bot.core.errors import ConfigProblem
from bot.core.ports import ModelService, Store
from bot.core.types import IssueRef
from bot.flow.context import JobContext

_read = lru_cache(maxsize=64)(parser.read)  # the file is the same for most jobs of a repository


@dataclass(frozen=True, slots=True)
class ConfigInForce:
    """The configuration with the stricter of both modes, problems that are new, the file's digest.

    Demotions end with a new digest; it is "" without a file.
    """

    config: RepoConfig
    problems: tuple[ConfigProblem, ...]
    digest: str

    @property
    def learns_from_corrections(self) -> bool:
        return self.config.learn.from_corrections and self.config.mode != "off"


def load_config_in_force(ref: IssueRef, context: JobContext) -> ConfigInForce:
    """Return the configuration for a job. Raises the errors of a forge."""
    text = context.forge.get_config_text(ref)
    config, problems = load_config(ref, text, context.store, context.models)
    mode = max(config.mode, context.mode, key=MODES.index)
    config = msgspec.structs.replace(config, mode=mode)
    return ConfigInForce(config, problems, digest_config(text))


def digest_config(text: str | None) -> str:
    """Return the digest of a configuration file, "" where there is none."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16] if text else ""


def load_config(
    ref: IssueRef, text: str | None, store: Store, models: Collection[str] = ()
) -> tuple[RepoConfig, tuple[ConfigProblem, ...]]:
    """Return the configuration, and the problems of the file unless the comment reported them.

    `models` are the names that the file may use.
    """
    key, parsed = ref.repo_key, parser.restrict_models(_read(text), models)
    digest, reported = _compute_digest(parsed.problems), store.reported_problems(key)
    if reported and not digest:
        store.save_reported_problems(key, "")
    config = parsed.config
    if parsed.broken:
        last = parser.restrict_models(_read(store.last_config(key)), models)
        if last.values and not last.broken:
            config = tighten(last.config, parsed.values)
    else:
        store.save_config(key, text or "")
    return config, () if digest == reported else parsed.problems


def choose_model(config: RepoConfig, models: Mapping[str, ModelService]) -> ModelService | None:
    """Return the model that the repository names, else the first; None without any."""
    return models.get(config.model.name or "") or next(iter(models.values()), None)


def save_reported_problems(ref: IssueRef, problems: Sequence[ConfigProblem], store: Store) -> None:
    """Record that a comment reports these problems, so that later comments do not."""
    if problems:
        store.save_reported_problems(ref.repo_key, _compute_digest(problems))


def _compute_digest(problems: Sequence[ConfigProblem]) -> str:
    """Return a short key for a set of problems, "" for none."""
    if not problems:
        return ""
    return hashlib.sha256("\n".join(map(str, problems)).encode()).hexdigest()[:32]
