"""Say a Plan's comment. Safe to run twice: our comment is looked for before it is made.

Neither host has an idempotency key for comments, so an answer that got lost is settled by looking.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.core.errors import Doubtful, Retry
from bot.core.model import Comment, IssueRef, Plan
from bot.core.ports import Forge, Lock
from bot.flow.render import read_marker

LOOKS_AFTER = (2.0, 5.0, 10.0)


def say(
    plan: Plan,
    before: Comment | None,
    forge: Forge,
    lock: Lock,
    sleep: Callable[[float], None],
) -> Comment | None:
    """Write the Plan's comment, in place where there is one.

    None means that a person has deleted ours, so nothing is said. Raises `Retry` where the lock
    was lost or the forge stays silent.
    """
    assert plan.comment is not None
    if before is None:
        if not lock.held():
            raise Retry("the lock of this issue was lost")
        before = own_comment(plan.ref, forge)
    if before is None:
        return _post(plan.ref, plan.comment, forge, sleep)
    if before.body.strip() == plan.comment.strip():
        return before
    if not forge.edit(plan.ref, before.id, plan.comment):
        return None
    return Comment(before.id, plan.comment)


def _post(ref: IssueRef, body: str, forge: Forge, sleep: Callable[[float], None]) -> Comment:
    try:
        return forge.comment(ref, body)
    except Doubtful as doubt:
        for seconds in LOOKS_AFTER:
            sleep(seconds)
            if found := own_comment(ref, forge):
                return found
        raise Retry(f"{doubt}, and no comment of ours is there") from None


def own_comment(ref: IssueRef, forge: Forge) -> Comment | None:
    """Our comment; the lowest id wins where a race has left two.

    Without the marker it is not ours: the owner of a personal token writes comments by hand too.
    """
    return next((c for c in forge.comments(ref) if read_marker(c.body)), None)
