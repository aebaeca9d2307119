"""Reads the configuration of a repository for a command, which changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bot.cli import bootstrap
from bot.core.types import IssueRef
from bot.flow.load_config import ConfigInForce, find_config
from bot.settings.load import Settings

if TYPE_CHECKING:
    from bot.forges.registry import ForgeClient

EFFECTS = {
    "present": "its other settings hold.",
    "last": "it cannot be read, so the last readable one holds, with what this one limits further.",
    "none": "it cannot be read and Redis knows no earlier one, so labels are only suggested until"
    " it can, and of its settings only the limits in its readable parts hold.",
}


def read_config(settings: Settings, forge: ForgeClient, ref: IssueRef) -> ConfigInForce:
    """Return the configuration as a job would find it; name its problems on standard error.

    Raises the errors of a forge. Without Redis no earlier file is known.
    """
    in_force = find_config(forge.get_config_text(ref), lambda: _load_last(settings, ref))
    for note in (*in_force.problems, EFFECTS[in_force.origin]) if in_force.problems else ():
        click.echo(f"tagline.yml of {ref.repo_name}: {note}", err=True)
    return in_force


def _load_last(settings: Settings, ref: IssueRef) -> str | None:
    import redis

    from bot import wiring

    try:
        return wiring.redis_store(bootstrap.open_redis(settings)).last_config(ref.repo_key)
    except redis.RedisError:
        return None
