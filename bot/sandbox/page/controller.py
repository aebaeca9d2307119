"""The page's state and actions: issues, one fault at a time, and what people do on an issue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from threading import Lock, Thread
from time import monotonic, sleep

from bot.sandbox.gitlab.access import BOT
from bot.sandbox.model import scripted
from bot.sandbox.page import attempts, narration, samples
from bot.sandbox.page import steps as delivery_steps
from bot.sandbox.page.demo_backend import (
    DemoBackend,
    DemoIssue,
    DemoUnavailable,
    HostName,
    IssueView,
    LogEvent,
    SuggestionView,
)
from bot.sandbox.page.samples import CUSTOM, FAULTS, KILL, SAMPLES, DemoFault

HOSTS: dict[HostName, str] = {"github": "GitHub", "gitlab": "GitLab"}
PREFIXES: dict[HostName, str] = {"github": "/tagline", "gitlab": f"@{BOT}"}  # of commands
AUTHORS = ("maintainer", "stranger")  # of comments; the login is the same
LISTED = 8
FAULT_SECONDS = 30.0
NOTICES = {
    "busy": "One fault at a time: the job with the previous one is still running.",
    "title": "An issue needs a title.",
    "long": f"A title has at most {samples.LONGEST_TITLE} characters, a text at most "
    f"{samples.LONGEST_BODY:,}.",
    "gone": "That label is not on the issue any more.",
    "decided": "That suggestion does not wait for a decision any more, or is not on this issue.",
    "decision": "Choose Accept or Dismiss.",
    "empty": "A comment needs text.",
    "long-comment": f"A comment has at most {samples.LONGEST_BODY:,} characters.",
    "author": "Choose who writes the comment: a maintainer or a stranger.",
    "away": "A part of the demo does not answer. Reset restarts all parts.",
}
SAME_JOB = "The same webhook was delivered again. Its id was known, so nothing was queued."
NEW_JOB = "The same webhook was delivered again. Its id was no longer known: a new job was queued."
WITHOUT_JOB = "The comment has no command, so nothing was queued."
WITH_JOB = "The webhook of the comment was delivered and its job was queued."


@dataclass(slots=True)
class TrackedIssue:
    """An issue opened on the page. `action` describes what the visitor did after `ended` jobs.

    While `fault_active`, the log's outcome is not final.
    """

    issue: DemoIssue
    title: str
    sample: str
    fault: str = ""  # the name of the fault that it was opened with
    action: narration.Status | None = None
    ended: int = 0
    fault_active: bool = False

    @property
    def key(self) -> str:
        return f"{self.issue.host}/{self.issue.number}"

    @property
    def path(self) -> str:
        return f"/issues/{self.key}"


@dataclass(frozen=True, slots=True)
class ListEntry:
    key: str
    host: str
    number: int
    title: str
    fault: str
    state: narration.State


@dataclass(frozen=True, slots=True)
class PageView:
    """All that the page shows. `tracked`, `status` and `usage` are None without an issue.

    `entries` are the newest of all `opened` issues.
    """

    tracked: TrackedIssue | None
    issue: IssueView
    status: narration.Status | None
    steps: Sequence[delivery_steps.Step]
    usage: narration.Usage | None
    log: Sequence[narration.LogLine]
    entries: Sequence[ListEntry]
    opened: int
    notice: str
    verdicts: Sequence[attempts.Verdict]
    is_scripted: bool
    command: str
    model: str
    is_simulated: bool
    model_host: str

    @property
    def warning(self) -> str:
        return NOTICES.get(self.notice, "")


def _describe_acceptance(suggestion: SuggestionView) -> str:
    what = "set the type" if suggestion.action == "set_type" else "added the label"
    return f"accepted a suggestion, which {what} {suggestion.target}"


def _describe_dismissal(suggestion: SuggestionView) -> str:
    return f"dismissed the suggestion {suggestion.target}"


DECISIONS: dict[str, Callable[[SuggestionView], str]] = {
    "accept": _describe_acceptance,
    "dismiss": _describe_dismissal,
}


class Controller:
    """The state of the page, for one visitor. Actions return the path to redirect to."""

    def __init__(self, backend: DemoBackend) -> None:
        self._backend = backend
        self._builds = count(1017)
        self._fault_lock = Lock()
        self.issues: dict[str, TrackedIssue] = {}

    def open(self, _key: str, form: Mapping[str, str]) -> str:
        host: HostName = "gitlab" if form.get("host") == "gitlab" else "github"
        build = next(self._builds)
        sample = SAMPLES.get(form.get("sample", ""))
        fault = next((f for f in FAULTS if f.key == form.get("fault")), None)
        if sample:  # an answer that is reused would hide the fault
            title, body = samples.write_issue(sample, build, is_new=fault is not None)
        else:
            title, body = form.get("title", "").strip(), form.get("body", "")
        if notice := _problem(title, body):
            return f"{self._latest_path()}?notice={notice}"
        if fault and not self._fault_lock.acquire(blocking=False):
            return f"{self._latest_path()}?notice=busy"
        try:
            if fault:
                self._backend.arm(fault.sandbox_fault, fault.times)
            # Each issue has another author: the budget of one author is small.
            issue = self._backend.open(host, title, body, f"visitor-{build}")
        except DemoUnavailable:
            if fault:
                self._disarm()
            raise
        tracked = TrackedIssue(issue, title, sample.key if sample else CUSTOM)
        tracked.fault = fault.name if fault else ""
        self.issues[tracked.key] = tracked
        if fault:
            tracked.fault_active = True
            Thread(target=self._run_fault, args=(tracked, fault), daemon=True).start()
        return tracked.path

    def _latest_path(self) -> str:
        latest = next(reversed(list(self.issues.values())), None)
        return latest.path if latest else ""

    def _run_fault(self, tracked: TrackedIssue, fault: DemoFault) -> None:
        """Wait for the end of the issue's job, then clear the fault."""
        try:
            with suppress(DemoUnavailable):
                if fault.key == KILL:
                    self._wait_for(tracked, "try_number")
                    if self.issues.get(tracked.key) is tracked:  # else the demo was reset
                        self._kill_worker()
                else:
                    self._wait_for(tracked, "outcome")
                if not self._backend.disarm() and fault.result:
                    self._set_action(tracked, fault.result, self._count_ends(tracked))
        finally:
            tracked.fault_active = False
            self._fault_lock.release()

    def _disarm(self) -> None:
        with suppress(DemoUnavailable):
            self._backend.disarm()
        self._fault_lock.release()

    def _kill_worker(self) -> None:
        """Kill the worker, and record it in the log of each issue with a running job."""
        running = [one for one in list(self.issues.values()) if self._state(one) == "working"]
        self._backend.kill_worker()
        for tracked in running:
            self._backend.record(tracked.issue, narration.KILLED)

    def _state(self, tracked: TrackedIssue) -> narration.State:
        return narration.describe(self._backend.log(tracked.issue), IssueView()).state

    def _wait_for(self, tracked: TrackedIssue, field: str) -> None:
        """Wait until a log line of the issue has that field, or the demo was reset."""
        end = monotonic() + FAULT_SECONDS
        while self.issues.get(tracked.key) is tracked and monotonic() < end:
            if any(field in event for event in self._backend.log(tracked.issue)):
                return
            sleep(0.05)

    def redeliver(self, key: str, _form: Mapping[str, str]) -> str:
        tracked = self.issues.get(key)
        if not tracked:
            return ""
        ended = self._count_ends(tracked)
        self._backend.record(tracked.issue, narration.REDELIVERED)
        job = self._backend.redeliver(tracked.issue)
        self._set_action(tracked, SAME_JOB if job == tracked.issue.job else NEW_JOB, ended)
        return tracked.path

    def unlabel(self, key: str, form: Mapping[str, str]) -> str:
        tracked, label = self.issues.get(key), form.get("label", "")
        if not tracked:
            return ""
        if label not in self._backend.show(tracked.issue).labels:
            return f"{tracked.path}?notice=gone"
        ended = self._count_ends(tracked)
        self._backend.unlabel(tracked.issue, label)
        self._backend.record(tracked.issue, f"a maintainer removed the label {label}")
        text = f"A maintainer removed {label}. Tagline will not set it again."
        self._set_action(tracked, text, ended)
        return tracked.path

    def decide(self, key: str, form: Mapping[str, str]) -> str:
        """Accept or dismiss a suggestion as a maintainer."""
        tracked, decision = self.issues.get(key), form.get("decision", "")
        if not tracked:
            return ""
        if decision not in DECISIONS:
            return f"{tracked.path}?notice=decision"
        pending = self._backend.show(tracked.issue).suggestions
        chosen = next((one for one in pending if str(one.id) == form.get("suggestion")), None)
        if not chosen:
            return f"{tracked.path}?notice=decided"
        ended = self._count_ends(tracked)
        text = DECISIONS[decision](chosen)
        self._backend.record(tracked.issue, f"a maintainer {text}")
        self._backend.decide(tracked.issue, chosen.id, accept=decision == "accept")
        self._set_action(tracked, f"A maintainer {text}.", ended)
        return tracked.path

    def comment(self, key: str, form: Mapping[str, str]) -> str:
        """Comment as a person; a command in the comment becomes a job."""
        tracked, body, author = self.issues.get(key), form.get("body", ""), form.get("author")
        if not tracked:
            return ""
        if author not in AUTHORS:
            return f"{tracked.path}?notice=author"
        if not body.strip():
            return f"{tracked.path}?notice=empty"
        if len(body) > samples.LONGEST_BODY:
            return f"{tracked.path}?notice=long-comment"
        ended = self._count_ends(tracked)
        self._backend.record(tracked.issue, f"a {author} commented")
        if self._backend.comment(tracked.issue, body, author):
            self._set_action(tracked, WITH_JOB, ended, "working")
        else:
            self._set_action(tracked, WITHOUT_JOB, ended)
        return tracked.path

    def _count_ends(self, tracked: TrackedIssue) -> int:
        return narration.count_ends(self._backend.log(tracked.issue))

    def _set_action(
        self, tracked: TrackedIssue, text: str, ended: int, state: narration.State = "ended"
    ) -> None:
        """Describe what the visitor did. The next job that ends, after `ended`, replaces it."""
        tracked.action, tracked.ended = narration.Status(state, text), ended

    def reset(self, _key: str, _form: Mapping[str, str]) -> str:
        self.issues.clear()
        self._backend.restart()
        return ""

    def view(self, key: str, notice: str) -> PageView:
        """Return the page with the issue of that key, or none. Raises `DemoUnavailable`."""
        tracked = self.issues.get(key)
        issue, events, status = IssueView(), [], None
        if tracked:
            issue, events = self._backend.show(tracked.issue), self._backend.log(tracked.issue)
            is_last = narration.count_ends(events) == tracked.ended
            final = [e for e in events if not (tracked.fault_active and "outcome" in e)]
            status = narration.describe(final, issue, tracked.action if is_last else None)
        is_simulated = self._backend.is_simulated
        return PageView(
            tracked=tracked,
            issue=issue,
            status=status,
            steps=delivery_steps.steps(events, issue, status.state if status else None),
            usage=narration.usage(events, is_simulated=is_simulated),
            log=narration.log_lines(events),
            entries=[self._entry(one) for one in reversed(list(self.issues.values())[-LISTED:])],
            opened=len(self.issues),
            notice=notice if notice in NOTICES else "",
            verdicts=attempts.judge(tracked.sample, issue) if tracked else [],
            is_scripted=is_simulated and _is_scripted(events, issue),
            command=f"{PREFIXES[tracked.issue.host]} why" if tracked else "",
            model=self._backend.model,
            is_simulated=is_simulated,
            model_host=self._backend.model_host,
        )

    def _entry(self, tracked: TrackedIssue) -> ListEntry:
        issue, state = tracked.issue, self._state(tracked)
        return ListEntry(
            tracked.key, HOSTS[issue.host], issue.number, tracked.title, tracked.fault, state
        )


def _problem(title: str, body: str) -> str:
    """Return the key of the notice about a title or body, empty where both are valid."""
    if len(title) > samples.LONGEST_TITLE or len(body) > samples.LONGEST_BODY:
        return "long"
    return "" if title else "title"


def _is_scripted(events: Sequence[LogEvent], issue: IssueView) -> bool:
    """Return whether the simulated model's last answer is the one written for a sample."""
    last = narration.last_enrichment(events) or {}
    is_answer = last.get("event") == "enrichment succeeded" and "model" in last
    return is_answer and scripted.find(issue.title, issue.body) is not None
