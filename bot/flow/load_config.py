"""The configuration in force for a repository, and its problems that were not reported yet.

A file that cannot be read leaves the last readable one in force; without one the bot works as with
`mode: suggest`. In both cases the readable parts of the file may restrict the bot further.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import msgspec

from bot.core.config import parser
from bot.core.config.caution import MODES, tighten
from bot.core.config.schema import RepoConfig
from bot.core.corrections import Correction
from bot.core.errors import ConfigProblem
from bot.core.mode_limit import ModeLimit, find_mode_limit
from bot.core.ports import Store
from bot.core.types import IssueRef
from bot.flow.context import JobContext

_read = lru_cache(maxsize=64)(parser.read)  # the file is the same for most jobs of a repository


@dataclass(frozen=True, slots=True)
class ConfigInForce:
    """The configuration with the stricter of both modes, problems that are new, its digest.

    `origin` is the file that its settings are from: the present one, the last readable one, or
    none, where the present one cannot be read and no other is known. Demotions end with a new
    `digest`, which is that of the last readable file; "" without one.
    """

    config: RepoConfig
    problems: tuple[ConfigProblem, ...]
    digest: str
    origin: Literal["present", "last", "none"] = "present"

    @property
    def learns_from_corrections(self) -> bool:
        return self.config.learn.from_corrections and self.config.mode != "off"


def load_config_in_force(ref: IssueRef, context: JobContext) -> ConfigInForce:
    """Return the configuration for a job. Raises the errors of a forge."""
    text = context.forge.get_config_text(ref)
    in_force = load_config(ref, text, context.store, context.models)
    return restrict_mode(in_force, context.mode)


def load_config(
    ref: IssueRef, text: str | None, store: Store, models: Collection[str] = ()
) -> ConfigInForce:
    """Return the configuration, with the problems of the file unless the comment reported them.

    `models` are the names that the file may use.
    """
    key = ref.repo_key
    in_force = find_config(text, lambda: store.last_config(key), models)
    digest, reported = _compute_digest(in_force.problems), store.reported_problems(key)
    if reported and not digest:
        store.save_reported_problems(key, "")
    if in_force.origin == "present":
        store.save_config(key, text or "")
    return replace(in_force, problems=()) if digest == reported else in_force


def find_config(
    text: str | None, load_last: Callable[[], str | None], models: Collection[str] = ()
) -> ConfigInForce:
    """Return the configuration with all problems of the file.

    `load_last` returns the last readable file, None if none is known.
    """
    parsed = parser.restrict_models(_read(text), models)
    if not parsed.broken:
        return ConfigInForce(parsed.config, parsed.problems, digest_config(text))
    last_text = load_last()
    last, digest = parser.restrict_models(_read(last_text), models), digest_config(last_text)
    if not last.values or last.broken:
        return ConfigInForce(parsed.config, parsed.problems, digest, "none")
    config = tighten(last.config, parsed.values)
    return ConfigInForce(config, parsed.problems, digest, "last")


def restrict_mode(in_force: ConfigInForce, mode: str) -> ConfigInForce:
    """Return the same with the stricter of both modes."""
    stricter = max(in_force.config.mode, mode, key=MODES.index)
    return replace(in_force, config=msgspec.structs.replace(in_force.config, mode=stricter))


def limit_mode(in_force: ConfigInForce, corrections: Iterable[Correction]) -> ConfigInForce:
    """Return the same with `suggest` where people kept too few labels; a stricter mode stays."""
    limit = find_limit(in_force, corrections)
    return restrict_mode(in_force, "suggest") if limit else in_force


def find_limit(in_force: ConfigInForce, corrections: Iterable[Correction]) -> ModeLimit | None:
    """Return the limit of the mode by what people did with labels, None where there is none."""
    if not in_force.learns_from_corrections:
        return None
    return find_mode_limit(corrections, in_force.digest, in_force.config.labels.precision)


def digest_config(text: str | None) -> str:
    """Return the digest of a configuration file, "" where there is none."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16] if text else ""


def choose_model(config: RepoConfig, models: Collection[str]) -> str:
    """Return the name of the model that the repository names, else of the first; "" for none."""
    name = config.model.name or ""
    return name if name in models else next(iter(models), "")


def save_reported_problems(ref: IssueRef, problems: Sequence[ConfigProblem], store: Store) -> None:
    """Record that a comment reports these problems, so that later comments do not."""
    if problems:
        store.save_reported_problems(ref.repo_key, _compute_digest(problems))


def _compute_digest(problems: Sequence[ConfigProblem]) -> str:
    """Return a short key for a set of problems, "" for none."""
    if not problems:
        return ""
    return hashlib.sha256("\n".join(map(str, problems)).encode()).hexdigest()[:32]
