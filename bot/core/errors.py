"""Every error of Tagline, sorted by who acts on it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.types import Fault, ModelSetting


class TaglineError(Exception):
    """The base class of Tagline's errors. Their texts never contain an issue's text or a secret."""


class Rejected(TaglineError):
    """The sender acts: the request is answered with `status`, and nothing is queued."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Retry(TaglineError):
    """The queue acts: the job is tried again, not before `after` seconds from now."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Unreachable(Retry):
    """No response came: the address, the network or a proxy is the reason, no credentials."""


class Postponed(Retry):
    """The queue acts: the job has to wait, which does not count as a failed try."""


class LockContended(Postponed):
    """Another worker holds the issue's lock, or other threads hold all permits that it needs.

    The lock of a worker that died expires by itself.
    """


class RateLimited(Postponed):
    """A rate limit holds for `after` seconds; with `account_wide` for all jobs of the account."""

    def __init__(self, reason: str, after: float, *, account_wide: bool = True) -> None:
        super().__init__(reason, after)
        self.account_wide = account_wide


class WriteUncertain(Retry):
    """The queue acts: a write was sent and its answer was lost, so it may have happened."""


class PermanentError(TaglineError):
    """No action: the forge will give the same answer again.

    `may_be_lag` = one of its servers may not have the new object yet. `refused` = the object may
    exist, and a setting of the forge prevents access: the log has the reason as a warning.
    """

    def __init__(self, reason: str, *, may_be_lag: bool = False, refused: bool = False) -> None:
        super().__init__(reason)
        self.may_be_lag = may_be_lag
        self.refused = refused


class NotFound(PermanentError):
    """The issue, or the requested part of it, does not exist any more or is hidden."""


class Moved(NotFound):
    """The repository or the issue has another address now.

    `repo_id` is the number of the repository there, 0 if the response does not say.
    """

    def __init__(self, reason: str, repo_id: int = 0) -> None:
        super().__init__(reason)
        self.repo_id = repo_id


class Forbidden(PermanentError):
    """The forge refuses this one request; others may still succeed."""


class NotCovered(PermanentError):
    """The installation that a delivery names has no access to its repository.

    The delivery is wrong or old: it must not change what is recorded of the issue.
    """


class OperatorError(TaglineError):
    """The operator acts: one ERROR in the log, and the job becomes a dead letter."""


class QueueUnavailable(TaglineError):
    """The operator acts: Redis did not confirm in time, and the sender gets 503."""


class ModelFailed(TaglineError):
    """No action: the next labeller is called.

    `retryable` = a second try may succeed, after `after` seconds. `outage` = the provider failed,
    not this one answer. `setting` = it fails until the operator changes this one. `detail` is the
    server's description of the error; it may quote the request, so it is not logged.
    """

    def __init__(
        self,
        reason: str,
        *,
        retryable: bool = False,
        after: float = 0.0,
        outage: bool = False,
        setting: ModelSetting = "",
        detail: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable
        self.after = after
        self.outage = outage
        self.setting = setting
        self.detail = detail

    @property
    def needs_operator(self) -> bool:
        return bool(self.setting)

    @property
    def charged(self) -> bool:
        """Return whether the provider may charge for the answer."""
        return not (self.outage or self.needs_operator)

    @property
    def fault(self) -> Fault:
        return "answer" if self.charged else "provider"


class TrainingFailed(TaglineError):
    """No action: the repository keeps the classifier that it has, and is trained again later."""


class ModelSkipped(ModelFailed):
    """No model is configured, or there is no budget for it."""

    @property
    def fault(self) -> Fault:
        return ""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """The maintainer acts: shown in one comment. `line` counts from 1; 0 is the whole file."""

    line: int
    key: str
    advice: str

    def __str__(self) -> str:
        where = f"line {self.line}, " if self.line else ""
        return f"{where}{self.key}: {self.advice}" if self.key else f"{where}{self.advice}"
