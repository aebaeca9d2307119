"""Sends requests about repositories, also after a rename."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from bot.core.errors import Moved, NotFound, PermanentError, Retry
from bot.core.types import IssueRef
from bot.footprint import large_responses
from bot.forges.cache import NameCache
from bot.forges.github.auth import Auth
from bot.forges.github.client import JSON, Credential, GitHubClient, format_query
from bot.forges.github.paths import Variables, split_name
from bot.forges.values import require_objects, text

T = TypeVar("T")
PAGE = 100
MAX_PAGES = 50


class RepositoryRequests:
    """Sends requests about repositories; safe to share between threads.

    GitHub's URLs contain a repository's name, which is looked up by the repository's number: the
    name in a delivery may be wrong or old.
    """

    def __init__(self, rest: GitHubClient, auth: Auth) -> None:
        self.rest, self.auth = rest, auth
        self.names = NameCache(self._fetch_name)

    def call(
        self,
        method: str,
        path: str,
        ref: IssueRef,
        variables: Variables | None = None,
        *,
        data: Mapping[str, Any] | None = None,
        accept: str = JSON,
    ) -> Any:
        """Return the response to a request about a repository."""

        def send(values: Variables, credential: Credential) -> Any:
            with large_responses():
                return self.rest.call(method, path, values, credential, data=data, accept=accept)

        return self.send_about(ref, path, send, variables)

    def list_pages(self, path: str, ref: IssueRef, **query: str) -> Iterator[dict[str, Any]]:
        """Yield the items of all pages of a list."""
        for page in range(1, MAX_PAGES + 1):
            variables: dict[str, str | int] = {**query, "per_page": PAGE, "page": page}
            data = self.call("GET", f"{path}?{format_query(variables)}", ref, variables)
            items = require_objects("GitHub", data)
            yield from items
            if len(items) < PAGE:
                return

    def send_about(
        self,
        ref: IssueRef,
        path: str,
        send: Callable[[Variables, Credential], T],
        variables: Variables | None = None,
    ) -> T:
        """Return the result of `send` for a repository, with all variables of the path.

        Repeats it after a rename.
        """
        name = self.names.get(ref)

        def send_to(name: str, credential: Credential) -> T:
            values = {**split_name(name), "number": ref.number, **(variables or {})}
            return send(values, credential)

        try:
            return self.auth.send(ref, partial(send_to, name))
        except PermanentError as error:
            has_moved = isinstance(error, Moved)
            if not (has_moved or "{number}" in path) or not self._is_renamed(ref, name):
                raise
            if has_moved:
                return self.auth.send(ref, partial(send_to, self.names.get(ref)))
            # Another repository has the old name: data that was read before may be from its issue.
            raise Retry("the repository has another name now") from None

    def _is_renamed(self, ref: IssueRef, name: str) -> bool:
        if not ref.repo_id:
            return False
        try:
            return self.names.refresh(ref) != name
        except PermanentError:
            return False

    def _fetch_name(self, ref: IssueRef) -> str:
        """Return the name of the repository with this number. Raises `NotFound`."""
        send = partial(self.rest.call, "GET", "/repositories/{id}", {"id": ref.repo_id})
        try:
            data = self.auth.send(ref, send)
        except NotFound as error:
            # GitHub creates tokens for existing repositories only: this one is not accepted yet.
            if self.auth.is_unproven(ref):
                raise Retry(
                    f"the repository is {error}; its new token may not be valid yet"
                ) from None
            raise
        name = text(data.get("full_name")) if isinstance(data, Mapping) else ""
        if not name or data.get("id") != ref.repo_id:
            raise Retry("GitHub's response about a repository cannot be read")
        return name
