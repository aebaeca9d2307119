"""Which repository is polled when: each once in the interval, by one worker at a time, spread over
the interval and within the forges' rate limits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from bot.core.errors import (
    LockContended,
    NotFound,
    OperatorError,
    PermanentError,
    RateLimited,
    Retry,
    TaglineError,
)
from bot.core.ports import RateLimiter, ReconcileState
from bot.core.types import IssueRef
from bot.flow.poll import PollContext, poll

TICK_SECONDS = 1.0
LIST_SECONDS = 600.0  # between two requests for the list of repositories
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 600.0  # after an error, growing
OUTAGE_PAUSE = 10.0  # between two requests to a forge that fails
BURST_SECONDS = 600.0  # after a pause, requests of as much time may be sent at once
TELL_AGAIN_SECONDS = 3600.0
LATE_FACTOR, LATE_SECONDS = 1.5, 10.0  # beyond which the interval is not held
RUN_SECONDS = 5.0
REFUSED_SECONDS = 5.0  # until the next look at a repository that another worker polls
LOCK = "polling"
NO_ACCESS = "; check its spelling, and the access of the App or of the token's user"
NO_REPOSITORY = (
    "no repository can be polled: install the App on some, or give the token's user the right to"
    " set labels in some"
)
ERRORS = (PermanentError, OperatorError, Retry)


def describe_delay(seconds: int) -> str:
    """Return how late an issue is found."""
    return (
        f"each repository is polled every {seconds} s: an issue is found up to"
        f" {seconds + 5} s after it was opened, and later while a forge limits requests"
    )


@dataclass(slots=True)
class _Polled:
    """A repository, its last look and its next one, in seconds since the epoch, 0 for none."""

    ref: IssueRef
    due: float = 0.0
    looked_at: float = 0.0
    failures: int = 0
    problem: str = ""


@dataclass(slots=True)
class PollSchedule:
    """`named` are the repositories to poll; without any, all that the credentials of `forges`
    reach."""

    seconds: int
    named: tuple[IssueRef, ...]
    forges: tuple[str, ...]
    context: PollContext
    state: ReconcileState
    rate_limiter: RateLimiter
    _polled: dict[str, _Polled] = field(default_factory=dict)
    _found: dict[IssueRef, IssueRef] = field(default_factory=dict)  # by the name a person wrote
    _list_at: float = 0.0
    _ran_at: float = 0.0
    _told: set[str] = field(default_factory=set)  # problems of the list
    _told_late_at: float = 0.0
    _free_at: dict[str, float] = field(default_factory=dict)  # by account

    def run_once(self) -> Mapping[str, object]:
        """Poll the repositories whose turn it is; return the fields of the log event.

        A problem is in the fields once, until it is gone.
        """
        try:
            with self.context.store.lock(LOCK):
                return self._run()
        except LockContended:  # another worker polls
            return {}

    def _run(self) -> Mapping[str, object]:
        now = self.context.clock()
        fields: dict[str, object] = {}
        problems: list[str] = []
        if now >= self._list_at:
            before = {*self._polled}
            problems += self._list_repositories(now)
            if before != {*self._polled}:
                fields["repositories"] = len(self._polled)
        jobs = sum(self._look(one, problems) for one in self._take_due(now, problems))
        if jobs:
            fields["jobs"] = jobs
        if problems:
            fields["problems"] = sorted(set(problems))
        return fields

    def _list_repositories(self, now: float) -> Iterator[str]:
        """Bring the list up to date; yield problems that were not told yet."""
        found, problems = self._find_named() if self.named else self._find_all()
        if not (found or problems):
            problems = [NO_REPOSITORY]
        told = self._told | {one.problem for one in self._polled.values()}
        before, self._polled = self._polled, {}
        for ref in found:
            one = before.get(ref.repo_key) or _Polled(ref)
            one.ref = ref  # its name or account may be another one now
            self._polled[ref.repo_key] = one
        self._list_at = now + (FIRST_PAUSE if problems else LIST_SECONDS)
        self._told = {*problems}
        yield from (problem for problem in problems if problem not in told)

    def _find_named(self) -> tuple[list[IssueRef], list[str]]:
        problems = []
        for name in self.named:
            if name in self._found:
                continue
            try:
                self._found[name] = self.context.source(name.forge).find_repository(name)
            except ERRORS as error:
                problems.append(describe_problem(name, error))
        return [*self._found.values()], problems

    def _find_all(self) -> tuple[list[IssueRef], list[str]]:
        found, problems = list[IssueRef](), list[str]()
        for forge in self.forges:
            try:
                found += self.context.source(forge).list_repositories()
            except ERRORS as error:
                found += [one.ref for one in self._polled.values() if one.ref.forge == forge]
                problems.append(str(error))
        return found, problems

    def _take_due(self, now: float, problems: list[str]) -> Iterator[_Polled]:
        """Yield the repositories whose turn it is: as many as keep the interval, spread over it."""
        elapsed = max(TICK_SECONDS, now - self._ran_at) if self._ran_at else TICK_SECONDS
        self._ran_at = now
        left = math.ceil(len(self._polled) * elapsed / self.seconds)
        for one in sorted(self._polled.values(), key=attrgetter("due")):
            if one.due > now or not left or self.context.clock() - now > RUN_SECONDS:
                return
            account = one.ref.account_key
            if self._free_at.get(account, 0.0) > now or self.rate_limiter.pause_left(account):
                continue
            if not self.state.lease(f"poll:{one.ref.repo_key}", self.seconds - TICK_SECONDS):
                one.due, one.looked_at = now + REFUSED_SECONDS, now  # another worker has looked
                continue
            problems += self._check_lateness(one, now)
            one.due, one.looked_at, left = now + self.seconds, now, left - 1
            yield one

    def _check_lateness(self, one: _Polled, now: float) -> Iterator[str]:
        late = one.looked_at and now - one.looked_at > LATE_FACTOR * self.seconds + LATE_SECONDS
        if late and not one.failures and now - self._told_late_at > TELL_AGAIN_SECONDS:
            self._told_late_at = now
            yield (
                f"{len(self._polled)} repositories cannot be polled every {self.seconds} s: one"
                f" had to wait for {now - one.looked_at:.0f} s. Set TAGLINE_POLL_SECONDS to more,"
                " or name fewer repositories in TAGLINE_POLL_REPOS."
            )

    def _look(self, one: _Polled, problems: list[str]) -> int:
        """Poll a repository; return the number of its jobs."""
        ref, account = one.ref, one.ref.account_key
        try:
            look = poll(ref, self.context)
        except ERRORS as error:
            self._fail(one, error, problems)
            return 0
        one.failures, one.problem = 0, ""
        earliest = self.context.clock() - BURST_SECONDS
        self._free_at[account] = max(self._free_at.get(account, 0.0), earliest) + look.pause
        return look.jobs

    def _fail(self, one: _Polled, error: TaglineError, problems: list[str]) -> None:
        """Let a repository wait after an error, and its account where that is the reason."""
        now, known = self.context.clock(), {x.problem for x in self._polled.values()}
        account, ref = one.ref.account_key, one.ref
        one.failures += 1
        wait = min(FIRST_PAUSE * 2 ** (one.failures - 1), LONGEST_PAUSE)
        if isinstance(error, RateLimited):
            wait = error.after or FIRST_PAUSE
            if error.account_wide:
                self.rate_limiter.pause(account, wait)
        elif isinstance(error, Retry):  # the forge or the network fails, for all or for a moment
            wait, self._free_at[account] = 0.0, now + OUTAGE_PAUSE
        elif isinstance(error, PermanentError):
            self._found = {name: x for name, x in self._found.items() if x.repo_key != ref.repo_key}
            self._list_at = min(self._list_at, now + FIRST_PAUSE)
        if not isinstance(error, PermanentError):
            self._told_late_at = now  # the repositories are late for this reason
        one.due = max(one.due, now + wait)
        one.problem = describe_problem(ref, error)
        if one.problem not in known:
            problems.append(one.problem)


def describe_problem(repository: IssueRef, error: TaglineError) -> str:
    """Return a problem as the log shows it, with the repository if it is that of one."""
    if isinstance(error, RateLimited):
        return f"{error}: polling waits for {error.after or FIRST_PAUSE:.0f} s"
    hint = NO_ACCESS if isinstance(error, NotFound) else ""
    if isinstance(error, PermanentError):
        return f"{repository.repo_name}: {error}{hint}"
    return str(error)
