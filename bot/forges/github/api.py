"""GitHub's side of an issue: read it afresh, write to it additively."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import takewhile
from typing import Any, TypeVar

from bot.core.errors import NotFound, PermanentError, Retry, WriteUncertain
from bot.core.text.bounded import bounded
from bot.core.types import Issue, IssueRef, Label, OwnComment, Rate
from bot.footprint import large_responses
from bot.forges.cache import Names, PerRepository
from bot.forges.github.auth import TOO_NEW, AppAuth, Auth
from bot.forges.github.client import JSON, RAW, GitHubClient
from bot.forges.github.errors import Moved, Unauthorized
from bot.forges.values import moment, text

T = TypeVar("T")
PAGE = 100
MAX_PAGES = 50
CONFIG_PATH = ".github/tagline.yml"
DEFAULTS = ".github"  # the repository of an organisation that may hold a file for all others
LABELS_SECONDS = 300
CONFIG_SECONDS = 60
DEFAULTS_SECONDS = 300
PEOPLE = ("OWNER", "MEMBER", "COLLABORATOR")


class GitHub:
    """Implements the `Forge` and `Watched` ports; safe to share between threads.

    GitHub's addresses go by a repository's name, which is learned by its number: the one in a
    delivery may be wrong or old.
    """

    rate = Rate(per_minute=72, per_hour=480)  # it takes 80 and 500

    def __init__(self, rest: GitHubClient, auth: Auth) -> None:
        self._rest = rest
        self._auth = auth
        self._names = Names(self._fetch_name)
        self._labels = PerRepository(self._fetch_labels, LABELS_SECONDS)
        self._configs = PerRepository(self._fetch_config, CONFIG_SECONDS)
        self._defaults = PerRepository(self._fetch_file, DEFAULTS_SECONDS)

    def locate(self, ref: IssueRef) -> IssueRef:
        """Complete a reference that a person typed: installation and numeric repository id."""
        if isinstance(self._auth, AppAuth) and not ref.account:
            path = "/repos/{owner}/{repo}/installation"
            found = self._auth.as_app(lambda us: self._rest.call("GET", path, _names(ref.repo), us))
            ref = replace(ref, account=str(found["id"]))
        repository = self._call("GET", "/repos/{owner}/{repo}", ref)
        return replace(ref, repo_id=int(repository["id"]), repo=str(repository["full_name"]))

    def issue(self, ref: IssueRef) -> Issue:
        with large_responses():
            return bounded(self._whole_issue(ref))

    def _whole_issue(self, ref: IssueRef) -> Issue:
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
            commented=found.get("comments") != 0,
        )

    def labels(self, ref: IssueRef) -> tuple[Label, ...]:
        return self._labels.get(ref)

    def config_text(self, ref: IssueRef) -> str | None:
        return self._configs.get(ref)

    def comments(self, ref: IssueRef) -> tuple[OwnComment, ...]:
        found = self._pages("/repos/{owner}/{repo}/issues/{number}/comments", ref)
        own = (c for c in found if self._auth.is_own(c))
        ours = (OwnComment(int(c["id"]), text(c.get("body"))) for c in own)
        return tuple(sorted(ours, key=lambda comment: comment.id))

    def comment(self, ref: IssueRef, body: str) -> OwnComment:
        path = "/repos/{owner}/{repo}/issues/{number}/comments"
        made = self._call("POST", path, ref, data={"body": body})
        if not isinstance(made, Mapping) or not isinstance(made.get("id"), int):
            raise WriteUncertain("GitHub took the comment with an answer that cannot be read")
        return OwnComment(made["id"], body)

    def edit(self, ref: IssueRef, comment_id: int, body: str) -> bool:
        path = "/repos/{owner}/{repo}/issues/comments/{comment}"
        try:
            self._call("PATCH", path, ref, {"comment": comment_id}, data={"body": body})
        except NotFound:
            return False
        return True

    def delete(self, ref: IssueRef, comment_id: int) -> None:
        path = "/repos/{owner}/{repo}/issues/comments/{comment}"
        with suppress(NotFound):
            self._call("DELETE", path, ref, {"comment": comment_id})

    def replied(self, ref: IssueRef) -> bool:
        found = self._pages("/repos/{owner}/{repo}/issues/{number}/comments", ref)
        return any(_is_person(c) and c.get("author_association") in PEOPLE for c in found)

    def can_write(self, issue: Issue) -> bool:
        path = "/repos/{owner}/{repo}/collaborators/{username}/permission"
        try:
            found = self._call("GET", path, issue.ref, {"username": issue.author})
        except PermanentError:
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

    def remove_labels(self, ref: IssueRef, names: tuple[str, ...]) -> None:
        path = "/repos/{owner}/{repo}/issues/{number}/labels/{name}"
        for name in names:
            with suppress(NotFound):
                self._call("DELETE", path, ref, {"name": name})

    def set_by_us(self, ref: IssueRef, names: tuple[str, ...]) -> tuple[str, ...]:
        events = self._pages("/repos/{owner}/{repo}/issues/{number}/events", ref)
        labeled = (event for event in events if event.get("event") == "labeled")
        last = {_label_name(e.get("label")): self._auth.is_own(e) for e in labeled}
        return tuple(name for name in names if last.get(name))

    def opened_between(self, place: IssueRef, since: float, until: float) -> tuple[IssueRef, ...]:
        query = {"state": "open", "sort": "created", "direction": "desc"}
        found = self._pages("/repos/{owner}/{repo}/issues", place, **query)
        young = takewhile(lambda issue: moment(issue.get("created_at")) >= since, found)
        people = (i for i in young if "pull_request" not in i and _is_person(i))
        wanted = (i for i in people if moment(i.get("created_at")) <= until)
        return tuple(replace(place, number=int(issue["number"])) for issue in wanted)

    def failed_deliveries(self, since: float) -> Mapping[int, str]:
        """Return the failed deliveries of an App, none for a token; https://docs.github.com/en/rest/apps/webhooks"""
        failed: dict[int, str] = {}
        taken: set[str] = set()
        for delivery in self._deliveries(since):
            guid = str(delivery["guid"])
            if 200 <= int(delivery["status_code"]) < 300:
                taken.add(guid)
            elif guid not in taken and delivery.get("event") == "issues":
                failed[int(delivery["id"])] = guid
                taken.add(guid)
        return failed

    def redeliver(self, delivery: int) -> None:
        assert isinstance(self._auth, AppAuth)
        path = "/app/hook/deliveries/{id}/attempts"
        self._auth.as_app(lambda us: self._rest.call("POST", path, {"id": delivery}, us))

    def _deliveries(self, since: float) -> Iterator[dict[str, Any]]:
        """The newest first; each attempt is one of them."""
        auth, cursor = self._auth, ""
        if not isinstance(auth, AppAuth):
            return
        path = "/app/hook/deliveries?per_page={per_page}"
        for _ in range(MAX_PAGES):
            place: dict[str, str | int] = {"per_page": PAGE, "cursor": cursor}
            found, cursor = auth.as_app(partial(self._rest.page, path, place))
            path = "/app/hook/deliveries?per_page={per_page}&cursor={cursor}"
            young = [x for x in found if moment(x.get("delivered_at")) >= since]
            yield from young
            if not cursor or len(young) < len(found):
                return

    def _fetch_labels(self, ref: IssueRef) -> tuple[Label, ...]:
        found = self._pages("/repos/{owner}/{repo}/labels", ref)
        return tuple(Label(text(x.get("name")), text(x.get("description"))) for x in found)

    def _fetch_config(self, ref: IssueRef) -> str | None:
        """The repository's own file, which wins as a whole, or its organisation's."""
        own = self._fetch_file(ref)
        name = self._names.of(ref)
        defaults = f"{name.partition('/')[0]}/{DEFAULTS}"
        if own is not None or name.lower() == defaults.lower():
            return own
        return self._defaults.get(replace(ref, repo=defaults, repo_id=0, number=0))

    def _fetch_file(self, ref: IssueRef) -> str | None:
        path = "/repos/{owner}/{repo}/contents/{path}"
        try:
            found = self._call("GET", path, ref, {"path": CONFIG_PATH}, accept=RAW)
        except PermanentError:
            # Not there, or the App was not given `contents` or is not installed there.
            return None
        return text(found) if isinstance(found, str) else None

    def _pages(self, path: str, ref: IssueRef, **query: str) -> Iterator[dict[str, Any]]:
        names = "&".join(f"{name}={{{name}}}" for name in (*query, "per_page", "page"))
        for page in range(1, MAX_PAGES + 1):
            paging: dict[str, str | int] = {**query, "per_page": PAGE, "page": page}
            found = self._call("GET", f"{path}?{names}", ref, paging)
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
        asked = name = self._names.of(ref)

        def attempt() -> Any:
            everything = {**_names(name), "number": ref.number, **(variables or {})}
            us = self._auth.credential(ref)
            with large_responses():
                return self._rest.call(method, path, everything, us, data=data, accept=accept)

        try:
            return self._authorized(ref, attempt)
        except PermanentError as refusal:
            has_moved = isinstance(refusal, Moved)
            if not (has_moved or "{number}" in path) or not self._renamed(ref, asked):
                raise
            if has_moved:
                name = self._names.of(ref)
                return self._authorized(ref, attempt)
            # Another repository has the old name: what was read until now may have been its issue.
            raise Retry("the repository has another name now") from None

    def _authorized(self, ref: IssueRef, attempt: Callable[[], T]) -> T:
        """Attempt it, once more with a new credential. Raises `Retry` for one that is too new."""
        for _ in range(2):
            try:
                done = attempt()
            except Unauthorized:
                if not self._auth.renew(ref):
                    raise
            else:
                self._auth.accepted(ref)
                return done
        raise Retry(TOO_NEW)

    def _renamed(self, ref: IssueRef, asked: str) -> bool:
        """Whether the repository has another name by now than the one that was asked under."""
        if not ref.repo_id:
            return False
        try:
            return self._names.fresh(ref) != asked
        except PermanentError:
            return False

    def _fetch_name(self, ref: IssueRef) -> str:
        """What the repository with this number is called. Raises `NotFound` where there is none."""

        def ask() -> Any:
            path, number = "/repositories/{id}", {"id": ref.repo_id}
            return self._rest.call("GET", path, number, self._auth.credential(ref))

        try:
            found = self._authorized(ref, ask)
        except NotFound as gone:
            if self._auth.is_unproven(ref):  # a token for this repository proves that it is there
                raise Retry(
                    f"the repository is {gone}; its new token may not be known yet"
                ) from None
            raise
        name = text(found.get("full_name")) if isinstance(found, Mapping) else ""
        if not name or found.get("id") != ref.repo_id:
            raise Retry("GitHub's answer about a repository cannot be read")
        return name


def _names(full_name: str) -> dict[str, str | int]:
    owner, _, repo = full_name.partition("/")
    return {"owner": owner, "repo": repo}


def _label_name(label: object) -> str:
    """GitHub's description allows plain names beside objects."""
    return text(label.get("name")) if isinstance(label, Mapping) else text(label)


def _is_person(deed: Mapping[str, Any]) -> bool:
    return (deed.get("user") or {}).get("type") != "Bot"
