"""A new token is not accepted everywhere at once: what is tried again, and what is an error."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import httpx
import pytest

from bot.core.errors import NotCovered, OperatorError, RateLimited, Retry
from bot.core.types import IssueRef
from bot.forges.github.api import GitHub
from bot.forges.github.auth import LAG_SECONDS, AppAuth
from bot.forges.github.client import GitHubClient
from bot.sandbox.github.access import Access
from bot.sandbox.state import now
from tests.fakes import NOW, REF
from tests.scripted_web import ScriptedWeb

JSON = {"content-type": "application/json"}


@dataclass
class Host:
    """Rejects the tokens in `unknown`; `minted` is the status of requests for a token."""

    minted: int = 201
    refuses: bool = False
    now: float = NOW
    tokens: list[str] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    headers: dict[str, str] = field(default_factory=dict)
    both: threading.Barrier | None = None

    def __post_init__(self) -> None:
        rest = GitHubClient(ScriptedWeb(self.answer), "https://api.github.com", lambda: self.now)
        key = Access(1, [], "", "", now).private_key
        self.forge = GitHub(rest, AppAuth(rest, "1", key, lambda: self.now))

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/access_tokens"):
            if self.minted != 201:
                return self.say(self.minted, {"message": "No"})
            self.tokens.append(f"ghs_{len(self.tokens)}")
            return self.say(201, {"token": self.tokens[-1]})
        token = request.headers["authorization"].split()[-1]
        if self.refuses or token in self.unknown:
            if self.both:
                self.both.wait(5)
            return self.say(401, {"message": "Bad credentials"})
        if request.url.path.startswith("/repositories/"):
            return self.say(200, {"id": REF.repo_id, "full_name": REF.repo})
        return self.say(200, {"title": "Found", "state": "open"})

    def say(self, status: int, body: dict[str, object]) -> httpx.Response:
        return httpx.Response(status, headers={**JSON, **self.headers}, json=body)

    def read(self, ref: IssueRef = REF) -> str:
        return self.forge.get_issue(ref).title


def test_a_new_token_that_is_rejected_is_kept_and_tried_again() -> None:
    host = Host(refuses=True)
    for seconds in (0, 5, 15, 35, LAG_SECONDS - 1):
        host.now = NOW + seconds
        with pytest.raises(Retry) as found:
            host.read()
        assert type(found.value) is Retry
    host.refuses = False
    assert host.read() == "Found"
    assert len(host.tokens) == 1


def test_a_token_that_is_rejected_for_more_than_a_minute_is_an_operator_error() -> None:
    host = Host(refuses=True)
    with pytest.raises(Retry):
        host.read()
    host.now += LAG_SECONDS + 1
    with pytest.raises(OperatorError, match="GITHUB_APP_ID and GITHUB_PRIVATE_KEY"):
        host.read()
    with pytest.raises(Retry):  # the next job begins with a token of its own
        host.read()
    assert len(host.tokens) == 2


def test_an_expired_token_is_replaced_at_once_and_the_new_one_may_be_late_too() -> None:
    host = Host()
    host.read()
    host.now += 1800
    host.unknown |= {"ghs_0", "ghs_1"}
    with pytest.raises(Retry):
        host.read()
    host.unknown.remove("ghs_1")
    assert host.read() == "Found"
    assert host.tokens == ["ghs_0", "ghs_1"]


def test_two_threads_both_replace_an_expired_token() -> None:
    host = Host()
    host.read()
    host.now += 1800
    host.unknown = {"ghs_0"}
    host.both = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: host.read(), range(2))) == ["Found", "Found"]


@pytest.mark.parametrize("status", [403, 404, 422])
def test_an_installation_without_the_repository_is_not_covered(status: int) -> None:
    host = Host(minted=status)
    with pytest.raises(NotCovered) as found:
        host.read(replace(REF, account="666"))
    assert found.value.may_be_lag is (status == 404)


def test_a_rate_limit_on_tokens_is_not_account_wide() -> None:
    host = Host(minted=429, headers={"retry-after": "30"})
    with pytest.raises(RateLimited) as found:
        host.read()
    assert not found.value.account_wide
    assert found.value.after == 30
