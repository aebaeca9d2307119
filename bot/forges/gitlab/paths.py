"""The paths of a project and of its issues in GitLab's API."""

from __future__ import annotations

from gitlab.utils import EncodedId

from bot.core.types import IssueRef

PAGE = 100  # the most items that a list may have


def format_project_path(ref: IssueRef) -> str:
    """Return the path of a project, by its id where that is known."""
    return f"/projects/{EncodedId(ref.repo_id or ref.repo)}"


def format_issues_path(ref: IssueRef) -> str:
    return f"{format_project_path(ref)}/issues"


def format_issue_path(ref: IssueRef) -> str:
    return f"{format_issues_path(ref)}/{ref.number}"
