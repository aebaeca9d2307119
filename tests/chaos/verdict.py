"""Checks the sandbox's state: every issue has one comment and its labels, nothing else."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bot.sandbox.state import StoredComment
from tests.chaos.parts import Parts
from tests.chaos.users import REPOS, OpenedIssue, Users

MODEL = "sandbox-rules"  # the model, in the comment's last line
POLL_SECONDS = 0.2
SHOWN, SHOWN_LINES, LONGEST_LINE = 5, 16, 400
KINDS = ("lost", "labels only", "repeated", "wrong labels", "wrong text")
PLANTED = re.compile(rb"plant[a-z]{8}")


@dataclass(frozen=True, slots=True)
class Breach:
    """What is wrong with an issue; `kind` is one of `KINDS`.

    "labels only": the fallback was not retried, or the job of a killed worker was not repeated.
    """

    issue: OpenedIssue
    kind: str
    text: str


@dataclass(slots=True)
class Verdict:
    """All breaches; `deleted` counts second comments that were created and deleted again."""

    breaches: list[Breach] = field(default_factory=list)
    created_labels: list[str] = field(default_factory=list)
    leaked_words: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    wrong_totals: list[str] = field(default_factory=list)
    deleted: int = 0
    last_comment: datetime | None = None

    @property
    def passed(self) -> bool:
        wrong = self.breaches or self.created_labels or self.leaked_words
        return not (wrong or self.crashes or self.wrong_totals)

    def of(self, kind: str) -> list[Breach]:
        return [one for one in self.breaches if one.kind == kind]

    def report(self, parts: Parts) -> Iterator[str]:
        """Yield the first breaches of each kind, with the log lines of the issue."""
        yield from (*self.crashes, *self.wrong_totals, *self.leaked_words[:SHOWN])
        for kind in dict.fromkeys(breach.kind for breach in self.breaches):
            accepted_first = sorted(self.of(kind), key=lambda breach: not breach.issue.accepted)
            for breach in accepted_first[:SHOWN]:
                yield f"{kind}: {breach.issue} {breach.text}"
                for line in parts.log_lines(f'{breach.issue}"')[:SHOWN_LINES]:
                    yield f"    {line[:LONGEST_LINE]}"


def judge(parts: Parts, users: Users) -> Verdict:
    """Return the current state's verdict, without a search of files."""
    verdict = Verdict()
    for one in tuple(users.opened):
        comments = parts.box.hosts[one.host].bot_comments(REPOS[one.host], one.number)
        verdict.breaches += _of_issue(parts, one, comments)
        verdict.deleted += max(
            0, parts.comment_counter.created[one.host, one.number] - max(1, len(comments))
        )
        moments = [comment.updated_at for comment in comments]
        verdict.last_comment = max((m for m in (verdict.last_comment, *moments) if m), default=None)
    for name, host in parts.box.hosts.items():
        verdict.created_labels += host.created_labels(REPOS[name])
    return verdict


def wait_for_end_state(parts: Parts, users: Users, limit: float) -> Verdict:
    """Return the verdict once no job is left and it is passed, or after `limit` seconds."""
    until = time.monotonic() + limit
    while True:
        # To look at thousands of issues takes as long as some jobs, in the sandbox's process.
        pending, is_late = parts.count_pending(), time.monotonic() > until
        if not pending or is_late:
            verdict = judge(parts, users)
            if verdict.passed or is_late:
                return verdict
        time.sleep(POLL_SECONDS)


def _of_issue(parts: Parts, one: OpenedIssue, comments: list[StoredComment]) -> Iterator[Breach]:
    labels = set(parts.box.hosts[one.host].labels(REPOS[one.host], one.number))
    if not comments:
        why = "" if one.accepted else f", refused ({one.statuses}): reconciliation must find it"
        kind = "labels only" if labels else "lost"
        yield Breach(one, kind, f"no comment, labels {sorted(labels)}{why}")
        return
    if len(comments) > 1:
        yield Breach(one, "repeated", f"{len(comments)} comments {[c.id for c in comments]}")
    if labels != one.labels:
        yield Breach(one, "wrong labels", f"{sorted(labels)}, not {sorted(one.labels)}")
    for comment in comments:
        if one.word not in comment.body or MODEL not in comment.body:
            yield Breach(one, "wrong text", "the comment is not the model's for this issue")


def find_leaks(folder: Path, words: Iterable[str]) -> list[str]:
    """Return `file: word` for every word of an issue in the folder's files (Redis's, logs)."""
    sought, leaks = set(words), set()
    for path in (p for p in folder.rglob("*") if p.is_file()):
        for match in PLANTED.findall(path.read_bytes()):
            if match.decode() in sought:
                leaks.add(f"{path.name}: {match.decode()}")
    return sorted(leaks)
