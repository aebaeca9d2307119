"""GitLab's JSON of an issue → `Issue`; which notes on it everybody sees."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bot.core.text.bounded import bound_body
from bot.core.types import Issue, IssueRef
from bot.forges.gitlab.bot_users import is_bot_user
from bot.forges.history import is_handled
from bot.forges.values import comment_count, text, timestamp


def parse_issue(ref: IssueRef, data: Mapping[str, Any], types: Collection[str]) -> Issue:
    """Return an issue with a bounded body. `types` count as issues."""
    return bound_body(read_issue(ref, data, types))


def read_issue(ref: IssueRef, data: Mapping[str, Any], types: Collection[str]) -> Issue:
    """Return an issue with its whole body."""
    work_item_type = text(data.get("issue_type")).lower() or "issue"
    username = text((data.get("author") or {}).get("username"))
    is_open = data.get("state") == "opened"
    return Issue(
        ref=ref,
        title=text(data.get("title")),
        body=text(data.get("description")),
        author=username,
        is_bot=is_bot_user(username),
        labels=tuple(text(label) for label in data.get("labels") or ()),
        is_open=is_open,
        locked=bool(data.get("discussion_locked")),
        confidential=data.get("confidential") is not False,
        is_pull_request=False,
        created_at=timestamp(data.get("created_at")),
        comments=comment_count(data.get("user_notes_count")),
        other_type="" if work_item_type in types else work_item_type,
        handled=is_handled(data, is_open=is_open),
        updated_at=timestamp(data.get("updated_at")),
    )


def is_public_comment(note: Mapping[str, Any]) -> bool:
    """Return whether a note is a comment that everybody sees who sees the issue.

    Servers before 15.5 have `confidential` in place of `internal`.
    """
    return not (note.get("internal") or note.get("confidential") or note.get("system"))
