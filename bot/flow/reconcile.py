"""What was missed is found: deliveries that nobody took, and young issues that nobody looked at.

GitHub does not come again by itself, and Redis may have lost everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.core.errors import OperatorError, PermanentError, Retry
from bot.core.ports import DeliveryHistory, RateLimiter, ReconcileState
from bot.core.types import IssueRef, Job

EVERY_SECONDS = 290.0
LOOK_BACK_SECONDS = 24 * 3600.0
JUST_NOW_SECONDS = 60.0  # whose delivery is likely at work
ATTEMPTS = {2**n for n in range(9)}  # of a day, by their number: what fails is tried less and less
REPOSITORIES_PER_RUN = (
    150  # a request each, of the 5,000 an hour that GitHub grants an installation
)


@dataclass(slots=True)
class Reconciliation:
    """`forge` gives the forge of a name; `clock` seconds since the epoch.

    Repositories are remembered here too, for the case that Redis forgot them.
    """

    state: ReconcileState
    rate_limiter: RateLimiter
    forge: Callable[[str], DeliveryHistory]
    forges: tuple[str, ...]
    clock: Callable[[], float]
    _places: dict[str, IssueRef] = field(default_factory=dict)

    def run_once(self, send: Callable[[Job], object]) -> Mapping[str, object]:
        """Sweep, unless a worker did within five minutes. What was found, for the log.

        As long as no repository is known nobody has swept: Redis may have just lost them.
        """
        self._remember()
        now, troubles, deliveries, issues = self.clock(), list[str](), 0, 0
        if self.state.lease("deliveries", EVERY_SECONDS):
            deliveries = sum(self._redeliver(name, now, troubles) for name in self.forges)
        if self._places and self.state.lease("sweep", EVERY_SECONDS):
            issues = sum(self._look(place, now, send, troubles) for place in self._turn())
        found = {"issues": issues, "deliveries": deliveries, "troubles": sorted(set(troubles))}
        return found if any(found.values()) else {}

    def _remember(self) -> None:
        """The list in Redis, unless that forgot all of it: then ours counts."""
        known = {place.place_key: place for place in self.state.repositories()}
        if not known.keys().isdisjoint(self._places):  # others may have taken some off
            self._places = {key: self._places[key] for key in self._places if key in known}
        elif self._places:
            self.state.save_repositories(self._places.values())
        self._places |= known

    def _turn(self) -> list[IssueRef]:
        """The repositories whose turn it is; they go to the end of the line."""
        keys = list(self._places)[:REPOSITORIES_PER_RUN]
        self._places |= {key: self._places.pop(key) for key in keys}
        return [self._places[key] for key in keys]

    def _redeliver(self, name: str, now: float, troubles: list[str]) -> int:
        asked = 0
        try:
            failed = self.forge(name).failed_deliveries(now - LOOK_BACK_SECONDS)
            for number, guid in failed.items():
                if self.state.attempts_today(f"{name} {guid}") in ATTEMPTS:
                    self.forge(name).redeliver(number)
                    asked += 1
        except (PermanentError, OperatorError, Retry) as error:
            troubles.append(str(error))
        return asked

    def _look(
        self, place: IssueRef, now: float, send: Callable[[Job], object], troubles: list[str]
    ) -> int:
        if place.forge not in self.forges or self.rate_limiter.pause_left(place.account_key):
            return 0
        try:
            forge, since = self.forge(place.forge), now - LOOK_BACK_SECONDS
            young = forge.opened_between(place, since, now - JUST_NOW_SECONDS)
        except PermanentError:
            self.state.forget_repository(place)
            self._places.pop(place.place_key, None)
            return 0
        except (OperatorError, Retry) as error:
            troubles.append(str(error))
            return 0
        missed = 0
        for ref in filter(self._is_missed, young):
            send(Job(_job_id(ref), "opened", ref, now))
            missed += 1
        return missed

    def _is_missed(self, ref: IssueRef) -> bool:
        """Without a record of its end, nor a job that only waits for its turn to comment."""
        record = self.state.record(ref.key)
        if record and record.status != "writing":
            return False
        return (
            not self.rate_limiter.is_reserved(ref.account_key, ref.key)
            and self.state.attempts_today(ref.key) in ATTEMPTS
        )


def _job_id(ref: IssueRef) -> str:
    return f"sweep-{hashlib.sha256(ref.key.encode()).hexdigest()[:24]}"
