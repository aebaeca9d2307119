"""What the page needs of the running demo, and the nouns it speaks in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Host = Literal["github", "gitlab"]
Event = Mapping[str, Any]  # one line of the log, and the `part` of the demo that wrote it


class DemoUnavailable(Exception):
    """A part of the demo did not come up, is being restarted, or said nothing in time."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An issue on a pretended host, and the delivery that told of it: its `guid` and its job."""

    host: Host
    repo: str
    number: int
    guid: str
    job: str

    @property
    def ref(self) -> str:
        return f"{self.host}:{self.repo}#{self.number}"


@dataclass(frozen=True, slots=True)
class ShownComment:
    author: str
    body: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An issue as its host has it now."""

    title: str
    body: str
    author: str
    labels: tuple[str, ...]
    comments: tuple[ShownComment, ...]


class DemoBackend(Protocol):
    """The demo at work. Every method may raise `DemoUnavailable`."""

    @property
    def model(self) -> str: ...

    @property
    def has_stand_in(self) -> bool:
        """Whether the sandbox's own model answers, so that its faults can strike."""

    def open(self, host: Host, title: str, body: str, author: str) -> Opened: ...

    def show(self, issue: Opened) -> Shown: ...

    def log(self, issue: Opened) -> list[Event]:
        """What receiver, worker and the demo itself noted of an issue, in order."""

    def note(self, issue: Opened, event: str) -> None:
        """Put a line of the demo's own into an issue's log."""

    def redeliver(self, issue: Opened) -> str:
        """Send the opening's webhook once more; the job that it led to."""

    def unlabel(self, issue: Opened, label: str) -> None:
        """Take a label away as a maintainer would."""

    def arm(self, fault: str, times: int | None) -> None:
        """Let a fault of the sandbox strike; None = until `disarm`."""

    def disarm(self) -> bool:
        """End all faults; whether there was one left to strike."""

    def kill_worker(self) -> None:
        """SIGKILL, and a new worker at once."""

    def restart(self) -> None:
        """End everything and begin anew, with nothing remembered."""
