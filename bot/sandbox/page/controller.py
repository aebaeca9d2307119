"""What a visitor does on the page and what it then shows: issues, one fault at a time, deeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from threading import Lock, Thread
from time import monotonic, sleep

from bot.sandbox.page import narration, samples
from bot.sandbox.page.demo_backend import DemoBackend, DemoUnavailable, Event, Host, Opened, Shown
from bot.sandbox.page.samples import FAULTS, KILL, OWN, SAMPLES, Fault, Sample

HOSTS: Mapping[str, tuple[Host, str]] = {
    "github": ("github", "GitHub"),
    "gitlab": ("gitlab", "GitLab"),
}
LISTED = 8
FAULT_SECONDS = 30.0
NOTICES = {
    "busy": "One fault at a time: the issue of the last one is still in work.",
    "title": "An issue needs a title.",
    "long": f"Neither host takes a title of over {samples.LONGEST_TITLE} characters, or a text "
    f"of over {samples.LONGEST_BODY:,}.",
    "gone": "That label is not on the issue any more.",
    "away": "A part of the demo does not answer. Reset starts everything anew.",
}
NOTHING = Shown("", "", "", (), ())
SAME_JOB = (
    "The same webhook came a second time. Its id was known, so nothing was queued or changed."
)
NEW_JOB = "The webhook came a second time, and its id was no longer known: it was looked at again."


@dataclass(slots=True)
class Case:
    """An issue that was opened here. `deed` was done when it had had `outcomes` outcomes.

    While a fault is `striking`, nothing that its log says is the end of the matter.
    """

    issue: Opened
    title: str
    sample: str
    deed: str = ""
    outcomes: int = 0
    striking: bool = False

    @property
    def key(self) -> str:
        return f"{self.issue.host}/{self.issue.number}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row in the list of issues."""

    key: str
    host: str
    number: int
    title: str
    state: narration.State


@dataclass(frozen=True, slots=True)
class View:
    """All that the page shows. `case` and the like are None before the first issue; `notice` is
    one of `NOTICES`."""

    case: Case | None
    shown: Shown
    said: narration.NarratedLine | None
    bill: narration.Bill | None
    log: Sequence[narration.Line]
    entries: Sequence[Entry]
    notice: str
    model: str
    has_stand_in: bool
    hosts: Mapping[str, tuple[Host, str]]
    samples: Sequence[Sample]
    faults: Sequence[Fault]

    @property
    def warning(self) -> str:
        return NOTICES.get(self.notice, "")


