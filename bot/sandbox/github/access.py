"""GitHub's authentication: the App's JWT, installation tokens, a personal token, none."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.types import Options

from bot.core.errors import TaglineError
from bot.sandbox.state import Repo

# The permissions in app.yaml.
GRANTED: dict[str, str] = {"issues": "write", "metadata": "read", "contents": "read"}
RANK = {"none": 0, "read": 1, "write": 2, "admin": 3}
BOT = "tagline-bot[bot]"
# The App whose installation token a workflow gets as GITHUB_TOKEN, and its account.
ACTIONS_APP, ACTIONS_BOT = 15368, "github-actions[bot]"
SUSPENDED = "This installation has been suspended"
TOKEN_LIFETIME = timedelta(hours=1)
JWT_LIFETIME = timedelta(minutes=10)
# Times are compared with the simulated clock instead.
DECODE_OPTIONS: Options = {
    "verify_exp": False,
    "verify_iat": False,
    "require": ["iat", "exp", "iss"],
}


class Denied(TaglineError):
    """Answered with `status` and GitHub's own message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a request. `repos` are the ids a token is limited to, None = no limit.

    `app` is the id of the App of an installation token; a workflow's has no `installation`.
    """

    kind: Literal["app", "installation", "user", "nobody"]
    login: str = ""
    permissions: Mapping[str, str] = field(default_factory=dict)
    repos: frozenset[int] | None = None
    installation: int = 0
    app: int | None = None

    def may(self, permission: str, level: str) -> bool:
        if self.kind == "user":
            return True
        if self.kind == "nobody":
            return level == "read"
        return RANK[self.permissions.get(permission, "none")] >= RANK[level]


@dataclass(slots=True)
class Installation:
    """`owner` is an account; empty = every account without an installation of its own."""

    id: int
    owner: str = ""
    suspended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    caller: Caller
    expires_at: datetime


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


_key = cache(new_key)


def encode_key(key: rsa.RSAPrivateKey) -> str:
    """Return the key as PEM text."""
    return key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    ).decode()


@dataclass(slots=True)
class Access:
    """The App's registration and its valid tokens.

    `scopes` are those of the user's token, None for a fine-grained one, which has none.
    """

    app_id: int
    installations: list[Installation]
    token: str
    token_login: str
    clock: Callable[[], datetime]
    granted: Mapping[str, str] = field(default_factory=lambda: GRANTED)
    tokens: dict[str, Token] = field(default_factory=dict)
    scopes: str | None = None
    token_expires_at: datetime | None = None
    bot: str = BOT
    key: rsa.RSAPrivateKey = field(default_factory=_key)

    @property
    def private_key(self) -> str:
        return encode_key(self.key)

    def installation_of(self, repo: Repo) -> Installation | None:
        """Return the installation that covers the repository, None for none."""
        if not repo.installed:
            return None
        by_owner = {one.owner: one for one in self.installations}
        return by_owner.get(repo.owner, by_owner.get(""))

    def installation(self, installation_id: int) -> Installation:
        """Return the installation. Raises Denied(404)."""
        for one in self.installations:
            if one.id == installation_id:
                return one
        raise Denied(404, "Not Found")

    def caller(self, authorization: str | None) -> Caller:
        """Return the caller of that Authorization header. Raises Denied."""
        if not authorization:
            return Caller("nobody")
        text = authorization.partition(" ")[2].strip()
        if text == self.token:
            if self.token_expires_at and self.token_expires_at <= self.clock():
                raise Denied(401, "Bad credentials")
            return Caller("user", self.token_login)
        if text.count(".") == 2 and not text.startswith("ghs_"):
            self._check_jwt(text)
            return Caller("app", self.bot)
        return self._find_installation_caller(text)

    def _find_installation_caller(self, text: str) -> Caller:
        token = self.tokens.get(text)
        if token is None or token.expires_at <= self.clock():
            raise Denied(401, "Bad credentials")
        if token.caller.app == ACTIONS_APP:
            return token.caller
        installations = {one.id: one for one in self.installations}
        if token.caller.installation not in installations:
            raise Denied(401, "Bad credentials")
        if installations[token.caller.installation].suspended_at:
            raise Denied(403, SUSPENDED)
        return token.caller

    def _check_jwt(self, text: str) -> None:
        """Check signature, App id and times: issued in the past, at most ten minutes valid."""
        try:
            claims: dict[str, Any] = jwt.decode(
                text, self.key.public_key(), algorithms=["RS256"], options=DECODE_OPTIONS
            )
        except jwt.PyJWTError as error:
            raise Denied(401, "A JSON web token could not be decoded") from error
        at = self.clock().timestamp()
        if str(claims["iss"]) not in (str(self.app_id), f"Iv23sandbox{self.app_id}"):
            raise Denied(401, "Integration must generate a public key")
        if not isinstance(claims["iat"], int) or claims["iat"] > at:
            raise Denied(401, "'Issued at' claim ('iat') must be an Integer in the past")
        if claims["exp"] > at + JWT_LIFETIME.total_seconds() + 1:
            raise Denied(401, "'Expiration time' claim ('exp') is too far in the future")
        if claims["exp"] <= at:
            raise Denied(401, "'Expiration time' claim ('exp') must be in the future")

    def create_token(
        self,
        installation: Installation,
        permissions: Mapping[str, str] | None,
        repos: frozenset[int] | None,
    ) -> Token:
        """Return a new token. Raises Denied(422) for permissions that the App does not have."""
        for name, level in (permissions or {}).items():
            if RANK.get(level, 9) > RANK[self.granted.get(name, "none")]:
                raise Denied(422, "The permissions requested are not granted to this installation.")
        allowed = {**(permissions or self.granted), "metadata": "read"}
        caller = Caller("installation", self.bot, allowed, repos, installation.id, self.app_id)
        return self._store_token(caller)

    def create_workflow_token(self, repo: Repo, permissions: Mapping[str, str]) -> str:
        """Return the GITHUB_TOKEN of a workflow's job; permissions that are not named are none.

        https://docs.github.com/en/actions/concepts/security/github_token
        """
        allowed = {**permissions, "metadata": "read"}
        repos = frozenset((repo.id,))
        caller = Caller("installation", ACTIONS_BOT, allowed, repos, app=ACTIONS_APP)
        return self._store_token(caller).text

    def _store_token(self, caller: Caller) -> Token:
        parts = (secrets.token_urlsafe(size) for size in (40, 160, 256))
        token = Token(f"ghs_{caller.app}_" + ".".join(parts), caller, self.clock() + TOKEN_LIFETIME)
        self.tokens[token.text] = token
        return token
