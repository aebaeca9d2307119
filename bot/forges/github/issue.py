"""GitHub's JSON of an issue → `Issue`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.core.text.bounded import bound_body
from bot.core.types import Issue, IssueRef
from bot.forges.history import is_handled
from bot.forges.values import comment_count, require_id, text, timestamp

MEMBERS = ("OWNER", "MEMBER", "COLLABORATOR")  # of a repository, by `author_association`


def parse_issue(ref: IssueRef, data: Mapping[str, Any]) -> Issue:
    """Return an issue with a bounded body."""
    return bound_body(read_issue(ref, data))


def parse_listed(repository: IssueRef, data: Mapping[str, Any]) -> Issue:
    """Return an issue in a list of its repository's, with a bounded body. Raises `Retry`."""
    return parse_issue(replace(repository, number=require_id("GitHub", data, "number")), data)


def read_issue(ref: IssueRef, data: Mapping[str, Any]) -> Issue:
    """Return an issue with its whole body."""
    author = data.get("user") or {}
    is_open = data.get("state") == "open"
    return Issue(
        ref=ref,
        title=text(data.get("title")),
        body=text(data.get("body")),
        author=text(author.get("login")),
        is_bot=author.get("type") == "Bot",
        labels=tuple(read_label_name(label) for label in data.get("labels") or ()),
        is_open=is_open,
        locked=bool(data.get("locked")),
        confidential=False,
        is_pull_request="pull_request" in data,
        created_at=timestamp(data.get("created_at")),
        comments=comment_count(data.get("comments")),
        handled=is_handled(data, is_open=is_open),
        type=_read_name(data.get("type")),
        updated_at=timestamp(data.get("updated_at")),
    )


def read_label_name(label: object) -> str:
    """Return a label's name; GitHub's API description allows plain names beside objects."""
    return _read_name(label) if isinstance(label, Mapping) else text(label)


def is_by_person(item: Mapping[str, Any]) -> bool:
    return (item.get("user") or {}).get("type") != "Bot"


def _read_name(value: object) -> str:
    return text(value.get("name")) if isinstance(value, Mapping) else ""
