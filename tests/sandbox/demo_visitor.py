"""A visitor of the demo's page, beside a backend that a test controls."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from bot.sandbox.page import samples
from bot.sandbox.page.app import create
from bot.sandbox.page.demo_backend import (
    CommentView,
    DemoIssue,
    DemoUnavailable,
    HostName,
    IssueView,
    LogEvent,
)

HERE = "http://127.0.0.1:4711"
ANSWER = (
    "**Summary (automated):** It is broken.\n\n<sub>Written by Tagline</sub>\n<!-- tagline:v1 -->"
)


@dataclass
class FakeBackend:
    """Implements `DemoBackend`; a job ends when the test ends it."""

    model: str = samples.SIMULATED_MODEL
    is_simulated: bool = True
    model_host: str = ""
    issues: dict[str, IssueView] = field(default_factory=dict)
    events: dict[str, list[LogEvent]] = field(default_factory=dict)
    armed: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    is_unavailable: bool = False

    def open(self, host: HostName, title: str, body: str, author: str) -> DemoIssue:
        if self.is_unavailable:
            raise DemoUnavailable("the receiver")
        issue = DemoIssue(host, "acme/widget", len(self.issues) + 1, "guid", "job")
        self.issues[issue.ref] = IssueView(title, body, author)
        self.record(issue, "accepted")
        return issue

    def show(self, issue: DemoIssue) -> IssueView:
        return self.issues[issue.ref]

    def log(self, issue: DemoIssue) -> list[LogEvent]:
        return list(self.events[issue.ref])

    def record(self, issue: DemoIssue, event: str, **fields: Any) -> None:
        line = {"timestamp": "2026-11-22T19:00:00Z", "event": event, "part": "worker", **fields}
        self.events.setdefault(issue.ref, []).append(line)

    def redeliver(self, issue: DemoIssue) -> str:
        self.actions.append("redelivered")
        return issue.job

    def unlabel(self, issue: DemoIssue, label: str) -> None:
        shown = self.issues[issue.ref]
        left = tuple(name for name in shown.labels if name != label)
        self.issues[issue.ref] = replace(shown, labels=left)

    def decide(self, issue: DemoIssue, suggestion: int, *, accept: bool) -> None:
        shown = self.issues[issue.ref]
        (decided,) = (one for one in shown.suggestions if one.id == suggestion)
        left = tuple(one for one in shown.suggestions if one is not decided)
        labels = (*shown.labels, decided.target) if accept else shown.labels
        self.issues[issue.ref] = replace(shown, suggestions=left, labels=labels)

    def comment(self, issue: DemoIssue, body: str, author: str) -> str:
        """As the receiver does: only a command becomes a job."""
        shown = self.issues[issue.ref]
        comments = (*shown.comments, CommentView(author, body))
        self.issues[issue.ref] = replace(shown, comments=comments)
        return "job-2" if body.startswith("/tagline") else ""

    def react(self) -> None:
        """React to the last comment of the first issue."""
        ref = next(iter(self.issues))
        *others, last = self.issues[ref].comments
        comments = (*others, replace(last, reactions=("eyes",)))
        self.issues[ref] = replace(self.issues[ref], comments=comments)

    def arm(self, fault: str, times: int | None) -> None:
        self.armed.append(fault)

    def disarm(self) -> bool:
        self.armed.clear()
        return True

    def kill_worker(self) -> None:
        self.actions.append("killed")

    def restart(self) -> None:
        self.actions.append("restarted")
        self.issues.clear()

    def end(self, event: str, labels: tuple[str, ...], *comments: str, **fields: Any) -> None:
        """End the job of the first issue."""
        ref = next(iter(self.issues))
        views = tuple(CommentView("tagline[bot]", body, is_bot=True) for body in comments)
        self.issues[ref] = replace(self.issues[ref], labels=labels, comments=views)
        issue = DemoIssue("github", "acme/widget", 1, "guid", "job")
        self.record(issue, "starting enrichment", try_number=1)
        self.record(issue, event, seconds=0.25, outcome="x", **fields)


@dataclass
class Browser:
    """A browser without script, unless `headers` are those of htmx."""

    backend: FakeBackend = field(default_factory=FakeBackend)

    def __post_init__(self) -> None:
        self._app = create(self.backend)

    def request(self, method: str, path: str, **how: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
                return await client.request(method, path, follow_redirects=True, **how)

        return asyncio.run(send())

    def get(self, path: str) -> str:
        return self.request("GET", path).text

    def post(self, path: str, **form: str) -> httpx.Response:
        return self.request("POST", path, data=form, headers={"Origin": HERE})

    def open(self, fault: str = "", sample: str = "bug", **form: str) -> httpx.Response:
        return self.post("/sandbox/issues", host="github", sample=sample, fault=fault, **form)


def steps_of(html: str) -> list[str]:
    """Return the state of the five steps, as their class."""
    steps = re.search(r'<ol class="steps">(.*?)</ol>', html, re.DOTALL)
    return re.findall(r'<li class="(\w+)">', steps[1]) if steps else []


def status_of(html: str) -> str:
    found = re.search(r'role="status" aria-live="polite">(.*?)</div>', html, re.DOTALL)
    return re.sub(r"<[^>]+>", "", found[1]).strip() if found else ""