class Controller:
    """The state of the page, for one visitor. Acts return the path to go to."""

    def __init__(self, backend: DemoBackend, patience: float = FAULT_SECONDS) -> None:
        self._theatre = backend
        self._patience = patience
        self._builds = count(1017)
        self._fault_at_work = Lock()
        self.cases: dict[str, Case] = {}

    def open(self, _key: str, form: Mapping[str, str]) -> str:
        host = HOSTS.get(form.get("host", ""), HOSTS["github"])[0]
        build = next(self._builds)
        sample = SAMPLES.get(form.get("sample", ""))
        if sample:
            title, body = sample.title, samples.with_build(sample.body, build)
        else:
            title, body = form.get("title", "").strip(), form.get("body", "")
        if why := _refused(title, body):
            return f"{self._latest()}?notice={why}"
        fault = next((f for f in FAULTS if f.key == form.get("fault")), None)
        if fault and not self._fault_at_work.acquire(blocking=False):
            return f"{self._latest()}?notice=busy"
        try:
            case = self._opened(host, title, body, fault, build)
        except DemoUnavailable:
            if fault:
                self._disarm()
            raise
        case.sample = sample.key if sample else OWN
        if fault:
            case.striking = True
            Thread(target=self._strike, args=(case, fault), daemon=True).start()
        return f"/issues/{case.key}"

    def _latest(self) -> str:
        return _place(next(reversed(list(self.cases.values())), None))

    def _opened(self, host: Host, title: str, body: str, fault: Fault | None, build: int) -> Case:
        if fault:
            self._theatre.arm(fault.arms, fault.times)
        # A visitor may open more issues than the budget of one author allows.
        issue = self._theatre.open(host, title, body, f"visitor-{build}")
        case = Case(issue, title, OWN)
        self.cases[case.key] = case
        return case

    def _strike(self, case: Case, fault: Fault) -> None:
        """A fault lasts as long as the job that it was meant for."""
        try:
            with suppress(DemoUnavailable):
                if fault.key == KILL:
                    self._await(case, "try_number")
                    self._kill_worker()
                else:
                    self._await(case, "outcome")
                if not self._theatre.disarm() and fault.after:
                    self._did(case, fault.after)
        finally:
            case.striking = False
            self._fault_at_work.release()

    def _disarm(self) -> None:
        with suppress(DemoUnavailable):
            self._theatre.disarm()
        self._fault_at_work.release()

    def _kill_worker(self) -> None:
        """Kill the worker, and note it in the log of each issue that it was working on."""
        working = [one for one in list(self.cases.values()) if self._state(one) == "working"]
        self._theatre.kill_worker()
        for one in working:
            self._theatre.note(one.issue, narration.KILLED)

    def _state(self, case: Case) -> narration.State:
        return narration.tell(self._theatre.log(case.issue), NOTHING).state

    def _await(self, case: Case, field: str) -> None:
        """Wait until a line of the issue's log has that field, or the play was reset."""
        end = monotonic() + self._patience
        while self.cases.get(case.key) is case and monotonic() < end:
            if any(field in event for event in self._theatre.log(case.issue)):
                return
            sleep(0.05)

    def redeliver(self, key: str, _form: Mapping[str, str]) -> str:
        if case := self.cases.get(key):
            self._theatre.note(case.issue, narration.REDELIVERED)
            job = self._theatre.redeliver(case.issue)
            self._did(case, SAME_JOB if job == case.issue.job else NEW_JOB)
        return _place(case)

    def unlabel(self, key: str, form: Mapping[str, str]) -> str:
        if case := self.cases.get(key):
            label = form.get("label", "")
            if label not in self._theatre.show(case.issue).labels:
                return f"{_place(case)}?notice=gone"
            self._theatre.unlabel(case.issue, label)
            self._theatre.note(case.issue, f"a maintainer removed the label {label}")
            self._did(case, f"A maintainer removed {label}. Tagline will not set it again.")
        return _place(case)

    def _did(self, case: Case, deed: str) -> None:
        case.deed, case.outcomes = deed, _outcomes(self._theatre.log(case.issue))

    def reset(self, _key: str, _form: Mapping[str, str]) -> str:
        self.cases.clear()
        self._theatre.restart()
        return ""

    def view(self, key: str, notice: str) -> View:
        """`key` is an issue's, or empty. Raises `DemoUnavailable`."""
        case = self.cases.get(key)
        shown, said, events = NOTHING, None, []
        if case:
            shown, events = self._theatre.show(case.issue), self._theatre.log(case.issue)
            is_last = _outcomes(events) == case.outcomes
            so_far = [e for e in events if not (case.striking and "outcome" in e)]
            said = narration.tell(so_far, shown, case.deed if is_last else "")
        return View(
            case=case,
            shown=shown,
            said=said,
            bill=narration.bill(events, stand_in=self._theatre.has_stand_in),
            log=narration.lines(events),
            entries=[self._entry(one) for one in reversed(list(self.cases.values())[-LISTED:])],
            notice=notice if notice in NOTICES else "",
            model=self._theatre.model,
            has_stand_in=self._theatre.has_stand_in,
            hosts=HOSTS,
            samples=tuple(SAMPLES.values()),
            faults=FAULTS,
        )

    def _entry(self, case: Case) -> Entry:
        issue, state = case.issue, self._state(case)
        return Entry(case.key, HOSTS[issue.host][1], issue.number, case.title, state)


def _refused(title: str, body: str) -> str:
    if len(title) > samples.LONGEST_TITLE or len(body) > samples.LONGEST_BODY:
        return "long"
    return "" if title else "title"


def _place(case: Case | None) -> str:
    return f"/issues/{case.key}" if case else ""


def _outcomes(events: Sequence[Event]) -> int:
    return sum("outcome" in event for event in events)
