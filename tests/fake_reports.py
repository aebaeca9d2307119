"""The part of the fake forge that is about templates and the author's comments."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.core.errors import TaglineError
from bot.core.report_port import TemplateFile
from bot.core.types import Issue, IssueRef


@dataclass
class FakeReports:
    """Implements `ReportSource`. `comments` are pairs: a person, and what this person wrote.

    `errors` are raised by the next requests, in their order.
    """

    templates: list[TemplateFile] = field(default_factory=list)
    comments: list[tuple[str, str]] = field(default_factory=list)
    errors: list[TaglineError] = field(default_factory=list)
    requests: int = 0

    def list_templates(self, ref: IssueRef) -> tuple[TemplateFile, ...]:
        self._count()
        return tuple(self.templates)

    def list_author_comments(self, issue: Issue) -> tuple[str, ...]:
        self._count()
        return tuple(body for author, body in self.comments if author == issue.author)

    def _count(self) -> None:
        self.requests += 1
        if self.errors:
            raise self.errors.pop(0)
