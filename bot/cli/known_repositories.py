"""Repositories that Redis knows by name, without a request to a forge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.cli import bootstrap
from bot.core import refs
from bot.core.types import IssueRef
from bot.settings.load import Settings

if TYPE_CHECKING:
    from bot.store.redis import RedisStore


def list_known(store: RedisStore) -> list[IssueRef]:
    """Return each repository that sent a delivery, or was polled, once, by name."""
    known = {ref.repo_key: ref for ref in store.reconcile_state.repositories()}
    return sorted(known.values(), key=str)


def find_known(settings: Settings, store: RedisStore, text: str) -> IssueRef | None:
    """Return the repository that an argument names, None if Redis does not know it.

    Raises `BadParameter` for an argument that names none.
    """
    given = bootstrap.parse_ref(settings, refs.repository, text, "REPO")
    same = (x for x in list_known(store) if (x.forge, x.host) == (given.forge, given.host))
    return next((ref for ref in same if ref.repo.casefold() == given.repo.casefold()), None)
