"""The spacing of requests that can wait, from the headers of a rate limit."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bot.forges.github import errors as github
from bot.forges.gitlab import errors as gitlab
from bot.forges.values import MAX_PAUSE
from tests.fakes import NOW

CASES = [
    ("5000", "5000", NOW + 3600, 0.9),  # four fifths of an hour's requests
    ("3000", "5000", NOW + 1800, 0.9),
    ("5000", "5000", NOW, 0.0),
    ("1000", "5000", NOW + 600, 600.0),  # the rest is for issues
    ("0", "5000", NOW + 600, 600.0),
    ("0", "5000", NOW - 5, 0.0),
    ("2000", "2000", NOW + 60, 0.0375),
    ("0", "60", NOW + 90_000, MAX_PAUSE),
    (None, None, None, 0.0),
    ("5000", "5000", None, 0.0),
    ("many", "5000", NOW, 0.0),
    ("nan", "5000", NOW, 0.0),
]


@pytest.mark.parametrize(("left", "limit", "reset", "seconds"), CASES)
def test_requests_are_spaced_until_github_s_limit_ends(
    left: str | None, limit: str | None, reset: float | None, seconds: float
) -> None:
    headers = given({"remaining": left, "limit": limit, "reset": reset}, "x-ratelimit-")
    assert github.read_limit(headers).find_spacing(NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(("left", "limit", "reset", "seconds"), CASES)
def test_requests_are_spaced_until_gitlab_s_limit_ends(
    left: str | None, limit: str | None, reset: float | None, seconds: float
) -> None:
    used = int(limit) - int(left) if left and limit and left.isdecimal() else limit
    # The limit of a minute, which does not count where the server has another period.
    values = {"remaining": left, "observed": used, "reset": reset, "limit": "600"}
    headers = given(values, "ratelimit-")
    assert gitlab.read_limit(headers).find_spacing(NOW) == pytest.approx(seconds)


def given(values: Mapping[str, object], prefix: str) -> dict[str, str]:
    """Return the headers that a response has."""
    return {f"{prefix}{name}": str(value) for name, value in values.items() if value is not None}
