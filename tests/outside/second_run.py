"""Runs a case of the second attack set through a product, and collects the results."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from bot.core.history import issue_fingerprint
from bot.core.types import IssueRef
from bot.flow.render import MARKER, read_marker, write_marker
from bot.forges.registry import FORGES
from bot.sandbox.faults import Side
from bot.sandbox.gitlab.access import BOT
from bot.sandbox.state import MAINTAINER, Event
from tests.bench.processes import cpu_seconds, peak_mib, resident_mib
from tests.fakes import make_issue
from tests.outside.attacks import FRAME, label_names
from tests.outside.second import Case, Json
from tests.outside.second_product import Product
from tests.outside.second_replies import ApiOverlay, ModelReply, arm, replace_step_faults
from tests.outside.second_speed import slowdown
from tests.simulation import MODEL_APIS, Exchange, Host, Sandbox

TIMEOUT_SECONDS = 30.0
STOP_AT = 3  # times a limit: stop the case, which has failed, to spare the machine
LONGEST_WAIT = 0.3  # seconds; the product's own waits are shortened too
NEXT_TITLE, NEXT_BODY = "The export stops halfway", "The export stops halfway with an error."
BOT_NAMES = {"tagline-bot": BOT}  # the set's name of the bot's account → the sandbox's
BODY_FIELD = {"github": "body", "gitlab": "description"}
_authors = count(1)


@dataclass(frozen=True, slots=True)
class Result:
    """The results for an issue. `sent` are the requested labels, `present` the issue's labels.

    `exchanges`, `log`, `redis` and the costs are of the whole case. `cpu_s` is converted to an idle
    machine; `rss_growth_mib` is the worker's peak above its start size, `peak_mib` the peak.
    """

    host: str
    title: str
    body: str
    comments: Sequence[str]
    sent: Sequence[str]
    present: Sequence[str]
    source: str
    exchanges: Sequence[Exchange]
    log: str
    redis: str
    seconds: float
    cpu_s: float
    rss_growth_mib: float
    peak_mib: float

    @property
    def model_requests(self) -> list[Exchange]:
        return [x for x in self.exchanges if x.api in MODEL_APIS and x.method == "POST"]

    @property
    def forge_requests(self) -> list[Exchange]:
        return [x for x in self.exchanges if x.api == self.host]


Expectation = tuple[Result, Mapping[str, Any]]


def run(case: Case, on: str, product: Product) -> list[Expectation]:
    """Return each result that the case checks, with the expected values."""
    started = Run(case, on, product)
    kinds = {"issue": started.issue, "story": started.story, "wave": started.wave}
    try:
        return kinds[case.kind]()
    finally:
        started.end()


class Run:
    """One case on one host."""

    def __init__(self, case: Case, on: str, product: Product) -> None:
        self.case, self.on, self.product = case, on, product
        self.side: Side = "gitlab" if on == "gitlab" else "github"
        product.reset(on, case.labels, case.config)
        self._clear_sandbox()
        given = case.given
        self.overlay = ApiOverlay(
            dict(given.get("raw", {})), list(given.get("flip", [])), list(given.get("absent", []))
        )
        for file in given.get("files", []):
            self.host.add_repo(file["project"], {}, {file["path"]: file["content"]})
        arm(self.box, "model", ModelReply(case.reply))
        self.expectations: list[Expectation] = []
        self.slowdown = slowdown() if "cpu_s" in case.wanted else 1.0
        self.started_at = time.monotonic()
        self.cpu_at_start = cpu_seconds(product.pid)
        self.mib_at_start = resident_mib(product.pid)

    @property
    def box(self) -> Sandbox:
        return self.product.app.box

    @property
    def host(self) -> Host:
        return self.product.app.host

    @property
    def repo(self) -> str:
        return self.product.app.repo

    def issue(self) -> list[Expectation]:
        expectations = [(self.result(self.open_and_wait()), self.case.wanted)]
        if self.case.wanted.get("then_good"):
            self.box.clear_faults()
            arm(self.box, "model", ModelReply({}))
            number = self.open(NEXT_TITLE, NEXT_BODY)
            self.wait_for(self.deliver(number))
            expectations.append((self.result(number), {"source": "model", "comments": 1}))
        return expectations

    def wave(self) -> list[Expectation]:
        """Open many issues with the same text by one person at once."""
        author, times = f"author-{next(_authors)}", self.case.given["times"]
        numbers = [
            self.open(f"{self.case.title} {time}", self.case.body, author) for time in range(times)
        ]
        for job in [self.deliver(number, without_body=True) for number in numbers]:
            self.wait_for(job)
            self._forget_exchanges()  # their bodies are as long as the issues
        return [(self.result(numbers[0]), self.case.wanted)]

    def story(self) -> list[Expectation]:
        steps = {
            "open": self._step_open,
            "set": self._step_set,
            "comment": self._step_comment,
            "faults": lambda step: replace_step_faults(self.box, step["faults"]),
            "wait": lambda step: time.sleep(min(step["seconds"], LONGEST_WAIT)),
            "expect": self._step_expect,
        }
        for step in self.case.given["steps"]:
            steps[step["do"]](step)
        return self.expectations

    def _step_open(self, step: Json) -> None:
        self.open_and_wait()
        events = [json.loads(line)["event"] for line in self.product.log().splitlines()]
        wanted = step.get("event", events)
        assert set(events) & set(wanted), f"none of {wanted} was logged, only {events}"

    def _step_set(self, step: Json) -> None:
        for name, value in step["set"].items():
            setattr(self.overlay, name, value)
        self.overlay.arm(self.box, self.side, step.get("number", 1))

    def _step_comment(self, step: Json) -> None:
        """Let a person rewrite the summary in the bot's comment."""
        comment = self.host.bot_comments(self.repo, step.get("number", 1))[0]
        match = FRAME.fullmatch(comment.body)
        assert match, comment.body
        body = comment.body.replace(match["summary"], step["new"])
        self.host.state.edit_comment(self.repo, comment.id, body, MAINTAINER)

    def _step_expect(self, step: Json) -> None:
        wanted = {key: value for key, value in step.items() if key not in ("do", "number")}
        self.expectations.append((self.result(step.get("number", 1)), wanted))

    def open_and_wait(self) -> int:
        """Open the case's issue, wait until its job has ended and return the issue's number."""
        number = self.open(self.case.title, self.case.body)
        self.wait_for(self.deliver(number))
        return number

    def open(self, title: str, body: str, author: str = "") -> int:
        """Open an issue without a delivery.

        Lone surrogates, which only JSON can contain, are in the API's responses only. A body longer
        than the platform's limit is cut.
        """
        texts = {"title": title, BODY_FIELD[self.on]: body}
        number = self.host.open_issue(
            self.repo,
            _encodable(title),
            _encodable(body)[: self.host.longest_body],
            author=author or f"author-{next(_authors)}",  # each has its own budget
            labels=list(self.case.given.get("issue_labels", [])),
            deliver=False,
        )
        if number == 1:
            self.overlay.raw |= {k: text for k, text in texts.items() if _encodable(text) != text}
            for comment in self.case.given.get("comments", []):
                self._comment(number, comment)
            if self.overlay != ApiOverlay():
                self.overlay.arm(self.box, self.side, number)
        return number

    def _comment(self, number: int, given: Json) -> None:
        """Add an existing comment by the author in the API's response."""
        body = MARKER.sub(self._with_right_fingerprint, given["body"])
        event = self.host.state.comment(self.repo, number, body, f"author-{next(_authors)}", None)
        assert event.comment
        name, author_id = BOT_NAMES.get(given["author"], given["author"]), given["author_id"]
        shown: Json = {"author": {"username": name, "id": author_id}}
        if self.on == "github":
            user = {"login": given["author"], "id": author_id, "type": given.get("type", "User")}
            shown = {"user": user, "performed_via_github_app": given.get("app")}
        self.overlay.comments[event.comment.id] = shown

    def _with_right_fingerprint(self, match: re.Match[str]) -> str:
        """Return a forged marker with the fingerprint of this issue's text."""
        marker = read_marker(match[0])
        right = issue_fingerprint(make_issue(self.case.title, self.case.body))
        return write_marker(replace(marker, input=right)) if marker else match[0]

    def deliver(self, number: int, *, without_body: bool = False) -> str:
        """Send the `opened` delivery with the fields of the case; return the job's id or ""."""
        repo, issue = self.host.state.repo(self.repo), self.host.state.issue(self.repo, number)
        sent = replace(issue, body="") if without_body else issue
        webhook = self.host.hooks.webhooks(Event("opened", repo, sent, issue.author))[0]
        payload = json.loads(webhook.body)
        for path, value in self.case.given.get("payload", {}).get(self.on, {}).items():
            *above, name = path.split("__")
            target = payload
            for key in above:
                target = target[key]
            target[name] = value
        response = self.host.deliver(webhook.event, payload)
        assert response.is_success, response.text
        return str(response.headers.get("x-tagline-job", ""))

    def wait_for(self, job: str) -> None:
        if job:
            until = self.started_at + self.case.wanted.get("seconds", TIMEOUT_SECONDS)
            self.product.wait_for(job, until, self._check_limits)

    def _check_limits(self) -> None:
        """Fail as soon as a value exceeds `STOP_AT` times its limit."""
        wanted, resident = self.case.wanted, resident_mib(self.product.pid)
        values = {
            "rss_mib": resident - self.mib_at_start,
            "peak_mib": resident,
            "cpu_s": cpu_seconds(self.product.pid) - self.cpu_at_start,
            "reads": len(self.box.log.of(self.on)),
        }
        for name in values.keys() & wanted.keys():
            text = f"{name} is {values[name]:.1f} and grows, the limit is {wanted[name]}"
            assert values[name] <= STOP_AT * wanted[name], text

    def result(self, number: int) -> Result:
        seconds = time.monotonic() - self.started_at
        self.host.settle()
        exchanges, peak = list(self.box.log.exchanges), peak_mib(self.product.pid)
        return Result(
            host=self.on,
            title=self.case.title,
            body=self.case.body,
            comments=[comment.body for comment in self.host.bot_comments(self.repo, number)],
            sent=[name for x in exchanges if _is_about(x, number) for name in label_names(x)],
            present=self.host.labels(self.repo, number),
            source=self._source(number),
            exchanges=exchanges,
            log=self.product.log(),
            redis=self.product.redis_contents(),
            seconds=seconds,
            cpu_s=self._cpu_s(),
            rss_growth_mib=peak - self.mib_at_start,
            peak_mib=peak,
        )

    def _cpu_s(self) -> float:
        """Return the CPU time of the worker, converted to an idle machine."""
        spent = cpu_seconds(self.product.pid) - self.cpu_at_start
        now = slowdown() if "cpu_s" in self.case.wanted else 1.0
        return spent / ((self.slowdown + now) / 2)

    def _source(self, number: int) -> str:
        """Return the source in the product's record, or "" without a comment."""
        app = self.product.app
        name = FORGES[self.on].url_form(app.settings).host
        ref = IssueRef(self.on, name, self.repo, number, self.host.state.repo(self.repo).id)
        record = app.store.record(ref.key)
        return record.source if record else ""

    def end(self) -> None:
        self.host.settle()
        self._clear_sandbox()

    def _clear_sandbox(self) -> None:
        self.box.clear_faults()
        self._forget_exchanges()
        for host in self.box.hosts.values():
            host.deliveries.clear()

    def _forget_exchanges(self) -> None:
        with self.box.log.lock:
            self.box.log.exchanges.clear()


def _is_about(exchange: Exchange, number: int) -> bool:
    return exchange.api not in MODEL_APIS and f"/issues/{number}/" in f"{exchange.path}/"


def _encodable(text: str) -> str:
    """Return the text without lone surrogates, which UTF-8 cannot encode."""
    return text.encode(errors="replace").decode()
