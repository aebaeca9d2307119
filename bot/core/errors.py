"""Every error of Tagline, sorted by who acts on it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.types import Fault


class TaglineError(Exception):
    """Base of all errors raised on purpose. Their texts hold no issue text and no secret."""


class Rejected(TaglineError):
    """The sender acts: answered with `status` and an empty body, nothing is queued."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Retry(TaglineError):
    """The queue acts: the job is tried again, `after` seconds from now at the earliest."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Postponed(Retry):
    """Another worker has the issue, or died with its lock, which then ends by itself.

    Waiting for it is no failed try.
    """


class RateLimited(Postponed):
    """The forge asked everybody of this account to wait, or our own pace does: `after` seconds."""


class WriteUncertain(Retry):
    """A write was sent and its answer lost: it may have happened."""


class PermanentError(TaglineError):
    """Nobody acts: the forge's answer will stay the same. `fresh` = it may only be late."""

    def __init__(self, reason: str, *, fresh: bool = False) -> None:
        super().__init__(reason)
        self.may_be_lag = fresh


class NotFound(PermanentError):
    """The issue, or what was asked for, cannot be reached any more."""


class Forbidden(PermanentError):
    """The forge refused this one request for good; others may still succeed."""


class NotCovered(PermanentError):
    """The account that a delivery names has no access to its repository, so the delivery is wrong
    or old: nothing may be remembered of the issue because of it."""


class OperatorError(TaglineError):
    """The operator acts: one log line, and the job is kept as a dead letter."""


class QueueUnavailable(TaglineError):
    """Redis did not confirm in time: the sender gets 503. GitHub does not come again by itself."""


class ModelFailed(TaglineError):
    """Nobody acts: stays inside `enrich`, the fallback takes over.

    `again` = a second try may do, after `after` seconds. `outage` = the provider failed, not this
    one answer. `refused` = it will go on failing until the operator changes a setting.
    """

    def __init__(
        self,
        reason: str,
        *,
        again: bool = False,
        after: float = 0.0,
        outage: bool = False,
        refused: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = again
        self.after = after
        self.outage = outage
        self.needs_operator = refused

    @property
    def charged(self) -> bool:
        """Whether the provider may send a bill for it."""
        return not (self.outage or self.needs_operator)

    @property
    def fault(self) -> Fault:
        return "answer" if self.charged else "provider"


class ModelSkipped(ModelFailed):
    """No model was asked, and none will be: there is none, or no budget for it."""

    @property
    def fault(self) -> Fault:
        return ""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """The maintainer acts: shown once in the comment. `line` counts from 1, 0 = the whole file."""

    line: int
    key: str
    advice: str

    def __str__(self) -> str:
        where = f"line {self.line}, " if self.line else ""
        return f"{where}{self.key}: {self.advice}" if self.key else f"{where}{self.advice}"
