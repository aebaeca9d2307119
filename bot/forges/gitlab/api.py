"""GitLab's implementation of `Forge`, `DeliveryHistory`, `IssueHistorySource`, by python-gitlab."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cache, cached_property, partial
from typing import Any

from gitlab.utils import EncodedId
from gitlab.v4.objects import Project, ProjectIssue

from bot.core.errors import NotFound, PermanentError, Retry, WriteUncertain
from bot.core.labels.common_labels import NewLabel
from bot.core.labels.policy import scope
from bot.core.training import HistoryPage
from bot.core.types import (
    HeldSuggestion,
    Issue,
    IssueRef,
    Label,
    LabelChange,
    LabelSuggestion,
    OwnComment,
    Rate,
)
from bot.footprint import large_responses
from bot.forges.cache import NameCache, RepositoryCache
from bot.forges.config_files import list_unread, read_first
from bot.forges.gitlab.backend import call, connect
from bot.forges.gitlab.bot_users import is_bot_user
from bot.forges.gitlab.commands import GitLabCommands
from bot.forges.gitlab.issue import parse_issue
from bot.forges.gitlab.past_issues import IssueLists
from bot.forges.gitlab.paths import PAGE, format_issue_path
from bot.forges.gitlab.reports import GitLabReports
from bot.forges.gitlab.search import GitLabSearch
from bot.forges.history import PAGE_BYTES
from bot.forges.labels import create_label
from bot.forges.values import (
    require_id,
    require_object,
    require_web_host,
    text,
    timestamp,
)
from bot.http import ClientPool

DEVELOPER = 30
MAX_PAGES = 50
CONFIG_PATHS = (".gitlab/tagline.yml", ".gitlab/tagline.yaml")  # the first that exists is read
MISPLACED = (
    *("tagline.yml", "tagline.yaml", ".tagline.yml", ".tagline.yaml"),
    *(".github/tagline.yml", ".github/tagline.yaml"),
)
DEFAULTS = ".gitlab"  # a group's project that may hold the file for all others
MAX_GROUPS = 20  # https://docs.gitlab.com/user/group/subgroups/
LABELS_SECONDS = 300
CONFIG_SECONDS = 60
DEFAULTS_SECONDS = 300


class GitLab:
    """Implements `Forge`, `DeliveryHistory`, `IssueHistorySource`; safe to share between threads.

    URLs contain a project's number if it is known, so a rename or a wrong path in a delivery
    changes nothing. `types` are the work item types that count as issues. `host` is the one in
    references; a link may have another one.
    """

    # https://docs.gitlab.com/administration/settings/rate_limit_on_notes_creation/: 300 a minute
    rate = Rate(per_minute=240, per_hour=14_400)

    def __init__(
        self,
        url: str,
        token: str,
        clients: ClientPool,
        types: Collection[str] = ("issue",),
        host: str = "",
    ) -> None:
        self._types = types
        self._host = host
        self._gl = connect(url, token, clients)
        pages = connect(url, token, clients, PAGE_BYTES)
        self._lists = IssueLists(self._gl, pages, types)
        self._anonymous = not token
        self.commands = GitLabCommands(self._get_project, lambda: self._own_name)
        self.reports = GitLabReports(self._gl, self._list_notes, self._fetch_text)
        self._names = NameCache(self._fetch_path)
        self.related = GitLabSearch(pages, self._names.get, self._is_own, types)
        self._labels = RepositoryCache(self._fetch_labels, LABELS_SECONDS)
        self._configs = RepositoryCache(self._fetch_config, CONFIG_SECONDS)
        self._defaults = RepositoryCache(self._fetch_file, DEFAULTS_SECONDS)

    def complete_ref(self, ref: IssueRef) -> IssueRef:
        """Return a reference from the command line with the project's number and path."""
        project = call(lambda: self._gl.projects.get(ref.repo)).attributes
        if self._host and ref.host not in ("", self._host):
            require_web_host("GITLAB_URL", project.get("web_url"), ref.host)
            ref = replace(ref, host=self._host)
        repo_id, path = require_id("GitLab", project), text(project.get("path_with_namespace"))
        ref = replace(ref, repo_id=repo_id, repo=path)
        self._names.put(ref)
        return ref

    def get_issue(self, ref: IssueRef) -> Issue:
        # python-gitlab's object refers to itself: a long description would stay in memory until the
        # next garbage collection.
        path = format_issue_path(ref)
        with large_responses():
            data = require_object("GitLab", call(lambda: self._gl.http_get(path)), "iid", "title")
            return parse_issue(ref, data, self._types)

    def list_types(self, ref: IssueRef) -> tuple[Label, ...]:
        """Return none: the types of issues are labels here."""
        return ()

    def set_type(self, ref: IssueRef, name: str) -> bool:
        return False

    def list_type_changes(self, ref: IssueRef) -> tuple[LabelChange, ...]:
        return ()

    def list_labels(self, ref: IssueRef) -> tuple[Label, ...]:
        return self._labels.get(ref)

    def get_config_text(self, ref: IssueRef) -> str | None:
        return self._configs.get(ref)

    def list_own_comments(self, ref: IssueRef) -> tuple[OwnComment, ...]:
        if self._anonymous:
            return ()
        own_id = self._own_id
        own = [
            OwnComment(int(note.id), text(note.body))
            for note in self._list_notes(ref)
            if not note.system and note.author["id"] == own_id
        ]
        return tuple(sorted(own, key=lambda comment: comment.id))

    def list_other_bots_comments(self, ref: IssueRef) -> tuple[OwnComment, ...]:
        if self._anonymous:  # users are not shown then
            return ()
        own_id, confirm = self._own_id, cache(self._is_bot)
        return tuple(
            OwnComment(int(note.id), text(note.body))
            for note in self._list_notes(ref)
            if note.author["id"] != own_id
            and is_bot_user(text(note.author["username"]))
            and confirm(int(note.author["id"]))
        )

    def _is_bot(self, user_id: int) -> bool:
        """Return whether GitLab made the user for a token: a person may have such a name too."""
        try:
            user = call(lambda: self._gl.users.get(user_id)).attributes
        except PermanentError:
            return False
        return user.get("bot") is True

    def may_have_lost_comment(self, ref: IssueRef) -> bool:
        """As in `Forge`; GitLab shows no deleted notes, but the labels that the bot set before."""
        return any(change.own for change in self.list_label_changes(ref))

    def post_comment(self, ref: IssueRef, body: str) -> OwnComment:
        note = call(lambda: self._get_issue(ref).notes.create({"body": body}), WriteUncertain)
        if not isinstance(getattr(note, "id", None), int):
            raise WriteUncertain("GitLab accepted the note with a response that cannot be read")
        return OwnComment(note.id, body)

    def edit_comment(self, ref: IssueRef, comment_id: int, body: str) -> bool:
        notes = self._get_issue(ref).notes
        try:
            call(lambda: notes.update(comment_id, {"body": body}), WriteUncertain)
        except NotFound:
            return False
        return True

    def delete_comment(self, ref: IssueRef, comment_id: int) -> None:
        notes = self._get_issue(ref).notes
        with suppress(NotFound):
            call(lambda: notes.delete(comment_id), WriteUncertain)

    def has_member_reply(self, ref: IssueRef) -> bool:
        own_id = self._own_id
        authors = [note.author for note in self._list_notes(ref)]
        people = {author["username"] for author in authors if author["id"] != own_id}
        return any(self._is_developer(ref, username) for username in people)

    def author_can_write(self, issue: Issue) -> bool:
        return self._is_developer(issue.ref, issue.author)

    def _is_developer(self, ref: IssueRef, username: str) -> bool:
        members = self._get_project(ref).members_all
        try:
            matches = call(lambda: members.list(query=username, per_page=PAGE, get_all=False))
        except PermanentError:
            return False
        return any(m.username == username and m.access_level >= DEVELOPER for m in matches)

    def takes_suggestions(self, ref: IssueRef) -> bool:
        return False

    def suggest_type(self, ref: IssueRef, suggested: LabelSuggestion) -> None:
        """Do nothing, as `takes_suggestions` says."""

    def list_suggestions(self, ref: IssueRef, state: str) -> tuple[HeldSuggestion, ...]:
        return ()

    def dismiss_suggestion(self, ref: IssueRef, suggestion: int) -> None:
        """Do nothing."""

    def add_labels(
        self,
        ref: IssueRef,
        names: tuple[str, ...],
        suggested: tuple[LabelSuggestion, ...] = (),
    ) -> tuple[str, ...]:
        # GitLab creates unknown labels, and a scoped one replaces its sibling: both lists are
        # fetched just before.
        settable = {label.name for label in self._labels.refresh(ref) if label.settable}
        scopes = {scope(name) for name in self.get_issue(ref).labels} - {""}
        names = tuple(name for name in names if name in settable and scope(name) not in scopes)
        if names:
            self._update_labels(ref, "add_labels", names)
        return names

    def remove_labels(self, ref: IssueRef, names: tuple[str, ...]) -> None:
        self._update_labels(ref, "remove_labels", names)

    def _update_labels(self, ref: IssueRef, change: str, names: tuple[str, ...]) -> None:
        issues = self._get_project(ref).issues
        call(lambda: issues.update(ref.number, {change: list(names)}), WriteUncertain)

    def list_label_changes(self, ref: IssueRef) -> tuple[LabelChange, ...]:
        own_id = self._own_id
        events = self._list_pages(self._get_issue(ref).resourcelabelevents)
        return tuple(
            LabelChange(
                name=text(event.label["name"]),
                added=event.action == "add",
                at=timestamp(event.created_at),
                own=event.user["id"] == own_id,
                by_bot=is_bot_user(text(event.user.get("username"))),
            )
            for event in events
            if event.label and event.user  # None for a label or a user that was deleted
        )

    def list_opened_issues(
        self, repository: IssueRef, since: float, until: float
    ) -> tuple[IssueRef, ...]:
        issues = self._list_pages(
            self._get_project(repository).issues,
            state="opened",
            created_after=datetime.fromtimestamp(since, UTC).isoformat(),
            created_before=datetime.fromtimestamp(until, UTC).isoformat(),
            confidential=False,
            order_by="created_at",
            sort="desc",
        )
        return tuple(
            replace(repository, number=int(issue.iid))
            for issue in issues
            if not is_bot_user(text(issue.author["username"]))
            and issue.attributes.get("issue_type", "issue") in self._types
        )

    def list_labelled_issues(self, repository: IssueRef, cursor: str = "") -> HistoryPage:
        return self._lists.read_past(repository, cursor, labelled=True)

    def list_past_issues(self, repository: IssueRef, cursor: str = "") -> HistoryPage:
        return self._lists.read_past(repository, cursor, labelled=False)

    def create_label(self, ref: IssueRef, label: NewLabel) -> bool:
        labels, data = self._get_project(ref).labels, asdict(label) | {"color": f"#{label.color}"}
        send = partial(call, lambda: labels.create(data), WriteUncertain)
        return create_label(send, label.name, self._labels, ref)

    def list_failed_deliveries(self, since: float) -> Mapping[int, str]:
        return {}  # only a project's maintainers may see them

    def redeliver(self, delivery: int) -> None:
        raise NotFound("GitLab redelivers for a project's maintainers only")

    def _fetch_labels(self, ref: IssueRef) -> tuple[Label, ...]:
        labels = self._list_pages(self._get_project(ref).labels, include_ancestor_groups=True)
        return tuple(
            # GitLab splits lists of label names at commas.
            Label(text(x.name), text(x.description), settable="," not in x.name)
            for x in labels
        )

    def _fetch_config(self, ref: IssueRef) -> str | None:
        """Return the project's own file, else that of the nearest group."""
        config = self._fetch_file(ref)
        if config is not None:
            return config
        path = self._names.get(ref)
        parts = path.split("/")
        for depth in range(len(parts) - 1, 0, -1)[:MAX_GROUPS]:
            project = "/".join([*parts[:depth], DEFAULTS])
            if project.lower() != path.lower():
                config = self._defaults.get(replace(ref, repo=project, repo_id=0, number=0))
            if config is not None:
                break
        return config

    def _fetch_path(self, ref: IssueRef) -> str:
        """Return the path of the project with this number. Raises `NotFound`."""
        project = call(lambda: self._gl.projects.get(ref.repo_id)).attributes
        path = text(project.get("path_with_namespace"))
        if not path or project.get("id") != ref.repo_id:
            raise Retry("GitLab's response about a project cannot be read")
        return path

    def list_unread_configs(self, ref: IssueRef) -> tuple[str, ...]:
        return list_unread(CONFIG_PATHS, MISPLACED, lambda path: self._fetch_text(ref, path))

    def _fetch_file(self, ref: IssueRef) -> str | None:
        return read_first(CONFIG_PATHS, lambda path: self._fetch_text(ref, path))

    def _fetch_text(self, ref: IssueRef, path: str) -> str:
        """Return a file's text. Raises `PermanentError`."""
        url = f"{self._get_project(ref).files.path}/{EncodedId(path)}/raw"
        # With `streamed`, the backend reads at most the size limit of a file.
        response = call(lambda: self._gl.http_get(url, {"ref": "HEAD"}, streamed=True))
        assert not isinstance(response, dict)
        return response.content.decode("utf-8", "replace")

    def _get_project(self, ref: IssueRef) -> Project:
        return self._gl.projects.get(ref.repo_id or ref.repo, lazy=True)

    def _get_issue(self, ref: IssueRef) -> ProjectIssue:
        return self._get_project(ref).issues.get(ref.number, lazy=True)

    def _list_notes(self, ref: IssueRef) -> list[Any]:
        return self._list_pages(
            self._get_issue(ref).notes, activity_filter="only_comments", sort="asc"
        )

    def _is_own(self, item: Mapping[str, Any]) -> bool:
        author = item.get("author") or {}
        return not self._anonymous and author.get("id") == self._own_id

    @property
    def _own_id(self) -> int:
        return require_id("GitLab", self._own_user)

    @property
    def _own_name(self) -> str:
        return "" if self._anonymous else text(self._own_user.get("username"))

    @cached_property
    def _own_user(self) -> dict[str, Any]:
        call(self._gl.auth)
        assert self._gl.user is not None
        return self._gl.user.attributes

    def _list_pages(self, manager: Any, **query: Any) -> list[Any]:
        """Return the items of all pages, by number: a link in a response is not followed."""
        items: list[Any] = []
        for page in range(1, MAX_PAGES + 1):
            paging = {"page": page, "per_page": PAGE, "get_all": False}
            some: list[Any] = call(partial(manager.list, **paging, **query))
            items += some
            if len(some) < PAGE:
                break
        return items
