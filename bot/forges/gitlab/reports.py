"""Issue templates on GitLab, and comments of an issue's author: implements `ReportSource`.

https://docs.gitlab.com/user/project/description_templates/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gitlab import Gitlab

from bot.core.errors import NotFound
from bot.core.report_port import TemplateFile
from bot.core.types import Issue, IssueRef
from bot.forges.gitlab.backend import call, fetch_page
from bot.forges.gitlab.issue import is_public_comment
from bot.forges.gitlab.paths import PAGE, format_project_path
from bot.forges.issue_templates import cache_templates, read_templates
from bot.forges.values import require_object, text

FOLDER = ".gitlab/issue_templates"
DEFAULT = "default.md"  # the name that stands for the project's default template


class GitLabReports:
    """`list_notes` returns the comments on an issue, `fetch_text` a file of its project."""

    def __init__(
        self,
        client: Gitlab,
        list_notes: Callable[[IssueRef], list[Any]],
        fetch_text: Callable[[IssueRef, str], str | None],
    ) -> None:
        self._client, self._list_notes = client, list_notes
        self._fetch_text = fetch_text
        self._templates = cache_templates(self._fetch)

    def list_templates(self, ref: IssueRef) -> tuple[TemplateFile, ...]:
        return self._templates.get(ref)

    def list_author_comments(self, issue: Issue) -> tuple[str, ...]:
        return tuple(
            text(note.body)
            for note in self._list_notes(issue.ref)
            if is_public_comment(note.attributes)
            and (note.author or {}).get("username") == issue.author
        )

    def _fetch(self, ref: IssueRef) -> tuple[TemplateFile, ...]:
        files = read_templates(self._list_paths(ref), lambda path: self._fetch_text(ref, path))
        return (*self._find_default(ref), *files)

    def _find_default(self, ref: IssueRef) -> Iterator[TemplateFile]:
        """Yield the default template in the project's settings, which takes the place of a file."""
        path = format_project_path(ref)
        project = require_object("GitLab", call(lambda: self._client.http_get(path)))
        if default := text(project.get("issues_template")):
            yield TemplateFile(DEFAULT, default)

    def _list_paths(self, ref: IssueRef) -> list[str]:
        query = {"path": FOLDER, "ref": "HEAD", "per_page": PAGE}
        try:
            listed = fetch_page(self._client, f"{format_project_path(ref)}/repository/tree", query)
        except NotFound:
            return []
        return [text(one.get("path")) for one in listed.items if one.get("type") == "blob"]
