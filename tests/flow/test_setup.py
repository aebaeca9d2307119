"""The steps of setup, and when GitHub's answer to a registration is accepted."""

from __future__ import annotations

import pytest

from bot.core.setup import SetupProblem, SetupState
from bot.flow.setup import CONVERSION_SECONDS, Pending, check_return, find_next, list_steps

URL, APP = "https://bot.example.com", {"github": "GitHub App tagline"}


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (SetupState(), "address"),
        (SetupState(public_url=URL), "host"),
        (SetupState(poll_seconds=60), "host"),
        (SetupState(public_url=URL, hosts=APP), "delivery"),
        (SetupState(public_url=URL, hosts=APP, refused=frozenset({"github"})), "delivery"),
        (SetupState(poll_seconds=60, hosts=APP), "model"),
        (SetupState(public_url=URL, hosts=APP, verified=frozenset({"github"})), "model"),
        (SetupState(poll_seconds=60, hosts=APP, model="none"), "mode"),
        (SetupState(hosts=APP, model="m"), "address"),
    ],
)
def test_the_next_step_is_the_first_that_is_not_done(state: SetupState, step: str) -> None:
    assert find_next(state) == step


def test_steps_show_what_they_resulted_in() -> None:
    state = SetupState(poll_seconds=60, hosts=APP, model="none")
    steps = {step.name: (step.state, step.result) for step in list_steps(state, "host")}
    assert steps == {
        "address": ("done", "every 60 s, without webhooks"),
        "host": ("current", "GitHub App tagline"),
        "delivery": ("done", "not needed"),
        "model": ("done", "rules only"),
        "mode": ("open", ""),
    }


PENDING = Pending("s", "acme", 1000.0)


@pytest.mark.parametrize(
    ("pending", "state", "at", "problem"),
    [
        (PENDING, "s", 1000.0, ""),
        (PENDING, "s", 999.0 + CONVERSION_SECONDS, ""),
        (PENDING, "s", 1000.0 + CONVERSION_SECONDS, "valid for an hour"),
        (PENDING, "s", 900.0, "valid for an hour"),
        (PENDING, "S", 1000.0, "another page"),
        (PENDING, "", 1000.0, "another page"),
        (None, "s", 1000.0, "No registration"),
    ],
)
def test_github_s_answer_counts_for_the_newest_try_within_an_hour(
    pending: Pending | None, state: str, at: float, problem: str
) -> None:
    if not problem:
        check_return(pending, state, at)
        return
    with pytest.raises(SetupProblem, match=problem):
        check_return(pending, state, at)
