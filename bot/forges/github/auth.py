"""Who we are on GitHub: an App with narrowed installation tokens, a personal token, or nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeVar

import jwt
from cachetools import TTLCache
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bot.core.errors import (
    Forbidden,
    NotCovered,
    OperatorError,
    PermanentError,
    RateLimited,
    Retry,
)
from bot.core.types import IssueRef
from bot.forges.cache import KeyedLock
from bot.forges.github.client import Credential, GitHubClient
from bot.forges.github.errors import Unauthorized

T = TypeVar("T")
# Installation tokens last an hour.
TOKEN_SECONDS = 55 * 60
PERMISSIONS = {"issues": "write", "contents": "read"}
# What the App is registered with: app.yaml says the same.
NEEDED = {**PERMISSIONS, "metadata": "read"}
EVENTS = ("issues", "issue_comment")
BACKDATED = 60  # seconds; https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
JWT_SECONDS = 540
SAME_CLOCK = 30
# Until then GitHub's servers may not all know a new token.
LAG_SECONDS = 60.0
TOO_NEW = (
    "GitHub refused a token that it has just given (status 401); if it goes on doing so, check"
    " GITHUB_APP_ID and GITHUB_PRIVATE_KEY"
)


class Auth(Protocol):
    def credential(self, ref: IssueRef) -> Credential:
        """What to send for this repository."""

    def accepted(self, ref: IssueRef) -> None:
        """Note that GitHub took the credential."""

    def is_unproven(self, ref: IssueRef) -> bool:
        """Whether the credential is so new that GitHub may not know it yet."""

    def renew(self, ref: IssueRef) -> bool:
        """Drop a refused credential; True where a new one may do at once.

        Raises `Retry` for one that GitHub may not know yet.
        """

    def is_own(self, deed: Mapping[str, Any]) -> bool:
        """Whether we wrote a comment, or did what an event tells of."""


@dataclass(slots=True)
class _Token:
    """An installation token: since when we have it, and whether GitHub ever took it."""

    text: str
    since: float
    accepted: bool = False


class AppAuth:
    """A GitHub App. Each token is narrowed to one repository and two permissions.

    GitHub mints none for a repository that the installation does not have, so a token proves that
    a delivery names the right one.
    https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
    """

    def __init__(
        self,
        rest: GitHubClient,
        app_id: str,
        private_key: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._rest = rest
        self._app_id = app_id
        self._private_key = private_key
        self._clock = clock
        self._ahead = 0.0
        self._tokens: TTLCache[tuple[str, str], _Token] = TTLCache(10_000, TOKEN_SECONDS)
        self._lock = threading.Lock()
        self._turns = KeyedLock()

    def credential(self, ref: IssueRef) -> Credential:
        key = self._key(ref)
        token = self._known(key)
        if token is None:
            with self._turns.for_key(key):
                token = self._known(key) or self._mint(ref)
                with self._lock:
                    self._tokens[key] = token
        return Credential(token=token.text)

    def _known(self, key: tuple[str, str]) -> _Token | None:
        with self._lock:
            return self._tokens.get(key)

    def accepted(self, ref: IssueRef) -> None:
        if token := self._known(self._key(ref)):
            token.accepted = True

    def is_unproven(self, ref: IssueRef) -> bool:
        token = self._known(self._key(ref))
        return bool(token and not token.accepted and self._clock() - token.since < LAG_SECONDS)

    def renew(self, ref: IssueRef) -> bool:
        """As `Auth.renew`; False where GitHub has not taken a token for a minute, or gave none."""
        if self.is_unproven(ref):
            raise Retry(TOO_NEW)
        with self._lock:
            token = self._tokens.pop(self._key(ref), None)
        return token is not None and token.accepted

    def is_own(self, deed: Mapping[str, Any]) -> bool:
        app = deed.get("performed_via_github_app") or {}
        return self._app_id in (str(app.get("id")), app.get("client_id"))

    def app_jwt(self) -> Credential:
        """Proof that we are the App itself. Raises `OperatorError` where the key is no RSA key."""
        since = int(self._clock() + self._ahead) - BACKDATED
        claims = {"iat": since, "exp": since + JWT_SECONDS, "iss": self._app_id}
        return Credential(jwt=jwt.encode(claims, self._signing_key, algorithm="RS256"))

    @cached_property
    def _signing_key(self) -> RSAPrivateKey:
        """Read once, and not checked for the strength of its primes, which takes a second: GitHub
        made it, and answers 401 where it is another one."""
        pem = self._private_key.encode()
        try:
            found = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            found = None
        if not isinstance(found, RSAPrivateKey):
            raise OperatorError("GITHUB_PRIVATE_KEY is not the private key of a GitHub App")
        return found

    def as_app(self, ask: Callable[[Credential], T]) -> T:
        """Ask as the App itself; once more by GitHub's clock where ours was the trouble."""
        try:
            return ask(self.app_jwt())
        except Unauthorized as refusal:
            if abs(refusal.ahead - self._ahead) <= SAME_CLOCK:
                raise
            self._ahead = refusal.ahead
            return ask(self.app_jwt())

    def _key(self, ref: IssueRef) -> tuple[str, str]:
        return ref.account, str(ref.repo_id or ref.repo)

    def _mint(self, ref: IssueRef) -> _Token:
        """Raises `NotCovered` where the installation does not have the repository."""
        try:
            return _Token(self._mint_any(ref), self._clock())
        except RateLimited as limit:
            # The limit is the App's: nothing shows that it concerns this installation.
            raise RateLimited(str(limit), limit.after or 0.0, account_wide=False) from None
        except PermanentError as refusal:
            raise NotCovered(f"out of reach: {refusal}", may_be_lag=refusal.may_be_lag) from None

    def _mint_any(self, ref: IssueRef) -> str:
        try:
            return self._mint_with(ref, PERMISSIONS)
        except Forbidden:
            # The operator may have left out `contents`; then every repository has the defaults.
            return self._mint_with(ref, {"issues": "write"})

    def _mint_with(self, ref: IssueRef, permissions: Mapping[str, str]) -> str:
        name = ref.repo.partition("/")[2]
        scope = {"repository_ids": [ref.repo_id]} if ref.repo_id else {"repositories": [name]}
        path = "/app/installations/{installation}/access_tokens"
        data = {**scope, "permissions": permissions}
        answer = self.as_app(
            lambda us: self._rest.call("POST", path, {"installation": ref.account}, us, data=data)
        )
        return str(answer["token"])


class TokenAuth:
    """A personal access token; comments of its user that carry the marker are ours."""

    def __init__(self, rest: GitHubClient, token: str) -> None:
        self._rest = rest
        self._credential = Credential(token=token)
        self._user_id = 0

    def credential(self, ref: IssueRef) -> Credential:
        return self._credential

    def accepted(self, ref: IssueRef) -> None:
        pass

    def is_unproven(self, ref: IssueRef) -> bool:
        return False

    def renew(self, ref: IssueRef) -> bool:
        return False

    def is_own(self, deed: Mapping[str, Any]) -> bool:
        if not self._user_id:
            self._user_id = int(self._rest.call("GET", "/user", {}, self._credential)["id"])
        who = deed.get("user") or deed.get("actor") or {}
        return who.get("id") == self._user_id


class NoAuth:
    """Reads public issues only."""

    def credential(self, ref: IssueRef) -> Credential:
        return Credential()

    def accepted(self, ref: IssueRef) -> None:
        pass

    def is_unproven(self, ref: IssueRef) -> bool:
        return False

    def renew(self, ref: IssueRef) -> bool:
        return False

    def is_own(self, deed: Mapping[str, Any]) -> bool:
        return False
