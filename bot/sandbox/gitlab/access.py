"""Who is calling, in which role, with which scopes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.errors import TaglineError
from bot.sandbox.state import MAINTAINER, Issue, Repo

BOT = "project_77_bot_ab12cd34"
GUEST, PLANNER, REPORTER, DEVELOPER, MAINTAINING = 10, 15, 20, 30, 40
TOKEN_LIFE = timedelta(days=365)


class Denied(TaglineError):
    """Answered with `status` and `shape`, GitLab's own words."""

    def __init__(self, status: int, message: object, **shape: object) -> None:
        super().__init__(str(message))
        self.status, self.shape = status, shape or {"message": message}


UNAUTHORIZED = Denied(401, "401 Unauthorized")
FORBIDDEN = Denied(403, "403 Forbidden")
NOT_FOUND = Denied(404, "404 Not found")


@dataclass(frozen=True, slots=True)
class Token:
    """`scopes` as GitLab names them; only `api` may write."""

    text: str
    login: str
    expires_at: datetime
    scopes: tuple[str, ...] = ("api",)

    def check(self, method: str) -> None:
        """Raises Denied(403) where the scopes do not reach so far."""
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
    """The tokens that are out, and everybody's role in a project.

    `bot_level` is the bot's role.
    """

    clock: Callable[[], datetime]
    tokens: dict[str, Token] = field(default_factory=dict)
    bot_level: int = REPORTER

    def issue(self, text: str, login: str, scopes: tuple[str, ...] = ("api",)) -> Token:
        """Registers a token that lasts for a year."""
        self.tokens[text] = Token(text, login, self.clock() + TOKEN_LIFE, scopes)
        return self.tokens[text]

    def token(self, headers: Mapping[str, str]) -> Token | None:
        """None where no token is shown. Raises Denied(401)."""
        text = headers.get("private-token") or _bearer(headers.get("authorization", ""))
        if not text:
            return None
        known = self.tokens.get(text)
        if known is None:
            raise UNAUTHORIZED
        if known.expires_at <= self.clock():
            raise Denied(
                401,
                "401 Unauthorized",
                error="invalid_token",
                error_description="Token is expired. You can either do re-authorization or "
                "token refresh.",
            )
        return known

    def level(self, repo: Repo, login: str) -> int:
        """0 = no member."""
        if login == BOT:
            return self.bot_level
        if login == MAINTAINER:
            return MAINTAINING
        return DEVELOPER if login in repo.writers else 0

    def sees(self, repo: Repo, issue: Issue, login: str) -> bool:
        """Confidential issues are for planners and above, and for their authors."""
        return not issue.confidential or self.level(repo, login) >= PLANNER or login == issue.author


def _bearer(authorization: str) -> str:
    scheme, _, text = authorization.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""
