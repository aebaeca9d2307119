"""Comments with commands on GitHub."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from bot.core.command_port import UserComment
from bot.core.errors import PermanentError
from bot.core.types import IssueRef
from bot.forges.github.issue import is_by_person
from bot.forges.github.paths import COMMENT, REPO
from bot.forges.github.repository_requests import RepositoryRequests
from bot.forges.github.webhooks import COMMAND
from bot.forges.values import require_object, text

PERMISSION = REPO + "/collaborators/{username}/permission"
# `permission` knows no triage: it shows that role as "read", and "maintain" as "write".
# https://docs.github.com/en/rest/collaborators/collaborators
ROLES = frozenset({"triage", "write", "maintain", "admin"})
PERMISSIONS = frozenset({"write", "admin"})  # also of roles that an organization defines
REACTION = "eyes"


class GitHubCommands:
    """Implements `CommandComments`."""

    def __init__(self, api: RepositoryRequests) -> None:
        self._call = api.call

    def list_prefixes(self, alias: str) -> tuple[str, ...]:
        return (COMMAND,)

    def get_comment(self, ref: IssueRef, comment_id: int) -> UserComment | None:
        data = require_object(
            "GitHub", self._call("GET", COMMENT, ref, {"comment": comment_id}), "id"
        )
        author = data.get("user")
        on_issue = text(data.get("issue_url")).endswith(f"/issues/{ref.number}")
        by_app = data.get("performed_via_github_app") is not None
        if not isinstance(author, Mapping) or by_app or not (on_issue and is_by_person(data)):
            return None
        return UserComment(comment_id, text(data.get("body")), text(author.get("login")))

    def may_command(self, ref: IssueRef, author: str) -> bool:
        if not author:
            return False
        try:
            data = self._call("GET", PERMISSION, ref, {"username": author})
        except PermanentError:
            return False
        found = require_object("GitHub", data, "permission")
        return found.get("role_name") in ROLES or found.get("permission") in PERMISSIONS

    def acknowledge(self, ref: IssueRef, comment_id: int) -> None:
        path, data = COMMENT + "/reactions", {"content": REACTION}
        with suppress(PermanentError):
            self._call("POST", path, ref, {"comment": comment_id}, data=data)
