"""Configurations from the text of a file."""

from __future__ import annotations

from bot.core.config import parser
from bot.core.config.schema import RepoConfig
from bot.core.errors import ConfigProblem


def parse(text: str | None) -> tuple[RepoConfig, tuple[ConfigProblem, ...]]:
    """Return a file's configuration and its problems."""
    parsed = parser.read(text)
    return parsed.config, parsed.problems
