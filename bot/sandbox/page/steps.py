"""The five steps of a delivery, each with its state, from an issue's log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.sandbox.page.demo_backend import IssueView, LogEvent
from bot.sandbox.page.narration import KILLED, State, last_enrichment

StepState = Literal["pending", "active", "done", "failed", "skipped"]
STATE_NAMES: dict[StepState, str] = {
    "pending": "not yet",
    "active": "now",
    "done": "done",
    "failed": "failed",
    "skipped": "not needed",
}


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    text: str
    state: StepState

    @property
    def state_name(self) -> str:
        return STATE_NAMES[self.state]


STEPS = {
    "Webhook": "signed by the host",
    "Queue": "checked, then stored",
    "Worker": "reads the issue",
    "Model": "summary and labels",
    "Comment": "written once",
}


def steps(events: Sequence[LogEvent], issue: IssueView, state: State | None) -> list[Step]:
    """Return the steps of an issue; without one (`state` None) all are pending."""
    names = [str(event["event"]) for event in events]
    states: list[StepState] = ["pending"] * len(STEPS)
    if state:
        states[0] = "done"
        states[1] = "done" if len(names) > 1 else "active"
    if "starting enrichment" in names:
        states[2:] = _worker(names, state), _model(events, state), _comment(issue, state)
    return [Step(*row, one) for row, one in zip(STEPS.items(), states, strict=True)]


def _worker(names: Sequence[str], state: State | None) -> StepState:
    start = max(i for i, name in enumerate(names) if name == "starting enrichment")
    return "failed" if state == "working" and KILLED in names[start:] else "done"


def _model(events: Sequence[LogEvent], state: State | None) -> StepState:
    """Return the state of the last call; rules alone need none."""
    last = last_enrichment(events)
    if state == "working" or last is None:
        return "active" if state == "working" else "skipped"
    if last["event"] == "using fallback":
        return "skipped" if last.get("why") == "no-provider" else "failed"
    return "done" if "model" in last else "skipped"


def _comment(issue: IssueView, state: State | None) -> StepState:
    if issue.answers:
        return "done"
    return "skipped" if state == "ended" else "pending"
