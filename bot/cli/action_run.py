"""What `tagline action` does in its job: the flow of a worker, without a store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, TypeVar

from bot import log, wiring
from bot.cli import action_summary, terminal
from bot.cli.bootstrap import PARTIAL, TRY_AGAIN
from bot.cli.ci_job import CiJob, CiProblem, NothingToDo
from bot.core import refs
from bot.core.errors import (
    Forbidden,
    OperatorError,
    PermanentError,
    RateLimited,
    Rejected,
    Retry,
    TaglineError,
    Unreachable,
)
from bot.core.events import Event, Ignored
from bot.core.job_ids import make_job_id
from bot.core.types import MAX_ISSUE_AGE_SECONDS, IssueRef, Job, JobKind
from bot.flow.load_history import find_own_comment
from bot.flow.plan import Outcome
from bot.forges.registry import FORGES, ForgeClient
from bot.http import ClientPool
from bot.settings.load import Settings

TRIES = 5
FIRST_WAIT, MAX_WAITED = 2.0, 90.0  # seconds: before the second try, and in the whole run
MIN_AGE_SECONDS = 60.0  # the event of a newer issue may still come
MAX_SWEPT = 100  # issues
FOR_ALL_ISSUES = (RateLimited, OperatorError, Unreachable)  # hold for the next one as well
# The first that matches an error → what to do, and the exit code.
SENTENCES: dict[type[TaglineError], tuple[str, int]] = {
    RateLimited: ("{forge} limits the token's requests: re-run the job in {wait}.", TRY_AGAIN),
    Unreachable: (
        "{forge} cannot be reached: check the runner's network and re-run the job.",
        TRY_AGAIN,
    ),
    Retry: ("{forge} did not answer a request as it should: re-run the job.", TRY_AGAIN),
    OperatorError: ("{forge} does not accept the token: it is wrong or has expired.", 1),
    Forbidden: ("{refused}", 1),
    PermanentError: ("{forge} does not show the repository or issue to this token.", 1),
}
# Events that have no job here.
WITHOUT_SERVER: Mapping[JobKind, str] = {
    "labels": "labels were changed, and without a server nothing is learned.",
    "missing": "a comment without commands.",
    "closed": "an issue was closed, and without a server nothing is learned.",
    "command": "commands in comments need a server: `tagline run`.",
}

T = TypeVar("T")


@dataclass(slots=True)
class Run:
    """One run of the command: the outcomes of its issues, and the problems with others."""

    job: CiJob
    settings: Settings
    clients: ClientPool
    outcomes: list[Outcome] = field(default_factory=list)
    problems: list[CiProblem] = field(default_factory=list)
    preview: Mapping[str, Any] | None = None  # the report of `tagline preview`
    waited: float = 0.0  # seconds

    def process_event(self) -> None:
        """Process the issue of the job's event. Raises `CiProblem`, `NothingToDo`."""
        event = self._parse_event()
        forge, is_first = self._open_forge(), event.kind == "opened"
        posts = (
            is_first
            and self.settings.model is not None
            and not self._repeat(lambda: forge.may_have_lost_comment(event.ref))
        )
        run = self._make_runner(posts=posts)
        job = Job(event.delivery, event.kind, event.ref, time.time())
        self.outcomes.append(self._process(run, job))

    def sweep(self) -> None:
        """Label open issues of the last day that have no comment of the bot."""
        now = time.time()
        self._process_missed("opened", now - MAX_ISSUE_AGE_SECONDS, now - MIN_AGE_SECONDS)

    def backfill(self, since: float, limit: int) -> None:
        """Label the newest open issues since a time that have no comment of the bot."""
        self._process_missed("backfill", since, time.time(), limit)

    def compare(self, since: float, limit: int) -> None:
        """Show what would be set on the newest issues since a time, and write to none."""
        from bot.cli import comparison, configured_preview

        forge = self._open_forge()
        repository = self._find_repository(forge)
        settings, clients = self.settings, self.clients
        try:
            self.preview = self._repeat(
                lambda: configured_preview.build_preview(
                    forge, repository, settings, clients, since=since, limit=limit
                )
            )
        except comparison.NothingToCompare as error:
            raise CiProblem(f"{error}.", 1) from None

    def write_results(self) -> None:
        """Write the labels and the summary for people."""
        has_model = self.settings.model is not None
        try:
            action_summary.write(self.job, self.outcomes, has_model=has_model, preview=self.preview)
        except OSError:
            self.job.report.tell("warning", "The summary of this job could not be written.")

    def finish(self) -> int:
        """Print how the issues ended and return the exit code."""
        report = self.job.report
        done = [one for one in self.outcomes if not is_refused(one)]
        problems = list(self.problems)
        if len(done) < len(self.outcomes):
            problems.append(CiProblem(self.job.refused, 1))
        for text in dict.fromkeys(map(str, problems)):
            report.tell("error", text)
        for text in dict.fromkeys(self._explain_models(done)):
            report.tell("warning", text)
        for outcome in done:
            report.tell("notice", _describe(outcome))
        if self.preview:
            report.tell("notice", self.preview["sentence"])
        if not problems:
            return 0
        return PARTIAL if done else problems[-1].code

    def _parse_event(self) -> Event:
        parser = FORGES[self.job.forge].event_parser(self.settings)
        try:
            event = parser.parse(self.job.headers, self.job.body)
        except Rejected as error:
            raise CiProblem(f"The event cannot be used ({error}): re-run the job.") from None
        if isinstance(event, Ignored):
            raise NothingToDo(f"{event.reason}.")
        if reason := WITHOUT_SERVER.get(event.kind):
            raise NothingToDo(reason)
        return event

    def _open_forge(self) -> ForgeClient:
        entry = FORGES[self.job.forge]
        for notice in (*self.settings.notices, *self.settings.model_notices):
            self.job.report.tell("warning", notice)
        if not entry.has_access(self.settings):
            raise CiProblem(self.job.missing_token)
        return entry.client(self.settings, self.clients)

    def _process_missed(
        self, kind: JobKind, since: float, until: float, limit: int = MAX_SWEPT
    ) -> None:
        forge = self._open_forge()
        repository = self._find_repository(forge)
        found = self._repeat(lambda: forge.list_opened_issues(repository, since, until))
        run, now = self._make_runner(posts=False), time.time()
        for ref in found[:limit]:
            try:
                if not self._repeat(partial(find_own_comment, ref, forge)):
                    job = Job(make_job_id("sweep", ref), kind, ref, now)
                    self.outcomes.append(self._process(run, job))
            except CiProblem as problem:
                self.problems.append(problem)
                if isinstance(problem.__cause__, FOR_ALL_ISSUES):
                    return
        if not self.outcomes and not self.problems:
            raise NothingToDo("no issue was missed.")

    def _find_repository(self, forge: ForgeClient) -> IssueRef:
        given = refs.repository(self.job.repository, wiring.url_forms(self.settings))
        return self._repeat(lambda: forge.complete_ref(given))

    def _make_runner(self, *, posts: bool) -> Callable[[Job, int], Outcome]:
        store = wiring.no_store()
        return wiring.runner(self.settings, self.clients, store, keeps_records=False, posts=posts)

    def _process(self, run: Callable[[Job, int], Outcome], job: Job) -> Outcome:
        numbers = count(1)
        return self._repeat(lambda: run(job, next(numbers)))

    def _repeat(self, work: Callable[[], T]) -> T:
        """Return the result of the work, tried again if that may help. Raises `CiProblem`."""
        wait = FIRST_WAIT
        for left in reversed(range(TRIES)):
            try:
                return work()
            except Retry as error:
                seconds = error.after or wait
                if not left or self.waited + seconds > MAX_WAITED:
                    raise self._explain(error) from error
                time.sleep(seconds)
                self.waited += seconds
                wait *= 2
            except (PermanentError, OperatorError) as error:
                raise self._explain(error) from error
        raise AssertionError("the last try returns or raises")

    def _explain_models(self, outcomes: Iterable[Outcome]) -> Iterator[str]:
        """Yield a sentence with a fix for each failure of the language model."""
        from bot.llm.checks import find_fix

        model = self.settings.model
        for one in outcomes:
            if model and one.enrichment and one.enrichment.fault:
                reason = one.enrichment.why
                yield (
                    f"The language model did not answer ({reason}), so labels come from rules:"
                    f" {find_fix(reason, model.variables)}."
                )

    def _explain(self, error: TaglineError) -> CiProblem:
        """Return a sentence with a fix for an error of the forge, and log its own words."""
        log.get().warning(f"{self.job.name} did not do it", why=str(error))
        text, code = next(found for kind, found in SENTENCES.items() if isinstance(error, kind))
        wait = terminal.format_wait(error.after if isinstance(error, Retry) else None)
        return CiProblem(
            text.format(forge=self.job.name, wait=wait, refused=self.job.refused), code
        )


def is_refused(outcome: Outcome) -> bool:
    """Return whether the forge did not let the token read or write an issue."""
    plan = outcome.plan
    none_set = bool(outcome.refusals and plan and not plan.add_labels)
    return outcome.refused or none_set or bool(plan and outcome.record.status == "skipped")


def _describe(outcome: Outcome) -> str:
    record, plan = outcome.record, outcome.plan
    why = f" ({record.why})" if record.why else ""
    labels = len(plan.add_labels) if plan and record.status != "dry-run" else 0
    return f"{outcome.job.ref}: {record.status}{why}; labels set: {labels}."
