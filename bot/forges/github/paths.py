"""The paths of a repository and of its issues in GitHub's API, and their variables."""

from __future__ import annotations

from collections.abc import Mapping

REPO = "/repos/{owner}/{repo}"
CONTENTS = REPO + "/contents/{path}"
ISSUE = REPO + "/issues/{number}"
COMMENTS = ISSUE + "/comments"
COMMENT = REPO + "/issues/comments/{comment}"

Variables = Mapping[str, str | int]  # of a path


def split_name(full_name: str) -> dict[str, str | int]:
    """Return a repository's name as the variables of a path."""
    owner, _, repo = full_name.partition("/")
    return {"owner": owner, "repo": repo}


def join_name(variables: Variables) -> str:
    """Return the name of the repository in the variables of a path."""
    return f"{variables['owner']}/{variables['repo']}"
