"""The settings of polling: how often, and which repositories."""

from __future__ import annotations

import re

from bot.settings.environment import Environment

MIN_SECONDS, MAX_SECONDS = 10, 3600
SECONDS, REPOSITORIES = "TAGLINE_POLL_SECONDS", "TAGLINE_POLL_REPOS"
REPOSITORY = re.compile(r"github:[\w.-]+/[\w.-]+|gitlab:[\w.-]+(?:/[\w.-]+)+")


def read(env: Environment) -> tuple[int, tuple[str, ...]]:
    """Return the interval in seconds, 0 without polling, and the repositories, () for all."""
    seconds = env.integer(SECONDS, 0, MIN_SECONDS, MAX_SECONDS) if env.text(SECONDS) else 0
    named = filter(None, (item.strip() for item in env.plain(REPOSITORIES).split(",")))
    repositories = tuple(dict.fromkeys(named))
    if not all(map(REPOSITORY.fullmatch, repositories)):
        env.problems.append(
            f"{REPOSITORIES} must list repositories such as"
            " github:owner/repository,gitlab:group/project, separated by commas."
        )
    if repositories and not env.text(SECONDS):
        env.notices.append(f"{REPOSITORIES} is not used: set {SECONDS} to poll them.")
    return seconds, repositories
