"""The setup page's link, cookie and form token."""

from __future__ import annotations

import pytest

from bot.web.forms import SESSION_SECONDS
from bot.web.setup.session import Sessions
from tests.clock import Clock


@pytest.fixture
def tokens() -> list[str]:
    return []


@pytest.fixture
def sessions(clock: Clock, tokens: list[str]) -> Sessions:
    return Sessions(tokens.append, clock)


def test_a_token_opens_one_session_and_a_new_one_follows(
    sessions: Sessions, tokens: list[str]
) -> None:
    (token,) = tokens
    cookie = sessions.open(token)
    assert sessions.has_opened(cookie)
    assert sessions.open(token) == ""
    assert sessions.has_opened(cookie)
    assert tokens == [token, sessions.token]
    assert len(token) >= 43


@pytest.mark.parametrize("token", ["", "x", "é", "\0"])
def test_a_wrong_token_opens_nothing(sessions: Sessions, tokens: list[str], token: str) -> None:
    assert sessions.open(token) == ""
    assert len(tokens) == 1


def test_a_second_session_ends_the_first(sessions: Sessions) -> None:
    first, form_token = sessions.open(sessions.token), sessions.form_token
    second = sessions.open(sessions.token)
    assert (sessions.has_opened(first), sessions.has_opened(second)) == (False, True)
    assert not sessions.is_form_token(form_token)


def test_a_session_expires(sessions: Sessions, clock: Clock) -> None:
    cookie = sessions.open(sessions.token)
    clock.now += SESSION_SECONDS
    assert not sessions.has_opened(cookie)


def test_a_changed_or_foreign_cookie_opens_nothing(sessions: Sessions) -> None:
    cookie = sessions.open(sessions.token)
    session, until, signature = cookie.split(".")
    foreign = Sessions(lambda _: None)
    later = f"{session}.{int(until) + 1}.{signature}"
    for wrong in ("", "a", "a.b.c", "..", later, cookie[:-1], foreign.open(foreign.token), "é.1.é"):
        assert not sessions.has_opened(wrong)


def test_only_this_process_can_answer_a_nonce(sessions: Sessions) -> None:
    other = Sessions(lambda _: None)
    assert sessions.prove("n") == sessions.prove("n") != sessions.prove("m")
    assert sessions.prove("n") != other.prove("n")
