"""Requests about a repository: their paths, and the methods of `GitHub` that send them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

from bot.core.types import IssueRef
from bot.forges.github.client import JSON, Credential

REPO = "/repos/{owner}/{repo}"
CONTENTS = REPO + "/contents/{path}"
ISSUE = REPO + "/issues/{number}"
COMMENTS = ISSUE + "/comments"
COMMENT = REPO + "/issues/comments/{comment}"

T = TypeVar("T")
Variables = Mapping[str, str | int]  # of a path


def split_name(full_name: str) -> dict[str, str | int]:
    """Return a repository's name as the variables of a path."""
    owner, _, repo = full_name.partition("/")
    return {"owner": owner, "repo": repo}


def join_name(variables: Variables) -> str:
    """Return the name of the repository in the variables of a path."""
    return f"{variables['owner']}/{variables['repo']}"


class Call(Protocol):
    def __call__(
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


class ListPages(Protocol):
    def __call__(self, path: str, ref: IssueRef, **query: str) -> Iterator[dict[str, Any]]:
        """Yield the items of all pages of a list."""


class SendAbout(Protocol):
    def __call__(
        self,
        ref: IssueRef,
        path: str,
        send: Callable[[Variables, Credential], T],
        variables: Variables | None = None,
    ) -> T:
        """Return the result of `send` for a repository, with all variables of the path.

        Repeats it after a rename.
        """
