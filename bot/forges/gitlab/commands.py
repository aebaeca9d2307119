"""Comments with commands on GitLab; implements `CommandComments`.

A line that starts with a slash is a quick action there, so people write the bot's name.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from gitlab.v4.objects import Project

from bot.core.command_port import UserComment
from bot.core.errors import PermanentError, WriteUncertain
from bot.core.types import IssueRef
from bot.forges.gitlab.backend import call
from bot.forges.gitlab.bot_users import is_bot_user
from bot.forges.gitlab.issue import is_public_comment
from bot.forges.values import number, text

REPORTER = 20  # the lowest role that may change labels and that is no Planner
REACTION = "eyes"


class GitLabCommands:
    """`get_project` returns a project without a request, `get_username` the bot's name, "" for a
    client without a token."""

    def __init__(
        self, get_project: Callable[[IssueRef], Project], get_username: Callable[[], str]
    ) -> None:
        self._get_project = get_project
        self._get_username = get_username

    def list_prefixes(self, alias: str) -> tuple[str, ...]:
        names = (alias.removeprefix("@"), self._get_username())
        return tuple(dict.fromkeys(f"@{name}" for name in names if name))

    def get_comment(self, ref: IssueRef, comment_id: int) -> UserComment | None:
        note = call(lambda: self._get_notes(ref).get(comment_id)).attributes
        author = note.get("author") or {}
        user = author.get("id")
        is_by_person = isinstance(user, int) and not is_bot_user(text(author.get("username")))
        if not (is_by_person and is_public_comment(note)):
            return None
        return UserComment(comment_id, text(note.get("body")), str(user))

    def may_command(self, ref: IssueRef, author: str) -> bool:
        members = self._get_project(ref).members_all  # also those of its groups
        try:
            member = call(lambda: members.get(author)).attributes
        except PermanentError:
            return False
        is_active = member.get("state") == "active" and not _is_past(member.get("expires_at"))
        return is_active and (number(member.get("access_level")) or 0) >= REPORTER

    def acknowledge(self, ref: IssueRef, comment_id: int) -> None:
        note = self._get_notes(ref).get(comment_id, lazy=True)
        with suppress(PermanentError):  # GitLab answers 404 where the bot's reaction is there
            call(lambda: note.awardemojis.create({"name": REACTION}), WriteUncertain)

    def _get_notes(self, ref: IssueRef) -> Any:
        return self._get_project(ref).issues.get(ref.number, lazy=True).notes


def _is_past(date: object) -> bool:
    """Return whether a membership with this last day, as in 2026-11-30, has ended."""
    return bool(text(date)) and text(date)[:10] < datetime.now(UTC).date().isoformat()
