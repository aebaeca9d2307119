"""What happened to an issue, told in a sentence from its log and from what its host shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.core.pricing import cost_usd
from bot.sandbox.page.demo_backend import Event, Shown

State = Literal["working", "waiting", "ended"]
COMPARED = "gpt-6-luna"
KILLED = "the worker was killed (SIGKILL); a new one was started"
REDELIVERED = "the host delivered the same webhook again"
HIDDEN = ("timestamp", "event", "part", "level", "job", "delivery", "issue", "forge")
WHY = {
    "connection-lost": "its connection was cut",
    "unreachable": "it cannot be reached",
    "timeout": "it took too long",
    "not-json": "its answer was not the JSON we asked for",
    "wrong-shape": "its answer had another shape",
    "status-429": "429, too many requests",
    "breaker-open": "it failed often lately and is now asked once a minute",
}
AGAIN = ("in a minute", "in two minutes", "in three minutes")


@dataclass(frozen=True, slots=True)
class NarratedLine:
    """`working` until the job has ended, `waiting` while the model will be asked again."""

    state: State
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log, without what is the same in all of them."""

    time: str
    part: str
    event: str
    fields: str
    is_bad: bool


@dataclass(frozen=True, slots=True)
class Bill:
    """Who answered, and what it took; `compared` is another model and what it would have cost."""

    by: str
    tokens: str
    cost: str
    seconds: str
    compared: tuple[str, str] | None = None


def tell(events: Sequence[Event], shown: Shown, deed: str = "") -> NarratedLine:
    """`deed` is what a person did last, to be told once the job has ended."""
    names = [event["event"] for event in events]
    last = next((e for e in reversed(events) if e["event"] in TOLD), None)
    if last is None:
        return NarratedLine(
            "working", "Delivered, signed and queued. The worker has not begun yet."
        )
    said = TOLD[last["event"]](events, last, shown)
    killed_since = KILLED in names and _last(names, KILLED) > _last(names, last["event"])
    if killed_since and said.state == "working":
        text = "The worker was killed in the middle of it. The job is safe in Redis; "
        return NarratedLine("working", text + "the new worker takes it up within a minute.")
    if deed and said.state != "working":
        return NarratedLine(said.state, deed)
    return said


def _last(names: Sequence[str], name: str) -> int:
    return len(names) - 1 - list(reversed(names)).index(name)


def _begun(_events: Sequence[Event], _last: Event, _shown: Shown) -> NarratedLine:
    return NarratedLine("working", "The worker is on it: it reads the issue and asks the model.")


def _later(_events: Sequence[Event], last: Event, _shown: Shown) -> NarratedLine:
    why, seconds = last.get("why", "no answer"), last.get("seconds", "some")
    return NarratedLine("working", f"A hitch ({why}): tried again in {seconds} s. Nothing is lost.")


def _buried(_events: Sequence[Event], last: Event, _shown: Shown) -> NarratedLine:
    return NarratedLine(
        "ended", f"Gave up ({last.get('why')}); kept as a dead letter for the operator."
    )


def _skipped(_events: Sequence[Event], last: Event, _shown: Shown) -> NarratedLine:
    return NarratedLine("ended", f"Nothing to do: {last.get('why')}.")


def _fell_back(events: Sequence[Event], last: Event, shown: Shown) -> NarratedLine:
    if last.get("why") == "no-provider":
        text = f"No model is configured, so rules answered: {_comments(shown)}, {_labels(shown)}."
        return NarratedLine("ended", text)
    failures = sum(event["event"] == last["event"] for event in events)
    why = WHY.get(str(last.get("why")), str(last.get("why")).replace("-", " "))
    said = f"{_labels(shown)} came from rules, {_comments(shown)} yet"
    again = AGAIN[min(failures, len(AGAIN)) - 1]
    return NarratedLine(
        "waiting", f"The model failed ({why}): {said}. It will be asked again {again}."
    )


def _answered(events: Sequence[Event], last: Event, shown: Shown) -> NarratedLine:
    names = [event["event"] for event in events]
    done = f"{_comments(shown)}, {_labels(shown)}"
    if "using fallback" in names:
        return NarratedLine(
            "ended", f"The model is back; its answer replaced what the rules said: {done}."
        )
    if KILLED in names and names.count("starting enrichment") > 1:
        text = "The job of the killed worker was taken up again"
        return NarratedLine("ended", f"{text}: {done}, nothing doubled.")
    if not any("tokens_in" in event and event["tokens_in"] for event in events):
        return NarratedLine("ended", f"Answered from an issue with the very same text: {done}.")
    return NarratedLine("ended", f"Answered in {_time(last)}: {done}.")


TOLD = {
    "starting enrichment": _begun,
    "error, tried again later": _later,
    "gave up; kept as a dead letter": _buried,
    "nothing to do": _skipped,
    "not written": _skipped,
    "using fallback": _fell_back,
    "enrichment succeeded": _answered,
}


def _labels(shown: Shown) -> str:
    count = len(shown.labels)
    return f"{count} labels" if count > 1 else f"{count or 'no'} label"


def _comments(shown: Shown) -> str:
    count = len(shown.comments)
    return f"{count} comments" if count > 1 else f"{count or 'no'} comment"


def _time(outcome: Event) -> str:
    seconds = float(outcome.get("seconds", 0))
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def lines(events: Sequence[Event]) -> list[Line]:
    return [
        Line(
            time=str(event["timestamp"])[11:23],
            part=str(event["part"]),
            event=str(event["event"]),
            fields=" ".join(f"{k}={_plain(v)}" for k, v in event.items() if k not in HIDDEN),
            is_bad=event.get("level") in ("warning", "error"),
        )
        for event in events
    ]


def _plain(value: Any) -> str:
    return "-" if value is None else str(value)


def bill(events: Sequence[Event], *, stand_in: bool) -> Bill | None:
    """Of the last answer; None while there is none."""
    last = next((e for e in reversed(events) if "outcome" in e), None)
    if last is None:
        return None
    seconds = _time(last)
    if "model" not in last:
        return Bill("rules, without a model", "none", "$0", seconds)
    tokens_in, tokens_out = last.get("tokens_in", 0), last.get("tokens_out", 0)
    tokens = f"{tokens_in:,} in, {tokens_out:,} out"
    if stand_in:
        compared = (COMPARED, _dollars(cost_usd(COMPARED, tokens_in, tokens_out)))
        return Bill(str(last["model"]), tokens, "$0", seconds, compared)
    return Bill(str(last["model"]), tokens, _dollars(last.get("cost_usd")), seconds)


def _dollars(cost: float | None) -> str:
    return "no price known" if cost is None else f"${cost:.5f}"
