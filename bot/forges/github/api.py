"""GitHub's implementation of the ports `Forge`, `DeliveryHistory` and `IssueHistorySource`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from itertools import takewhile

from bot.core.errors import NotFound, PermanentError, WriteUncertain
from bot.core.labels.common_labels import NewLabel
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
from bot.forges.cache import RepositoryCache
from bot.forges.config_files import list_unread, read_first
from bot.forges.github import events, suggestions
from bot.forges.github.auth import AppAuth, Auth
from bot.forges.github.client import DOT_SEGMENTS, RAW, GitHubClient
from bot.forges.github.commands import GitHubCommands
from bot.forges.github.deliveries import Deliveries
from bot.forges.github.issue import MEMBERS, is_by_person, parse_issue
from bot.forges.github.issue_types import IssueTypes
from bot.forges.github.past_issues import read_past_issues
from bot.forges.github.paths import COMMENT, COMMENTS, CONTENTS, ISSUE, REPO
from bot.forges.github.reports import GitHubReports
from bot.forges.github.repository_requests import RepositoryRequests
from bot.forges.github.search import GitHubSearch
from bot.forges.labels import create_label
from bot.forges.values import (
    require_id,
    require_object,
    require_web_host,
    text,
    timestamp,
)

CONFIG_PATHS = (".github/tagline.yml", ".github/tagline.yaml")  # the first that exists is read
MISPLACED = (
    *("tagline.yml", "tagline.yaml", ".tagline.yml", ".tagline.yaml"),
    *(".gitlab/tagline.yml", ".gitlab/tagline.yaml", ".github/workflows/tagline.yml"),
)
DEFAULTS = ".github"  # an organisation's repository that may hold the file for all others
LABELS_SECONDS = 300
CONFIG_SECONDS = 60
DEFAULTS_SECONDS = 300


class GitHub:
    """Implements `Forge`, `DeliveryHistory`, `IssueHistorySource`; for all threads."""

    rate = Rate(per_minute=72, per_hour=480)  # GitHub accepts 80 and 500

    def __init__(self, rest: GitHubClient, auth: Auth, host: str = "") -> None:
        """`host` is the one in references; a link may have another one."""
        self._host = host
        self._auth = auth
        self.api = RepositoryRequests(rest, auth)
        self._call, self._list_pages = self.api.call, self.api.list_pages
        self._names = self.api.names
        self.commands = GitHubCommands(self.api)
        self.reports = GitHubReports(self.api)
        self.related = GitHubSearch(self.api)
        self.deliveries = Deliveries(rest, auth)
        self._labels = RepositoryCache(self._fetch_labels, LABELS_SECONDS)
        self._suggestions = suggestions.Suggestions(self.api, self.list_labels, self.list_types)
        self._types = IssueTypes(self.api, self._suggestions.type_names)
        self._configs = RepositoryCache(self._fetch_config, CONFIG_SECONDS)
        self._defaults = RepositoryCache(self._fetch_file, DEFAULTS_SECONDS)

    def complete_ref(self, ref: IssueRef) -> IssueRef:
        """Return a reference from the command line with installation, number and name."""
        if isinstance(self._auth, AppAuth) and not ref.account:
            ref = replace(ref, account=self._auth.find_installation(ref))
        data = require_object("GitHub", self._call("GET", REPO, ref), "full_name")
        if self._host and ref.host not in ("", self._host):
            require_web_host("GITHUB_API_URL", data.get("html_url"), ref.host)
            ref = replace(ref, host=self._host)
        ref = replace(ref, repo_id=require_id("GitHub", data), repo=text(data["full_name"]))
        self._names.put(ref)
        return ref

    def get_issue(self, ref: IssueRef) -> Issue:
        with large_responses():
            data = require_object("GitHub", self._call("GET", ISSUE, ref), "number", "title")
            return parse_issue(ref, data)

    def list_labels(self, ref: IssueRef) -> tuple[Label, ...]:
        return self._labels.get(ref)

    def get_config_text(self, ref: IssueRef) -> str | None:
        return self._configs.get(ref)

    def list_own_comments(self, ref: IssueRef) -> tuple[OwnComment, ...]:
        own = [
            OwnComment(int(comment["id"]), text(comment.get("body")))
            for comment in self._list_pages(COMMENTS, ref)
            if self._auth.is_own(comment)
        ]
        return tuple(sorted(own, key=lambda comment: comment.id))

    def list_other_bots_comments(self, ref: IssueRef) -> tuple[OwnComment, ...]:
        return tuple(
            OwnComment(int(comment["id"]), text(comment.get("body")))
            for comment in self._list_pages(COMMENTS, ref)
            if not is_by_person(comment) and not self._auth.is_own(comment)
        )

    def may_have_lost_comment(self, ref: IssueRef) -> bool:
        """As in `Forge`; GitHub does not say whose comment was deleted.

        https://docs.github.com/en/rest/issues/timeline
        """
        timeline = self._list_pages(ISSUE + "/timeline", ref)
        return any(event.get("event") == "comment_deleted" for event in timeline)

    def post_comment(self, ref: IssueRef, body: str) -> OwnComment:
        data = self._call("POST", COMMENTS, ref, data={"body": body})
        if not isinstance(data, Mapping) or not isinstance(data.get("id"), int):
            raise WriteUncertain("GitHub accepted the comment with a response that cannot be read")
        return OwnComment(data["id"], body)

    def edit_comment(self, ref: IssueRef, comment_id: int, body: str) -> bool:
        with suppress(NotFound):
            self._call("PATCH", COMMENT, ref, {"comment": comment_id}, data={"body": body})
            return True
        return False

    def delete_comment(self, ref: IssueRef, comment_id: int) -> None:
        with suppress(NotFound):
            self._call("DELETE", COMMENT, ref, {"comment": comment_id})

    def has_member_reply(self, ref: IssueRef) -> bool:
        listed = self._list_pages(COMMENTS, ref)
        return any(is_by_person(c) and c.get("author_association") in MEMBERS for c in listed)

    def author_can_write(self, issue: Issue) -> bool:
        path = REPO + "/collaborators/{username}/permission"
        try:
            data = self._call("GET", path, issue.ref, {"username": issue.author})
        except PermanentError:
            return False
        return data.get("permission") in ("admin", "write")

    def add_labels(
        self,
        ref: IssueRef,
        names: tuple[str, ...],
        suggested: tuple[LabelSuggestion, ...] = (),
    ) -> tuple[str, ...]:
        # GitHub creates unknown labels for a writer, so the list is fetched just before.
        existing = {label.name for label in self._labels.refresh(ref)}
        names = tuple(name for name in names if name in existing)
        objects = [suggestions.encode(x, "name") for x in suggested if x.label in existing]
        if names or objects:
            self._call("POST", ISSUE + "/labels", ref, data={"labels": [*names, *objects]})
        return names

    def takes_suggestions(self, ref: IssueRef) -> bool:
        return self._suggestions.work(ref)

    def suggest_type(self, ref: IssueRef, suggested: LabelSuggestion) -> None:
        self._call("PATCH", ISSUE, ref, data={"type": suggestions.encode(suggested, "value")})

    def list_suggestions(self, ref: IssueRef, state: str) -> tuple[HeldSuggestion, ...]:
        return self._suggestions.list(ref, state)

    def dismiss_suggestion(self, ref: IssueRef, suggestion: int) -> None:
        self._suggestions.dismiss(ref, suggestion)

    def remove_labels(self, ref: IssueRef, names: tuple[str, ...]) -> None:
        for name in names:
            with suppress(NotFound):
                self._call("DELETE", ISSUE + "/labels/{name}", ref, {"name": name})

    def list_label_changes(self, ref: IssueRef) -> tuple[LabelChange, ...]:
        return self._list_changes(ref, events.LABELS)

    def list_type_changes(self, ref: IssueRef) -> tuple[LabelChange, ...]:
        return self._list_changes(ref, events.TYPES)

    def _list_changes(
        self, ref: IssueRef, kinds: Mapping[str, tuple[str, str]]
    ) -> tuple[LabelChange, ...]:
        listed = self._list_pages(ISSUE + "/events", ref)
        return tuple(events.read_changes(listed, kinds, self._auth.is_own))

    def list_types(self, ref: IssueRef) -> tuple[Label, ...]:
        return self._types.list(ref)

    def set_type(self, ref: IssueRef, name: str) -> bool:
        return self._types.set(ref, name)

    def list_opened_issues(
        self, repository: IssueRef, since: float, until: float
    ) -> tuple[IssueRef, ...]:
        query = {"state": "open", "sort": "created", "direction": "desc"}
        issues = self._list_pages(REPO + "/issues", repository, **query)
        recent = takewhile(lambda issue: timestamp(issue.get("created_at")) >= since, issues)
        return tuple(
            replace(repository, number=int(issue["number"]))
            for issue in recent
            if "pull_request" not in issue
            and is_by_person(issue)
            and timestamp(issue.get("created_at")) <= until
        )

    def list_labelled_issues(self, repository: IssueRef, cursor: str = "") -> HistoryPage:
        return read_past_issues(repository, cursor, self.api, labelled=True)

    def list_past_issues(self, repository: IssueRef, cursor: str = "") -> HistoryPage:
        return read_past_issues(repository, cursor, self.api, labelled=False)

    def create_label(self, ref: IssueRef, label: NewLabel) -> bool:
        send = partial(self._call, "POST", REPO + "/labels", ref, data=asdict(label))
        return create_label(send, label.name, self._labels, ref)

    def list_failed_deliveries(self, since: float) -> Mapping[int, str]:
        return self.deliveries.list_failed_deliveries(since)

    def redeliver(self, delivery: int) -> None:
        self.deliveries.redeliver(delivery)

    def _fetch_labels(self, ref: IssueRef) -> tuple[Label, ...]:
        labels = [*self._list_pages(REPO + "/labels", ref)]
        by_id = {label.get("id"): text(label.get("name")) for label in labels}
        self._suggestions.label_names.put(ref, by_id)
        return tuple(
            Label(name := text(x.get("name")), text(x.get("description")), name not in DOT_SEGMENTS)
            for x in labels
        )

    def _fetch_config(self, ref: IssueRef) -> str | None:
        """Return the repository's own file, else its organisation's."""
        config = self._fetch_file(ref)
        name = self._names.get(ref)
        defaults = f"{name.partition('/')[0]}/{DEFAULTS}"
        if config is not None or name.lower() == defaults.lower():
            return config
        return self._defaults.get(replace(ref, repo=defaults, repo_id=0, number=0))

    def list_unread_configs(self, ref: IssueRef) -> tuple[str, ...]:
        return list_unread(CONFIG_PATHS, MISPLACED, lambda path: self._fetch_text(ref, path))

    def _fetch_file(self, ref: IssueRef) -> str | None:
        return read_first(CONFIG_PATHS, lambda path: self._fetch_text(ref, path))

    def _fetch_text(self, ref: IssueRef, path: str) -> str | None:
        """Return a file's text, None for a folder. Raises `PermanentError`."""
        content = self._call("GET", CONTENTS, ref, {"path": path}, accept=RAW)
        return text(content) if isinstance(content, str) else None
