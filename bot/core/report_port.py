"""The port for what a report should contain; see `Forge.reports`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.core.types import Issue, IssueRef

MAX_TEMPLATES = 10  # of a repository


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """An issue form (YAML) or issue template (Markdown), by the ending of its `path`."""

    path: str
    text: str


class ReportSource(Protocol):
    """Raises the errors of `Forge`."""

    def list_templates(self, ref: IssueRef) -> tuple[TemplateFile, ...]:
        """Return at most `MAX_TEMPLATES` of the repository's issue forms and templates.

        None where it has none, or where its files may not be read.
        """

    def list_author_comments(self, issue: Issue) -> tuple[str, ...]:
        """Return the comments of the issue's author that everybody sees, the oldest first."""
