"""Creates a label of a repository; the bot itself never does, only a command of its operator."""

from __future__ import annotations

from collections.abc import Callable

from bot.core.errors import Forbidden, WriteUncertain
from bot.core.labels.names import fold
from bot.core.types import IssueRef, Label
from bot.forges.cache import RepositoryCache


def create_label(
    send: Callable[[], object],
    name: str,
    labels: RepositoryCache[tuple[Label, ...]],
    ref: IssueRef,
) -> bool:
    """Send the request; return False where the repository has a label of that name already.

    Forges refuse a second label of a name in different ways, and a response may be lost: the labels
    are read again after an error. Raises the errors of `Forge`.
    """
    try:
        send()
    except (Forbidden, WriteUncertain):
        if fold(name) not in [fold(label.name) for label in labels.refresh(ref)]:
            raise
        return False
    if known := labels.peek(ref):
        labels.discard(ref, known)
    return True
