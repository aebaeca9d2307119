"""GitLab's side of an issue, through python-gitlab: read it afresh, write to it additively."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import gitlab
from gitlab.exceptions import GitlabError
from gitlab.utils import EncodedId
from gitlab.v4.objects import Project, ProjectIssue

from bot.core.errors import NotFound, PermanentError, Retry, WriteUncertain
from bot.core.labels.policy import scope
from bot.core.text.bounded import bounded
from bot.core.types import Issue, IssueRef, Label, OwnComment, Rate
from bot.footprint import large_responses
from bot.forges.cache import Names, PerRepository
from bot.forges.gitlab.backend import HttpxBackend
from bot.forges.values import moment, text
from bot.http import ClientPool

T = TypeVar("T")
PAGE = 100
DEVELOPER = 30
MAX_PAGES = 50
CONFIG_PATH = ".gitlab/tagline.yml"
DEFAULTS = ".gitlab"  # the project of a group that may hold a file for all others
MOST_GROUPS = 20  # https://docs.gitlab.com/user/group/subgroups/
LABELS_SECONDS = 300
CONFIG_SECONDS = 60
DEFAULTS_SECONDS = 300
# https://docs.gitlab.com/user/project/settings/project_access_tokens/#bot-users-for-projects
BOT_USER = re.compile(r"(?:project|group)_\d+_bot(?:_\w+)?|service_account_\w+")


class GitLab:
    """Implements the `Forge` and `Watched` ports; safe to share between threads.

    Projects are addressed by number where it is known, so neither a rename nor a delivery that is
    wrong about the path changes anything.
    """

    # https://docs.gitlab.com/administration/settings/rate_limit_on_notes_creation/: 300 a minute
    rate = Rate(per_minute=240, per_hour=14_400)

    def __init__(
        self, url: str, token: str, clients: ClientPool, types: Collection[str] = ("issue",)
    ) -> None:
        self._types = types
        self._gl = gitlab.Gitlab(
            url, token or None, keep_base_url=True, backend=HttpxBackend, clients=clients
        )
        self._own_id = 0
        self._names = Names(self._fetch_path)
        self._anonymous = not token
        self._labels = PerRepository(self._fetch_labels, LABELS_SECONDS)
        self._configs = PerRepository(self._fetch_config, CONFIG_SECONDS)
        self._defaults = PerRepository(self._fetch_file, DEFAULTS_SECONDS)

    def locate(self, ref: IssueRef) -> IssueRef:
        """Complete a reference that a person typed with the project's number."""
        project = self._ask(lambda: self._gl.projects.get(ref.repo))
        return replace(ref, repo_id=project.id, repo=project.path_with_namespace)

    def issue(self, ref: IssueRef) -> Issue:
        with large_responses():
            return bounded(self._whole_issue(ref))

    def _whole_issue(self, ref: IssueRef) -> Issue:
        # Not as python-gitlab's object: it refers to itself, so a long description would stay until
        # the garbage collector comes by.
        path = f"/projects/{EncodedId(ref.repo_id or ref.repo)}/issues/{ref.number}"
        found = self._ask(lambda: self._gl.http_get(path))
        if not isinstance(found, dict):
            raise Retry("GitLab's answer cannot be read")
        author = found.get("author") or {}
        username = text(author.get("username"))
        return Issue(
            ref=ref,
            title=text(found.get("title")),
            body=text(found.get("description")),
            author=username,
            is_bot=BOT_USER.fullmatch(username) is not None,
            labels=tuple(text(label) for label in found.get("labels") or ()),
            is_open=found.get("state") == "opened",
            locked=bool(found.get("discussion_locked")),
            confidential=found.get("confidential") is not False,
            is_pull_request=False,
            created_at=moment(found.get("created_at")),
            commented=found.get("user_notes_count") != 0,
        )

    def labels(self, ref: IssueRef) -> tuple[Label, ...]:
        return self._labels.get(ref)

    def config_text(self, ref: IssueRef) -> str | None:
        return self._configs.get(ref)

    def comments(self, ref: IssueRef) -> tuple[OwnComment, ...]:
        if self._anonymous:
            return ()
        own_id = self._own()
        notes = self._issue(ref).notes
        found = self._pages(notes, activity_filter="only_comments", sort="asc")
        ours = (
            OwnComment(int(note.id), text(note.body))
            for note in found
            if not note.system and note.author["id"] == own_id
        )
        return tuple(sorted(ours, key=lambda comment: comment.id))

    def comment(self, ref: IssueRef, body: str) -> OwnComment:
        made = self._write(lambda: self._issue(ref).notes.create({"body": body}))
        if not isinstance(getattr(made, "id", None), int):
            raise WriteUncertain("GitLab took the note with an answer that cannot be read")
        return OwnComment(made.id, body)

    def edit(self, ref: IssueRef, comment_id: int, body: str) -> bool:
        notes = self._issue(ref).notes
        try:
            self._write(lambda: notes.update(comment_id, {"body": body}))
        except NotFound:
            return False
        return True

    def delete(self, ref: IssueRef, comment_id: int) -> None:
        notes = self._issue(ref).notes
        with suppress(NotFound):
            self._write(lambda: notes.delete(comment_id))

    def replied(self, ref: IssueRef) -> bool:
        own_id, notes = self._own(), self._issue(ref).notes
        found = self._pages(notes, activity_filter="only_comments", sort="asc")
        people = {note.author["username"] for note in found if note.author["id"] != own_id}
        return any(self._is_developer(ref, username) for username in people)

    def can_write(self, issue: Issue) -> bool:
        return self._is_developer(issue.ref, issue.author)

    def _is_developer(self, ref: IssueRef, username: str) -> bool:
        members = self._project(ref).members_all
        asked = partial(members.list, query=username, per_page=PAGE, get_all=False)
        try:
            found = self._ask(asked)
        except PermanentError:
            return False
        return any(m.username == username and m.access_level >= DEVELOPER for m in found)

    def add_labels(self, ref: IssueRef, names: tuple[str, ...]) -> tuple[str, ...]:
        # GitLab creates unknown labels, and a scoped one takes the place of its sibling: both
        # lists are read afresh just before.
        labels = self._labels.fresh(ref)
        settable = {label.name for label in labels if label.settable}
        with large_responses():
            present = self._whole_issue(ref).labels
        taken = {scope(name) for name in present} - {""}
        names = tuple(name for name in names if name in settable and scope(name) not in taken)
        if names:
            issues = self._project(ref).issues
            self._write(lambda: issues.update(ref.number, {"add_labels": list(names)}))
        return names

    def remove_labels(self, ref: IssueRef, names: tuple[str, ...]) -> None:
        issues = self._project(ref).issues
        self._write(lambda: issues.update(ref.number, {"remove_labels": list(names)}))

    def set_by_us(self, ref: IssueRef, names: tuple[str, ...]) -> tuple[str, ...]:
        own_id = self._own()
        events = self._pages(self._issue(ref).resourcelabelevents)
        added = (e for e in events if e.action == "add" and e.label and e.user)
        last = {text(e.label["name"]): e.user["id"] == own_id for e in added}
        return tuple(name for name in names if last.get(name))

    def opened_between(self, place: IssueRef, since: float, until: float) -> tuple[IssueRef, ...]:
        query = {
            "state": "opened",
            "created_after": datetime.fromtimestamp(since, UTC).isoformat(),
            "created_before": datetime.fromtimestamp(until, UTC).isoformat(),
            "confidential": False,
            "order_by": "created_at",
            "sort": "desc",
        }
        found = self._pages(self._project(place).issues, **query)
        people = (i for i in found if not BOT_USER.fullmatch(text(i.author["username"])))
        wanted = (i for i in people if i.attributes.get("issue_type", "issue") in self._types)
        return tuple(replace(place, number=int(issue.iid)) for issue in wanted)

    def failed_deliveries(self, since: float) -> Mapping[int, str]:
        return {}  # only a project's maintainers may see them

    def redeliver(self, delivery: int) -> None:
        raise NotFound("GitLab redelivers for a project's maintainers only")

    def _fetch_labels(self, ref: IssueRef) -> tuple[Label, ...]:
        found = self._pages(self._project(ref).labels, include_ancestor_groups=True)
        return tuple(
            # GitLab splits texts and lists of label names at commas.
            Label(text(x.name), text(x.description), settable="," not in x.name)
            for x in found
        )

    def _fetch_config(self, ref: IssueRef) -> str | None:
        """The project's own file, which wins as a whole, or that of the nearest group."""
        found = self._fetch_file(ref)
        if found is not None:
            return found
        path = self._names.of(ref)
        for group in _groups(path):
            if (project := f"{group}/{DEFAULTS}").lower() == path.lower():
                continue
            found = self._defaults.get(replace(ref, repo=project, repo_id=0, number=0))
            if found is not None:
                return found
        return None

    def _fetch_path(self, ref: IssueRef) -> str:
        """The path of the project with this number. Raises `NotFound` where there is none."""
        project = self._ask(lambda: self._gl.projects.get(ref.repo_id)).attributes
        path = text(project.get("path_with_namespace"))
        if not path or project.get("id") != ref.repo_id:
            raise Retry("GitLab's answer about a project cannot be read")
        return path

    def _fetch_file(self, ref: IssueRef) -> str | None:
        files = self._project(ref).files
        try:
            path = f"{files.path}/{EncodedId(CONFIG_PATH)}/raw"
            # `streamed`: the backend reads no more of a file than is of use
            found = self._ask(lambda: self._gl.http_get(path, {"ref": "HEAD"}, streamed=True))
        except PermanentError:
            return None
        assert not isinstance(found, dict)
        return found.content.decode("utf-8", "replace")

    def _project(self, ref: IssueRef) -> Project:
        return self._gl.projects.get(ref.repo_id or ref.repo, lazy=True)

    def _issue(self, ref: IssueRef) -> ProjectIssue:
        return self._project(ref).issues.get(ref.number, lazy=True)

    def _own(self) -> int:
        if not self._own_id:
            self._ask(self._gl.auth)
            assert self._gl.user is not None
            self._own_id = int(self._gl.user.id)
        return self._own_id

    def _pages(self, manager: Any, **query: Any) -> list[Any]:
        """All pages, by number: a link in an answer is not followed."""
        found: list[Any] = []
        for page in range(1, MAX_PAGES + 1):
            paging = {"page": page, "per_page": PAGE, "get_all": False}
            some: list[Any] = self._ask(partial(manager.list, **paging, **query))
            found += some
            if len(some) < PAGE:
                break
        return found

    def _ask(self, call: Callable[[], T]) -> T:
        try:
            with large_responses():
                return call()
        except GitlabError as error:
            raise Retry(f"GitLab's answer cannot be read ({type(error).__name__})") from None

    def _write(self, call: Callable[[], T]) -> T:
        try:
            with large_responses():
                return call()
        except (GitlabError, AttributeError) as error:
            raise WriteUncertain(
                f"GitLab's answer cannot be read ({type(error).__name__})"
            ) from None


def _groups(path: str) -> Iterator[str]:
    """The groups around a project, the nearest first."""
    group = path.rpartition("/")[0]
    for _ in range(MOST_GROUPS):
        if not group:
            return
        yield group
        group = group.rpartition("/")[0]
