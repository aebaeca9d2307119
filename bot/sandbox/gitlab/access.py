"""GitLab's authentication: tokens with scopes, and roles in projects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.errors import TaglineError
from bot.sandbox.state import MAINTAINER, Issue, Repo

BOT = "project_77_bot_ab12cd34"
GUEST, PLANNER, REPORTER, DEVELOPER, MAINTAINER_LEVEL = 10, 15, 20, 30, 40
LEVELS = {"guest": GUEST, "planner": PLANNER, "reporter": REPORTER, "developer": DEVELOPER}
TOKEN_LIFETIME = timedelta(days=365)


class Denied(TaglineError):
    """Answered with `status` and GitLab's own message, or other `content`."""

    def __init__(self, status: int, message: object, **content: object) -> None:
        super().__init__(str(message))
        self.status, self.content = status, content or {"message": message}


UNAUTHORIZED = Denied(401, "401 Unauthorized")
FORBIDDEN = Denied(403, "403 Forbidden")
NOT_FOUND = Denied(404, "404 Not found")


@dataclass(frozen=True, slots=True)
class Token:
    """`scopes` are GitLab's; only `api` allows writes."""

    text: str
    login: str
    expires_at: datetime
    scopes: tuple[str, ...] = ("api",)

    def check(self, method: str) -> None:
        """Raises Denied(403) where the scopes do not allow the method."""
        if "api" in self.scopes or (method == "GET" and "read_api" in self.scopes):
            return
        raise Denied(
            403,
            "403 Forbidden",
            error="insufficient_scope",
            error_description="The request requires higher privileges than provided by the "
            "access token.",
            scope="api",
        )


@dataclass(slots=True)
class Access:
    """The valid tokens and the roles of users; `bot_level` is the bot's role in every project."""

    clock: Callable[[], datetime]
    tokens: dict[str, Token] = field(default_factory=dict)
    bot_level: int = REPORTER

    def issue(self, text: str, login: str, scopes: tuple[str, ...] = ("api",)) -> Token:
        """Return a new token that is valid for a year."""
        self.tokens[text] = Token(text, login, self.clock() + TOKEN_LIFETIME, scopes)
        return self.tokens[text]

    def token(self, headers: Mapping[str, str]) -> Token | None:
        """Return the request's token, None without one. Raises Denied(401)."""
        text = _read_token(headers)
        if not text:
            return None
        token = self.tokens.get(text)
        if token is None:
            raise UNAUTHORIZED
        if token.expires_at <= self.clock():
            raise Denied(
                401,
                "401 Unauthorized",
                error="invalid_token",
                error_description="Token is expired. You can either do re-authorization or "
                "token refresh.",
            )
        return token

    def level(self, repo: Repo, login: str) -> int:
        """Return the user's access level in a project, 0 for no member."""
        if login == BOT:
            return GUEST if repo.read_only else self.bot_level
        if login == MAINTAINER:
            return MAINTAINER_LEVEL
        return DEVELOPER if login in repo.writers else LEVELS.get(repo.roles.get(login, ""), 0)

    def can_see(self, repo: Repo, issue: Issue, login: str) -> bool:
        """Return whether a user sees an issue: a confidential one needs a planner or its author."""
        return not issue.confidential or self.level(repo, login) >= PLANNER or login == issue.author


def has_token(headers: Mapping[str, str]) -> bool:
    """Return whether a request has a token, which may be a wrong one."""
    return bool(_read_token(headers))


def _read_token(headers: Mapping[str, str]) -> str:
    return headers.get("private-token") or _bearer(headers.get("authorization", ""))


def _bearer(authorization: str) -> str:
    scheme, _, text = authorization.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""
