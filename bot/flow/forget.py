"""Forget the repositories to which the bot has no access any more.

GitHub says so by a webhook; else reconciliation notices that a repository is out of reach. A
repository that comes back starts anew: what the bot wrote on its issues is found on the forge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bot.core.departure_port import RepositoryData
from bot.core.errors import Moved, OperatorError, PermanentError, Retry
from bot.core.ports import DeliveryHistory, ReconcileState
from bot.core.types import IssueRef, Job, Record
from bot.flow.plan import Outcome

EVERY_SECONDS = 290.0
# An outage may look like an end of access: it must last for two looks at least.
GRACE_SECONDS = 1800.0
BATCH = 50  # a job that is interrupted goes on after these


@dataclass(frozen=True, slots=True)
class Departures:
    """`open_forge` returns a new client of a forge by its name: an installation token that was made
    before may still read public issues. `clock` returns seconds since the epoch.
    """

    state: ReconcileState
    data: RepositoryData
    open_forge: Callable[[str], DeliveryHistory]
    forges: tuple[str, ...]
    clock: Callable[[], float]

    def note(self, repository: IssueRef) -> None:
        """Note that a repository is out of reach."""
        self.data.save_departure(repository, self.clock())

    def run_once(self) -> Mapping[str, object]:
        """Forget what has been out of reach for the grace period; return what to log."""
        if not self.state.lease("departures", EVERY_SECONDS):
            return {}
        until, number, problems = self.clock() - GRACE_SECONDS, 0, list[str]()
        for repository, since in self.data.departures().items():
            if since > until or repository.forge not in self.forges:
                continue
            try:
                number += self._forget_without_access([repository])
            except (OperatorError, Retry) as error:
                problems.append(str(error))
        report = {"repositories": number, "problems": sorted(set(problems))}
        return report if any(report.values()) else {}

    def forget_account(self, job: Job, _try: int = 1) -> Outcome:
        """Forget those repositories of the job's account that are out of reach.

        What the delivery lists is not read: it may be an old one, sent again. Raises `Retry` and
        `OperatorError`.
        """
        account = job.ref.account_key
        known = [one for one in self.state.repositories() if one.account_key == account]
        number = sum(
            self._forget_without_access(known[start : start + BATCH])
            for start in range(0, len(known), BATCH)
        )
        return Outcome(job, Record("forgotten", f"{number} of {len(known)} repositories"))

    def _forget_without_access(self, repositories: Iterable[IssueRef]) -> int:
        """Forget those that are out of reach, search the others again; return their number."""
        gone = list[IssueRef]()
        for repository in repositories:
            if self._has_access(repository):
                self.state.save_repositories([repository])
            else:
                self.state.forget_repository(repository)
                gone.append(repository)
            self.data.remove_departure(repository)
        # A delivery may have named a wrong account, or the App is installed anew.
        others = {one.repo_key for one in self.state.repositories()}
        gone = [one for one in gone if one.repo_key not in others]
        if gone:
            self.data.forget(gone)
        return len(gone)

    def _has_access(self, repository: IssueRef) -> bool:
        """Return whether a repository is within reach, or may be soon: an owner can undo it."""
        now = self.clock()
        try:
            self.open_forge(repository.forge).list_opened_issues(repository, now, now)
        except PermanentError as error:
            return error.refused or isinstance(error, Moved)
        return True
