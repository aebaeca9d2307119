"""GitHub's side of an issue: read it afresh, write to it additively."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bot.core.errors import Doubtful, Forbidden, Gone
from bot.core.model import Comment, Issue, IssueRef, Label
from bot.core.repoconfig import MAX_BYTES as MAX_CONFIG
from bot.forges.cache import PerRepository
from bot.forges.github.auth import AppAuth, Auth
from bot.forges.github.errors import Unauthorized
from bot.forges.github.rest import JSON, RAW, Rest
from bot.forges.wire import moment, text

PAGE = 100
MAX_PAGES = 50
CONFIG_PATH = ".github/tagline.yml"
DEFAULTS = ".github"  # the repository of an organisation that may hold a file for all others
LABELS_SECONDS = 300
CONFIG_SECONDS = 60
DEFAULTS_SECONDS = 300


class GitHub:
    """Implements the `Forge` port; safe to share between threads."""

    def __init__(self, rest: Rest, auth: Auth) -> None:
        self._rest = rest
        self._auth = auth
        self._labels = PerRepository(self._fetch_labels, LABELS_SECONDS)
        self._configs = PerRepository(self._fetch_config, CONFIG_SECONDS)
        self._defaults = PerRepository(self._fetch_file, DEFAULTS_SECONDS)

    def locate(self, ref: IssueRef) -> IssueRef:
        """Complete a reference that a person typed: installation and numeric repository id."""
        if isinstance(self._auth, AppAuth) and not ref.account:
            path = "/repos/{owner}/{repo}/installation"
            found = self._rest.call("GET", path, _names(ref), self._auth.app_jwt())
            ref = replace(ref, account=str(found["id"]))
        repository = self._call("GET", "/repos/{owner}/{repo}", ref)
        return replace(ref, repo_id=int(repository["id"]), repo=str(repository["full_name"]))

    def issue(self, ref: IssueRef) -> Issue:
        found = self._call("GET", "/repos/{owner}/{repo}/issues/{number}", ref)
        user = found.get("user") or {}
        return Issue(
            ref=ref,
            title=text(found.get("title")),
            body=text(found.get("body")),
            author=text(user.get("login")),
            is_bot=user.get("type") == "Bot",
            labels=tuple(_label_name(label) for label in found.get("labels") or ()),
            is_open=found.get("state") == "open",
            locked=bool(found.get("locked")),
            confidential=False,
            is_pull_request="pull_request" in found,
            created_at=moment(found.get("created_at")),
        )

    def labels(self, ref: IssueRef) -> tuple[Label, ...]:
        return self._labels.get(ref)

    def config_text(self, ref: IssueRef) -> str | None:
        return self._configs.get(ref)

    def comments(self, ref: IssueRef) -> tuple[Comment, ...]:
        found = self._pages("/repos/{owner}/{repo}/issues/{number}/comments", ref)
        own = (c for c in found if self._auth.is_own(c))
        ours = (Comment(int(c["id"]), text(c.get("body"))) for c in own)
        return tuple(sorted(ours, key=lambda comment: comment.id))

    def comment(self, ref: IssueRef, body: str) -> Comment:
        path = "/repos/{owner}/{repo}/issues/{number}/comments"
        made = self._call("POST", path, ref, data={"body": body})
        if not isinstance(made, Mapping) or not isinstance(made.get("id"), int):
            raise Doubtful("GitHub took the comment with an answer that cannot be read")
        return Comment(made["id"], body)

    def edit(self, ref: IssueRef, comment_id: int, body: str) -> bool:
        path = "/repos/{owner}/{repo}/issues/comments/{comment}"
        try:
            self._call("PATCH", path, ref, {"comment": comment_id}, data={"body": body})
        except Gone as gone:
            if isinstance(gone, Forbidden):
                raise
            return False
        return True

    def can_write(self, issue: Issue) -> bool:
        path = "/repos/{owner}/{repo}/collaborators/{username}/permission"
        try:
            found = self._call("GET", path, issue.ref, {"username": issue.author})
        except Gone:
            return False
        return found.get("permission") in ("admin", "write")

    def add_labels(self, ref: IssueRef, names: tuple[str, ...]) -> tuple[str, ...]:
        # GitHub creates unknown labels for a writer, so the list is read afresh just before.
        labels = self._labels.fresh(ref)
        existing = {label.name for label in labels}
        names = tuple(name for name in names if name in existing)
        if names:
            path = "/repos/{owner}/{repo}/issues/{number}/labels"
            self._call("POST", path, ref, data={"labels": names})
        return names

    def _fetch_labels(self, ref: IssueRef) -> tuple[Label, ...]:
        found = self._pages("/repos/{owner}/{repo}/labels", ref)
        return tuple(Label(text(x.get("name")), text(x.get("description"))) for x in found)

    def _fetch_config(self, ref: IssueRef) -> str | None:
        """The repository's own file, which wins as a whole, or its organisation's."""
        own, owner = self._fetch_file(ref), ref.repo.partition("/")[0]
        if own is not None or ref.repo == f"{owner}/{DEFAULTS}":
            return own
        return self._defaults.get(replace(ref, repo=f"{owner}/{DEFAULTS}", repo_id=0, number=0))

    def _fetch_file(self, ref: IssueRef) -> str | None:
        path = "/repos/{owner}/{repo}/contents/{path}"
        try:
            found = self._call("GET", path, ref, {"path": CONFIG_PATH}, accept=RAW)
        except Gone:
            # Not there, or the App was not given `contents` or is not installed there.
            return None
        if found is None:  # an empty file
            return ""
        return text(found)[: MAX_CONFIG + 1] if isinstance(found, str) else None

    def _pages(self, path: str, ref: IssueRef) -> Iterator[dict[str, Any]]:
        for page in range(1, MAX_PAGES + 1):
            paging = {"per_page": PAGE, "page": page}
            found = self._call("GET", path + "{?per_page,page}", ref, paging)
            yield from found
            if len(found) < PAGE:
                return

    def _call(
        self,
        method: str,
        path: str,
        ref: IssueRef,
        variables: Mapping[str, str | int] | None = None,
        *,
        data: Mapping[str, Any] | None = None,
        accept: str = JSON,
    ) -> Any:
        everything = {**_names(ref), "number": ref.number, **(variables or {})}

        def attempt() -> Any:
            credential = self._auth.credential(ref)
            return self._rest.call(method, path, everything, credential, data=data, accept=accept)

        try:
            return attempt()
        except Unauthorized:
            if not self._auth.forget(ref):
                raise
            return attempt()


def _names(ref: IssueRef) -> dict[str, str | int]:
    owner, _, repo = ref.repo.partition("/")
    return {"owner": owner, "repo": repo}


def _label_name(label: object) -> str:
    """GitHub's description allows plain names beside objects."""
    return text(label.get("name")) if isinstance(label, Mapping) else text(label)
