"""Find failed webhook deliveries, and new issues without a record.

GitHub does not repeat a failed delivery, and Redis may have lost its data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.core.errors import OperatorError, PermanentError, Retry
from bot.core.job_ids import make_job_id
from bot.core.polling import Cursor
from bot.core.ports import DeliveryHistory, RateLimiter, ReconcileState
from bot.core.types import IssueRef, Job, Record

EVERY_SECONDS = 290.0
LOOK_BACK_SECONDS = 24 * 3600.0
MIN_AGE_SECONDS = 60.0  # the delivery of a newer issue may still arrive
# The attempts of a day at one issue or delivery that are carried out, with growing pauses.
ATTEMPTS = {2**n for n in range(9)}
# One request each; GitHub allows an installation 5,000 an hour.
REPOSITORIES_PER_RUN = 150


@dataclass(slots=True)
class Reconciliation:
    """`find_record` returns an issue's record by its key, `forge` a forge by its name, `clock`
    seconds since the epoch, `find_cursor` how far a repository was polled, by its key.

    The known repositories are also kept in this process, in case Redis loses them; `has_forgotten`
    tells whether they were removed on purpose. `note_departure` gets those out of reach.
    """

    state: ReconcileState
    find_record: Callable[[str], Record | None]
    rate_limiter: RateLimiter
    forge: Callable[[str], DeliveryHistory]
    forges: tuple[str, ...]
    clock: Callable[[], float]
    find_cursor: Callable[[str], Cursor | None] = lambda _: None
    note_departure: Callable[[IssueRef], object] = lambda _: None
    has_forgotten: Callable[[], bool] = lambda: False
    _repositories: dict[str, IssueRef] = field(default_factory=dict)

    def run_once(self, send: Callable[[Job], object]) -> Mapping[str, object]:
        """Search, unless a worker did so within five minutes; return the fields of the log event.

        While no repository is known the lease is not taken: Redis may just have lost them.
        """
        self._merge_repositories()
        now, problems, deliveries, issues = self.clock(), list[str](), 0, 0
        if self.state.lease("deliveries", EVERY_SECONDS):
            deliveries = sum(self._redeliver(name, now, problems) for name in self.forges)
        if self._repositories and self.state.lease("sweep", EVERY_SECONDS):
            issues = sum(
                self._send_missed(repository, now, send, problems)
                for repository in self._take_repositories()
            )
        report = {"issues": issues, "deliveries": deliveries, "problems": sorted(set(problems))}
        return report if any(report.values()) else {}

    def _merge_repositories(self) -> None:
        """Merge the list from Redis into this one; save this one if Redis has lost its data."""
        by_key = {ref.repo_account_key: ref for ref in self.state.repositories()}
        if not by_key.keys().isdisjoint(self._repositories):  # other workers may have removed some
            self._repositories = {
                key: self._repositories[key] for key in self._repositories if key in by_key
            }
        elif self._repositories and self.has_forgotten():
            self._repositories = {}
        elif self._repositories:
            self.state.save_repositories(self._repositories.values())
        self._repositories |= by_key

    def _take_repositories(self) -> list[IssueRef]:
        """Return the repositories to search now, and move them to the end of the queue."""
        keys = list(self._repositories)[:REPOSITORIES_PER_RUN]
        self._repositories |= {key: self._repositories.pop(key) for key in keys}
        return [self._repositories[key] for key in keys]

    def _redeliver(self, name: str, now: float, problems: list[str]) -> int:
        redelivered = 0
        try:
            failed = self.forge(name).list_failed_deliveries(now - LOOK_BACK_SECONDS)
            for number, guid in failed.items():
                if self.state.attempts_today(f"{name} {guid}") in ATTEMPTS:
                    self.forge(name).redeliver(number)
                    redelivered += 1
        except (PermanentError, OperatorError, Retry) as error:
            problems.append(str(error))
        return redelivered

    def _send_missed(
        self, repository: IssueRef, now: float, send: Callable[[Job], object], problems: list[str]
    ) -> int:
        if repository.forge not in self.forges or self.rate_limiter.pause_left(
            repository.account_key
        ):
            return 0
        try:
            cursor = self.find_cursor(repository.repo_key)
            since = max(now - LOOK_BACK_SECONDS, cursor.began if cursor else 0.0)
            forge = self.forge(repository.forge)
            recent = forge.list_opened_issues(repository, since, now - MIN_AGE_SECONDS)
        except PermanentError as error:
            if error.refused:  # the operator or an owner may change this
                problems.append(str(error))
                return 0
            self.note_departure(repository)
            self.state.forget_repository(repository)
            self._repositories.pop(repository.repo_account_key, None)
            return 0
        except (OperatorError, Retry) as error:
            problems.append(str(error))
            return 0
        sent = 0
        for ref in filter(self._is_missed, recent):
            send(Job(make_job_id("sweep", ref), "opened", ref, now))
            sent += 1
        return sent

    def _is_missed(self, ref: IssueRef) -> bool:
        """Return whether the issue has neither a record of an end nor a reserved comment."""
        record = self.find_record(ref.key)
        if record and record.status != "writing":
            return False
        return (
            not self.rate_limiter.is_reserved(ref.account_key, ref.key)
            and self.state.attempts_today(ref.key) in ATTEMPTS
        )
