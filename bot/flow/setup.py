"""The steps of `tagline setup`: which are done, which is next, and when a return is accepted."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from bot.core.setup import SetupProblem, SetupState, Step, StepName, StepState

TITLES: dict[StepName, str] = {
    "address": "Address",
    "host": "GitHub or GitLab",
    "delivery": "First webhook",
    "model": "Model",
    "mode": "Start",
}
CONVERSION_SECONDS = 3600.0  # GitHub's limit from the manifest to the exchange of the code
AGAIN = "Start the step “GitHub or GitLab” again."
NAMES = {"github": "GitHub", "gitlab": "GitLab"}


def find_results(state: SetupState) -> dict[StepName, str]:
    """Return what each step that is done resulted in."""
    polls = f"every {state.poll_seconds} s, without webhooks" if state.poll_seconds else ""
    verified = [name for key, name in NAMES.items() if key in state.verified]
    delivery = f"{' and '.join(verified)} verified" if verified else ""
    results: dict[StepName, str] = {
        "address": polls or state.public_url,
        "host": ", ".join(state.hosts.values()),
        "delivery": "not needed" if polls and state.hosts else delivery,
        "model": "rules only" if state.model == "none" else state.model,
    }
    return {name: text for name, text in results.items() if text}


def find_next(state: SetupState) -> StepName:
    """Return the first step that is not done."""
    results = find_results(state)
    return next(name for name in TITLES if name not in results)


def list_steps(state: SetupState, shown: StepName) -> list[Step]:
    """Return all steps; `shown` is the one on the page."""
    results = find_results(state)

    def find_state(name: StepName) -> StepState:
        if name == shown:
            return "current"
        return "done" if name in results else "open"

    return [
        Step(name, title, find_state(name), results.get(name, "")) for name, title in TITLES.items()
    ]


@dataclass(frozen=True, slots=True)
class Pending:
    """A registration of a GitHub App from which the browser has not returned yet.

    `owner` is an organisation, "" for the user; `started_at` is in seconds since the epoch.
    """

    state: str
    owner: str
    started_at: float


def check_return(pending: Pending | None, state: str, now: float) -> None:
    """Raise `SetupProblem` unless the browser returns from the newest registration, in time."""
    if pending is None:
        raise SetupProblem(f"No registration of an App waits for this answer. {AGAIN}")
    if not hmac.compare_digest(pending.state.encode(), state.encode()):
        raise SetupProblem(
            "This answer belongs to another page or to an older try, perhaps in another tab, so it"
            f" was not used. {AGAIN} An App that GitHub has already created can be deleted there."
        )
    if not 0 <= now - pending.started_at < CONVERSION_SECONDS:
        raise SetupProblem(
            "GitHub's code is valid for an hour, and more time has passed, so nothing was stored."
            f" {AGAIN} Delete the App that GitHub has already created, or choose another name."
        )
