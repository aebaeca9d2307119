"""Who we are on GitHub: an App with narrowed installation tokens, a personal token, or nobody."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Protocol

from cachetools import TTLCache
from gidgethub.apps import get_jwt

from bot.core.errors import Forbidden, GiveUp
from bot.core.model import IssueRef
from bot.forges.github.rest import Credential, Rest

# Installation tokens last an hour.
TOKEN_SECONDS = 55 * 60
PERMISSIONS = {"issues": "write", "contents": "read"}
# What the App is registered with: app.yaml says the same.
NEEDED = {**PERMISSIONS, "metadata": "read"}
EVENTS = ("issues", "issue_comment")


class Auth(Protocol):
    def credential(self, ref: IssueRef) -> Credential:
        """What to send for this repository."""

    def forget(self, ref: IssueRef) -> bool:
        """Drop a refused credential; True where a new one can be had."""

    def is_own(self, comment: Mapping[str, Any]) -> bool:
        """Whether a comment's author is us."""


class AppAuth:
    """A GitHub App. Each token is narrowed to one repository and two permissions.

    https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
    """

    def __init__(self, rest: Rest, app_id: str, private_key: str) -> None:
        self._rest = rest
        self._app_id = app_id
        self._private_key = private_key
        self._tokens: TTLCache[tuple[str, str], str] = TTLCache(10_000, TOKEN_SECONDS)
        self._lock = threading.Lock()

    def credential(self, ref: IssueRef) -> Credential:
        key = self._key(ref)
        with self._lock:
            token = self._tokens.get(key)
        if token is None:
            token = self._mint(ref)
            with self._lock:
                self._tokens[key] = token
        return Credential(token=token)

    def forget(self, ref: IssueRef) -> bool:
        with self._lock:
            self._tokens.pop(self._key(ref), None)
        return True

    def is_own(self, comment: Mapping[str, Any]) -> bool:
        app = comment.get("performed_via_github_app") or {}
        return self._app_id in (str(app.get("id")), app.get("client_id"))

    def app_jwt(self) -> Credential:
        """Proof that we are the App itself. Raises `GiveUp` where the key is no RSA key."""
        try:
            return Credential(jwt=get_jwt(app_id=self._app_id, private_key=self._private_key))
        except (ValueError, TypeError):
            raise GiveUp("GITHUB_PRIVATE_KEY is not the private key of a GitHub App") from None

    def _key(self, ref: IssueRef) -> tuple[str, str]:
        return ref.account, str(ref.repo_id or ref.repo)

    def _mint(self, ref: IssueRef) -> str:
        try:
            return self._mint_with(ref, PERMISSIONS)
        except Forbidden:
            # The operator may have left out `contents`; then every repository has the defaults.
            return self._mint_with(ref, {"issues": "write"})

    def _mint_with(self, ref: IssueRef, permissions: Mapping[str, str]) -> str:
        name = ref.repo.partition("/")[2]
        scope = {"repository_ids": [ref.repo_id]} if ref.repo_id else {"repositories": [name]}
        answer = self._rest.call(
            "POST",
            "/app/installations/{installation}/access_tokens",
            {"installation": ref.account},
            self.app_jwt(),
            data={**scope, "permissions": permissions},
        )
        return str(answer["token"])


class TokenAuth:
    """A personal access token; comments of its user that carry the marker are ours."""

    def __init__(self, rest: Rest, token: str) -> None:
        self._rest = rest
        self._credential = Credential(token=token)
        self._user_id = 0

    def credential(self, ref: IssueRef) -> Credential:
        return self._credential

    def forget(self, ref: IssueRef) -> bool:
        return False

    def is_own(self, comment: Mapping[str, Any]) -> bool:
        if not self._user_id:
            self._user_id = int(self._rest.call("GET", "/user", {}, self._credential)["id"])
        return (comment.get("user") or {}).get("id") == self._user_id


class NoAuth:
    """Reads public issues only."""

    def credential(self, ref: IssueRef) -> Credential:
        return Credential()

    def forget(self, ref: IssueRef) -> bool:
        return False

    def is_own(self, comment: Mapping[str, Any]) -> bool:
        return False
