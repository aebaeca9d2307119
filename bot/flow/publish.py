"""Say a Plan's comment. Safe to run twice: our comment is looked for before it is made.

Neither host has an idempotency key for comments, so an answer that got lost is settled by looking.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from bot.core.errors import Retry, TaglineError, WriteUncertain
from bot.core.ports import Forge, Lock
from bot.core.types import IssueRef, OwnComment, Plan, Record
from bot.flow.render import read_marker

LOOK_AGAIN_SECONDS = (2.0, 5.0, 10.0)


def write_comment(
    plan: Plan,
    before: OwnComment | None,
    forge: Forge,
    sleep: Callable[[float], None],
) -> OwnComment | None:
    """Write the Plan's comment, in place where there is one: `before`, as this job has found it.

    None means that a person has deleted ours, so nothing is said. Raises `Retry` where the forge
    stays silent.
    """
    assert plan.comment is not None
    if before is None:
        return _post(plan.ref, plan.comment, forge, sleep)
    if before.body.strip() == plan.comment.strip():
        return before
    if not forge.edit(plan.ref, before.id, plan.comment):
        return None
    return OwnComment(before.id, plan.comment)


def _post(ref: IssueRef, body: str, forge: Forge, sleep: Callable[[float], None]) -> OwnComment:
    """Post, then look again: of two comments posted in a race the later one is deleted."""
    try:
        made = forge.comment(ref, body)
    except WriteUncertain as doubt:
        for seconds in LOOK_AGAIN_SECONDS:
            sleep(seconds)
            if found := only_comment(ref, forge):
                return found
        raise Retry(f"{doubt}, and no comment of ours is there") from None
    with suppress(TaglineError):  # ours is there: its number is to be remembered in any case
        return only_comment(ref, forge) or made
    return made


def record_pending(begun: Record, lock: Lock) -> None:
    """Before a write: what is begun. Raises `Retry` where another worker may have the issue."""
    if not lock.save(begun):
        raise Retry("the lock of this issue was lost")


def only_comment(ref: IssueRef, forge: Forge) -> OwnComment | None:
    """Our comment, as `own_comment`; where a race has left more of them, these are deleted."""
    first, *doubled = _own_comments(ref, forge) or (None,)
    for comment in doubled:
        assert comment is not None
        forge.delete(ref, comment.id)
    return first


def own_comment(ref: IssueRef, forge: Forge) -> OwnComment | None:
    """Our comment; the lowest id wins where a race has left two.

    Without the marker it is not ours: the owner of a personal token writes comments by hand too.
    """
    return next(iter(_own_comments(ref, forge)), None)


def _own_comments(ref: IssueRef, forge: Forge) -> tuple[OwnComment, ...]:
    return tuple(c for c in forge.comments(ref) if read_marker(c.body))
