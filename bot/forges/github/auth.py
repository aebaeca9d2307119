"""Credentials for GitHub: an App with narrowed installation tokens, a token, or none."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bot.core.errors import Forbidden, NotCovered, OperatorError, PermanentError, RateLimited, Retry
from bot.core.types import IssueRef
from bot.forges.cache import RepositoryCache
from bot.forges.github.client import Credential, GitHubClient
from bot.forges.github.errors import Unauthorized
from bot.forges.github.paths import REPO, split_name
from bot.forges.values import require_id, require_object, text

T = TypeVar("T")
TOKEN_SECONDS = 55 * 60  # GitHub's tokens expire after an hour
PERMISSIONS = {"issues": "write", "contents": "read"}
BACKDATE_SECONDS = 60  # https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
JWT_SECONDS = 540
BOT_SUFFIX = "[bot]"
INSTALLATION_TOKEN = "ghs_"  # the start of one, as in a workflow
WORKFLOW_USER = "github-actions[bot]"  # no person can have a login with brackets
MAX_SKEW_SECONDS = 30
LAG_SECONDS = 60.0  # in which not all of GitHub's servers may accept a new token
TOO_NEW = (
    "GitHub refused a token that it has just issued (status 401); if this continues, check"
    " GITHUB_APP_ID and GITHUB_PRIVATE_KEY"
)


class Auth:
    """A fixed token; without one, public issues can be read. The base class of the others."""

    def __init__(self, token: str = "") -> None:
        self._credential = Credential(token=token)

    def send(self, ref: IssueRef, send: Callable[[Credential], T]) -> T:
        """Return the result of `send` with the credential for a repository.

        Repeats it with a new one if the old one is rejected. Raises `Retry` for one that is too
        new.
        """
        for _ in range(2):
            credential = self.credential(ref)
            try:
                result = send(credential)
            except Unauthorized:
                if not self.renew(ref, credential):
                    raise
            else:
                self.confirm(ref, credential)
                return result
        raise Retry(TOO_NEW)

    def credential(self, ref: IssueRef) -> Credential:
        """Return the credential for a repository."""
        return self._credential

    def confirm(self, ref: IssueRef, credential: Credential) -> None:
        """Record that GitHub accepted the credential."""

    def is_unproven(self, ref: IssueRef) -> bool:
        """Return whether the credential is so new that GitHub may not accept it yet."""
        return False

    def renew(self, ref: IssueRef, rejected: Credential) -> bool:
        """Discard a rejected credential; return whether to try at once with another one.

        Raises `Retry` for one that GitHub may not accept yet.
        """
        return False

    def is_own(self, activity: Mapping[str, Any]) -> bool:
        """Return whether the bot wrote a comment or caused an event."""
        return False


class TokenAuth(Auth):
    """A personal access token; its user's comments that carry the marker are the bot's."""

    def __init__(self, rest: GitHubClient, token: str) -> None:
        super().__init__(token)
        self._rest = rest

    def is_own(self, activity: Mapping[str, Any]) -> bool:
        author = activity.get("user") or activity.get("actor") or {}
        return author.get("id") == self._user_id

    @cached_property
    def _user_id(self) -> int:
        return require_id("GitHub", self._rest.call("GET", "/user", {}, self._credential))


class WorkflowTokenAuth(Auth):
    """The GITHUB_TOKEN of a workflow's job, which cannot ask for its own account.

    All workflows of a repository write as this account: a comment is the bot's with its marker.
    """

    def is_own(self, activity: Mapping[str, Any]) -> bool:
        author = activity.get("user") or activity.get("actor") or {}
        return author.get("type") == "Bot" and author.get("login") == WORKFLOW_USER


@dataclass(slots=True)
class _Token:
    text: str
    created_at: float
    is_accepted: bool = False


class AppAuth(Auth):
    """A GitHub App. Each token is narrowed to one repository and two permissions.

    GitHub creates none for a repository outside the installation, so a token proves that a delivery
    names the right installation.
    https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
    """

    def __init__(
        self,
        rest: GitHubClient,
        app_id: str,
        private_key: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._rest = rest
        self._app_id = app_id
        self._private_key = private_key
        self._clock = clock
        self._skew = 0.0
        self._tokens = RepositoryCache(
            self._create_token, TOKEN_SECONDS, lambda ref: (ref.account, ref.repo_id or ref.repo)
        )

    def credential(self, ref: IssueRef) -> Credential:
        return Credential(token=self._tokens.get(ref).text)

    def confirm(self, ref: IssueRef, credential: Credential) -> None:
        token = self._tokens.peek(ref)
        if token and token.text == credential.token:
            token.is_accepted = True

    def is_unproven(self, ref: IssueRef) -> bool:
        token = self._tokens.peek(ref)
        is_new = token and self._clock() - token.created_at < LAG_SECONDS
        return bool(token and is_new and not token.is_accepted)

    def renew(self, ref: IssueRef, rejected: Credential) -> bool:
        """As `Auth.renew`; return False for a token that was not accepted within a minute."""
        token = self._tokens.peek(ref)
        if token is None or token.text != rejected.token:  # another thread has discarded it
            return True
        if self.is_unproven(ref):
            raise Retry(TOO_NEW)
        self._tokens.discard(ref, token)
        return token.is_accepted

    def is_own(self, activity: Mapping[str, Any]) -> bool:
        """As `Auth.is_own`; where a server does not name the App, its bot user counts."""
        app = activity.get("performed_via_github_app")
        if app:
            return self._app_id in (str(app.get("id")), app.get("client_id"))
        author = activity.get("user") or activity.get("actor") or {}
        is_bot = author.get("type") == "Bot" and text(author.get("login")).endswith(BOT_SUFFIX)
        return is_bot and author["login"].lower() == self._bot_user

    @cached_property
    def _bot_user(self) -> str:
        """Return the login of the App's bot user, "" if unknown; no other account can have it."""
        try:
            app = self.as_app(lambda own: self._rest.call("GET", "/app", {}, own))
        except PermanentError:
            return ""
        slug = text(require_object("GitHub", app).get("slug"))
        return f"{slug}{BOT_SUFFIX}".lower() if slug else ""

    def app_jwt(self) -> Credential:
        """Return a credential of the App itself. Raises `OperatorError` for a wrong key."""
        issued_at = int(self._clock() + self._skew) - BACKDATE_SECONDS
        claims = {"iat": issued_at, "exp": issued_at + JWT_SECONDS, "iss": self._app_id}
        return Credential(jwt=jwt.encode(claims, self._signing_key, algorithm="RS256"))

    @cached_property
    def _signing_key(self) -> RSAPrivateKey:
        """Return the key, parsed once without the test of its primes.

        `gidgethub.apps.get_jwt` parses and tests it for each JWT, which takes a second, and has no
        correction for a wrong clock.
        """
        pem = self._private_key.encode()
        try:
            key = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, RSAPrivateKey):
            raise OperatorError("GITHUB_PRIVATE_KEY is not the private key of a GitHub App")
        return key

    def find_installation(self, ref: IssueRef) -> str:
        """Return the id of the installation that includes a repository.

        Raises `NotFound` if the App is not installed there.
        """
        path, variables = REPO + "/installation", split_name(ref.repo)
        found = self.as_app(lambda app: self._rest.call("GET", path, variables, app))
        return str(require_id("GitHub", found))

    def installation_credential(self, account: str) -> Credential:
        """Return a credential that lists an installation's repositories, and no more."""
        path, data = "/app/installations/{id}/access_tokens", {"permissions": {"metadata": "read"}}
        created = self.as_app(
            lambda app: self._rest.call("POST", path, {"id": account}, app, data=data)
        )
        return Credential(token=text(require_object("GitHub", created, "token")["token"]))

    def as_app(self, send: Callable[[Credential], T]) -> T:
        """Return the result of a request as the App; repeat it if this host's clock is wrong."""
        try:
            return send(self.app_jwt())
        except Unauthorized as error:
            if abs(error.skew - self._skew) <= MAX_SKEW_SECONDS:
                raise
            self._skew = error.skew
            return send(self.app_jwt())

    def _create_token(self, ref: IssueRef) -> _Token:
        """Return a new token.

        Raises `NotCovered` if no installation, or not the delivery's, includes the repository.
        """
        try:
            account = ref.account or self.find_installation(ref)
            try:
                token = self._request_token(ref, account, PERMISSIONS)
            except Forbidden:  # the operator may have left out `contents`
                token = self._request_token(ref, account, {"issues": "write"})
        except RateLimited as limit:
            # The limit is the App's: nothing shows that it concerns this installation.
            raise RateLimited(str(limit), limit.after or 0.0, account_wide=False) from None
        except PermanentError as error:
            lag, refused = error.may_be_lag, error.refused
            raise NotCovered(f"out of reach: {error}", may_be_lag=lag, refused=refused) from None
        return _Token(token, self._clock())

    def _request_token(self, ref: IssueRef, account: str, permissions: Mapping[str, str]) -> str:
        name = ref.repo.partition("/")[2]
        scope = {"repository_ids": [ref.repo_id]} if ref.repo_id else {"repositories": [name]}
        path, variables = "/app/installations/{id}/access_tokens", {"id": account}
        data = {**scope, "permissions": permissions}
        created = self.as_app(lambda app: self._rest.call("POST", path, variables, app, data=data))
        return text(require_object("GitHub", created, "token")["token"])
