"""Issue forms and templates on GitHub, and comments of an issue's author.

https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.core.errors import NotFound
from bot.core.report_port import TemplateFile
from bot.core.types import Issue, IssueRef
from bot.forges.github.client import RAW
from bot.forges.github.issue import is_by_person
from bot.forges.github.paths import COMMENTS, CONTENTS
from bot.forges.github.repository_requests import RepositoryRequests
from bot.forges.issue_templates import cache_templates, read_templates
from bot.forges.values import text

FOLDER, NAME, ROOT_FILE = ".github", "issue_template", "ISSUE_TEMPLATE.md"


class GitHubReports:
    """Implements `ReportSource`."""

    def __init__(self, api: RepositoryRequests) -> None:
        self._call, self._list_pages = api.call, api.list_pages
        self._templates = cache_templates(self._fetch)

    def list_templates(self, ref: IssueRef) -> tuple[TemplateFile, ...]:
        return self._templates.get(ref)

    def list_author_comments(self, issue: Issue) -> tuple[str, ...]:
        return tuple(
            text(comment.get("body"))
            for comment in self._list_pages(COMMENTS, issue.ref)
            if is_by_person(comment) and (comment.get("user") or {}).get("login") == issue.author
        )

    def _fetch(self, ref: IssueRef) -> tuple[TemplateFile, ...]:
        return read_templates(self._list_paths(ref), lambda path: self._fetch_text(ref, path))

    def _list_paths(self, ref: IssueRef) -> Iterator[str]:
        """Yield the paths of templates; GitHub takes their folder's and file's name in any case."""
        entries = self._list_folder(ref, FOLDER)
        folders = [path for path, kind in entries if kind == "dir" and _name(path) == NAME]
        files = [path for path, _ in entries if _name(path) == f"{NAME}.md"]
        for folder in folders[:1]:
            files += [path for path, kind in self._list_folder(ref, folder) if kind == "file"]
        yield from files if folders or files else [ROOT_FILE]

    def _list_folder(self, ref: IssueRef, path: str) -> list[tuple[str, str]]:
        """Return path and kind of each file and folder in a folder, none where it is missing."""
        try:
            listed = self._call("GET", CONTENTS, ref, {"path": path})
        except NotFound:
            return []
        entries = listed if isinstance(listed, list) else []
        return [
            (text(one.get("path")), text(one.get("type")))
            for one in entries
            if isinstance(one, Mapping)
        ]

    def _fetch_text(self, ref: IssueRef, path: str) -> str | None:
        found = self._call("GET", CONTENTS, ref, {"path": path}, accept=RAW)
        return text(found) if isinstance(found, str) else None


def _name(path: str) -> str:
    return path.rpartition("/")[2].lower()
