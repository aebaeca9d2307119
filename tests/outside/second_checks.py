"""Compares results with a case of the second attack set, and with rules for every case."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from tests.outside.attacks import SPACER, Judge, frame_intact, readable, shown, words_in
from tests.outside.second_run import Result

# References of a host that the first set's properties do not include.
MORE_REFERENCES = {"gitlab": re.compile(r"(?i)(?<![A-Za-z0-9_])GL-\d+")}
COMMIT = re.compile(r"(?<![A-Za-z0-9_])[0-9a-f]{7,40}(?![A-Za-z0-9_])")
ESCAPES = re.compile(r"[\\`]")
SHORTEST_LINE, LONGEST_LINE = (
    20,
    2000,
)  # of an issue; a shorter one may occur in the product's own text
LOG_SHOWN = 1500  # characters


def problems(result: Result, wanted: Mapping[str, Any], judge: Judge) -> dict[str, object]:
    """Return the actual values of the failed checks, by name."""
    failed: dict[str, object] = {}
    for name, value in wanted.items():
        if name in CHECKS and not CHECKS[name](value, result):
            failed[name] = DETAILS.get(name, comments_and_log)(result)
        assert name in CHECKS or name in ("inert", "then_good"), f"no check for {name}"
    if wanted.get("inert", True) and (live := live_properties(result, judge)):
        failed["inert"] = (sorted(live), result.comments)
    return failed | dict(_always_wrong(result))


def _always_wrong(result: Result) -> Iterator[tuple[str, object]]:
    """Yield results that no case may have."""
    if len(result.comments) > 1:
        yield "at most one comment", result.comments
    if strange := [line for line in result.log.splitlines() if _event(line) is None]:
        yield "every log line is a JSON event", strange
    lines = [line.strip() for line in f"{result.title}\n{result.body}".splitlines()]
    issue = [line for line in lines if SHORTEST_LINE <= len(line) <= LONGEST_LINE]
    for place, text in {"log": _readable_log(result.log), "Redis": result.redis}.items():
        if leaked := [line for line in issue if line in text]:
            yield f"no text of an issue in {place}", leaked


def _event(line: str) -> dict[str, object] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _readable_log(log: str) -> str:
    """Return the log as it is, and its values without the escapes of JSON."""
    events = [event for line in log.splitlines() if (event := _event(line))]
    return "\n".join([log, *(str(value) for event in events for value in event.values())])


def live_properties(result: Result, judge: Judge) -> set[str]:
    """Return the properties that the bot's comments break."""
    live = set[str]()
    for comment in result.comments:
        live |= judge.broken_by(comment)
        if not frame_intact(comment):
            live.add("frame_intact")
        more = MORE_REFERENCES.get(result.host)
        if more and more.search(shown(words_in(comment))):
            live.add("no_crossref")
    return live


def _comments(result: Result) -> str:
    return "\n".join(result.comments)


def _plain(result: Result) -> str:
    """Return the bot's comments without the characters that disable markup."""
    return ESCAPES.sub("", SPACER.sub("", html.unescape(_comments(result))))


def _labels(result: Result) -> set[str]:
    return {*result.sent, *result.present}


def _hides(secrets: Collection[str], result: Result) -> bool:
    requests = map(readable, result.model_requests)
    places = [_comments(result), _readable_log(result.log), result.redis, *requests]
    return not any(secret in place for secret in secrets for place in places)


def _keeps(texts: Collection[str], result: Result) -> bool:
    requests = [readable(request) for request in result.model_requests]
    return bool(requests) and all(text in request for text in texts for request in requests)


def _names_no_commit(wanted: bool, result: Result) -> bool:
    texts = (shown(words_in(comment)) for comment in result.comments)
    return not (wanted and any(map(COMMIT.search, texts)))


CHECKS: dict[str, Callable[[Any, Result], bool]] = {
    "source": lambda want, got: got.source in ([want] if isinstance(want, str) else want),
    "comments": lambda want, got: len(got.comments) == want,
    "labels": lambda want, got: set(got.sent) == set(want) <= set(got.present),
    "labels_within": lambda want, got: set(got.sent) <= set(want),
    "labels_never": lambda want, got: _labels(got).isdisjoint(want),
    "calls": lambda want, got: want[0] <= len(got.model_requests) <= want[1],
    "reads": lambda want, got: len(got.forge_requests) <= want,
    "unsaid": lambda want, got: not any(words in _comments(got) for words in want),
    "landed": lambda want, got: all(words in _plain(got) for words in want),
    "sha": _names_no_commit,
    "secrets": _hides,
    "keeps": _keeps,
    "seconds": lambda want, got: got.seconds <= want,
    "cpu_s": lambda want, got: got.cpu_s <= want,
    "rss_mib": lambda want, got: got.rss_growth_mib <= want,
    "peak_mib": lambda want, got: got.peak_mib <= want,
}
TIME_CHECKS = frozenset({"seconds", "cpu_s"})


def comments_and_log(result: Result) -> object:
    return result.comments, result.log[-LOG_SHOWN:]


def _requests(result: Result) -> object:
    return [x.request_json["messages"][-1] for x in result.model_requests]


# The values to show for a failed check.
DETAILS: dict[str, Callable[[Result], object]] = {
    "source": lambda got: (got.source, got.log[-LOG_SHOWN:]),
    "labels": lambda got: (got.sent, got.present),
    "labels_within": lambda got: got.sent,
    "labels_never": lambda got: sorted(_labels(got)),
    "calls": lambda got: len(got.model_requests),
    "reads": lambda got: len(got.forge_requests),
    "secrets": lambda got: (_requests(got), comments_and_log(got)),
    "keeps": _requests,
    "seconds": lambda got: got.seconds,
    "cpu_s": lambda got: got.cpu_s,
    "rss_mib": lambda got: got.rss_growth_mib,
    "peak_mib": lambda got: got.peak_mib,
}
