"""What the page needs from the running demo, as a protocol, and the values in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

HostName = Literal["github", "gitlab"]
LogEvent = Mapping[str, Any]  # one line of the log, with the `part` of the demo that wrote it


class DemoUnavailable(Exception):
    """A part of the demo did not start, restarts, or did not answer in time."""


@dataclass(frozen=True, slots=True)
class DemoIssue:
    """An issue on a simulated host; `guid` and `job` are those of the webhook of its opening."""

    host: HostName
    repo: str
    number: int
    guid: str
    job: str

    @property
    def ref(self) -> str:
        return f"{self.host}:{self.repo}#{self.number}"


@dataclass(frozen=True, slots=True)
class CommentView:
    """A comment, with the host's names of the reactions to it."""

    author: str
    body: str
    is_bot: bool = False
    reactions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SuggestionView:
    """A label or type that waits for a person on the host."""

    id: int
    action: Literal["add_label", "set_type"]
    target: str
    reason: str = ""
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class IssueView:
    """An issue's present state on its host; `type` is "" for none."""

    title: str = ""
    body: str = ""
    author: str = ""
    type: str = ""
    labels: tuple[str, ...] = ()
    comments: tuple[CommentView, ...] = ()
    suggestions: tuple[SuggestionView, ...] = ()
    is_open: bool = True

    @property
    def answers(self) -> tuple[CommentView, ...]:
        """The bot's comments."""
        return tuple(one for one in self.comments if one.is_bot)

    @property
    def replies(self) -> tuple[CommentView, ...]:
        """The comments of people."""
        return tuple(one for one in self.comments if not one.is_bot)


class DemoBackend(Protocol):
    """The running demo. Every method may raise `DemoUnavailable`."""

    @property
    def model(self) -> str: ...

    @property
    def is_simulated(self) -> bool:
        """Whether the sandbox's own model answers: only that one has faults."""

    @property
    def model_host(self) -> str:
        """The server to which the model's provider gets the issues' text, "" for this machine."""

    def open(self, host: HostName, title: str, body: str, author: str) -> DemoIssue: ...

    def show(self, issue: DemoIssue) -> IssueView: ...

    def log(self, issue: DemoIssue) -> list[LogEvent]:
        """Return the log lines of receiver, worker and demo about an issue, by time."""

    def record(self, issue: DemoIssue, event: str) -> None:
        """Add a line to an issue's log."""

    def redeliver(self, issue: DemoIssue) -> str:
        """Send the webhook of the opening again; return its job."""

    def unlabel(self, issue: DemoIssue, label: str) -> None:
        """Remove a label as a maintainer."""

    def decide(self, issue: DemoIssue, suggestion: int, *, accept: bool) -> None:
        """Accept or dismiss a pending suggestion as a maintainer."""

    def comment(self, issue: DemoIssue, body: str, author: str) -> str:
        """Write a person's comment; return the job of its webhook, "" for none."""

    def arm(self, fault: str, times: int | None) -> None:
        """Arm a fault of the sandbox; None = until `disarm`."""

    def disarm(self) -> bool:
        """Clear all faults; return whether one was left."""

    def kill_worker(self) -> None:
        """Send SIGKILL to the worker and start a new one."""

    def restart(self) -> None:
        """Stop all parts and start new ones without data."""
