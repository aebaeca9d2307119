"""Describes an issue's log in one sentence, as table rows, and by what the answer took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.core.pricing import cost_usd
from bot.sandbox.page.demo_backend import IssueView, LogEvent

State = Literal["working", "waiting", "ended"]
COMPARED_MODEL = "gpt-6-luna"
KILLED = "the worker was killed (SIGKILL); a new one was started"
REDELIVERED = "the host delivered the same webhook again"
HIDDEN = ("timestamp", "event", "part", "level", "job", "delivery", "issue", "forge")
REASONS = {
    "connection-lost": "its connection was cut",
    "unreachable": "it cannot be reached",
    "timeout": "it took too long",
    "not-json": "its answer was not the requested JSON",
    "wrong-shape": "its answer did not follow the schema",
    "status-429": "429, too many requests",
    "breaker-open": "it failed often and is now tried once a minute",
}
RETRY_TIMES = ("in a minute", "in two minutes", "in three minutes")


@dataclass(frozen=True, slots=True)
class Status:
    """`working` until the job has ended, `waiting` while the model will be asked again."""

    state: State
    text: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """One row of the log, without the fields that are the same in all rows."""

    time: str
    part: str
    event: str
    fields: str
    is_bad: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer took; `compared` is another model and its price for the same tokens."""

    source: str
    tokens: str
    cost: str
    seconds: str
    compared: tuple[str, str] | None = None


def describe(events: Sequence[LogEvent], issue: IssueView, action: Status | None = None) -> Status:
    """Return the issue's status; once the job has ended it is `action`, if there is one."""
    names = [event["event"] for event in events]
    last = next((i for i in reversed(range(len(names))) if names[i] in DESCRIPTIONS), None)
    if last is None:
        text = "The webhook was delivered and the job was queued. The worker has not started yet."
        return Status("working", text)
    status = DESCRIPTIONS[names[last]](events[: last + 1], issue)
    if status.state != "working":
        return action or status
    if KILLED in names[last:]:
        text = "The worker was killed in the middle of the job. The job is still in Redis; "
        return Status("working", text + "the new worker resumes it within a minute.")
    return status


def _started(_events: Sequence[LogEvent], _issue: IssueView) -> Status:
    return Status("working", "The worker reads the issue and asks the model.")


def _retry(events: Sequence[LogEvent], _issue: IssueView) -> Status:
    why, seconds = events[-1].get("why", "no answer"), events[-1].get("seconds", "some")
    return Status("working", f"The attempt failed ({why}). The next one starts in {seconds} s.")


def _dead(events: Sequence[LogEvent], _issue: IssueView) -> Status:
    why = events[-1].get("why")
    return Status("ended", f"Tagline gave up ({why}). A dead letter keeps the job.")


def _skipped(events: Sequence[LogEvent], _issue: IssueView) -> Status:
    return Status("ended", f"Nothing to do: {events[-1].get('why')}.")


def _fell_back(events: Sequence[LogEvent], issue: IssueView) -> Status:
    name, why = events[-1]["event"], str(events[-1].get("why"))
    labels, comments = _describe_labels(issue), _count(len(issue.answers), "comment")
    if why == "no-provider":
        return Status("ended", f"No model is configured, so rules were used: {comments}, {labels}.")
    failures = sum(event["event"] == name for event in events)
    reason = REASONS.get(why, why.replace("-", " "))
    retry = RETRY_TIMES[min(failures, len(RETRY_TIMES)) - 1]
    text = f"The model failed ({reason}): {labels} came from rules, {comments} yet. "
    return Status("waiting", text + f"It will be asked again {retry}.")


def _succeeded(events: Sequence[LogEvent], issue: IssueView) -> Status:
    names = [event["event"] for event in events]
    result = f"{_count(len(issue.answers), 'comment')}, {_describe_labels(issue)}"
    if issue.suggestions:
        result += f", {_count(len(issue.suggestions), 'suggestion')}"
    if "using fallback" in names:
        text = f"The model is back; its answer replaced the labels from rules: {result}."
    elif KILLED in names and names.count("starting enrichment") > 1:
        text = f"The killed worker's job was resumed: {result}, no duplicates."
    elif not any(event.get("tokens_in") for event in events):
        text = f"The answer for an issue with the same text was reused: {result}."
    else:
        text = f"Answered in {_duration(events[-1])}: {result}."
    return Status("ended", text)


def _reading_commands(_events: Sequence[LogEvent], _issue: IssueView) -> Status:
    return Status("working", "The worker reads the comment and asks for its author's role.")


def _commands_ended(events: Sequence[LogEvent], _issue: IssueView) -> Status:
    result = events[-1].get("result")
    if events[-1].get("outcome") == "executed":
        return Status("ended", f"Tagline carried out the command ({result}).")
    return Status("ended", f"Tagline ignored the comment, without a reaction: {result}.")


Describe = Callable[[Sequence[LogEvent], IssueView], Status]
# The worker's log events that say what happened to a job.
ENRICHMENTS: dict[str, Describe] = {
    "starting enrichment": _started,
    "error, tried again later": _retry,
    "gave up; kept as a dead letter": _dead,
    "nothing to do": _skipped,
    "refused by the forge": _skipped,
    "not written": _skipped,
    "using fallback": _fell_back,
    "enrichment succeeded": _succeeded,
}
DESCRIPTIONS: dict[str, Describe] = {
    **ENRICHMENTS,
    "reading commands": _reading_commands,
    "commands ended": _commands_ended,
}


def count_ends(events: Sequence[LogEvent]) -> int:
    """Return how many jobs with a description have ended."""
    return sum("outcome" in event and event["event"] in DESCRIPTIONS for event in events)


def last_enrichment(events: Sequence[LogEvent]) -> LogEvent | None:
    """Return the end of the last job that asked for labels, None before it."""
    ended = (e for e in reversed(events) if e["event"] in ENRICHMENTS and "outcome" in e)
    return next(ended, None)


def _describe_labels(issue: IssueView) -> str:
    labels = _count(len(issue.labels), "label")
    if not issue.type:
        return labels
    return f"type {issue.type} and {labels}" if issue.labels else f"type {issue.type}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}s" if number > 1 else f"{number or 'no'} {noun}"


def _duration(event: LogEvent) -> str:
    seconds = float(event.get("seconds", 0))
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def log_lines(events: Sequence[LogEvent]) -> list[LogLine]:
    return [
        LogLine(
            time=str(event["timestamp"])[11:23],
            part=str(event["part"]),
            event=str(event["event"]),
            fields=" ".join(
                f"{k}={v}" for k, v in event.items() if k not in HIDDEN and v is not None
            ),
            is_bad=event.get("level") in ("warning", "error"),
        )
        for event in events
    ]


def usage(events: Sequence[LogEvent], *, is_simulated: bool) -> Usage | None:
    """Return what the last answer took, None without one."""
    last = last_enrichment(events)
    if last is None:
        return None
    seconds = _duration(last)
    if "model" not in last:
        return Usage("rules, without a model", "none", "$0", seconds)
    tokens_in, tokens_out = last.get("tokens_in", 0), last.get("tokens_out", 0)
    tokens = f"{tokens_in:,} in, {tokens_out:,} out"
    if is_simulated:
        compared = (COMPARED_MODEL, _dollars(cost_usd(COMPARED_MODEL, tokens_in, tokens_out)))
        return Usage(str(last["model"]), tokens, "$0", seconds, compared)
    return Usage(str(last["model"]), tokens, _dollars(last.get("cost_usd")), seconds)


def _dollars(cost: float | None) -> str:
    return "no price known" if cost is None else f"${cost:.5f}"
